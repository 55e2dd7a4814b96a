"""The suite's cases."""
