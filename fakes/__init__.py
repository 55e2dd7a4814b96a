"""Fake upstreams: scripted and recorded replies in the dialects of real services."""
