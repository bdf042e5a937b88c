"""Keeping Python's cycle collector from running where it would do harm: in the middle of a batch, or under a lock."""

import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")

Returned = TypeVar("Returned")


def undisturbed(work: Callable[Given, Returned], *args: Given.args, **kwargs: Given.kwargs) -> Returned:
    """Return what a call returns, made while the cycle collector rests.

    Work makes tens of thousands of small objects that form no cycles. The collector would look at them, and at
    everything the host holds, again and again: up to half of the time in memory.
    """
    was_enabled = gc.isenabled()
    try:
        try:
            gc.disable()
            return work(*args, **kwargs)
        finally:
            _enable(was_enabled)
    finally:
        _enable(was_enabled)  # again: an interrupt may fall into the first time


def _enable(was_enabled: bool) -> None:
    """Start the collector again if it was running before."""
    if was_enabled:
        gc.enable()
