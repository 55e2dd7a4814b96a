"""The conformance suite: cases, drive, checks, judge, report."""
