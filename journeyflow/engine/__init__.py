"""The interface for hosts: an `Engine` loads, runs and commits work, and hands messages over."""

from journeyflow.engine.engine import Engine

__all__ = ["Engine"]
