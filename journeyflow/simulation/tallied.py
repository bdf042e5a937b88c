"""What was counted in a simulation, as figures: each with its band over replications."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import zone
from journeyflow.basics.values import describe
from journeyflow.basics.words import HOLDOUT
from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import kind
from journeyflow.questions.numbers.totals import Totals
from journeyflow.simulation.bands import Band, band


class FunnelRow(NamedTuple):
    """A step of a journey: how many visited it, as a share of those who entered, and how its visits ended.

    `share` is None without entries. `outcomes` are the branches, arms and the like, `skipped` the reasons why a Send
    sent nothing.
    """

    step: str
    kind: str
    visited: Band
    share: float | None
    outcomes: Mapping[str, Band]
    skipped: Mapping[str, Band]


@frozen(repr=False)
class Tallied(Rows):
    """What was counted of simulated journeys; all figures are counted over all replications (`Band`).

    `start` and `until` are in UTC, and days are those of UTC. `seeds` are those of the replications. `customers` is how
    many took part, `journeys` the definitions by id. `tallies` is everything that was counted, one `Counter` per
    replication; the methods and `to_dicts` read it.
    """

    start: datetime
    until: datetime
    seeds: tuple[int, ...]
    journeys: Mapping[str, Journey]
    tallies: tuple[Totals, ...] = field(repr=False)

    def figure(self, *key: Hashable) -> Band:
        """Return the figure that was counted under a key; longer keys that begin with it are summed."""
        return self._band(lambda tally: self._sum(tally, key))

    @staticmethod
    def _sum(tally: Totals, key: tuple[Hashable, ...]) -> int:
        return sum(count for found, count in tally.items() if found[: len(key)] == key)

    def _band(self, of: Callable[[Totals], float]) -> Band:
        return band(of(tally) for tally in self.tallies)

    def groups(self, kind: str, *places: int) -> dict[tuple[Hashable, ...], Band]:
        """Return the figures of one kind, summed by some places of their keys, in order."""
        sums = [Counter[tuple[Hashable, ...]]() for _ in self.tallies]
        for total, tally in zip(sums, self.tallies, strict=True):
            for key, count in tally.items():
                if key[0] == kind:
                    total[tuple(key[place] for place in places)] += count
        keys = sorted({key for total in sums for key in total}, key=str)
        return {key: band(total[key] for total in sums) for key in keys}

    @property
    def customers(self) -> Band:
        """How many took part."""
        return self.figure("customers")

    def entered(self, journey: str) -> Band:
        """Return how many enrollments a journey had, without its holdout."""
        return self._band(lambda tally: self._entered(tally, journey))

    def _entered(self, tally: Totals, journey: str) -> int:
        return self._sum(tally, ("enrollments", journey)) - self._sum(tally, ("enrollments", journey, HOLDOUT))

    def held_out(self, journey: str) -> Band:
        """Return how many customers of a journey are in the holdout (R25); they did not enter."""
        return self.figure("enrollments", journey, HOLDOUT)

    def converted(self, journey: str) -> Band:
        """Return how many enrollments of a journey reached its goal, without its holdout."""
        return self._band(
            lambda tally: self._sum(tally, ("converted", journey)) - self._sum(tally, ("converted", journey, HOLDOUT))
        )

    def goal_rate(self, journey: str) -> Band | None:
        """Return the share of a journey's enrollments that reached its goal; None without entries."""
        if not all(self._entered(tally, journey) for tally in self.tallies):
            return None
        return self._band(
            lambda tally: (
                (self._sum(tally, ("converted", journey)) - self._sum(tally, ("converted", journey, HOLDOUT)))
                / self._entered(tally, journey)
            )
        )

    def statuses(self, journey: str) -> dict[str, Band]:
        """Return how many of those who entered a journey have which status at the end."""
        found = self.groups("enrollments", 1, 2).items()
        return {str(status): many for (name, status), many in found if name == journey and status != HOLDOUT}

    def funnel(self, journey: str) -> tuple[FunnelRow, ...]:
        """Return the steps of a journey in their order, with how many visited each."""
        visits, outcomes, skipped = self.groups("visits", 1, 2), self.groups("outcomes", 1, 2, 4), self.skipped(journey)
        entered = self.entered(journey).median
        rows = []
        for step in self.journeys[journey].steps:
            visited = visits.get((journey, step.id), band([0]))
            ways = {
                str(key[2]): found for key, found in outcomes.items() if key[:2] == (journey, step.id) and key[2] != ""
            }
            share = visited.median / entered if entered else None
            not_sent = {reason: found for (name, reason), found in skipped.items() if name == step.id}
            rows.append(FunnelRow(step.id, kind(step), visited, share, ways, not_sent))
        return tuple(rows)

    def passed(self, journey: str) -> dict[str, Band]:
        """Return how many visits of each step ended and went on: completed ones, and messages that were not sent."""
        return self._by_step(journey, lambda tally, step: self._passed(tally, journey, step))

    def left(self, journey: str) -> dict[str, Band]:
        """Return how many left a journey at each step, by an exit or a failure."""
        return self._by_step(
            journey,
            lambda tally, step: self._sum(tally, ("left", journey, step)) - self._passed(tally, journey, step),
        )

    def _by_step(self, journey: str, of: Callable[[Totals, str], int]) -> dict[str, Band]:
        steps = [step.id for step in self.journeys[journey].steps]
        return {step: band(of(tally, step) for tally in self.tallies) for step in steps}

    def _passed(self, tally: Totals, journey: str, step: str) -> int:
        return sum(self._sum(tally, (what, journey, step)) for what in ("outcomes", "skipped"))

    def lengths(self, journey: str) -> Counter[int]:
        """Return how many enrollments took how many whole minutes to their end, over all replications."""
        lengths = Counter[int]()
        for tally in self.tallies:
            for key, count in tally.items():
                if key[:2] == ("minutes", journey):
                    lengths[int(str(key[2]))] += count
        return lengths

    def messages_per_day(self) -> dict[tuple[str, str], Band]:
        """Return how many messages were sent by (day, channel)."""
        return {(str(day), str(channel)): found for (day, channel), found in self.groups("messages", 1, 2).items()}

    def visits_per_day(self, journey: str) -> dict[tuple[str, str], Band]:
        """Return how many visits of a step began by (day in the journey's zone, step)."""
        found = self.groups("visits", 1, 3, 2).items()
        return {(str(key[1]), str(key[2])): value for key, value in found if key[0] == journey}

    def branches_per_day(self, journey: str) -> dict[tuple[str, str, str], Band]:
        """Return how many visits of a step ended by (day in the journey's zone, step, outcome)."""
        found = self.groups("outcomes", 1, 3, 2, 4).items()
        return {(str(day), str(step), str(way)): value for (name, day, step, way), value in found if name == journey}

    def occupancy(self, journey: str) -> dict[tuple[str, str], Band]:
        """Return how many enrollments rest at a step at the end of each day, by (day in the journey's zone, step).

        The last day ends with the simulation. Where no customer rests in any replication, there is no figure.
        """
        where = zone(self.journeys[journey].timezone)
        first, last = (each.astimezone(where).date() for each in (self.start, self.until))
        days = [f"{first + timedelta(days=n)}" for n in range((last - first).days + 1)]
        standing = [self._standing(tally, journey, days) for tally in self.tallies]
        keys = sorted({key for each in standing for key, count in each.items() if count})
        return {key: band(each[key] for each in standing) for key in keys}

    @staticmethod
    def _standing(tally: Totals, journey: str, days: Sequence[str]) -> Counter[tuple[str, str]]:
        """Return how many rest by (day, step): those inside at the beginning, and who came and left since."""
        inside, moved = Counter[str](), Counter[tuple[str, str]]()
        for (what, *key), count in tally.items():
            if what in _TURNOVER and key[0] == journey:
                if what == "inside":
                    inside[str(key[1])] += count
                else:
                    moved[str(key[2]), str(key[1])] += count if what == "visits" else -count
        found = Counter[tuple[str, str]]()
        for step in {*inside, *(step for _, step in moved)}:
            now = inside[step]
            for day in days:
                now += moved[day, step]
                found[day, step] = now
        return found

    def time_to_end(self, journey: str, share: float = 0.5) -> float | None:
        """Return after how many minutes a share of the ended enrollments of all replications had ended, or None."""
        lengths = self.lengths(journey)
        wanted = share * lengths.total()
        passed = 0
        for minutes in sorted(lengths):
            passed += lengths[minutes]
            if passed >= wanted:
                return float(minutes)
        return None

    def revenue(self, journey: str | None = None) -> Band:
        """Return the revenue that messages brought, in minor units, of a journey or of all."""
        return self.figure("revenue", journey) if journey is not None else self.figure("revenue")

    def refusals(self, journey: str) -> dict[str, Band]:
        """Return how many entries a journey refused, by reason."""
        return {str(key[1]): found for key, found in self.groups("refusals", 1, 3).items() if key[0] == journey}

    def resting(self, journey: str) -> dict[str, Band]:
        """Return how many enrollments of a journey rest at which step at the end, as far as that was counted."""
        return {str(key[1]): found for key, found in self.groups("resting", 1, 2).items() if key[0] == journey}

    def background(self, event: str) -> tuple[Band, Band]:
        """Return how often participants caused a background event, and how many of them did."""
        return self.figure("background", event), self.figure("acted", event)

    def skipped(self, journey: str) -> dict[tuple[str, str], Band]:
        """Return how many messages were not sent by (step, reason): caps, consent, quiet hours and the like."""
        found = self.groups("skipped", 1, 2, 4).items()
        return {(str(key[1]), str(key[2])): value for key, value in found if key[0] == journey}

    def caps_hit(self, journey: str | None = None) -> dict[tuple[str, str], Band]:
        """Return how often a cap closed, of a journey or of all, by (the cap in words, what it did to the message).

        That is "skipped", or "deferred" where the cap holds messages until they fit.
        """
        if journey is None:
            return {(str(cap), str(did)): found for (cap, did), found in self.groups("caps", 3, 4).items()}
        found = self.groups("caps", 1, 3, 4).items()
        return {(str(cap), str(did)): hits for (name, cap, did), hits in found if name == journey}

    def claimed_per_hour(self) -> dict[tuple[str, str], Band]:
        """Return how many messages were handed to workers by (hour in UTC, channel): the load on a claim queue."""
        return {(str(hour), str(channel)): found for (hour, channel), found in self.groups("handed out", 1, 2).items()}

    def backlog(self, per_hour: float) -> dict[str, Band]:
        """Return how many messages would still wait at the end of each hour if workers took no more than `per_hour`.

        Hours in which nothing would wait are left out; after the last message, the queue goes on until it is empty.
        Raises ValueError unless `per_hour` is above 0.
        """
        if not per_hour > 0:
            msg = f"per_hour must be above 0, not {describe(per_hour)}"
            raise ValueError(msg)
        queues = [_backlog(tally, per_hour) for tally in self.tallies]
        return {hour: band(each.get(hour, 0) for each in queues) for hour in sorted({*(h for q in queues for h in q)})}

    @property
    def busiest_hour(self) -> tuple[str, Band] | None:
        """The hour in which most messages were handed to workers, in UTC, and how many there were; None if none."""
        found = self.groups("handed out", 1)
        if not found:
            return None
        (hour,), count = max(found.items(), key=lambda each: (each[1].median, str(each[0])))
        return str(hour), count

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every figure as a plain row: what it is, its key, its median and its band.

        The keys are `journey`, `step`, `day`, `label`, `cap`, `channel` and `hour` where they apply.
        """
        return [
            {"figure": name, **dict(zip(columns, key, strict=True)), **found._asdict()}
            for name, columns, places in _ROWS
            for key, found in self.groups(name, *places).items()
        ] + [*self._derived()]

    def _derived(self) -> Iterator[dict[str, object]]:
        """Yield the rows of figures that follow from others."""
        for name in self.journeys:
            yield {"figure": "entered", "journey": name, **self.entered(name)._asdict()}
            if any(held_out := self.held_out(name)):
                yield {"figure": "held out", "journey": name, **held_out._asdict()}
            if (rate := self.goal_rate(name)) is not None and self.journeys[name].goal is not None:
                yield {"figure": "goal rate", "journey": name, **rate._asdict()}
            for (day, step), found in self.occupancy(name).items():
                yield {"figure": "occupancy", "journey": name, "step": step, "day": day, **found._asdict()}


_TURNOVER = frozenset({"inside", "visits", "left"})
"""What is counted of who rests at a step: those of the beginning, who came and who left."""


def _backlog(tally: Totals, per_hour: float) -> dict[str, int]:
    """Return how many messages wait at the end of each hour in which any do."""
    came = Counter[datetime]()
    for key, count in tally.items():
        if key[0] == "handed out":
            came[datetime.fromisoformat(str(key[1]))] += count
    found, waiting = dict[str, int](), 0.0
    hour, last = min(came, default=None), max(came, default=None)
    while hour is not None and last is not None and (hour <= last or waiting > 0):
        waiting = max(0.0, waiting + came[hour] - per_hour)
        if waiting > 0:
            found[f"{hour:%Y-%m-%d %H}:00"] = ceil(waiting)
        hour += timedelta(hours=1)
    return found


_ROWS: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("customers", (), ()),
    ("enrollments", ("journey", "label"), (1, 2)),
    ("converted", ("journey", "label"), (1, 2)),
    ("visits", ("journey", "step", "day"), (1, 2, 3)),
    ("outcomes", ("journey", "step", "day", "label"), (1, 2, 3, 4)),
    ("skipped", ("journey", "step", "day", "label"), (1, 2, 3, 4)),
    ("caps", ("journey", "step", "cap", "label"), (1, 2, 3, 4)),
    ("refusals", ("journey", "day", "label"), (1, 2, 3)),
    ("revenue", ("journey",), (1,)),
    ("reactions", ("journey", "step", "day", "label"), (1, 2, 3, 4)),
    ("messages", ("day", "channel", "journey", "step"), (1, 2, 3, 4)),
    ("handed out", ("hour", "channel"), (1, 2)),
    ("background", ("label", "day"), (1, 2)),
    ("acted", ("label",), (1,)),
    ("minutes", ("journey", "label"), (1, 2)),
    ("ended", ("journey",), (1,)),
    ("resting", ("journey", "step"), (1, 2)),
)
"""The figures of `to_dicts`: the name, the columns of its key, and where they stand in the keys of the tallies."""
