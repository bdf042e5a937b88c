"""What an event costs where much is kept: 5,000 past runs of the customer, 1,000 journeys deployed. Smaller is better.

The event of somebody who went through a journey 5,000 times is held against that of somebody who did five times; the
same event where 1,000 journeys are deployed, of which two listen to it, against a file in which only these two are.
Argument: number of past runs, and a fifth of it of journeys (default 5,000).
"""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from _common import START, count_from_arguments, in_turn, report_cost, shared_by

from journeyflow import End, Engine, Event, Journey, Reentry, Send, Trigger
from journeyflow.stores.sqlite import SQLiteStore

ROUNDS = 9
EACH = 20
"""Events of a round, each with a tick of its own."""

FEW, HEARD = 5, 2


def journey(number: int, event: str) -> Journey:
    """Return a journey through which people go again and again."""
    return Journey(
        id=f"again{number}",
        trigger=Trigger(event),
        reentry=Reentry("always"),
        steps=[Send("hello", channel="EMAIL", template="hello"), End("done")],
    )


class Host:
    """An engine, and somebody whose events it gets."""

    def __init__(self, path: Path, journeys: int, past: int) -> None:
        """Deploy so many journeys, two of which listen; let the customer go through them so often."""
        self.engine, self.now = Engine(SQLiteStore(path, synchronous="NORMAL", nonce="bench"), grace=None), START
        for number in range(journeys):
            self.engine.deploy(journey(number, "visited" if number < HEARD else f"other{number}"), at=START)
        self.heard = min(HEARD, journeys)
        self.engine.put_customer("ada", {}, at=START)
        self.engine.feed(Event("visited", customer="ada", at=self._next()) for _ in range(past))
        assert self.engine.tick(self.now).entered == past * self.heard

    def _next(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def live(self) -> None:
        """Tell of events, one after the other."""
        for _ in range(EACH):
            self.engine.feed([Event("visited", customer="ada", at=self._next())])
            assert self.engine.tick(self.now).entered == self.heard


def compared(figure: str, against: str, sides: tuple[Host, Host], n: int) -> None:
    """Print what an event costs on the first side, against the second."""
    mine, others = (shared_by(EACH, taken) for taken in in_turn(ROUNDS, *(host.live for host in sides)))
    report_cost("crowded", figure, mine, others=others, against=against, n=n)


def main() -> None:
    """Print the figures."""
    past = count_from_arguments(5_000)
    journeys = max(HEARD, past // 5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        sides = Host(path / "past.db", 1, past), Host(path / "few.db", 1, FEW)
        compared("past runs", f"a customer with {FEW}", sides, past)
        sides = Host(path / "many.db", journeys, 1), Host(path / "two.db", HEARD, 1)
        compared("journeys", f"{HEARD} journeys", sides, journeys)


if __name__ == "__main__":
    main()
