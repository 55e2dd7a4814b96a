"""The suite's cli."""
