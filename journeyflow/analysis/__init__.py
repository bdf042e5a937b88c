"""Knowing a journey before it runs: its paths, what can be proved of it, what a change does, what a test needs."""

from journeyflow.analysis.analysis import Analysis, analyze
from journeyflow.analysis.calibrating import Calibration, CheckedFigure, calibration
from journeyflow.analysis.compare import compare
from journeyflow.analysis.coverage import Coverage, CoveredWay, coverage
from journeyflow.analysis.cycles import Cycle, JourneyStart, cycles
from journeyflow.analysis.differences import JourneyDifference, diff
from journeyflow.analysis.forecasting import Forecast, forecast
from journeyflow.analysis.impact import BranchImpact, Impact, PairedFigure, StepImpact
from journeyflow.analysis.lints import lint
from journeyflow.analysis.paths import AllPaths, Path
from journeyflow.analysis.plans import ExperimentPlan, PlannedGroup
from journeyflow.analysis.power import power, sample_size, smallest_difference
from journeyflow.analysis.proofs import Proof
from journeyflow.analysis.propagation import Propagation, propagate
from journeyflow.analysis.reads import EarlyRead
from journeyflow.analysis.spans import Span
from journeyflow.analysis.ways import DeadEnd, Passage

__all__ = [
    "AllPaths",
    "Analysis",
    "BranchImpact",
    "Calibration",
    "CheckedFigure",
    "Coverage",
    "CoveredWay",
    "Cycle",
    "DeadEnd",
    "EarlyRead",
    "ExperimentPlan",
    "Forecast",
    "Impact",
    "JourneyDifference",
    "JourneyStart",
    "PairedFigure",
    "Passage",
    "Path",
    "PlannedGroup",
    "Proof",
    "Propagation",
    "Span",
    "StepImpact",
    "analyze",
    "calibration",
    "compare",
    "coverage",
    "cycles",
    "diff",
    "forecast",
    "lint",
    "power",
    "propagate",
    "sample_size",
    "smallest_difference",
]
