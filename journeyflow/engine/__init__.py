"""The interface for hosts: load, run, commit, and hand messages over."""

from journeyflow.engine.engine import Engine

__all__ = ["Engine"]
