"""Runs of the engine over past and made-up events: simulations, back-tests and the demonstration."""

from journeyflow.records.public import Enroll, Put
from journeyflow.simulation.arrivals import Arrivals
from journeyflow.simulation.background import Background, Lift
from journeyflow.simulation.backtest import Backtest, backtest
from journeyflow.simulation.bands import Band
from journeyflow.simulation.behavior import Behavior, Chance, Fit, When
from journeyflow.simulation.behavior_file import loads_behavior
from journeyflow.simulation.draws import Beta, Choice, Dates, Delay, Draws, Key, LogNormal, Normal, Uniform
from journeyflow.simulation.fitting import Frequency, Rate
from journeyflow.simulation.outcome import Outcome
from journeyflow.simulation.population import Population, PopulationFit
from journeyflow.simulation.recording import Deliver, Submitted
from journeyflow.simulation.run import simulate
from journeyflow.simulation.tallied import FunnelRow

__all__ = [
    "Arrivals",
    "Background",
    "Backtest",
    "Band",
    "Behavior",
    "Beta",
    "Chance",
    "Choice",
    "Dates",
    "Delay",
    "Deliver",
    "Draws",
    "Enroll",
    "Fit",
    "Frequency",
    "FunnelRow",
    "Key",
    "Lift",
    "LogNormal",
    "Normal",
    "Outcome",
    "Population",
    "PopulationFit",
    "Put",
    "Rate",
    "Submitted",
    "Uniform",
    "When",
    "backtest",
    "loads_behavior",
    "simulate",
]
