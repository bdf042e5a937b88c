"""Statistics, experiments and the intervals around their figures."""

CONFIDENCE = 0.95
"""The confidence of an interval, unless a host asks for another."""
