"""Knowing a journey before it runs: what an experiment needs and shows."""

from journeyflow.analysis.power import ExperimentPlan, PlannedGroup, power, sample_size, smallest_difference

__all__ = ["ExperimentPlan", "PlannedGroup", "power", "sample_size", "smallest_difference"]
