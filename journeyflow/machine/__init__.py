"""How one run of one customer goes through a journey: `behaviours.py` opens with the theory of operation."""

from journeyflow.machine.behaviours import advance

__all__ = ["advance"]
