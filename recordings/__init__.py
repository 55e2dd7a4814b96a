"""Recorded upstream traffic: data only; `fakes.recording` reads it."""
