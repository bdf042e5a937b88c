"""How one run of one customer goes through a journey. Start with `behaviours.py`, the theory of operation."""

from journeyflow.machine.behaviours import advance

__all__ = ["advance"]
