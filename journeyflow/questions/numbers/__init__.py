"""Statistics, experiments and the intervals around their figures."""
