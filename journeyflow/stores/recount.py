"""Recounting: the counters computed from the log, compared with those that are stored (R80)."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from journeyflow.basics.moments import zone
from journeyflow.basics.values import loads
from journeyflow.basics.words import ATTRIBUTED, HOLDOUT, REVENUE
from journeyflow.records.counting import ALL, COUNTED_EVENTS, QUEUED_COUNT, Instants, Note, Sums, Walked, entry_kind
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Counter
from journeyflow.stores.contract import SqlReader

AT_ONCE = 50_000
"""How many rows of the log are summed up at a time: some tens of megabytes."""

_COUNTER = ", ".join(Counter._fields)

_MOVES = """
SELECT e.journey, e.status, ifnull(m.steps, p.steps), m.visit, e.run, m.at
FROM moves m JOIN enrollments e ON e.serial = m.enrollment LEFT JOIN paths p ON p.number = m.path
"""

_TOLD = f"""
SELECT 'message.sent', at, id, 1 FROM inputs WHERE kind = 'ack' AND outcome = 'handled'
UNION ALL
SELECT type, at, data ->> 'message', iif(type = '{REVENUE}', CAST(data ->> 'amount' AS INTEGER), 1) FROM inputs
WHERE kind = 'event' AND outcome = 'handled' AND data ->> 'message' IS NOT NULL
  AND type IN ('{REVENUE}', {", ".join(f"'{kind}'" for kind in COUNTED_EVENTS)})
UNION ALL
SELECT type, at, substr(outcome, {len(ATTRIBUTED) + 1}), CAST(data ->> 'amount' AS INTEGER) FROM inputs
WHERE kind = 'event' AND type = '{REVENUE}' AND outcome LIKE '{ATTRIBUTED}%'
"""
"""The inputs about messages, in no particular order; a handled input names an existing message."""


def recount(reader: SqlReader) -> tuple[Counter, ...]:
    """Return the counters of the whole log, sorted by key: every move, conversion, message event and revenue.

    Opening balances replace what was pruned (R86). Everything is read once, in parts.
    """
    sums = Sums(_zones(reader))
    for moves in _parts(reader.stream(_MOVES)):
        sums.walk(_walked(moves))
    for notes in _parts(_notes(reader)):
        sums.note(notes)
    again = {row[:6]: row for row in sums.rows()}
    for row in reader.stream(f"SELECT {_COUNTER} FROM openings"):
        opening = Counter(*row)
        counted = again.get(opening[:6])
        again[opening[:6]] = opening if counted is None else opening.plus(counted)
    return tuple(again[key] for key in sorted(again))


def miscounts(reader: SqlReader) -> Iterator[str]:
    """Yield a sentence for each stored counter that differs from the log, sorted by key."""
    names = dict(reader.rows("SELECT number, id FROM journeys"))
    kept = {row[:6]: row[6:] for row in reader.stream(f"SELECT {_COUNTER} FROM counters")}
    again = {tuple(row[:6]): tuple(row[6:]) for row in recount(reader)}
    for key in sorted(kept.keys() | again.keys()):
        found, wanted = kept.get(key, (0, 0, None)), again.get(key, (0, 0, None))
        if found != wanted:
            journey, day, domain, step, what, label = key
            yield (
                f"journey {names.get(journey)!r} counts {found} of {what!r} {label!r} at step {step!r}, day {day!r},"
                f" domain {domain!r}; its history says {wanted}"
            )


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield lists of at most AT_ONCE rows."""
    rest = iter(rows)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _zones(reader: SqlReader) -> dict[int, ZoneInfo]:
    """Return the zone of each journey: that of its first version (R82)."""
    rows = reader.rows("SELECT journey, definition ->> 'timezone' FROM versions WHERE version = 1")
    return {journey: zone(name or "UTC") for journey, name in rows}


def _walked(moves: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Walked, Instants]]:
    """Yield groups of identical moves, as the batches counted them, with the instants of each group."""
    groups: defaultdict[tuple[int, str, str, int], Instants] = defaultdict(list)
    for journey, status, path, visit, number, at in moves:
        groups[journey, status, path, entry_kind(visit, number)].append(at)
    for (journey, status, path, entry), instants in groups.items():
        yield Walked(journey, status, loads(path), entry), instants


def _notes(reader: SqlReader) -> Iterator[Note]:
    """Yield what no move counts: holdouts, conversions, messages and their first events, and inputs about messages."""
    for journey, number, at in reader.stream(
        "SELECT journey, run, entered_at FROM enrollments WHERE status = ?", (HOLDOUT,)
    ):
        yield Note(journey, ALL, "", "holdout", at, number == 1)
    for journey, status, number, at in reader.stream(
        "SELECT journey, status, run, converted_at FROM enrollments WHERE converted_at IS NOT NULL"
    ):
        yield Note(journey, ALL, "", "holdout converted" if status == HOLDOUT else "converted", at, number == 1)
    for journey, domain, step, channel, at, flags in reader.stream(
        "SELECT e.journey, m.domain, m.step, m.channel, m.at, m.flags"
        " FROM messages m JOIN enrollments e ON e.serial = m.enrollment"
    ):
        yield Note(journey, ALL, step, QUEUED_COUNT, at, False, 1, channel)
        for kind, (first, _) in loads(flags).items() if flags is not None else ():
            if f"message.{kind}" in COUNTED_EVENTS:
                yield Note(journey, domain, step, f"message.{kind}", first, True, 0, channel)
    for told in _parts(reader.stream(_TOLD)):
        yield from _told(reader, told)


def _told(reader: SqlReader, told: list[tuple[str, int, str, int]]) -> Iterator[Note]:
    """Yield the counts of inputs about messages; the messages are looked up in one query."""
    places = [message_key(name) for _, _, name, _ in told]
    named: Mapping[tuple[int, int] | None, tuple[int, str, str, str]] = {
        (serial, n): (journey, domain, step, channel)
        for serial, n, journey, domain, step, channel in reader.rows(
            "SELECT m.enrollment, m.n, e.journey, m.domain, m.step, m.channel FROM json_each(?) k CROSS JOIN messages m"
            " ON m.enrollment = CAST(k.value ->> 0 AS INTEGER) AND m.n = CAST(k.value ->> 1 AS INTEGER)"
            " JOIN enrollments e ON e.serial = m.enrollment",
            (json.dumps(sorted(set(places) - {None})),),
        )
    }
    for (what, at, _, amount), place in zip(told, places, strict=True):
        found = named.get(place)
        if found is not None:  # a pruned message is in the opening balances
            journey, domain, step, channel = found
            yield Note(journey, domain, step, what, at, False, amount, channel)
