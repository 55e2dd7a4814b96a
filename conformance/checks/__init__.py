"""The suite's checks."""
