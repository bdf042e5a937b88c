"""What every store must do: the contract of `journeyflow.store` as tests, for whoever writes another store.

Derive a class from `StoreConformance` in a test module, say how a new store is made, and let pytest collect it:

    class TestMyStore(StoreConformance):
        def make_store(self, tmp_path):
            return MyStore(tmp_path / "somewhere")
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from journeyflow.batch import (
    HELD,
    INPUT,
    JOURNEY,
    NOTHING,
    TIMER,
    Due,
    Key,
    LimitRequest,
    Loaded,
    PastRequest,
    PruneRequest,
    PullRequest,
    PullsLoaded,
    Request,
    timer_key,
)
from journeyflow.errors import StorageError
from journeyflow.records import (
    ACTIVE,
    CANCELLED,
    CLAIMED,
    COMPLETED,
    EXITED,
    QUEUED,
    SENT,
    Changes,
    Counter,
    Deferred,
    Export,
    Flag,
    Forgotten,
    Input,
    LimitChanges,
    Move,
    NewJourney,
    NewPolicies,
    NewVersion,
    Post,
    Pruned,
    Refusal,
    Round,
    Run,
    Transition,
)
from journeyflow.store import ClaimRequest, Shelf, Store
from journeyflow.values import dumps

MINUTE = 60_000_000
NOON = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z."""

GIVEN = "w.1"
"""What a worker shows to give a message back."""

LIMITS = (1, 7, 10_000)
"""Sizes of batches between which nothing may differ (R7)."""

DEFINITION = dumps(
    {
        "format": 1,
        "id": "welcome",
        "trigger": {"event": "member.created"},
        "steps": [
            {"kind": "send", "id": "hello", "channel": "EMAIL", "template": "welcome", "next": "breathe"},
            {"kind": "wait", "id": "breathe", "duration": "2 days", "next": "end"},
            {"kind": "end", "id": "end"},
        ],
    }
)

CATALOG = Changes(
    journeys=(NewJourney(1, "t", "welcome"), NewJourney(2, "t", "birthday"), NewJourney(3, "u", "welcome")),
    versions=tuple(NewVersion(number, number, 1, NOON, f"mark {number}", DEFINITION) for number in (1, 2, 3)),
    transitions=tuple(Transition(number, NOON, "ACTIVE") for number in (1, 2, 3)),
    meta=(("nonce", "k"),),
)
"""Two journeys of one tenant, one of another, all of them active."""

PEOPLE = Changes(
    customers=(
        (1, "t", "ann", {"plan": "free"}),
        (2, "t", "bob", {}),
        (3, "u", "ann", {"plan": "paid"}),
        (4, "t", "cid", {"tags": ["x"]}),
    )
)
"""Two people of one id in two tenants, and two others."""


class Raised(Exception):
    """Something goes wrong while a transaction is open."""


def expect(found: object, wanted: object, what: str = "") -> None:
    """Fail unless two values are equal, and say both."""
    if found != wanted:
        msg = f"{what}\n  wanted {wanted!r}\n  found  {found!r}"
        raise AssertionError(msg)


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Fail unless the block raises StorageError."""
    try:
        yield
    except StorageError:
        return
    msg = f"{what} must raise StorageError"
    raise AssertionError(msg)


# --- what is written --------------------------------------------------------------------------------------------------


def run(serial: int, customer: int, journey: int = 1, **said: object) -> Run:
    """Make a run that rests at the second step until noon, unless something else is said."""
    usual: dict[str, Any] = {
        "version": journey,
        "number": 1,
        "status": ACTIVE,
        "reason": "",
        "entered_at": NOON,
        "last_at": NOON,
        "ended_at": None,
        "converted_at": None,
        "visit": 2,
        "step": 1,
        "since": NOON,
        "due": NOON,
        "held": None,
        "awaits": None,
        "softened": False,
        "trigger": None,
        "key": "",
        "memory": None,
    }
    return Run(serial=serial, customer=customer, journey=journey, **{**usual, **said})


def ended(serial: int, customer: int, journey: int = 1, **said: object) -> Run:
    """Make a run that has come to its end."""
    usual = {"status": COMPLETED, "ended_at": NOON, "step": -1, "due": None, "visit": 3}
    return run(serial, customer, journey, **{**usual, **said})


def post(serial: int, n: int = 1, **said: object) -> Post:
    """Make a queued message that may be handed out from noon on."""
    usual: dict[str, Any] = {
        "step": "hello",
        "channel": "EMAIL",
        "template": "welcome",
        "data": None,
        "at": NOON,
        "expires_at": None,
        "cancel_on_exit": True,
        "available_at": NOON,
    }
    return Post(serial=serial, n=n, **{**usual, **said})


def leased(serial: int, n: int, until: int) -> Post:
    """Make a message that a worker has until an instant."""
    return post(serial, n, status=CLAIMED, attempts=1, lease_until=until, token=GIVEN)


def event(customer: str = "ann", at: int = NOON, **said: object) -> Input:
    """Make an event of tenant "t"."""
    usual: dict[str, Any] = {"tenant": "t", "kind": "event", "type": "order.placed", "id": None, "text": None}
    return Input(seq=0, customer=customer, at=at, **{**usual, **said})


def job(number: int, **said: object) -> Export:
    """Make a job that waits to make a file."""
    usual: dict[str, Any] = {"tenant": "t", "module": "m", "status": "PENDING", "options": "{}", "submitted_at": NOON}
    later = {
        "started_at": None,
        "updated_at": NOON,
        "finished_at": None,
        "expires_at": NOON,
        "error": "",
        "content": None,
    }
    return Export(number=number, **{**usual, **later, **said})


def entry(serial: int) -> Move:
    """Make the move by which a run came to rest at the second step."""
    return Move(serial, 0, NOON, (("hello", COMPLETED, "queued"), ("breathe", ACTIVE, "")), {})


def write(store: Store, *changes: Changes) -> None:
    """Commit changes, each in a transaction of its own."""
    for each in changes:
        with store.transaction() as transaction:
            transaction.commit(each)


def due(store: Store, now: int = NOON, limit: int = 100) -> Due:
    """Ask what is due, without the lock."""
    with store.transaction(write=False) as transaction:
        return transaction.due(now, limit)


def load(store: Store, **wanted: object) -> Loaded:
    """Load a request, without the lock."""
    with store.transaction(write=False) as transaction:
        return transaction.load(Request(**wanted))  # type: ignore[arg-type]  # what a request holds


def shelf(store: Store, known: int | None = None) -> Shelf | None:
    """Ask for the catalog, without the lock."""
    with store.transaction(write=False) as transaction:
        return transaction.shelf(known)


def revision(store: Store) -> int:
    """Ask for the revision of the catalog."""
    found = shelf(store)
    return -1 if found is None else found.revision


def claimable(store: Store, **said: object) -> list[tuple[int, int]]:
    """Ask what may be handed out at noon, as (serial, n)."""
    usual: dict[str, Any] = {"tenant": None, "channels": None, "at": NOON, "limit": 100, "journeys": frozenset()}
    with store.transaction() as transaction:
        return [(each.serial, each.n) for each in transaction.claimable(ClaimRequest(**{**usual, **said}))]


def rows(store: Store, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Ask a question in SQL."""
    with store.reader() as reader:
        return reader.rows(sql, parameters)


def busy_agenda() -> Changes:
    """Make inputs, timers, held work and leases, many of them at equal instants."""
    instants = [NOON - MINUTE, NOON, NOON + MINUTE]
    runs = [run(serial, 1 + serial % 3, due=instants[serial % 3], number=serial) for serial in range(1, 25)]
    held = [
        run(serial, 1 + serial % 3, due=instants[serial % 2], held=NOON - serial % 4 * MINUTE, number=serial)
        for serial in range(25, 37)
    ]
    return Changes(
        inputs=tuple(event(at=instants[place % 3]) for place in range(20)),
        runs=(*runs, *held),
        new_posts=tuple(leased(serial, 1 + n, instants[(serial + n) % 3]) for serial in range(1, 25) for n in (0, 2)),
    )


def whole_order(agenda: Changes) -> list[Key]:
    """Sort an agenda as R7 says."""
    keys = [(item.at, INPUT, place + 1, 0) for place, item in enumerate(agenda.inputs)]
    keys += [timer_key(each) for each in agenda.runs]
    keys += [(each.lease_until or 0, TIMER, each.serial, each.n) for each in agenda.new_posts]
    return sorted(keys)


# --- what is held to --------------------------------------------------------------------------------------------------


