"""What the store in memory keeps, and how it is looked up: plain dicts, lists and agendas."""

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any

from attrs import evolve

from journeyflow.basics.words import QUEUED
from journeyflow.records.changes import (
    CatalogChanges,
    Changes,
    Erased,
    Flag,
    Hold,
    NewJourney,
    NewPolicies,
    NewVersion,
    Pruned,
    PullChanges,
    Transition,
)
from journeyflow.records.rows import Export, Input, Move, Post, Refusal, Run, Suppression, make_input
from journeyflow.records.suppression import KEY, key_of
from journeyflow.stores.batch import TIMER, DueKey
from journeyflow.stores.memory.agenda import Agenda
from journeyflow.stores.memory.commits import CounterSums, counters_of
from journeyflow.stores.memory.limits import KeptLimits
from journeyflow.stores.memory.pulls import KeptPulls

KnownEvent = tuple[int, int, str, str | None]
"""A handled event with an id: its instant, its sequence number, the customer, its data."""

InputRow = tuple[Any, ...]
"""An input as a plain tuple, to be read by `input` and `told`.

Python's cycle collector looks at each tuple that has a class of its own for as long as it lives, and at plain ones of
numbers and texts once. Inputs are most of what a store keeps; what is written and read more often is kept as it is.
"""

input_row: Callable[[Input], InputRow] = itemgetter(slice(None))
"""Return an input as a plain tuple, in half of the time of `tuple`."""

OutboxKey = tuple[int, int, int]
"""What orders the messages in the outbox: (instant, serial, n)."""


class MemoryRows:
    """Everything that a store in memory keeps: `transaction.py` reads it, `writing.py` changes it."""

    def __init__(self, *, nonce: str = "memory") -> None:
        """Keep nothing yet. `nonce` is part of message ids (R70)."""
        self.meta = {"nonce": nonce, KEY: key_of(nonce), "revision": "0"}
        self.suppressions: dict[str, Suppression] = {}
        self.journeys: list[NewJourney] = []
        self.versions: dict[int, NewVersion] = {}
        self.publications: list[tuple[int, int, int]] = []
        self.edited: dict[int, int] = {}
        self.flags: list[Flag] = []
        self.holds: list[Hold] = []
        self.transitions: list[Transition] = []
        self.policies: list[NewPolicies] = []
        self.customers: dict[int, tuple[str, str, dict[str, object]]] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        self.inputs: dict[int, InputRow] = {}
        self.pending: dict[int, Input] = {}
        self.outcomes: dict[int, str] = {}
        self.known: dict[tuple[str, str, str], list[KnownEvent]] = {}
        self.runs: dict[int, Run] = {}
        self.newest: dict[int, tuple[int, ...]] = {}  # of each journey and key, ascending
        self.moves: list[Move] = []
        self.posts: dict[tuple[int, int], Post] = {}
        self.posts_of: dict[int, tuple[int, ...]] = {}
        self.refusals: list[Refusal] = []
        self.counters: CounterSums = {}
        self.openings: CounterSums = {}
        self.arms: dict[tuple[int, int, str, str], None] = {}
        self.limits = KeptLimits()
        self.pulls = KeptPulls()
        self.last = {"journey": 0, "version": 0, "run": 0, "input": 0}
        self.exports: dict[int, Export] = {}
        self.inbox = Agenda[DueKey]()
        self.timers = Agenda[DueKey]()
        self.leases = Agenda[DueKey]()
        self.journey_timers = Agenda[DueKey]()
        self.outbox = Agenda[OutboxKey]()
        self.posts_by_customer: dict[int, list[tuple[int, int]]] | None = None

    def snapshot(self) -> Changes:
        """Return everything that is stored as one value; committed to an empty store it makes an equal one."""
        return self._counted()._replace(
            inputs=tuple(self.told()),
            handled=tuple(self.outcomes.items()),
            moves=tuple(self.moves),
            new_posts=tuple(self.posts.values()),
        )

    def _counted(self) -> Changes:
        """Return what is stored as one value, without inputs, moves and messages: what is counted, and of whom."""
        before = {**self.meta, "revision": str(int(self.meta["revision"]) - 1)}  # the commit itself makes a revision
        return Changes(
            customers=tuple((number, *rest) for number, rest in self.customers.items()),
            runs=tuple(self.runs.values()),
            refusals=tuple(self.refusals),
            counters=counters_of(self.counters),
            pruned=Pruned(openings=counters_of(self.openings), arms=tuple(self.arms)),
            catalog=CatalogChanges(
                journeys=tuple(self.journeys),
                versions=tuple(evolve(self.versions[number], published_at=at) for _, at, number in self.publications),
                described=tuple((number, self.versions[number].text, at) for number, at in self.edited.items()),
                transitions=tuple(self.transitions),
                policies=tuple(self.policies),
                flags=tuple(self.flags),
                holds=tuple(self.holds),
                meta=tuple(before.items()),
            ),
            exports=tuple(self.exports.values()),
            erased=Erased(suppressed=tuple(self.suppressions.values())),
            limits=self.limits.snapshot(),
            pulls=PullChanges(rounds=tuple(self.pulls.rounds.values()), listed=tuple(self.pulls.listed())),
        )

    def input(self, seq: int) -> Input:
        """Return the input with a number."""
        return make_input(self.inputs[seq])

    def told(self) -> Iterator[Input]:
        """Yield all inputs, waiting or handled."""
        return map(make_input, self.inputs.values())

    def by_customer(self) -> dict[int, list[tuple[int, int]]]:
        """Return the messages of each customer, kept from the first time they are asked for: only caps need them."""
        if self.posts_by_customer is None:
            found: dict[int, list[tuple[int, int]]] = {}
            for key in self.posts:
                found.setdefault(self.runs[key[0]].customer, []).append(key)
            self.posts_by_customer = found
        return self.posts_by_customer

    # --- the items behind the places in the agendas ---------------------------------------------------------------

    def waiting(self, keys: Iterable[DueKey]) -> dict[DueKey, Input]:
        """Return the inputs that are not handled yet."""
        pending = self.pending
        return {key: pending[key[2]] for key in keys if key[2] in pending}

    def resting(self, keys: Iterable[DueKey]) -> dict[DueKey, Run]:
        """Return the runs that still rest until their instant."""
        runs = self.runs
        return {
            key: run
            for key in keys
            if (run := runs[key[2] if key[1] == TIMER else key[3]]).due == key[0]
            and run.held == (None if key[1] == TIMER else key[2])
        }

    def leased(self, keys: Iterable[DueKey]) -> dict[DueKey, Post]:
        """Return the messages whose lease ends at its instant."""
        return {key: post for key in keys if (post := self.posts[key[2:]]).lease_until == key[0]}

    def ringing(self, keys: Iterable[DueKey]) -> dict[DueKey, None]:
        """Return the timers of journeys that are due at their instant."""
        return {key: None for key in keys if self.limits.timers.get(key[2:]) == key[0]}

    def queued(self, keys: Iterable[OutboxKey]) -> dict[OutboxKey, Post]:
        """Return the messages that may be handed out from their instant on."""
        found = ((key, self.posts[key[1:]]) for key in keys)
        return {key: post for key, post in found if post.status == QUEUED and post.available_at == key[0]}
