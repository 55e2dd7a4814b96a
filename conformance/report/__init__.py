"""The suite's report."""
