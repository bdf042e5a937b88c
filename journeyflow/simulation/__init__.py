"""Running journeys on what happened, or on what might."""

from journeyflow.simulation.backtest import Backtest, backtest

__all__ = ["Backtest", "backtest"]
