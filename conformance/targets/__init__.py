"""The suite's targets."""
