"""Mutation: whether a small mistake in the checks is noticed by the right transcripts, the miniatures or a test."""
