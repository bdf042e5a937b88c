"""Runs of the engine over past and made-up events: back-tests and the demonstration."""

from journeyflow.simulation.backtest import Backtest, backtest

__all__ = ["Backtest", "backtest"]
