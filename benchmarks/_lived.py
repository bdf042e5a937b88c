"""What came of living through the mixed month with some program, in which peers and this engine are compared."""

from collections import Counter
from typing import Any, NamedTuple

from mixed import HOURLY, Host, Sent, Told

Ended = Counter[tuple[str, str, bool]]
"""How many runs there are of each journey and status, and whether they met the goal."""


class Lived(NamedTuple):
    """What a month cost, in seconds, and what was decided in it; None is what a program does not keep."""

    cpu: float
    wall: float
    sent: Sent | None = None
    ended: Ended | None = None
    steps: Counter[str] | None = None
    """How many messages there are of each step."""

    def of(self, sent: Sent, ended: Ended | None = None) -> "Lived":
        """Return the same with what was decided."""
        return self._replace(sent=sent, ended=ended, steps=Counter(step for _, _, _, step, _ in sent))

    def agrees(self, other: "Lived") -> bool:
        """Return whether both decided the same, as far as both keep it."""
        pairs = ((self.sent, other.sent), (self.ended, other.ended), (self.steps, other.steps))
        return all(mine == its for mine, its in pairs if mine is not None and its is not None)


def lived(program: Any, told: list[Told]) -> Lived:  # noqa: ANN401 it answers as an engine does
    """Live through the month, with hourly ticks."""
    host = Host(program, told)
    host.live(HOURLY)
    return Lived(host.cpu, host.wall)
