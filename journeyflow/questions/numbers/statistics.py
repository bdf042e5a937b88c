"""Statistics of journeys, steps, channels, domains and tenants, from the kept counters (R81 to R83, F150 to F189).

An answer costs what the days of the window cost, however many people are enrolled.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from journeyflow.basics.moments import UTC_ZONE, from_micros
from journeyflow.basics.values import dumps
from journeyflow.basics.words import REVENUE
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.definition.steps import Condition, Send, Split, Step, kind
from journeyflow.errors import NotFound, did_you_mean
from journeyflow.questions.numbers.figures import (
    EMPTY_DAY,
    EMPTY_DAY_UNQUEUED,
    Benchmark,
    Count,
    DayStats,
    JourneyStats,
    MessageStats,
    PeopleStats,
    StepStats,
)
from journeyflow.questions.numbers.window import Asked, days_between, positions_of, window
from journeyflow.records.counting import ALL, COUNTED_EVENTS, QUEUED_COUNT
from journeyflow.stores.contract import SqlReader

Cell = tuple[int, int]

Cells = Mapping[tuple[str, str], Cell]
"""What was counted in one place on one day: (what, label) -> (total, uniques)."""

LEFT = ("completed", "skipped", "exited", "failed")
"""How people leave a step, or a journey."""

UNTOLD: Sequence[int | None] = (None,) * (1 + len(LEFT))
"""People who come and leave, where they are unknown."""

SENT = "message.sent"

OF_MESSAGES = frozenset({*COUNTED_EVENTS, QUEUED_COUNT, REVENUE})
"""What is counted of messages, by channel; everything else is about people."""

# --- answers ----------------------------------------------------------------------------------------------------------


class KeptCounters(NamedTuple):
    """The counters of one journey that an answer is made of.

    `places` are the days of the window by their ISO dates. `cells` are by step, empty for the journey itself, and day;
    most days of most steps have none, so an answer goes through those that are there, not through the window.
    """

    record: JourneyRecord
    asked: Asked
    days: Sequence[date]
    places: Mapping[str, int]
    cells: dict[str, dict[str, dict[tuple[str, str], Cell]]]
    last: dict[tuple[str, str], int]

    def at(self, step: str, day: str = ALL) -> Cells:
        """Return what was counted at a step on a day, or on all days."""
        return self.cells.get(step, {}).get(day, {})

    def within(self, steps: Iterable[str]) -> Iterator[tuple[str, Cells]]:
        """Yield what was counted at some steps on each day of the window."""
        for step in steps:
            for day, cells in self.cells.get(step, {}).items():
                if day in self.places:
                    yield day, cells


def all_stats(reader: SqlReader, records: Sequence[JourneyRecord], asked: Asked) -> tuple[JourneyStats, ...]:
    """Return the statistics of journeys, in their order, with one query however many there are (F251).

    Raises NotFound for a step that a journey does not have and for a channel that none of them has, InvalidInput with
    every fault of the question.
    """
    kept = {record.number: _kept(record, asked) for record in records}
    days = {ALL}.union(*(each.places for each in kept.values()))
    domain = ALL if asked.domain is None else asked.domain.lower()
    _check_channel(records, asked.channel)
    for number, day, step, what, label, total, uniques, last_at in reader.rows(
        "SELECT journey, day, step, what, label, total, uniques, last_at FROM counters"
        " WHERE journey IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"
        " AND day IN (SELECT value FROM json_each(?)) AND domain = ?",
        (dumps(sorted(kept)), dumps(sorted(days)), domain),
    ):
        if asked.channel is not None and not (what in OF_MESSAGES and label == asked.channel):
            continue
        found = kept[number]
        found.cells.setdefault(step, {}).setdefault(day, {})[what, label] = (total, uniques)
        if day == ALL:
            found.last[step, what] = max(last_at, found.last.get((step, what), last_at))
    return tuple(map(_journey_stats, kept.values()))


def _kept(record: JourneyRecord, asked: Asked) -> KeptCounters:
    """Return the counters of a journey before anything was read of them."""
    days = window(asked, record.zone)
    return KeptCounters(record, asked, days, positions_of(days[0], days[-1]), {}, {})


def _journey_stats(kept: KeptCounters) -> JourneyStats:
    record, asked, days = kept.record, kept.asked, kept.days
    steps = _steps(record)
    chosen = [_chosen(record, steps, asked.step)] if asked.step is not None else list(steps)
    channels = {step: names for step, names in _channels(record).items() if step in chosen}
    activity = [at for (step, _), at in kept.last.items() if asked.step in {None, step}]
    places = record.newest.journey.index
    came = ("", "entered") if asked.step is None else (asked.step, "visited")
    sends = channels if channels or asked.step is None else None
    return JourneyStats(
        record.tenant,
        record.id,
        asked.step,
        asked.domain,
        asked.channel,
        days[0],
        days[-1],
        record.zone.key,
        _people(kept.at(came[0]), came[1]) if asked.of_people else None,
        None if sends is None else _lifetime(kept, sends),
        None if sends is None else _messages(kept, kept.within(sends)),
        _when(kept.last.get(came)),
        _when(max(activity, default=None)),
        _daily(kept, came, sends),
        {step: _step(kept, steps[step], places.get(step), channels.get(step)) for step in chosen},
        None if sends is None else _by_channel(kept, sends),
    )


def _steps(record: JourneyRecord) -> dict[str, Step]:
    """Return the steps of the newest version in order, then those of older versions alone, the newest first."""
    found = {step.id: step for step in record.newest.journey.steps}
    for _, program in reversed(record.versions):
        for step in program.journey.steps:
            found.setdefault(step.id, step)
    return found


def _channels(record: JourneyRecord) -> dict[str, list[str]]:
    """Return the channels of every step that is a Send in any version, whatever it is in the newest, sorted."""
    found = dict[str, set[str]]()
    for _, program in record.versions:
        for step in program.journey.steps:
            if isinstance(step, Send):
                found.setdefault(step.id, set()).add(step.channel)
    return {step: sorted(names) for step, names in found.items()}


def _check_channel(records: Iterable[JourneyRecord], channel: str | None) -> None:
    """Raise NotFound for a channel by which none of the journeys has ever sent, if any of them sends at all."""
    if channel is not None:
        known = {name for record in records for names in _channels(record).values() for name in names}
        if known and channel not in known:
            what = "channel"
            raise NotFound(what, channel, did_you_mean(channel, sorted(known)))


def _chosen(record: JourneyRecord, steps: Mapping[str, Step], step: str) -> str:
    """Return a step that exists; raises NotFound."""
    if step not in steps:
        what = "step"
        raise NotFound(what, step, did_you_mean(step, steps), journey=record.id)
    return step


def _people(cells: Cells, came: str) -> PeopleStats:
    """Return counts of people: enrollments of a journey, or visits of a step."""
    total, first = cells.get((came, ""), (0, 0))
    left = {word: _counted(cells, word) for word in LEFT}
    active = total - sum(left.values())
    if came == "visited":
        return PeopleStats(total, active, **left)
    kept_out, converted = _counted(cells, "holdout"), _counted(cells, "converted")
    return PeopleStats(total, active, **left, lifetime=first, holdout=kept_out, converted=converted)


def _counted(cells: Cells, word: str) -> int:
    """Return how often something was counted, whatever its label."""
    return sum(total for (what, _), (total, _) in cells.items() if what == word)


def _messages(kept: KeptCounters, counted: Iterable[tuple[str, Cells]]) -> MessageStats:
    """Return the figures of the messages among what was counted on some days."""
    cells = chain.from_iterable(each.items() for _, each in counted)
    return _summed(cells, queued=kept.asked.domain is None)


def _lifetime(kept: KeptCounters, sends: Iterable[str]) -> MessageStats:
    """Return the figures of the messages of some steps on all days."""
    return _messages(kept, [(ALL, kept.at(step)) for step in sends])


def _by_channel(kept: KeptCounters, sends: Mapping[str, Sequence[str]]) -> dict[str, MessageStats]:
    """Return the figures of the window by channel, sorted; a channel by which nothing was sent is known to be 0."""
    asked, found = kept.asked, dict[str, list[tuple[tuple[str, str], Cell]]]()
    for name in chain.from_iterable(sends.values()):
        if asked.channel in {None, name}:
            found[name] = []
    for _, cells in kept.within(sends):
        for (what, label), cell in cells.items():
            if what in OF_MESSAGES:
                found.setdefault(label, []).append(((what, label), cell))
    return {name: _summed(found[name], queued=asked.domain is None) for name in sorted(found)}


def _summed(cells: Iterable[tuple[tuple[str, str], Cell]], *, queued: bool) -> MessageStats:
    sums: dict[str, list[int]] = {}
    for (what, _), (total, uniques) in cells:
        found = sums.setdefault(what, [0, 0])
        found[0] += total
        found[1] += uniques
    counts = {kind.removeprefix("message."): Count(*sums[kind]) for kind in COUNTED_EVENTS if kind in sums}
    waiting = sums.get(QUEUED_COUNT, [0])[0] if queued else None
    return MessageStats(waiting, **counts, revenue=sums.get(REVENUE, [0])[0])


def _daily(kept: KeptCounters, came: tuple[str, str], sends: Iterable[str] | None) -> tuple[DayStats, ...]:
    """Return every day of the window, in order."""
    queued = None if sends is None else kept.asked.domain is None
    quiet = _quiet(kept.days[0], kept.days[-1], kept.asked.of_people, came[1] == "entered", queued)
    busy = {day for day, _ in kept.within({came[0], *(sends or ())})}
    if not busy:
        return quiet
    found = list(quiet)
    for day in busy:
        place = kept.places[day]
        found[place] = _day(kept, kept.days[place], day, came, sends)
    return tuple(found)


@lru_cache(256)
def _quiet(since: date, until: date, people: bool, entered: bool, queued: bool | None) -> tuple[DayStats, ...]:
    """Return the days of a window on which nothing was counted: the same few objects for every step that rests.

    `people` is whether people are known, `entered` whether the days are those of a journey, `queued` whether queued
    messages are known, None where there are no messages.
    """
    none = 0 if people else None
    converted = none if entered else None
    messages = None if queued is None else EMPTY_DAY if queued else EMPTY_DAY_UNQUEUED
    return tuple(DayStats(day, none, none, none, none, none, converted, messages) for day in days_between(since, until))


def _day(kept: KeptCounters, day: date, iso: str, came: tuple[str, str], sends: Iterable[str] | None) -> DayStats:
    """Return one day; people are known unless a mailbox domain or a channel is asked for."""
    cells = kept.at(came[0], iso)
    known = kept.asked.of_people
    people = [_counted(cells, word) for word in (came[1], *LEFT)] if known else UNTOLD
    entered, completed, skipped, exited, failed = people
    converted = _counted(cells, "converted") if known and came[1] == "entered" else None
    messages = None if sends is None else _messages(kept, [(iso, kept.at(step, iso)) for step in sends])
    return DayStats(day, entered, completed, skipped, exited, failed, converted, messages)


def _step(kept: KeptCounters, step: Step, place: int | None, channels: Sequence[str] | None) -> StepStats:
    """Return what happened at a step within the window, and in all.

    `place` is None for a step that the newest version does not have, `channels` for one that never sent.
    """
    sends = None if channels is None else {step.id: channels}
    known = kept.asked.of_people
    daily = _daily(kept, (step.id, "visited"), sends)
    people = _people(kept.at(step.id), "visited") if known else None
    return StepStats(
        step.id,
        kind(step),
        None if place is None else place + 1,
        None if people is None else people.active,
        sum(day.entered or 0 for day in daily) if known else None,
        _outcomes(kept, step) if known else None,
        None if sends is None else _messages(kept, kept.within(sends)),
        daily,
        None if sends is None else _by_channel(kept, sends),
        people,
        None if sends is None else _lifetime(kept, sends),
    )


def _outcomes(kept: KeptCounters, step: Step) -> dict[str, int]:
    """Count visits of the window by outcome; a branch or an arm that no customer took is known to be 0."""
    found: dict[str, int] = dict.fromkeys(_labels(step), 0)
    for _, cells in kept.within([step.id]):
        for (what, label), (total, _) in cells.items():
            if label and what in LEFT:
                found[label] = found.get(label, 0) + total
    return found


def _labels(step: Step) -> list[str]:
    if isinstance(step, Condition):
        return [*(branch.label for branch in step.branches), step.else_label]
    return [arm.label for arm in step.arms] if isinstance(step, Split) else []


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


# --- mailbox domains, accounts ----------------------------------------------------------------------------------------


def domain_stats(reader: SqlReader, record: JourneyRecord, asked: Asked) -> dict[str, MessageStats]:
    """Return what became of messages within the window by mailbox domain, most sent first, then by name (F175).

    The empty domain holds the messages that have none. Raises as `all_stats` does.
    """
    days = window(asked, record.zone)
    _check_channel([record], asked.channel)
    if asked.step is not None:
        _chosen(record, _steps(record), asked.step)
    cells: dict[str, list[tuple[tuple[str, str], Cell]]] = {}
    for domain, what, total, uniques in reader.rows(
        "SELECT domain, what, sum(total), sum(uniques) FROM counters"
        " WHERE journey = ? AND day IN (SELECT value FROM json_each(?)) AND domain <> ? AND step = ifnull(?, step)"
        " AND label = ifnull(?, label) GROUP BY domain, what",
        (record.number, dumps([day.isoformat() for day in days]), ALL, asked.step, asked.channel),
    ):
        cells.setdefault(domain, []).append(((what, ""), (total, uniques)))
    found = {domain: _summed(each, queued=False) for domain, each in cells.items()}
    return dict(sorted(found.items(), key=lambda each: (-each[1].sent.unique, each[0])))


def benchmark(reader: SqlReader, tenant: str, records: Sequence[JourneyRecord], asked: Asked) -> Benchmark:
    """Return the sums over the journeys of a tenant that sent something within the window (F184 to F188).

    The window is that of `stats`, for each journey in its own zone. Raises as `all_stats` does.
    """
    days = {record.number: window(asked, record.zone) for record in records}
    _check_channel(records, asked.channel)
    spans = [[number, each[0].isoformat(), each[-1].isoformat()] for number, each in days.items()]
    cells: dict[int, list[tuple[tuple[str, str], Cell]]] = {}
    for number, what, total, uniques in reader.rows(
        "SELECT c.journey, c.what, sum(c.total), sum(c.uniques) FROM json_each(?) k CROSS JOIN counters c"
        " ON c.journey = CAST(k.value ->> 0 AS INTEGER)"
        " AND c.day BETWEEN k.value ->> 1 AND k.value ->> 2 AND c.domain = ?"
        " WHERE c.what IN (SELECT value FROM json_each(?)) AND c.label = ifnull(?, c.label) GROUP BY 1, 2",
        (dumps(spans), ALL, dumps(sorted(OF_MESSAGES)), asked.channel),
    ):
        cells.setdefault(number, []).append(((what, ""), (total, uniques)))
    senders = {number: each for number, each in cells.items() if any(what == SENT for (what, _), _ in each)}
    enrolled = reader.rows(
        "SELECT ifnull(sum(total), 0) FROM counters"
        " WHERE journey IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND day = ?"
        " AND domain = ? AND step = '' AND what = 'entered'",
        (dumps(sorted(senders)), ALL, ALL),
    )[0][0]
    messages = _summed(chain.from_iterable(senders.values()), queued=True)
    ends = [day for each in days.values() or [window(asked, UTC_ZONE)] for day in (each[0], each[-1])]
    return Benchmark(tenant, min(ends), max(ends), len(senders), enrolled, messages, asked.channel)


def last_counted(reader: SqlReader, tenant: str) -> datetime | None:
    """Return the newest instant at which anything of a tenant was counted; None if nothing ever was."""
    rows = reader.rows(
        "SELECT max(c.last_at) FROM journeys j CROSS JOIN counters c ON c.journey = j.number"
        " WHERE j.tenant = ? AND c.day = ? AND c.domain = ?",
        (tenant, ALL, ALL),
    )
    return _when(rows[0][0])
