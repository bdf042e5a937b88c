"""Kept counters: what a batch did, as a few sums that are written in the same commit (R80).

A counter is one row: in which journey, on which day of the journey's zone, for which mailbox domain, at which step,
what was counted, and under which label. These are counted:

    step   what                                        label      total                  uniques
    ----   -----------------------------------------   --------   --------------------   ----------------------
           entered, holdout                                       enrollments            customers' first ones
           converted, holdout converted                           enrollments            customers' first ones
           completed, exited, failed                              enrollments
    yes    visited                                                visits that began
    yes    completed, skipped, exited, failed          outcome    visits that ended so
    yes    queued                                      channel    messages
    yes    message.sent, message.opened, ...           channel    events                 messages with an event
    yes    revenue                                     channel    minor units

Each counter is kept for its day and for the day "*", which stands for all days. Message events and revenue are also
kept by the mailbox domain of the message (empty if it has none) and for the domain "*", which stands for all domains
and is the only one in the other rows: the domain of a message is not known yet when it is queued. `last_at` is the
newest instant that was counted.

`count` makes the rows of a batch from its moves and its notes. `Sums` makes them from any source of the same facts,
such as the whole log when the audit counts again.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from journeyflow.basics.moments import local_day, local_day_span
from journeyflow.basics.words import ACTIVE, FAILED, HOLDOUT, MESSAGE, MESSAGE_KINDS, RETRY
from journeyflow.records.rows import Counter, Crowd, Move, PathEntry, Post, Run, make_counter

ALL = "*"
"""The day that stands for all days, and the domain that stands for all domains."""

COUNTED_EVENTS = tuple(f"{MESSAGE}{kind}" for kind in MESSAGE_KINDS if kind != "failed")
"""The message events that are counted; a message that was given up has that as its status instead."""

QUEUED_COUNT = "queued"
"""What is counted of a message that joins the outbox."""

_DOMAIN = re.compile(r"[a-z0-9.-]{1,253}")

CACHED_DOMAINS = 4_096
"""How many parsed mailbox domains are cached: more than one batch has messages."""

CACHED_MOVES = 256
"""Of how many kinds of moves it is cached what they add to: more than most journeys have."""

Instants = list[int]
"""The instants of things that are counted together, one for each thing, in no order."""


class Note(NamedTuple):
    """Something to count that no move shows: a conversion, a holdout, a message, a message event, revenue.

    `domain` is `ALL` unless the note is about what happened to a message; `unique` says that it is the first of its
    kind. `label` is the channel of a message.
    """

    journey: int
    domain: str
    step: str
    what: str
    at: int
    unique: bool
    amount: int = 1
    label: str = ""


make_note: Callable[[tuple[object, ...]], Note] = partial(tuple.__new__, Note)
"""Make a note from a tuple of all its fields in order."""


class Walked(NamedTuple):
    """Moves that are alike: the journey, the run's status, the path, and the kind of entry.

    `entry` is 0 for a move of an existing run, 1 for a customer's first entry into the journey, 2 for a later one.
    """

    journey: int
    status: str
    path: Sequence[PathEntry]
    entry: int


def converted(run: Run, at: int) -> Note:
    """Return a note that a run converted."""
    what = "holdout converted" if run.status == HOLDOUT else "converted"
    return Note(run.journey, ALL, "", what, at, run.number == 1)


def held_out(run: Run) -> Note:
    """Return a note that a customer is in the holdout of a journey (R25)."""
    return Note(run.journey, ALL, "", "holdout", run.entered_at, run.number == 1)


def note_of(run: Run, post: Post, what: str, at: int, *, unique: bool = False, amount: int = 1) -> Note:
    """Return a note of a message event of `COUNTED_EVENTS`, or of revenue."""
    return make_note((run.journey, post.domain or "", post.step, what, at, unique, amount, post.channel))


def entry_kind(visit: int, number: int) -> int:
    """Return the kind of entry of a move (see `Walked`), from the visit it leaves and the number of the run.

    >>> entry_kind(3, 1), entry_kind(0, 1), entry_kind(0, 7)
    (0, 1, 2)
    """
    return 0 if visit else 1 if number == 1 else 2


def mailbox_domain(channel: str, attributes: Mapping[str, object]) -> str:
    """Return the domain of the mailbox an e-mail goes to, in lower case; "" if there is none (F172).

    >>> mailbox_domain("EMAIL", {"email": "Ann@Example.COM"}), mailbox_domain("SMS", {"email": "ann@example.com"})
    ('example.com', '')
    """
    address = attributes.get("email")
    return _domain_of(address) if channel.upper() == "EMAIL" and isinstance(address, str) else ""


@lru_cache(CACHED_DOMAINS)
def _domain_of(address: str) -> str:
    name, _, domain = address.strip().rpartition("@")
    domain = domain.lower()
    return domain if name and _DOMAIN.fullmatch(domain) else ""


# --- counting a batch -------------------------------------------------------------------------------------------------


def count(
    moves: Iterable[Move],
    runs: Mapping[int, Run],
    notes: Iterable[Note],
    zones: Mapping[int, ZoneInfo],
    *,
    posts: Iterable[Post] = (),
    crowds: Iterable[Crowd] = (),
) -> tuple[Counter, ...]:
    """Return the counters of a batch: its moves, with the new state of their runs, and its notes.

    `posts` are the messages that joined the outbox, apart from those of `crowds`. `zones` are the journeys' zones, by
    number. The rows are sorted by key (R90).
    """
    walks: defaultdict[tuple[int, str, Sequence[PathEntry], int], Instants] = defaultdict(list)
    sent: defaultdict[tuple[int, str, str], Instants] = defaultdict(list)
    for serial, visit, at, path, _ in moves:
        run = runs[serial]
        walks[run.journey, run.status, path, 0 if visit else 1 if run.number == 1 else 2].append(at)
    for post in posts:
        sent[runs[post.serial].journey, post.step, post.channel].append(post.at)
    for run, move, alike, _, people in crowds:
        kind = entry_kind(move.visit, run.number)
        walks[run.journey, run.status, move.path, kind] += [move.at] * len(people)
        for post in alike:
            sent[run.journey, post.step, post.channel] += [post.at] * len(people)
    sums = Sums(zones)
    for key, instants in walks.items():
        sums.add(key[0], _counted(Walked(*key)), instants)
    for (journey, step, channel), instants in sent.items():
        sums.add(journey, [(step, QUEUED_COUNT, channel, False, 1)], instants)
    sums.note(notes)
    return sums.rows()


Counted = tuple[str, str, str, bool, int]
"""What one move adds to a counter: the step, what is counted, the label, whether it is also unique, and the number."""


@lru_cache(CACHED_MOVES)
def _counted(walked: Walked) -> tuple[Counted, ...]:
    """Return what one move adds one to: the same for all that are alike, in every batch."""
    return tuple(_parts(walked))


def _parts(walked: Walked) -> Iterator[Counted]:
    """Yield what one move adds one to.

    A retried run has not failed after all, which adds -1 (R43).
    """
    first, again = walked.entry == 1, walked.path[0][2] == RETRY
    if walked.entry:
        yield "", "entered", "", first, 1
    for position, (step, status, outcome) in enumerate(walked.path):
        if position or walked.entry or again:
            yield step, "visited", "", False, 1
        if status != ACTIVE:
            yield step, status.lower(), outcome, False, 1
    if again:
        yield "", "failed", "", False, -1
    last = walked.path[-1][1]
    if last != ACTIVE:  # only a run that failed may have gone on since
        yield "", (FAILED if last == FAILED else walked.status).lower(), "", False, 1


def by_day(instants: Iterable[int], zone: ZoneInfo) -> Iterator[tuple[str, int, int]]:
    """Yield (local day, count, last instant) from instants; in order of time.

    >>> list(by_day([86_400_000_000, 5, 7], ZoneInfo("UTC")))
    [('1970-01-01', 2, 7), ('1970-01-02', 1, 86400000000)]
    """
    in_order = sorted(instants)
    if len(in_order) == 1:  # the end of its day need not be known
        yield local_day(in_order[0], zone), 1, in_order[0]
        return
    position = 0
    while position < len(in_order):
        day, until = local_day_span(in_order[position], zone)
        end = bisect_left(in_order, until, position)
        yield day, end - position, in_order[end - 1]
        position = end


class Sums:
    """Counters being summed up; `zones` are the journeys' zones, by number.

    >>> sums = Sums({1: ZoneInfo("UTC")})
    >>> sums.walk([(Walked(1, "ACTIVE", (("hello", "COMPLETED", "queued"), ("breathe", "ACTIVE", "")), 1), [0, 5])])
    >>> for row in sums.rows()[4:]:
    ...     print(row[1:])
    ('1970-01-01', '*', '', 'entered', '', 2, 2, 5)
    ('1970-01-01', '*', 'breathe', 'visited', '', 2, 0, 5)
    ('1970-01-01', '*', 'hello', 'completed', 'queued', 2, 0, 5)
    ('1970-01-01', '*', 'hello', 'visited', '', 2, 0, 5)
    """

    def __init__(self, zones: Mapping[int, ZoneInfo]) -> None:
        """Start empty."""
        self._zones = zones
        self._sums: dict[tuple[int, str, str, str, str, str], tuple[int, int, int]] = {}

    def walk(self, walked: Iterable[tuple[Walked, Instants]]) -> None:
        """Count moves: each kind with its instants, one for each move."""
        for each, instants in walked:
            self.add(each.journey, tuple(_parts(each)), instants)

    def add(self, journey: int, parts: Sequence[Counted], instants: Instants) -> None:
        """Count the same parts of a journey at each of some instants."""
        for day, number, last in by_day(instants, self._zones[journey]):
            for step, what, label, first, one in parts:
                self._add((journey, day, ALL, step, what, label), number * one, number if first else 0, last)

    def note(self, notes: Iterable[Note]) -> None:
        """Count what no move shows."""
        zones = self._zones
        alike: defaultdict[tuple[int, str, str, str, bool, str], list[int]] = defaultdict(list)
        for journey, domain, step, what, at, unique, amount, label in notes:
            if amount == 1:
                alike[journey, domain, step, what, unique, label].append(at)
            else:
                self._add((journey, local_day(at, zones[journey]), domain, step, what, label), amount, int(unique), at)
        for (journey, domain, step, what, unique, label), instants in alike.items():
            for day, number, last in by_day(instants, zones[journey]):
                self._add((journey, day, domain, step, what, label), number, number if unique else 0, last)

    def _add(self, key: tuple[int, str, str, str, str, str], total: int, uniques: int, last: int) -> None:
        found = self._sums.get(key)
        if found is not None:
            many, firsts, at = found
            total, uniques, last = many + total, firsts + uniques, last if last > at else at  # noqa: FURB136 ten times as fast
        self._sums[key] = total, uniques, last

    def rows(self) -> tuple[Counter, ...]:
        """Return the counters, with the sums over days and domains, sorted by key."""
        add = self._add
        for (journey, day, domain, step, what, label), (total, uniques, last) in list(self._sums.items()):
            add((journey, ALL, domain, step, what, label), total, uniques, last)
            if domain != ALL:
                add((journey, day, ALL, step, what, label), total, uniques, last)
                add((journey, ALL, ALL, step, what, label), total, uniques, last)
        sums = self._sums
        return tuple([make_counter(key + sums[key]) for key in sorted(sums)])
