"""Journeys on SimPy: each run is a process."""

from functools import partial
from pathlib import Path

import memory
from _common import spent
from _in_simpy import Month as Model
from _lived import Lived
from mixed import DAYS, START, Told


def welcome(_: Path, count: int) -> int:
    """Run the welcome."""
    memory.run_simpy(count)
    return 2 * count


class Month:
    """The month, as a model that replays it."""

    def __init__(self, _: Path) -> None:
        """Begin with nobody there."""

    def live(self, told: list[Told]) -> Lived:
        """Live through the month."""
        model = Model(told, START)
        return Lived(*spent(partial(model.run, DAYS)), steps=model.sent)
