"""Runs of the engine over past and made-up events: simulations, back-tests and the demonstration."""

from journeyflow.simulation.backtest import Backtest, backtest
from journeyflow.simulation.behavior import Background, Behavior, Chance, Lift, When
from journeyflow.simulation.draws import Choice, Dates, Delay, Draws, LogNormal, Normal, Uniform
from journeyflow.simulation.outcome import Band, FunnelRow, Outcome
from journeyflow.simulation.population import Arrivals, Population
from journeyflow.simulation.run import simulate

__all__ = [
    "Arrivals",
    "Background",
    "Backtest",
    "Band",
    "Behavior",
    "Chance",
    "Choice",
    "Dates",
    "Delay",
    "Draws",
    "FunnelRow",
    "Lift",
    "LogNormal",
    "Normal",
    "Outcome",
    "Population",
    "Uniform",
    "When",
    "backtest",
    "simulate",
]
