"""Examples of rules: a right answer and the same one with just that rule broken, a few lines of each."""

from conformance.examples.example import Example, example_of

__all__ = ["Example", "example_of"]
