"""The suite's miniatures."""
