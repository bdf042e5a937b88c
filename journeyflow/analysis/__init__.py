"""Knowing a journey before it runs: its paths, what can be proved of it, and what an experiment needs and shows."""

from journeyflow.analysis.analysis import Analysis, analyze
from journeyflow.analysis.forecasting import Forecast, forecast
from journeyflow.analysis.paths import AllPaths, Path
from journeyflow.analysis.power import ExperimentPlan, PlannedGroup, power, sample_size, smallest_difference
from journeyflow.analysis.proofs import Proof
from journeyflow.analysis.propagation import Propagation, propagate
from journeyflow.analysis.spans import Span
from journeyflow.analysis.ways import DeadEnd, Passage

__all__ = [
    "AllPaths",
    "Analysis",
    "DeadEnd",
    "ExperimentPlan",
    "Forecast",
    "Passage",
    "Path",
    "PlannedGroup",
    "Proof",
    "Propagation",
    "Span",
    "analyze",
    "forecast",
    "power",
    "propagate",
    "sample_size",
    "smallest_difference",
]