class StoreConformance:
    """The contract of a store, as tests; see the module."""

    def make_store(self, tmp_path: Path) -> Store:
        """Make a new, empty store; `tmp_path` is an empty folder."""
        raise NotImplementedError

    @contextmanager
    def begun(self, tmp_path: Path) -> Iterator[Store]:
        """Give a store with the journeys and the people of this module, and close it in the end."""
        store = self.make_store(tmp_path)
        try:
            write(store, CATALOG, PEOPLE)
            yield store
        finally:
            store.close()

    # --- the catalog

    def test_new_store_holds_nothing(self, tmp_path: Path) -> None:
        """A new store has no journeys, nobody, nothing due, and counts from 1; its nonce is there (R70)."""
        store = self.make_store(tmp_path)
        try:
            found = shelf(store)
            expect(found and [*found.journeys, *found.versions, *found.transitions], [], "catalog")
            expect(found and sorted({"nonce", "revision"} - found.meta.keys()), [], "settings that are missing")
            expect(due(store), Due(), "due work")
            loaded = load(store, names=frozenset({("t", "ann")}))
            expect((loaded.people, loaded.next_serial, loaded.next_customer), ((), 1, 1), "people")
            expect(claimable(store), [], "messages")
        finally:
            store.close()

    def test_shelf_gives_the_catalog(self, tmp_path: Path) -> None:
        """The catalog comes back as it was written: journeys, versions, transitions, settings."""
        with self.begun(tmp_path) as store:
            found = shelf(store)
            if found is None:
                msg = "a shelf is given when no revision is known"
                raise AssertionError(msg)
            expect(list(found.journeys), [(1, "t", "welcome"), (2, "t", "birthday"), (3, "u", "welcome")])
            versions = [(number, number, 1, NOON, f"mark {number}", DEFINITION) for number in (1, 2, 3)]
            expect(list(found.versions), versions)
            expect(list(found.transitions), [(number, NOON, "ACTIVE") for number in (1, 2, 3)])
            expect(found.meta["nonce"], "k")

    def test_renewed_nonces_are_kept_beside_the_first(self, tmp_path: Path) -> None:
        """A message keeps the nonce that it was made under, and is shown by the id that it was given out with (R70)."""
        old, new = post(1), post(1, n=2, nonce=1)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(old,)))
            write(store, Changes(meta=(("nonce.1", "l"),)))
            write(store, Changes(new_posts=(new,)))
            write(store, Changes(posts=(old._replace(attempts=1), new._replace(attempts=1))))
            found = shelf(store)
            expect(found and [found.meta["nonce"], found.meta["nonce.1"]], ["k", "l"])
            loaded = load(store, posts=frozenset({(1, 1), (1, 2)}))
            expect({place: each.nonce for place, each in loaded.posts.items()}, {(1, 1): 0, (1, 2): 1})
            expect(rows(store, "SELECT id FROM messages_view ORDER BY n"), [("k-1-1",), ("l-1-2",)])

    def test_shelf_is_asked_once_per_revision(self, tmp_path: Path) -> None:
        """Who knows the revision is told that nothing is new; who knows another one gets the catalog."""
        with self.begun(tmp_path) as store:
            known = revision(store)
            expect(shelf(store, known), None, "shelf of a known revision")
            if shelf(store, known - 1) is None:
                msg = "a shelf is given when another revision is known"
                raise AssertionError(msg)

    def test_revision_changes_with_the_catalog_alone(self, tmp_path: Path) -> None:
        """Whatever changes the catalog makes a new revision; people, runs and messages do not."""
        catalog = [
            Changes(journeys=(NewJourney(4, "t", "new"),), versions=(NewVersion(4, 4, 1, NOON, "m", DEFINITION),)),
            Changes(versions=(NewVersion(5, 1, 2, NOON, "other", DEFINITION),)),
            Changes(described=((1, DEFINITION, NOON),)),
            Changes(flags=(Flag(1, NOON, "hello", published=False),)),
            Changes(purged=(3,)),
            Changes(transitions=(Transition(1, NOON, "PAUSED"),)),
            Changes(policies=(NewPolicies("t", NOON, '{"format":1}'),)),
            Changes(meta=(("grace", ""),)),
        ]
        others = [
            Changes(inputs=(event(),)),
            Changes(handled=((1, "handled"),)),
            Changes(customers=((5, "t", "dan", {}),)),
            Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(post(1),)),
            Changes(posts=(post(1, status=SENT),)),
            Changes(refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),)),
            Changes(released=((1, NOON),)),
        ]
        with self.begun(tmp_path) as store:
            for changes, differs in [*((each, True) for each in catalog), *((each, False) for each in others)]:
                before = revision(store)
                write(store, changes)
                expect(revision(store) != before, differs, f"another revision after {changes}")

    def test_draft_is_replaced_under_its_number(self, tmp_path: Path) -> None:
        """A version that is written again under its number takes the place of what was there (R12)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(versions=(NewVersion(1, 1, 1, NOON + 1, "new mark", '{"steps":[]}'),)))
            found = shelf(store)
            expect(found and found.versions[1], (1, 1, 1, NOON + 1, "new mark", '{"steps":[]}'))
            expect(found and found.versions[0][-1], '{"steps":[]}')
            expect(found and len({row[0] for row in found.versions}), 3)

    def test_publications_stand_in_order(self, tmp_path: Path) -> None:
        """A version that is published again stands there twice, each time with its instant (R12)."""
        second = NewVersion(4, 1, 2, NOON + 1, "second", DEFINITION)
        again = NewVersion(1, 1, 1, NOON + 2, "mark 1", DEFINITION)
        with self.begun(tmp_path) as store:
            write(store, Changes(versions=(second,)), Changes(versions=(again,)))
            found = shelf(store)
            wanted = [(1, 1, NOON), (4, 2, NOON + 1), (1, 1, NOON + 2), (2, 1, NOON), (3, 1, NOON)]
            expect(found and [(row[0], *row[2:4]) for row in found.versions], wanted)

    def test_flags_keep_their_order(self, tmp_path: Path) -> None:
        """Flags come back journey by journey in the order written, also at one instant (R17)."""
        flags = [(2, "a", False), (1, "b", False), (1, "b", True), (2, "c", False)]
        with self.begun(tmp_path) as store:
            write(store, Changes(flags=tuple(Flag(journey, NOON, *rest) for journey, *rest in flags)))  # type: ignore[arg-type]  # a step and whether
            found = shelf(store)
            wanted = [(1, NOON, "b", False), (1, NOON, "b", True), (2, NOON, "a", False), (2, NOON, "c", False)]
            expect(found and [tuple(row) for row in found.flags], wanted)

    def test_purged_journey_leaves_nothing(self, tmp_path: Path) -> None:
        """Everything that belongs to a journey goes with it; other journeys, customers and inputs stay (R15)."""
        of_both = Changes(
            inputs=(event(),),
            runs=(run(1, 1, due=NOON), run(2, 2, 2), ended(3, 2)),
            moves=(entry(1), entry(2), entry(3)),
            new_posts=(leased(1, 1, NOON), post(2), post(3)),
            refusals=tuple(Refusal(journey, 1, "re-entry", NOON, "2026-01-01", {}) for journey in (1, 2)),
            flags=tuple(Flag(journey, NOON, "hello", published=False) for journey in (1, 2)),
            limits=LimitChanges(timers=((1, 0, NOON), (2, 0, NOON))),
            rounds=(Round(1), Round(2)),
        )
        with self.begun(tmp_path) as store:
            write(store, of_both)
            kept = self._of(store, 2)
            write(store, Changes(purged=(1,)))
            expect(self._of(store, 2), kept, "the other journey")
            expect([rows for rows in self._of(store, 1) if rows], [], "the purged journey")
            expect(rows(store, "SELECT count(*) FROM customers"), [(4,)], "customers")
            found = due(store)
            expect((set(found.runs), set(found.inputs), set(found.posts)), ({2}, {1}, set()), "due work")
            expect([key for key in found.keys if key[1] == JOURNEY], [(NOON, JOURNEY, 2, 0)], "timers of journeys")
            expect(claimable(store, at=NOON + MINUTE), [(2, 1)], "messages")
            expect(load(store, serials=frozenset({1, 2, 3})).runs.keys(), {2}, "runs")

    @staticmethod
    def _of(store: Store, journey: int) -> list[list[tuple[Any, ...]]]:
        """Ask for the rows of every table that belong to a journey."""
        inside = f"enrollment IN (SELECT serial FROM enrollments WHERE journey = {journey})"
        conditions = {
            "journeys": f"number = {journey}",
            "moves": inside,
            "messages": inside,
            "paths": f"version IN (SELECT number FROM versions WHERE journey = {journey})",
        }
        columns = {"paths": "version, steps", "moves": "enrollment, visit, at, steps, seen"}
        tables = ("journeys", "versions", "publications", "transitions", "flags", "enrollments")
        found = []
        for table in (*tables, "paths", "moves", "messages", "refusals", "last_refusals", "pulls"):
            condition = conditions.get(table, f"journey = {journey}")
            found.append(rows(store, f"SELECT {columns.get(table, '*')} FROM {table} WHERE {condition}"))
        return found

    def test_numbers_are_never_given_again(self, tmp_path: Path) -> None:
        """Also when the journey that had the highest ones is gone: what names them elsewhere must not come to life."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 3, journey=3, version=3),), moves=(entry(1),)), Changes(purged=(3,)))
            found = shelf(store)
            expect(found and (found.next_journey, found.next_version), (4, 4))
            with store.transaction(write=False) as transaction:
                expect(transaction.load(Request()).next_serial, 2)

    def test_description_is_edited_in_place(self, tmp_path: Path) -> None:
        """A new text of a version changes nothing else of it (R12)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(described=((2, '{"name":"n"}', NOON + 1),)))
            found = shelf(store)
            expect(found and found.versions[1], (2, 2, 1, NOON, "mark 2", '{"name":"n"}'))

    def test_policies_keep_their_order(self, tmp_path: Path) -> None:
        """The policies of a tenant come back in the order in which they were set, also those of one instant (R31)."""
        texts = ['{"format":1}', '{"format":1,"timezone":"UTC"}', '{"format":1,"caps":[]}']
        with self.begun(tmp_path) as store:
            for text in texts:
                write(store, Changes(policies=(NewPolicies("u", NOON, text), NewPolicies("t", NOON, text))))
            found = shelf(store)
            in_order = [(name, NOON, text) for name in "tu" for text in texts]
            expect(found and [(*row,) for row in found.policies], in_order)

    def test_transitions_keep_their_order(self, tmp_path: Path) -> None:
        """Transitions come back journey by journey in the order written, also at one instant (R11)."""
        with self.begun(tmp_path) as store:
            states = ["PAUSED", "ACTIVE", "PAUSED", "ARCHIVED"]
            write(store, Changes(transitions=tuple(Transition(1, NOON, state) for state in states)))  # type: ignore[arg-type]  # four states
            found = shelf(store)
            wanted = [(1, NOON, state) for state in ["ACTIVE", *states]]
            expect(found and [row for row in found.transitions if row[0] == 1], wanted)

    # --- what is due

    def test_due_work_at_one_instant_has_an_order(self, tmp_path: Path) -> None:
        """At one instant: work that a pause held, then inputs, then timers and leases by serial (R7, R16)."""
        agenda = Changes(
            inputs=(event(), event("bob")),
            runs=(
                run(1, 1),
                run(2, 2, due=NOON, held=NOON - 5),
                run(3, 4),
                run(4, 1, 2, due=NOON, held=NOON - 9),
            ),
            new_posts=(leased(1, 1, NOON), leased(2, 1, NOON)),
        )
        with self.begun(tmp_path) as store:
            write(store, agenda)
            expect(
                due(store).keys,
                (
                    (NOON, HELD, NOON - 9, 4),
                    (NOON, HELD, NOON - 5, 2),
                    (NOON, INPUT, 1, 0),
                    (NOON, INPUT, 2, 0),
                    (NOON, TIMER, 1, 0),
                    (NOON, TIMER, 1, 1),
                    (NOON, TIMER, 2, 1),
                    (NOON, TIMER, 3, 0),
                ),
            )

    def test_due_gives_a_prefix_of_the_order(self, tmp_path: Path) -> None:
        """However many are asked for, they are the earliest in total order, with just what belongs to them (R7)."""
        agenda = busy_agenda()
        order = whole_order(agenda)
        with self.begun(tmp_path) as store:
            write(store, agenda)
            for limit in (*LIMITS, len(order) - 1, len(order), len(order) + 1):
                found = due(store, NOON + MINUTE, limit)
                expect(list(found.keys), order[:limit], f"keys with limit {limit}")
                expect(found.more, len(order) > limit, f"more with limit {limit}")
                expect_contents(found)

    def test_due_stops_at_now(self, tmp_path: Path) -> None:
        """What is due exactly now is given, what is due later is not (R3)."""
        agenda = busy_agenda()
        with self.begun(tmp_path) as store:
            write(store, agenda)
            for now in (NOON - MINUTE - 1, NOON - MINUTE, NOON, NOON + MINUTE - 1):
                wanted = [key for key in whole_order(agenda) if key[0] <= now]
                found = due(store, now, 10_000)
                expect((list(found.keys), found.more), (wanted, False), f"keys until {now}")

    def test_due_may_be_asked_again(self, tmp_path: Path) -> None:
        """Asking takes nothing away, in one transaction or in the next."""
        with self.begun(tmp_path) as store:
            write(store, busy_agenda())
            with store.transaction() as transaction:
                first, second = transaction.due(NOON, 7), transaction.due(NOON, 9)
            expect(second.keys[:7], first.keys, "asked twice in one transaction")
            expect(due(store, NOON, 7).keys, first.keys, "asked in the next one")

    def test_due_work_is_taken_away_by_commits(self, tmp_path: Path) -> None:
        """An input that was handled, a run that went on or ended and a message given back are due no more (R3)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(), event()), runs=(run(1, 1), run(2, 2), run(3, 4))))
            write(store, Changes(new_posts=(leased(1, 1, NOON), leased(1, 2, NOON))))
            write(
                store,
                Changes(
                    handled=((1, "handled"),),
                    runs=(run(1, 1, due=NOON + 1), ended(2, 2)),
                    posts=(post(1, 1, status=SENT), post(1, 2, available_at=NOON + MINUTE)),
                ),
            )
            expect(due(store).keys, ((NOON, INPUT, 2, 0), (NOON, TIMER, 3, 0)))
            expect(due(store, NOON + 1).keys[2:], ((NOON + 1, TIMER, 1, 0),))

    def test_batches_of_any_size_go_the_same_way(self, tmp_path: Path) -> None:
        """Handling what is due batch by batch visits the total order, whatever the size of a batch (R7)."""
        agenda = busy_agenda()
        for limit in LIMITS:
            folder = tmp_path / str(limit)
            folder.mkdir()
            with self.begun(folder) as store:
                write(store, agenda)
                expect(drained(store, limit), whole_order(agenda), f"in batches of {limit}")

    def test_held_work_waits_for_its_release(self, tmp_path: Path) -> None:
        """What a pause holds without an instant is not due until its own journey is released (R16)."""
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(runs=(run(1, 1, due=None, held=NOON), run(2, 2, 2, due=None, held=NOON - 1))),
                Changes(runs=(run(3, 4, due=NOON + 5, held=NOON), run(4, 3, 3, due=None, awaits="x"))),
            )
            expect(due(store, NOON + 9).keys, ((NOON + 5, HELD, NOON, 3),), "before the release")
            write(store, Changes(released=((1, NOON + 3),)))
            expect(due(store, NOON + 9).keys, ((NOON + 3, HELD, NOON, 1), (NOON + 5, HELD, NOON, 3)), "after it")
            expect(load(store, serials=frozenset({1, 2, 4})).runs[4].due, None, "a run that waits for an event")

    def test_timers_of_journeys_ring_after_those_of_runs(self, tmp_path: Path) -> None:
        """At one instant after inputs and runs, journeys by number; a pause holds them until its release (R7, R23)."""
        timers = ((2, 0, NOON), (1, 0, NOON), (3, 0, None))
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(),), runs=(run(1, 1),), limits=LimitChanges(timers=timers)))
            first = ((NOON, INPUT, 1, 0), (NOON, TIMER, 1, 0), (NOON, JOURNEY, 1, 0), (NOON, JOURNEY, 2, 0))
            expect(due(store, NOON + 9).keys, first)
            expect(due(store, NOON, 3).keys, first[:3])
            expect(due(store, NOON - 1).keys, ())
            write(store, Changes(released=((3, NOON + 1), (1, NOON + 5))))
            expect(due(store, NOON + 9).keys, (*first, (NOON + 1, JOURNEY, 3, 0)))
            write(store, Changes(limits=LimitChanges(timers=((1, 0, NOON + 7),), stopped=((3, 0),), emptied=(2,))))
            expect(due(store, NOON + 9).keys, (*first[:2], (NOON + 7, JOURNEY, 1, 0)))

    # --- what is loaded

    def test_load_slots(self, tmp_path: Path) -> None:
        """The newest slots of a journey later than an instant, so many at most, some of them at once (R23)."""
        slots = (*((1, NOON + n) for n in (0, 1, 1, 1, 4, 2)), (2, NOON))
        wanted = LimitRequest(frozenset({1, 2}), ((1, NOON, 3), (2, NOON - 1, 9)))
        with self.begun(tmp_path) as store:
            write(store, Changes(limits=LimitChanges(slots[:3])), Changes(limits=LimitChanges(slots[3:])))
            found = load(store, limits=wanted).limits
            expect(found and {journey: list(instants) for journey, instants in found.slots.items()}, {
                1: [NOON + 1, NOON + 2, NOON + 4],
                2: [NOON],
            })  # fmt: skip
            expect(load(store).limits, None, "nothing is asked")

    def test_load_deferred_entries(self, tmp_path: Path) -> None:
        """The beginning of a queue with its customers, what customers have in any queue, the timers (R23)."""
        entries = [
            Deferred(1, 1, 1, "", NOON + 5, None),
            Deferred(2, 1, 2, "k", NOON, '{"n":1}'),
            Deferred(3, 2, 2, "", NOON, None),
            Deferred(4, 1, 4, "", NOON, None),
        ]
        timers = ((1, 0, NOON), (2, 0, None))
        wanted = LimitRequest(frozenset({1, 2}), queues=frozenset({1}), ahead=2)
        with self.begun(tmp_path) as store:
            write(store, Changes(limits=LimitChanges(joined=tuple(entries), timers=timers)))
            found = load(store, limits=wanted, names=frozenset({("t", "ann")}))
            expect(sorted(people(found)), [1, 2, 4], "customers")
            expect(found.limits and list(found.limits.queues[1]), [entries[1], entries[3]], "the queue")
            expect(found.limits and list(found.limits.deferred), entries, "what customers have")
            expect(found.limits and dict(found.limits.timers), {(1, 0): NOON, (2, 0): None}, "timers")
            expect(found.limits and found.limits.next_number, 5, "the next number")
            write(store, Changes(limits=LimitChanges(gone=(2, 3))))
            found = load(store, limits=wanted, names=frozenset({("t", "bob")}))
            expect(found.limits and list(found.limits.queues[1]), [entries[3], entries[0]], "after some left")
            expect(found.limits and found.limits.next_number, 5, "numbers are not given again")
            write(store, Changes(limits=LimitChanges(emptied=(1,))))
            found = load(store, limits=wanted)
            expect(found.limits and (list(found.limits.queues[1]), dict(found.limits.timers)), ([], {(2, 0): None}))

    def test_load_who_comes_next(self, tmp_path: Path) -> None:
        """Who is on a list is given in order of the ids, behind the one asked last; then those before (R27)."""
        on_lists = (*(("t", "news", name) for name in ("cid", "ann", "bob")), ("u", "news", "ann"), ("t", "x", "ann"))
        wanted = PullRequest(((1, "t", "news"), (2, "t", "none"), (3, "u", "news")), 2)
        with self.begun(tmp_path) as store:
            expect(load(store).pulls, None, "nothing is asked")
            write(store, Changes(listed=on_lists[:2]), Changes(listed=on_lists[2:]))
            expect(coming(store, wanted), ({1: ["ann", "bob"], 2: [], 3: ["ann"]}, {}), "before the first pull")
            expect(sorted(people(load(store, pulls=wanted))), [1, 2, 3], "customers")
            rounds = (Round(1, NOON, "ann", "", 7), Round(3, None, softened=True))
            write(store, Changes(rounds=rounds))
            expect(coming(store, wanted), ({1: ["bob", "cid"], 2: [], 3: ["ann"]}, {1: rounds[0], 3: rounds[1]}))
            write(store, Changes(rounds=(Round(1, NOON + 1, "bob"),), unlisted=(on_lists[1],)))
            expect(coming(store, wanted)[0][1], ["cid", "bob"], "after the last comes the first again")
            expect(coming(store, wanted)[1][1], Round(1, NOON + 1, "bob"), "how far it has come")
            write(store, Changes(limits=LimitChanges(emptied=(1,)), unlisted=(("t", "news", "bob"),)))
            expect(coming(store, wanted)[0][1], ["cid"], "from the beginning")
            write(store, Changes(purged=(3,)))
            expect(rows(store, "SELECT count(*) FROM pulls"), [(0,)])
            expect(rows(store, "SELECT * FROM list_members ORDER BY 1, 2, 3"), sorted((on_lists[0], *on_lists[3:])))

    def test_load_who_of_everybody_comes_next(self, tmp_path: Path) -> None:
        """Without a list that is everybody of the tenant, but for the forgotten (R27, R86)."""
        wanted = PullRequest(((1, "t", None), (2, "v", None)), 9)
        with self.begun(tmp_path) as store:
            write(store, Changes(rounds=(Round(1, NOON, "bob"),)))
            expect(coming(store, wanted)[0], {1: ["cid", "ann", "bob"], 2: []})
            write(store, Changes(customers=((5, "t", "dan", {}), (6, "v", "eve", {}), (1, "t", "ann", {"n": 1}))))
            expect(coming(store, wanted)[0], {1: ["cid", "dan", "ann", "bob"], 2: ["eve"]}, "with new ones")
            write(store, Changes(forgotten=(Forgotten(5, "t", "dan", "\x1fnobody"), Forgotten(0, "t", "xaver", "x"))))
            expect(coming(store, wanted)[0], {1: ["cid", "ann", "bob"], 2: ["eve"]}, "without the forgotten")

    def test_who_was_forgotten_before_is_not_one_of_everybody(self, tmp_path: Path) -> None:
        """Also where nobody had asked for everybody until then (R86)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(forgotten=(Forgotten(2, "t", "bob", "\x1fnobody"),)))
            expect(coming(store, PullRequest(((1, "t", None),), 9))[0], {1: ["ann", "cid"]})
            write(store, Changes(customers=((5, "t", "\x1fsomebody", {}),)))
            expect(coming(store, PullRequest(((1, "t", None),), 9))[0], {1: ["ann", "cid"]}, "as soon as they came")

    def test_the_forgotten_are_on_no_list(self, tmp_path: Path) -> None:
        """Who is forgotten leaves all lists, and somebody new of that id may come on one in the same commit (R86)."""
        listed = (("t", "news", "ann"), ("t", "x", "ann"), ("t", "news", "bob"), ("u", "news", "ann"))
        forgotten = Changes(
            customers=((1, "t", "\x1fnobody", {}), (5, "t", "ann", {"lists": ["news"]})),
            forgotten=(Forgotten(1, "t", "ann", "\x1fnobody"),),
            unlisted=listed[:2],
            listed=listed[:1],
        )
        with self.begun(tmp_path) as store:
            write(store, Changes(listed=listed))
            write(store, forgotten)
            expect(rows(store, "SELECT * FROM list_members ORDER BY 1, 2, 3"), [listed[0], *listed[2:]])
            expect(
                people(load(store, pulls=PullRequest(((1, "t", "news"),), 1))),
                {5: ("t", "ann", {"lists": ["news"]}, [])},
            )

    def test_load_the_last_entries(self, tmp_path: Path) -> None:
        """When those who come next entered a journey the last so many times, without a key, by run (R27)."""
        entered = [ended(serial, 1, number=serial, entered_at=NOON + serial) for serial in (1, 2, 3)]
        others = (ended(4, 2, key="k"), ended(5, 2, 2), ended(6, 4, entered_at=NOON + 9))
        wanted = PullRequest(((1, "t", None), (2, "t", "news")), 9, caps=((1, 2), (2, 1)))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(*entered, *others)))
            pulls = load(store, pulls=wanted).pulls
            expect(pulls and entries_of(pulls), {1: {1: [NOON + 2, NOON + 3], 4: [NOON + 9]}, 2: {2: [NOON]}})
            write(store, Changes(runs=(run(7, 1, number=4, entered_at=NOON + 5),)))
            pulls = load(store, pulls=wanted).pulls
            expect(pulls and entries_of(pulls)[1], {1: [NOON + 3, NOON + 5], 4: [NOON + 9]}, "with a new one")
            write(store, Changes(purged=(1,)))
            pulls = load(store, pulls=PullRequest(wanted.lists[1:], 9, caps=((2, 5),))).pulls
            expect(pulls and entries_of(pulls), {2: {}}, "nobody comes next")

    def test_load_names(self, tmp_path: Path) -> None:
        """A customer asked for by name comes with attributes and the newest run of each journey, by serial."""
        older, newer, other = ended(1, 1), run(3, 1, number=2), run(2, 1, 2)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(older, other)), Changes(runs=(newer,)))
            found = load(store, names=frozenset({("t", "ann"), ("u", "ann"), ("t", "nobody")}))
            expect(people(found), {1: ("t", "ann", {"plan": "free"}, [2, 3]), 3: ("u", "ann", {"plan": "paid"}, [])})
            expect(dict(found.runs), {2: other, 3: newer})

    def test_load_numbers(self, tmp_path: Path) -> None:
        """A customer asked for by number comes with attributes alone, a whole one with runs too."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2))))
            found = load(store, numbers=frozenset({1, 2, 99}), whole=frozenset({2, 4, 98}))
            expect({number: each[3] for number, each in people(found).items()}, {1: [], 2: [2], 4: []})
            expect(dict(found.runs), {2: run(2, 2)})

    def test_load_serials(self, tmp_path: Path) -> None:
        """A run asked for by serial comes as it is, with its customer whole."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(ended(1, 1), run(2, 1, 2))), Changes(runs=(run(3, 1, number=2),)))
            found = load(store, serials=frozenset({1, 77}))
            expect(dict(found.runs), {1: ended(1, 1), 2: run(2, 1, 2), 3: run(3, 1, number=2)})
            expect(people(found), {1: ("t", "ann", {"plan": "free"}, [2, 3])})

    def test_load_posts(self, tmp_path: Path) -> None:
        """A message asked for by name comes as it is."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(post(1, 1), post(1, 2, step="later"))))
            found = load(store, posts=frozenset({(1, 2), (1, 3), (9, 1)}))
            expect(dict(found.posts), {(1, 2): post(1, 2, step="later")})

    def test_load_newest_posts(self, tmp_path: Path) -> None:
        """Runs whose rules read messages come with the newest message of each step (R59)."""
        posts = (post(1, 1), post(1, 3), post(1, 5, step="later"), post(2, 1))
        newest = {(1, 3): post(1, 3), (1, 5): post(1, 5, step="later")}
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2, 2)), new_posts=posts))
            by_version = load(store, whole=frozenset({1, 2}), reading=frozenset({1}))
            expect(dict(by_version.posts), newest, "by version")
            expect(dict(load(store, posts_of=frozenset({1, 55})).posts), newest, "by serial")

    def test_load_messages_that_caps_count(self, tmp_path: Path) -> None:
        """Of the customers of some tenants, those queued, claimed and sent since an instant, over all runs (R31)."""
        later = NOON + MINUTE
        runs = (
            ended(1, 1, last_at=later),
            run(2, 1, number=2, last_at=later),
            run(3, 1, 2, last_at=later),
            run(4, 3, 3, last_at=later),
            run(5, 2, last_at=later),
        )
        posts = (
            post(1, at=NOON - 1),
            post(1, 2, at=NOON),
            post(1, 3, at=later, channel="SMS"),
            leased(2, 1, later),
            post(2, 2, status=SENT),
            *(post(2, 3 + place, status=status) for place, status in enumerate(("SUPPRESSED", "EXPIRED", "CANCELLED"))),
            post(3, status="FAILED"),
            post(3, 2, at=later),
            post(4),
            post(5),
        )
        ann = [
            (1, 1, 2, NOON, "EMAIL"),
            (1, 1, 3, later, "SMS"),
            (1, 2, 1, NOON, "EMAIL"),
            (1, 2, 2, NOON, "EMAIL"),
            (1, 3, 2, later, "EMAIL"),
        ]
        asked: dict[str, Any] = {"names": frozenset({("t", "ann")}), "capped": frozenset({"t", "v"}), "since": NOON}
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=runs[:2], new_posts=posts[:2]))
            expect(sorted(load(store, **asked).sent), ann[:1], "before the rest was written")
            write(store, Changes(runs=runs[2:], new_posts=posts[2:]))
            expect(sorted(load(store, **asked).sent), ann, "of ann")
            others = {**asked, "names": frozenset(), "numbers": frozenset({2, 3, 4})}
            expect([*load(store, **others).sent], [(2, 5, 1, NOON, "EMAIL")], "by number, of one tenant")
            expect([*load(store, **{**asked, "since": later + 1}).sent], [], "since later")
            expect([*load(store, **{**asked, "capped": frozenset()}).sent], [], "of no tenant")
            write(store, Changes(posts=(post(2, 2, status="FAILED"), post(3, status=SENT))))
            expect(sorted(load(store, **asked).sent), sorted([*ann[:3], (1, 3, 1, NOON, "EMAIL"), ann[4]]), "changed")

    def test_load_clicked_messages(self, tmp_path: Path) -> None:
        """Of the customers that are named, every message that was clicked, with its run, also an older one (R83)."""
        clicked = {"clicked": (NOON, 1)}
        old, new, other = (
            post(1, flags=clicked),
            post(2, flags={**clicked, "opened": (NOON, 2)}),
            post(3, flags=clicked),
        )
        runs = (ended(1, 1), run(2, 1, number=2), run(3, 2))
        asked: dict[str, Any] = {"names": frozenset({("t", "ann"), ("t", "bob")})}
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(runs=runs, new_posts=(post(1), new, other, post(2, 2), post(2, 3, flags={"sent": (NOON, 1)}))),
            )
            write(store, Changes(posts=(old,)))
            found = load(store, **asked, clicked=frozenset({("t", "ann"), ("t", "nobody")}))
            expect(dict(found.posts), {(1, 1): old, (2, 1): new}, "of ann")
            expect(sorted(found.runs), [1, 2, 3], "with their runs, and the newest of those who are named")
            expect(dict(load(store, **asked).posts), {}, "of nobody")

    def test_load_known_events(self, tmp_path: Path) -> None:
        """Events that were taken are found by tenant, type and id; pending ones and duplicates are not (R26)."""
        inputs = (
            event(id="e1", text='{"a":1}'),
            event(id="e1"),
            event(id="e1", at=NOON - 1, customer="bob"),
            event(id="e2"),
            event(id="e1", type="other"),
            event(id="e1", tenant="u"),
            event(id="e3", kind="ack"),
            event(id="e1", customer="cid"),
        )
        outcomes = ("handled", "duplicate", "unchanged", "", "handled", "handled", "handled", "conflicting")
        with self.begun(tmp_path) as store:
            handled = tuple((place + 1, outcome) for place, outcome in enumerate(outcomes) if outcome)
            write(store, Changes(inputs=inputs), Changes(handled=handled))
            name, other, later = ("t", "order.placed", "e1"), ("t", "order.placed", "e3"), ("t", "order.placed", "e2")
            found = load(store, events=frozenset({name, other, later})).known
            expect(dict(found), {name: ((NOON - 1, "bob", None), (NOON, "ann", '{"a":1}'))})

    def test_load_active_runs(self, tmp_path: Path) -> None:
        """The active runs of a journey come by serial, some at a time."""
        runs = tuple(run(serial, 1 + serial % 2, number=serial) for serial in range(1, 7))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(*runs[:2], ended(3, 2, number=3), *runs[3:], run(7, 4, 2))))
            pages = [
                sorted(serial for serial in (1, 2, 4) if serial in load(store, active_in=1, limit=3).runs),
                sorted(serial for serial in (5, 6) if serial in load(store, active_in=1, after=4, limit=3).runs),
            ]
            expect(pages, [[1, 2, 4], [5, 6]])
            expect(dict(load(store, active_in=1, after=6, limit=3).runs), {}, "beyond the last")
            expect(set(people(load(store, active_in=2, limit=3))), {4}, "with their customers")

    def test_load_counts(self, tmp_path: Path) -> None:
        """The next enrollment and the next customer have the numbers after the last ones."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2))))
            found = load(store)
            expect((found.next_serial, found.next_customer), (3, 5))

    def test_runs_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Every value of a run is kept, when it is new and when it has changed."""
        rich = run(
            1,
            1,
            number=7,
            status=EXITED,
            reason="goal",
            ended_at=NOON + 1,
            converted_at=NOON + 2,
            due=None,
            awaits="order.placed",
            held=NOON - 3,
            softened=True,
            trigger='{"a":"ö"}',
            memory={"left": {"w": NOON}, "event": {"a": [1, 2.5, None, True, "x"]}},
        )
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(rich,)))
            expect(load(store, serials=frozenset({1})).runs[1], rich, "new")
            memories: tuple[dict[str, Any] | None, ...] = ({}, None)
            for memory in memories:
                changed = rich._replace(
                    status=ACTIVE,
                    reason="",
                    last_at=NOON + 9,
                    ended_at=None,
                    converted_at=None,
                    visit=3,
                    step=0,
                    since=NOON + 8,
                    due=NOON + 7,
                    held=None,
                    awaits=None,
                    softened=False,
                    memory=memory,
                )
                write(store, Changes(runs=(changed,)))
                expect(load(store, serials=frozenset({1})).runs[1], changed, "changed")

    def test_messages_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Every value of a message is kept, when it is new and when it has changed."""
        rich = post(
            1,
            2,
            channel="in-app push",
            data='{"a":"ö"}',
            expires_at=NOON + 5,
            cancel_on_exit=False,
            available_at=NOON + 6,
            flags={"opened": (NOON, 2)},
        )
        changed = rich._replace(
            status=CLAIMED, attempts=3, available_at=NOON, lease_until=NOON, token=GIVEN, flags={"clicked": (NOON, 1)}
        )
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(rich,)))
            expect(load(store, posts=frozenset({(1, 2)})).posts[1, 2], rich, "new")
            write(store, Changes(posts=(changed,)))
            expect(load(store, posts=frozenset({(1, 2)})).posts[1, 2], changed, "changed")

    def test_customers_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Attributes are kept exactly: types, order of names, text of any kind, the largest numbers."""
        attributes: dict[str, object] = {
            "z": [1, 1.0, -0.5, 2**63 - 1, -(2**63), True, False, None, ""],
            "a": {"nested": {"deep": ["é", "漢字", "🙂", "'; DROP TABLE customers; --", "line\nbreak", "\x1f"]}},
            "empty": [{}, []],
        }
        with self.begun(tmp_path) as store:
            write(store, Changes(customers=((1, "t", "ann", attributes), (5, "t", "'", {}), (6, "t", " Ann", {}))))
            found = people(load(store, names=frozenset({("t", "ann"), ("t", "'"), ("t", " Ann"), ("t", "ANN")})))
            expect(set(found), {1, 5, 6})
            expect(repr(found[1][2]), repr(attributes))

    # --- what may be handed out

    def test_claimable_messages_have_an_order(self, tmp_path: Path) -> None:
        """Messages come by instant, serial and visit, as many as wanted, none before its instant (R71)."""
        posts = (
            post(1, 3),
            post(1, 1, available_at=NOON - 1),
            post(2, 1),
            post(1, 2),
            post(2, 2, available_at=NOON + 1),
            post(2, 3, available_at=NOON - 2),
        )
        order = [(2, 3), (1, 1), (1, 2), (1, 3), (2, 1)]
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2)), new_posts=posts))
            for limit in (1, 2, 5, 100):
                expect(claimable(store, limit=limit), order[:limit], f"with limit {limit}")
            expect(claimable(store, at=NOON + 1), [*order, (2, 2)], "a moment later")

    def test_messages_of_unpublished_steps_are_kept_back(self, tmp_path: Path) -> None:
        """A step of one journey is unpublished, the step of that name in another is not (R17, R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2, 2)), new_posts=(post(1), post(2))))
            expect(claimable(store, steps=frozenset({(1, "hello")})), [(2, 1)])
            expect(claimable(store, steps=frozenset({(1, "other")})), [(1, 1), (2, 1)])

    def test_claimable_messages_are_filtered(self, tmp_path: Path) -> None:
        """A worker gets the messages of its tenant and channels, none of paused journeys, none past its limit (R71)."""
        runs = (run(1, 1), run(2, 2, 2), run(3, 3, 3))
        posts = (post(1), post(1, 2, channel="SMS"), post(2), post(3), post(3, 2, channel="SMS"))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=runs, new_posts=posts))
            expect(claimable(store, tenant="t"), [(1, 1), (1, 2), (2, 1)])
            expect(claimable(store, tenant="u"), [(3, 1), (3, 2)])
            expect(claimable(store, channels=frozenset({"SMS"})), [(1, 2), (3, 2)])
            expect(claimable(store, channels=frozenset({"SMS", "EMAIL"}), limit=1), [(1, 1)])
            expect(claimable(store, channels=frozenset()), [])
            expect(claimable(store, journeys=frozenset({1, 3})), [(2, 1)])
            expect(claimable(store, tenant="t", channels=frozenset({"EMAIL"}), journeys=frozenset({2})), [(1, 1)])

    def test_claimable_messages_are_withheld(self, tmp_path: Path) -> None:
        """Nothing goes to a customer of whom an input waits that has come by then, until it is handled (R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2), run(3, 3, 3)), new_posts=(post(1), post(2), post(3))))
            write(store, Changes(inputs=(event("ann"), event("bob", NOON + 1))))
            expect(claimable(store), [(2, 1), (3, 1)], "at the instant of the first input")
            expect(claimable(store, at=NOON + 1), [(3, 1)], "at the instant of the second")
            write(store, Changes(handled=((1, "handled"),)))
            expect(claimable(store), [(1, 1), (2, 1), (3, 1)], "when the first is handled")

    def test_claimable_messages_are_queued_ones(self, tmp_path: Path) -> None:
        """What a worker has or what is done is not handed out; what comes back is, once, whenever it may be (R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(post(1, 1), post(1, 2), post(1, 3))))
            expect(claimable(store), [(1, 1), (1, 2), (1, 3)])
            write(store, Changes(posts=(leased(1, 1, NOON + 5), post(1, 2, status=SENT), leased(1, 3, NOON + 5))))
            write(store, Changes(posts=(post(1, 1, attempts=1), post(1, 3, attempts=1, available_at=NOON + 9))))
            expect(claimable(store), [(1, 1)], "back at its old instant")
            expect(claimable(store, at=NOON + 9), [(1, 1), (1, 3)], "and at a later one")
            write(store, Changes(posts=(post(1, 1, attempts=1, flags={"opened": (NOON, 1)}),)))
            expect(claimable(store), [(1, 1)], "changed where it stands")
            write(store, Changes(posts=(leased(1, 1, NOON + 5), leased(1, 3, NOON + 5))))
            expect(claimable(store, at=NOON + 9), [], "claimed again")

    # --- writing

    def test_nothing_stays_of_a_block_that_raises(self, tmp_path: Path) -> None:
        """An exception inside the block leaves nothing of what was committed in it, the revision neither (R70)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(post(1),), inputs=(event(),)))
            before = everything(store)
            for error in (Raised, KeyboardInterrupt):
                with suppress(error), store.transaction() as transaction:
                    transaction.commit(everything_else())
                    raise error
                expect(everything(store), before, f"after {error.__name__}")
            write(store, everything_else())
            if everything(store) == before:
                msg = "the same changes are kept when nothing is raised"
                raise AssertionError(msg)

    def test_serials_are_not_lost_to_a_block_that_raises(self, tmp_path: Path) -> None:
        """Numbers that were given inside a block that raised are given again: equal runs are equal (R90)."""
        with self.begun(tmp_path) as store:
            with suppress(Raised), store.transaction() as transaction:
                transaction.commit(Changes(runs=(run(1, 1),), customers=((5, "t", "dan", {}),), inputs=(event(),)))
                raise Raised
            write(store, Changes(inputs=(event("bob"),)))
            found = load(store)
            expect((found.next_serial, found.next_customer), (1, 5))
            expect(due(store).inputs, {1: event("bob")._replace(seq=1)})

    def test_commits_of_one_block_add_up(self, tmp_path: Path) -> None:
        """Several commits in one transaction are all written, in their order."""
        with self.begun(tmp_path) as store:
            with store.transaction() as transaction:
                transaction.commit(Changes(runs=(run(1, 1),), moves=(entry(1),), inputs=(event("ann"),)))
                transaction.commit(Changes(runs=(run(2, 2),), moves=(entry(2),), inputs=(event("bob"),)))
                transaction.commit(Changes(runs=(ended(1, 1),)))
            expect(dict(load(store, serials=frozenset({1, 2})).runs), {1: ended(1, 1), 2: run(2, 2)})
            expect([item.customer for item in due(store).inputs.values()], ["ann", "bob"])

    def test_nothing_personal_stays_of_the_forgotten(self, tmp_path: Path) -> None:
        """A forgotten customer keeps number, runs, moves and messages; what they held of a person is gone (R86)."""
        told = dumps({"note": "ann"})
        before = Changes(
            inputs=(
                event(id="e1", text=told),
                event(type="message.opened", text=dumps({"message": "k-1-1", "note": "ann"})),
                event("bob", id="e2", text=told),
                event("", kind="nack", type="", id="k-1-1", text=dumps({"token": GIVEN, "error": "ann"})),
                event("", kind="nack", type="", id="k-2-1", text=dumps({"token": GIVEN, "error": "bob"})),
                event(at=NOON + MINUTE, text=told),
            ),
            runs=(ended(1, 1, trigger=told, memory={"wait": {}}, key="ann"), run(2, 2, trigger=told)),
            moves=(entry(1)._replace(seen={"entry": {"name": "ann"}}), entry(2)),
            new_posts=(post(1, data=told), post(2, data=told), leased(1, 2, NOON)),
            refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {"name": "ann"}),),
        )
        with self.begun(tmp_path) as store:
            write(store, before, Changes(handled=((1, "handled"), (2, "handled"), (3, "handled"))))
            write(store, Changes(forgotten=(Forgotten(1, "t", "ann", "nobody", inbox=True),), scrubbed=True))
            loaded = load(store, names=frozenset({("t", "nobody"), ("t", "ann"), ("u", "ann")}))
            expect(
                [(each.number, each.id, each.attributes) for each in loaded.people],
                [(1, "nobody", {}), (3, "ann", {"plan": "paid"})],
            )
            expect(loaded.runs[1], ended(1, 1), "the run")
            expect(dict(load(store, serials=frozenset({2})).runs), {2: run(2, 2, trigger=told)}, "a run of others")
            posts = load(store, posts=frozenset({(1, 1), (1, 2), (2, 1)})).posts
            expect(posts[1, 1], post(1, status=CANCELLED), "a message that waited")
            expect((posts[1, 2], posts[2, 1]), (leased(1, 2, NOON), post(2, data=told)), "other messages")
            expect(rows(store, "SELECT enrollment, seen FROM moves ORDER BY 1"), [(1, None), (2, None)])
            expect(rows(store, "SELECT customer, reason, seen FROM last_refusals"), [(1, "re-entry", None)])
            expect(rows(store, "SELECT sum(count) FROM refusals"), [(1,)])
            expect(
                rows(store, "SELECT seq, customer, id, data, outcome FROM inputs ORDER BY seq"),
                [
                    (1, "nobody", None, None, "handled"),
                    (2, "nobody", None, dumps({"message": "k-1-1"}), "handled"),
                    (3, "bob", "e2", told, "handled"),
                    (4, "", "k-1-1", dumps({"token": GIVEN}), None),
                    (5, "", "k-2-1", dumps({"token": GIVEN, "error": "bob"}), None),
                    (6, "nobody", None, None, "forgotten"),
                ],
            )
            found = due(store, NOON + MINUTE)
            expect(sorted(found.inputs), [4, 5], "inputs that wait")
            expect(found.inputs[4].text, dumps({"token": GIVEN}), "a nack that waits")
            known = load(store, events=frozenset({("t", "order.placed", "e1"), ("t", "order.placed", "e2")})).known
            expect({key: list(known.get(key, ())) for key in known if known[key]},
                   {("t", "order.placed", "e2"): [(NOON, "bob", told)]})  # fmt: skip

    def test_the_id_of_the_forgotten_is_free(self, tmp_path: Path) -> None:
        """Somebody new may have the id, and be forgotten too; who has no number leaves inputs alone (R86)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(forgotten=(Forgotten(1, "t", "ann", "nobody 1"),)))
            write(store, Changes(customers=((5, "t", "ann", {"new": True}),), inputs=(event(), event("eve"))))
            gone = Forgotten(5, "t", "ann", "nobody 5", inbox=True), Forgotten(0, "t", "eve", "nobody", inbox=True)
            write(store, Changes(forgotten=gone))
            expect(
                rows(store, "SELECT number, id, attributes FROM customers WHERE tenant = 't' ORDER BY 1"),
                [(1, "nobody 1", "{}"), (2, "bob", "{}"), (4, "cid", '{"tags":["x"]}'), (5, "nobody 5", "{}")],
            )
            expect(rows(store, "SELECT customer, outcome FROM inputs"), [("nobody 5", "forgotten"),
                   ("nobody", "forgotten")])  # fmt: skip
            expect(load(store).next_customer, 6)

    def test_somebody_new_may_come_in_the_commit_that_forgets(self, tmp_path: Path) -> None:
        """What was handled of the id since, and what waits, is somebody else's; channels are quoted no more (R86)."""
        told, nack = dumps({"note": "ann"}), dumps({"token": GIVEN, "error": "ann"})
        before = Changes(
            inputs=(
                *(event(id=f"e{n}", text=told) for n in (1, 2, 3, 4)),
                *(event("", kind="nack", type="", id="k-1-1", text=nack) for _ in (5, 6, 7)),
            ),
            runs=(run(1, 1),),
            moves=(entry(1),),
            new_posts=(post(1),),
        )
        with self.begun(tmp_path) as store:
            write(store, before, Changes(handled=((1, "handled"), (5, "stale"))))
            after = Changes(
                handled=((2, "handled"), (3, "handled"), (6, "stale")),
                customers=((1, "t", "nobody", {}), (5, "t", "ann", {"new": True})),
                runs=(ended(1, 1),),
                forgotten=(Forgotten(1, "t", "ann", "nobody", later=(3,)),),
                retold=((6, dumps({"token": GIVEN})),),
            )
            write(store, after)
            people = load(store, names=frozenset({("t", "nobody"), ("t", "ann")})).people
            expect(sorted((each.number, each.id) for each in people), [(1, "nobody"), (5, "ann")])
            expect(
                rows(store, "SELECT seq, customer, id, outcome FROM inputs WHERE seq < 5 ORDER BY 1"),
                [
                    (1, "nobody", None, "handled"),
                    (2, "nobody", None, "handled"),
                    (3, "ann", "e3", "handled"),
                    (4, "ann", "e4", None),
                ],
            )
            said = rows(store, "SELECT data ->> 'error' FROM inputs WHERE seq > 4 ORDER BY seq")
            expect(said, [(None,), (None,), ("ann",)], "what channels said before, then, and of what waits")
            key = ("t", "order.placed", "e3")
            expect(
                load(store, events=frozenset({("t", "order.placed", "e1"), key})).known.keys(), {key}, "ids of events"
            )

    def test_finished_runs_come_with_all_that_belongs_to_them(self, tmp_path: Path) -> None:
        """Runs that ended before an instant, by serial, of which something is left that may go (R86)."""
        after = NOON + MINUTE
        with self.begun(tmp_path) as store:
            history(store)
            wanted = PruneRequest(after, frozenset({1}), 0, 10)
            found = load(store, finished=wanted).finished
            expect([run.serial for run in found.runs], [1, 3, 4], "those with a history, a memory, or a newer run")
            expect(sorted(found.current), [1, 4], "the newest of each customer")
            expect([(move.serial, move.visit, move.seen) for move in found.moves], [(1, 0, {}), (4, 0, {})])
            expect([(post.serial, post.n) for post in found.posts], [(1, 1), (4, 1)])
            expect(
                [(item.seq, outcome) for item, outcome in found.told],
                [(1, "handled"), (2, None), (4, "attributed to k-4-1"), (5, "handled")],
                "what was told of messages, acks only where sent was told twice",
            )
            expect(found.answered, frozenset({(4, 1)}), "what answers that wait are about")
            expect([run.serial for run in load(store, finished=evolve(wanted, after=1, limit=1)).finished.runs], [3])
            expect(load(store, finished=evolve(wanted, before=NOON)).finished, NOTHING, "nothing had ended by then")
            expect(load(store, finished=evolve(wanted, journeys=frozenset())).finished, NOTHING, "of no journey")
            expect(load(store).finished, NOTHING, "not asked for")

    def test_what_was_told_long_ago_comes_by_number(self, tmp_path: Path) -> None:
        """Inputs of before an instant that were handled, of one tenant or of all (R86)."""
        with self.begun(tmp_path) as store:
            history(store)
            wanted = PastRequest(NOON + MINUTE, 0, 10, None)
            expect([(item.seq, outcome) for item, outcome in load(store, past=wanted).past], list(PAST))
            expect([item.seq for item, _ in load(store, past=evolve(wanted, after=1, limit=2)).past], [3, 4])
            expect([item.seq for item, _ in load(store, past=evolve(wanted, tenant="u")).past], [3])
            expect(tuple(load(store, past=evolve(wanted, before=NOON)).past), ())
            expect(tuple(load(store).past), (), "not asked for")

    def test_what_is_pruned_is_gone(self, tmp_path: Path) -> None:
        """Rows go, bare ones stay, balances add up; numbers and ids of events are as they are after that (R86)."""
        opening = Counter(1, "*", "*", "", "entered", "", 2, 1, NOON)
        with self.begun(tmp_path) as store:
            history(store)
            pruned = Pruned((3,), (ended(1, 1),), ((1, 1, "which", "A"),), (1, 3))
            write(store, Changes(openings=(opening,), pruned=pruned), Changes(openings=(opening,)))
            expect(rows(store, "SELECT serial, trigger_data, memory FROM enrollments ORDER BY 1"),
                   [(1, None, None), (2, None, None), (4, None, None), (5, None, None)])  # fmt: skip
            expect(rows(store, "SELECT enrollment FROM moves ORDER BY 1"), [(4,)])
            expect(rows(store, "SELECT enrollment FROM messages ORDER BY 1"), [(4,)])
            expect(rows(store, "SELECT * FROM arms"), [(1, 1, "which", "A")])
            expect(rows(store, "SELECT * FROM openings"), [opening._replace(total=4, uniques=2)])
            expect(rows(store, "SELECT seq FROM inputs ORDER BY 1"), [(2,), (4,), (5,), (6,), (7,)])
            expect(load(store, events=frozenset({("t", "message.opened", "o")})).known, {}, "the id of an event")
            expect([run.serial for run in load(store, names=frozenset({("t", "ann")})).runs.values()], [1])
            expect(load(store).next_serial, 6)
            write(store, Changes(inputs=(event(),)))
            expect(rows(store, "SELECT max(seq) FROM inputs"), [(8,)])
            expect(sorted(due(store, NOON).inputs), [2, 7, 8], "what waits")
            write(store, Changes(purged=(1,)))
            expect(rows(store, "SELECT (SELECT count(*) FROM arms), (SELECT count(*) FROM openings)"), [(0, 0)])

    def test_jobs_wait_in_the_order_of_their_numbers(self, tmp_path: Path) -> None:
        """Jobs that are not done come back by number when asked for; one that is done can be read (F194)."""
        with self.begun(tmp_path) as store:
            expect((load(store, exports=True).exports, load(store, exports=True).next_export), ((), 1), "a new store")
            write(store, Changes(exports=(job(1), job(2, tenant="u"))), Changes(exports=(job(3),)))
            expect(load(store).exports, (), "not asked for")
            done = job(1, status="COMPLETED", finished_at=NOON, content="a,b\n")
            write(store, Changes(exports=(job(2, tenant="u", status="PROCESSING", started_at=NOON), done)))
            found = load(store, exports=True)
            waiting = (job(2, tenant="u", status="PROCESSING", started_at=NOON), job(3))
            expect((tuple(found.exports), found.next_export), (waiting, 4))
            expect(rows(store, "SELECT * FROM exports WHERE number = 1"), [tuple(done)])

    def test_reading_writes_nothing(self, tmp_path: Path) -> None:
        """A transaction that was opened for reading refuses to commit."""
        with self.begun(tmp_path) as store:
            before = everything(store)
            with refused("to commit what was opened for reading"), store.transaction(write=False) as transaction:
                transaction.commit(Changes(inputs=(event(),)))
            expect(everything(store), before)

    def test_transactions_do_not_nest(self, tmp_path: Path) -> None:
        """Inside a transaction or a view no other is opened by the same thread; the outer one goes on."""
        with self.begun(tmp_path) as store:
            with store.transaction() as transaction:
                with refused("a transaction in a transaction"), store.transaction():
                    pass
                with refused("a view in a transaction"), store.reader():
                    pass
                transaction.commit(Changes(inputs=(event(),)))
            with store.reader() as reader:
                with refused("a transaction in a view"), store.transaction(write=False):
                    pass
                expect(reader.rows("SELECT count(*) FROM inputs"), [(1,)])

    def test_closed_store_refuses(self, tmp_path: Path) -> None:
        """A closed store raises StorageError; closing it again does nothing."""
        with self.begun(tmp_path) as store:
            store.close()
            store.close()
            with refused("a transaction on a closed store"), store.transaction():
                pass
            with refused("a view of a closed store"), store.reader():
                pass

    def test_writers_wait_for_one_another(self, tmp_path: Path) -> None:
        """What a writing transaction reads stays true until it ends: no thread's change is lost (R72)."""
        threads, times = 6, 20

        def count() -> None:
            for _ in range(times):
                with store.transaction() as transaction:
                    person = transaction.load(Request(numbers=frozenset({2}))).people[0]
                    so_far = person.attributes.get("count", 0)
                    after: dict[str, object] = {"count": so_far + 1 if isinstance(so_far, int) else 0}
                    transaction.commit(Changes(customers=((2, "t", "bob", after),)))

        with self.begun(tmp_path) as store:
            crowd = [threading.Thread(target=count) for _ in range(threads)]
            for each in crowd:
                each.start()
            for each in crowd:
                each.join()
            expect(people(load(store, numbers=frozenset({2})))[2][2], {"count": threads * times})

    # --- questions

    def test_refusals_are_counted(self, tmp_path: Path) -> None:
        """Refusals are counted by journey, reason and day; the last one of each customer is kept whole (R21)."""
        refusals = (
            Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),
            Refusal(1, 2, "re-entry", NOON + 1, "2026-01-01", {"plan": "free"}),
            Refusal(1, 1, "consent", NOON + 2, "2026-01-02", {"a": [1]}),
            Refusal(2, 1, "re-entry", NOON + 3, "2026-01-01", {}),
        )
        again = Refusal(1, 2, "re-entry", NOON + 4, "2026-01-02", {})
        with self.begun(tmp_path) as store:
            write(store, Changes(refusals=refusals), Changes(refusals=(again,)))
            expect(
                rows(store, "SELECT journey, day, reason, count FROM refusals ORDER BY 1, 2, 3"),
                [
                    (1, "2026-01-01", "re-entry", 2),
                    (1, "2026-01-02", "consent", 1),
                    (1, "2026-01-02", "re-entry", 1),
                    (2, "2026-01-01", "re-entry", 1),
                ],
            )
            expect(
                rows(store, "SELECT journey, customer, reason, at, seen FROM last_refusals ORDER BY 1, 2"),
                [
                    (1, 1, "consent", NOON + 2, '{"a":[1]}'),
                    (1, 2, "re-entry", NOON + 4, None),
                    (2, 1, "re-entry", NOON + 3, None),
                ],
            )

    def test_counters_add_up(self, tmp_path: Path) -> None:
        """What is counted is added to what was; the newest instant stays, whatever the order (R80)."""

        def counted(journey: int, day: str, step: str, total: int, uniques: int, last_at: int) -> Counter:  # noqa: PLR0917
            return Counter(journey, day, "*", step, "visited", "", total, uniques, last_at)

        first = (counted(1, "*", "hello", 5, 2, NOON), counted(1, "2026-01-01", "hello", 5, 2, NOON))
        again = (counted(1, "*", "hello", 2, 1, NOON - 1), counted(2, "*", "hello", 1, 0, NOON + 1))
        back = (counted(1, "*", "hello", -1, 0, NOON + 2),)
        with self.begun(tmp_path) as store:
            write(store, Changes(counters=first), Changes(counters=again), Changes(counters=back))
            expect(
                rows(store, "SELECT * FROM counters ORDER BY journey, day DESC"),
                [
                    counted(1, "2026-01-01", "hello", 5, 2, NOON),
                    counted(1, "*", "hello", 6, 3, NOON + 2),
                    counted(2, "*", "hello", 1, 0, NOON + 1),
                ],
            )

    def test_views_show_what_was_written(self, tmp_path: Path) -> None:
        """Every store answers the same questions with the same rows (R80)."""
        leaving = Move(
            1, 2, NOON + MINUTE, (("breathe", COMPLETED, "elapsed"), ("end", COMPLETED, "")), {"0": {"a": 1}}
        )
        done = ended(1, 1, last_at=NOON + MINUTE, ended_at=NOON + MINUTE)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 3, 3)), moves=(entry(1), entry(2)), new_posts=(post(1),)))
            write(store, Changes(runs=(done,), moves=(leaving,), new_posts=(post(2, data='{"a":1}'),)))
            write(store, Changes(inputs=(event(id="e", text="{}"), event("bob")), handled=((1, "handled"),)))
            write(store, Changes(counters=tuple(COUNTED_OF_RUNS)))
            for view, wanted in VIEWED.items():
                expect(rows(store, f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4, 5"), wanted, view)
            expect(rows(store, "SELECT number, attributes FROM customers WHERE id = ?", ("bob",)), [(2, "{}")])
            expect(rows(store, "SELECT enrollment, visit, seen FROM moves WHERE seen IS NOT NULL"), [(1, 2, SEEN)])

    def test_long_paths_are_shown(self, tmp_path: Path) -> None:
        """A move through many hundred visits is shown visit by visit, like any other."""
        path = (*((f"s{n}", COMPLETED, "") for n in range(700)), ("breathe", ACTIVE, ""))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1, visit=701),), moves=(Move(1, 0, NOON, path, {}),)))
            found = rows(store, "SELECT n, step FROM visits_view ORDER BY n")
            expect(found, [(n + 1, step) for n, (step, _, _) in enumerate(path)])

    def test_questions_can_be_streamed(self, tmp_path: Path) -> None:
        """Rows come one by one; a stream that is left half-way is in nobody's way."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=tuple(event() for _ in range(1_000))))
            with store.reader() as reader:
                stream = reader.stream("SELECT seq FROM inputs WHERE seq > ? ORDER BY seq", (10,))
                expect((next(stream), next(stream)), ((11,), (12,)))
            write(store, Changes(inputs=(event(),)))
            expect(rows(store, "SELECT count(*) FROM inputs"), [(1_001,)])

    def test_questions_change_nothing(self, tmp_path: Path) -> None:
        """Whatever a question does to the rows is forgotten with the view."""
        with self.begun(tmp_path) as store:
            before = everything(store)
            with store.reader() as reader:
                reader.rows("DELETE FROM customers WHERE number = 2")
            expect(everything(store), before)

    def test_wrong_questions_are_refused(self, tmp_path: Path) -> None:
        """A question that is no SQL raises StorageError; the store goes on."""
        with self.begun(tmp_path) as store:
            with refused("a question about no table"), store.reader() as reader:
                reader.rows("SELECT * FROM nothing")
            expect(rows(store, "SELECT count(*) FROM customers"), [(4,)])


SEEN = '{"0":{"a":1}}'

VIEWED: dict[str, list[tuple[Any, ...]]] = {
    "journeys_view": [
        ("t", "birthday", "ACTIVE", 1, 0, 0, 0, 0, 0, 0),
        ("t", "welcome", "ACTIVE", 1, 1, 0, 1, 0, 0, 0),
        ("u", "welcome", "ACTIVE", 1, 1, 1, 0, 0, 0, 0),
    ],
    "enrollments_view": [
        (
            *(1, "t", "welcome", 1, "ann", "", 1, "COMPLETED", "", "2026-01-01T12:00:00.000000Z"),
            *("2026-01-01T12:01:00.000000Z", None, None, None, None, None),
        ),
        (
            *(2, "u", "welcome", 1, "ann", "", 1, "ACTIVE", "", "2026-01-01T12:00:00.000000Z"),
            *(None, None, "breathe", "2026-01-01T12:00:00.000000Z", None, None),
        ),
    ],
    "visits_view": [
        (
            "t",
            "welcome",
            "ann",
            1,
            n,
            step,
            "COMPLETED",
            f"2026-01-01T12:{came}.000000Z",
            f"2026-01-01T12:{left}.000000Z",
            outcome,
            "",
        )
        for n, step, came, left, outcome in [
            (1, "hello", "00:00", "00:00", "queued"),
            (2, "breathe", "00:00", "01:00", "elapsed"),
            (3, "end", "01:00", "01:00", ""),
        ]
    ]
    + [
        (
            *("u", "welcome", "ann", 1, 1, "hello", "COMPLETED", "2026-01-01T12:00:00.000000Z"),
            *("2026-01-01T12:00:00.000000Z", "queued", ""),
        ),
        ("u", "welcome", "ann", 1, 2, "breathe", "ACTIVE", "2026-01-01T12:00:00.000000Z", None, "", ""),
    ],
    "messages_view": [
        (
            *(tenant, "welcome", "ann", 1, 1, "hello", "EMAIL", "welcome", "2026-01-01T12:00:00.000000Z"),
            *("QUEUED", 0, data, name, "", None, "2026-01-01T12:00:00.000000Z", None, None),
        )
        for tenant, data, name in [("t", None, "k-1-1"), ("u", '{"a":1}', "k-2-1")]
    ],
    "inputs_view": [
        (1, "t", "ann", "event", "order.placed", "2026-01-01T12:00:00.000000Z", "e", "{}", "handled"),
        (2, "t", "bob", "event", "order.placed", "2026-01-01T12:00:00.000000Z", None, None, "pending"),
    ],
}


def people(loaded: Loaded) -> dict[int, tuple[str, str, dict[str, object], list[int]]]:
    """Lay customers out: tenant, id, attributes, serials by number."""
    return {
        person.number: (person.tenant, person.id, person.attributes, person.serials)
        for person in sorted(loaded.people, key=lambda person: person.number)
    }


def expect_contents(found: Due) -> None:
    """Hold what came with due keys to them: nothing is missing, nothing is too much."""
    leases = {key[2:] for key in found.keys if key[1] == TIMER and key[3]}
    rests = {key[2] for key in found.keys if key[1] == TIMER and not key[3]}
    rests |= {key[3] for key in found.keys if key[1] == HELD}
    expect(set(found.posts), leases, "messages")
    expect(set(found.inputs), {key[2] for key in found.keys if key[1] == INPUT}, "inputs")
    expect(set(found.runs), rests, "runs")
    expect({timer_key(each) for each in found.runs.values()} - set(found.keys), set(), "places of runs")


def drained(store: Store, limit: int) -> list[Key]:
    """Handle everything that is due, some at a time, and give the order in which it came."""
    order: list[Key] = []
    more = True
    while more:
        with store.transaction() as transaction:
            found = transaction.due(NOON + MINUTE, limit)
            transaction.commit(
                Changes(
                    handled=tuple((seq, "handled") for seq in found.inputs),
                    runs=tuple(each._replace(due=None, held=None, awaits="x") for each in found.runs.values()),
                    posts=tuple(each._replace(status=SENT, lease_until=None) for each in found.posts.values()),
                )
            )
        order += found.keys
        more = found.more
    return order


def coming(store: Store, wanted: PullRequest) -> tuple[dict[int, list[str]], dict[int, Round]]:
    """Ask who comes next, and how far each journey has come."""
    pulls = load(store, pulls=wanted).pulls or PullsLoaded()
    return {journey: list(names) for journey, names in pulls.members.items()}, dict(pulls.rounds)


def entries_of(pulls: PullsLoaded) -> dict[int, dict[int, list[int]]]:
    """Give entries as plain values."""
    return {
        journey: {customer: list(instants) for customer, instants in entries.items()}
        for journey, entries in pulls.entries.items()
    }


COUNTED_OF_RUNS = [
    Counter(journey, "*", "*", "", what, "", 1, 0, NOON)
    for journey, what in ((1, "entered"), (1, "completed"), (3, "entered"))
]
"""What is kept of those who came and left, of whom the views tell."""

TABLES = (
    *("meta", "journeys", "versions", "publications", "transitions", "flags", "customers", "inputs", "enrollments"),
    *("paths", "moves", "messages", "refusals", "last_refusals", "counters", "exports", "pulls", "list_members"),
    *("openings", "arms"),
)


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    """Ask for every row of every table."""
    with store.reader() as reader:
        return [reader.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]


def everything_else() -> Changes:
    """Make changes of every kind, to what `begun` and an entry of run 1 have left."""
    return Changes(
        inputs=(event("bob"),),
        handled=((1, "handled"),),
        customers=((5, "t", "dan", {}), (1, "t", "ann", {})),
        runs=(ended(1, 1), run(2, 2)),
        moves=(entry(2), Move(1, 2, NOON, (("breathe", COMPLETED, "elapsed"), ("end", COMPLETED, "")), {})),
        new_posts=(post(2),),
        posts=(post(1, status=SENT, flags={QUEUED: (NOON, 1)}),),
        refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),),
        counters=(Counter(1, "*", "*", "", "entered", "", 1, 0, NOON),),
        journeys=(NewJourney(4, "t", "new"),),
        versions=(NewVersion(4, 4, 1, NOON, "m", DEFINITION),),
        described=((1, '{"steps":[]}', NOON),),
        transitions=(Transition(1, NOON, "PAUSED"),),
        flags=(Flag(1, NOON, "hello", published=False),),
        purged=(3,),
        released=((1, NOON),),
        limits=LimitChanges(((1, NOON),), (Deferred(1, 1, 1, "", NOON, None),), timers=((1, 0, NOON),)),
        rounds=(Round(1, NOON),),
        listed=(("t", "news", "ann"),),
        meta=(("grace", "5"),),
        exports=(job(1),),
        openings=(Counter(1, "*", "*", "", "entered", "", 1, 0, NOON),),
        pruned=Pruned(bared=(ended(1, 1),), arms=((1, 1, "which", "A"),)),
        forgotten=(Forgotten(4, "t", "cid", "nobody"),),
        retold=((1, "{}"),),
        scrubbed=True,
    )


def history(store: Store) -> None:
    """Write runs that have ended, in journey 1, with messages and what was told of them."""
    sent = {"sent": (NOON, 2)}
    told = (
        event(type="message.opened", id="o", text=dumps({"message": "k-1-1"})),
        event(type="message.opened", text=dumps({"message": "k-1-1"})),
        event(tenant="u"),
        event("bob", type="revenue", text=dumps({"amount": 5})),
        event("", kind="ack", type="", id="k-4-1"),
        event("", kind="ack", type="", id="k-1-1"),
        event("", kind="nack", type="", id="k-4-1"),
    )
    runs = (
        ended(1, 1),
        run(2, 2),
        ended(3, 2, number=2, key="x"),
        ended(4, 2, number=3, key="x"),
        ended(5, 3),
    )
    posts = (post(1, status=SENT), post(4, status=SENT, flags=sent))
    write(
        store,
        Changes(inputs=told, runs=runs, moves=(entry(1)._replace(seen={"entry": {"a": 1}}), entry(4)), new_posts=posts),
    )
    write(store, Changes(handled=PAST))


PAST = ((1, "handled"), (3, "handled"), (4, "attributed to k-4-1"), (5, "handled"), (6, "handled"))
"""What has become of the inputs that were handled."""
