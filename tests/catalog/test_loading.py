"""The catalog that an engine keeps: what its own calls change is taken over, what others change is read (R11, R12)."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Cap,
    Conflict,
    End,
    Engine,
    Exit,
    Journey,
    JourneyflowError,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    field,
    formats,
)
from journeyflow.catalog import loading as cataloging
from journeyflow.catalog.catalog import Catalog, JourneyRecord
from journeyflow.catalog.loading import read_catalog
from journeyflow.errors import CorruptDatabase
from journeyflow.records.changes import CatalogChanges, Changes, Transition
from journeyflow.stores.contract import Shelf
from journeyflow.stores.memory.transaction import MemoryTransaction
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.sqlite.transaction import SQLiteTransaction
from tests.samples import START, STORES, open_engine

INDEXES = (
    "triggered", "listened", "watched", "reading_posts", "limited", "pulling", "unheard", "paused", "zones", "capped",
    "flagged", "converting",
)  # fmt: skip


def mails(id: str, *steps: str, **options: Any) -> Journey:  # noqa: A002 the word of the journey
    """Make a journey that sends one mail after another."""
    sends = [Send(step, channel="EMAIL", template="t") for step in steps or ("hello",)]
    return Journey(**{"id": id, "steps": sends, "trigger": Trigger("go"), **options})


def kept(engine: Engine) -> Catalog:
    """Give the catalog as the engine has it, without reading it."""
    found = engine._core.catalog
    assert found is not None
    return found


def told(catalog: Catalog) -> dict[str, object]:
    """Put everything that a catalog says into plain values; programs are compared by what they were compiled of."""

    def plain(value: object) -> object:
        names = ("number", "journey_number", "version", "tenant", "journey")
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, tuple | list):
            return [plain(each) for each in value]
        if hasattr(value, "policies"):
            return value.policies
        if hasattr(value, "history"):
            return plain(value.history)
        if hasattr(value, "journey_number"):
            return [getattr(value, name) for name in names]
        return plain(asdict(value, recurse=False)) if isinstance(value, JourneyRecord) else value

    said = asdict(catalog, recurse=False) | {name: getattr(catalog, name) for name in INDEXES}
    settings = {name: text for name, text in catalog.settings.items() if name != "revision"}
    return {name: plain(value) for name, value in said.items()} | {"settings": settings}


def stored(engine: Engine) -> Catalog:
    """Read the catalog anew."""
    with engine.store.transaction(write=False) as transaction:
        shelf = transaction.shelf(None)
    assert shelf is not None
    return read_catalog(shelf, "anew", {})


@pytest.fixture
def counted(monkeypatch):
    """Count how often the catalog is read as a whole, a definition compiled, a definition parsed."""
    counts = Counter[str]()
    cataloging._journey.cache_clear()

    def counting(name, function):
        def call(*given, **options):
            answer = function(*given, **options)
            counts[name] += answer is not None
            return answer

        return call

    for transaction in (MemoryTransaction, SQLiteTransaction):
        monkeypatch.setattr(transaction, "shelf", counting("read", transaction.shelf))
    for module, name, what in ((cataloging, "compile_journey", "compiled"), (formats, "loads_journey", "parsed")):
        monkeypatch.setattr(module, name, counting(what, getattr(module, name)))
    return counts


@pytest.mark.parametrize("store", STORES)
def test_a_call_costs_what_it_changes(store, counted):
    """Journeys deployed one by one are compiled once each, and the catalog is never read again as a whole (R12)."""
    engine = open_engine(store)
    before = counted["read"]
    for number in range(50):
        engine.deploy(mails(f"j{number}"), at=START)
    assert counted == {"read": before, "compiled": 50, "parsed": 50}
    engine.pause("j7", at=START)
    engine.edit("j7", at=START, name="Seven")
    engine.set_published("j8", {"hello": False}, at=START)
    engine.set_policies(Policies(caps=[Cap(3, per="day")]), at=START)
    engine.clone("j9", "j9b", at=START)
    engine.delete("j9b")
    engine.renew_nonce("another")
    engine.tick(START)
    assert counted == {"read": before, "compiled": 52, "parsed": 52}
    assert told(kept(engine)) == told(stored(engine))


def test_a_process_parses_a_definition_once(counted):
    """Engines that come and go, as those of replications do, have the journey in common; each compiles its own."""
    first, other = (open_engine("memory") for _ in range(2))
    for engine in (first, other):
        engine.deploy(mails("same"), at=START)
    assert (counted["parsed"], counted["compiled"]) == (1, 2)
    assert first.definitions()["same"] is other.definitions()["same"]


@pytest.mark.parametrize("store", STORES)
def test_records_of_other_journeys_stay_what_they_are(store):
    """What a call does not name is the same value as before."""
    engine = open_engine(store)
    for name in ("a", "b"):
        engine.deploy(mails(name), at=START)
    before = kept(engine)
    engine.pause("b", at=START)
    after = kept(engine)
    assert after.journeys[1] is before.journeys[1]
    assert (before.journeys[2].newest_state, after.journeys[2].newest_state) == ("ACTIVE", "PAUSED")
    assert after.by_name["default", "b"] is after.journeys[2]


def test_what_another_process_changes_is_read(tmp_path, counted):
    """Two processes on one file see what the other did, before they change anything themselves (R72)."""
    with Engine(tmp_path / "j.db") as one, Engine(tmp_path / "j.db") as other:
        one.deploy(mails("a"), at=START)
        other.deploy(mails("b"), at=START)
        one.pause("b", at=START)
        with pytest.raises(Conflict):
            other.pause("b", at=START)
        other.deploy(mails("a", "hello", "again"), at=START)
        assert one.definition("a").step("again").id == "again"
        assert told(kept(one)) == told(kept(other)) == told(stored(one))
    assert counted["compiled"] == 2 * 3 + 3  # each engine each version once, and the last comparison


def test_what_another_thread_has_read_meanwhile_stays():
    """Whoever has read the catalog since knows as much or more: it is not put back (R72)."""
    engine = Engine(MemoryStore())
    engine.deploy(mails("a"), at=START)
    newer = evolve(kept(engine), revision=99)
    with engine._core.amending() as transaction:
        transaction.commit(Changes(catalog=CatalogChanges(transitions=(Transition(1, 0, "PAUSED"),))))
        engine._core.catalog = newer
    assert kept(engine) is newer


@pytest.mark.parametrize("store", STORES)
def test_what_is_rolled_back_was_never_there(store, monkeypatch):
    """An exception inside the transaction leaves the catalog as it was, and the next call finds it so (R70)."""
    engine = open_engine(store)
    engine.deploy(mails("a"), at=START)
    before = kept(engine)
    kind = MemoryTransaction if store == "memory" else SQLiteTransaction
    plain = kind.commit

    def fail(self, changes):
        plain(self, changes)
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(kind, "commit", fail)
        with pytest.raises(RuntimeError):
            engine.pause("a", at=START)
    assert kept(engine) is before
    assert engine.journey("a").status == "ACTIVE"
    engine.pause("a", at=START)
    assert told(kept(engine)) == told(stored(engine))


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.lists(st.sampled_from(["hello", "again", "bye"]), unique=True, max_size=3)
CALLS = st.one_of(
    st.tuples(st.sampled_from(["publish", "deploy", "rollback"]), NAMES, STEPS, st.sampled_from(["", "named"])),
    st.tuples(st.sampled_from(["activate", "pause", "resume", "archive", "remove", "clone"]), NAMES),
    st.tuples(st.just("edit"), NAMES, st.sampled_from(["x", "y"])),
    st.tuples(st.just("flag"), NAMES, st.sampled_from(["hello", "again"]), st.booleans()),
    st.tuples(st.just("policies"), st.integers(0, 2)),
)


def call(engine: Engine, at: datetime, word: str, *given: Any) -> None:
    """Make one of the calls above."""
    if word in {"publish", "deploy", "rollback"}:
        name, steps, title = given
        ends = (Exit("left", when=field("plan").eq("paid")),) if "bye" in steps else ()
        journey = mails(name, *steps, name=title, exits=ends)
        if word == "deploy":
            engine.deploy(journey, at=at)
        else:
            engine.publish(journey, at=at, rollback=word == "rollback")
    elif word == "edit":
        engine.edit(given[0], at=at, notes=given[1])
    elif word == "flag":
        engine.set_published(given[0], {given[1]: given[2]}, at=at)
    elif word == "policies":
        engine.set_policies(Policies(caps=[Cap(given[0], per="day")]), at=at)
    elif word == "clone":
        engine.bulk("clone", [given[0]], at=at)
    else:
        getattr(engine, word)(given[0], at=at)


@given(st.lists(CALLS, max_size=12))
def test_what_is_taken_over_is_what_a_reader_would_find(calls):
    """R11, R12, R15, R17, R31: after any calls the catalog in hand equals the one in the store, on both stores."""
    for store in (MemoryStore(), SQLiteStore(":memory:", nonce="k")):
        with Engine(store) as engine:
            for number, each in enumerate(calls):
                try:
                    call(engine, START + timedelta(hours=number), *each)
                except JourneyflowError:
                    continue
            assert told(kept(engine)) == told(stored(engine))


def test_a_text_that_many_tenants_have_is_parsed_once(counted):
    """Each has a program of its own, of the same journey, also of a version that comes later."""
    compiled = dict[tuple[int, str], Any]()
    text = '{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [{"kind": "end", "id": "a"}]}'
    journeys = [(number, f"t{number}", "j") for number in (1, 2, 3)]
    for count in (2, 3):
        versions = [(number, number, 1, 0, "m", text) for number in range(1, count + 1)]
        made = read_catalog(Shelf(4, journeys[:count], versions, [], {"nonce": "n"}), "file.db", compiled)
        assert [program.tenant for program in made.programs.values()] == [f"t{n + 1}" for n in range(count)]
    assert (counted["parsed"], counted["compiled"]) == (1, 3)


def test_a_shelf_may_say_nothing_of_flags_and_policies():
    """Stores without them give none."""
    text = '{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [{"kind": "end", "id": "a"}]}'
    made = read_catalog(Shelf(4, [(1, "t", "j")], [(1, 1, 1, 0, "m", text)], [], {"nonce": "n"}), "file.db", {})
    assert (made.flagged, made.capped, made.programs[1].journey.steps) == (frozenset(), frozenset(), (End("a"),))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("journeys", (1, "acme", b"j")),
        ("journeys", (1, 7, "j")),
        ("transitions", (1, "", "ACTIVE")),
        ("policies", ("acme", None, "{}")),
        ("flags", (1, 0, 5, True)),
        ("holds", ("acme", 0, "SMS", "yes")),
    ],
)
def test_a_row_with_values_of_other_types_is_damage(name, row):
    """Wherever it would come out, the file is named."""
    parts: dict[str, Any] = {"journeys": (), "versions": (), "transitions": (), "meta": {}}
    with pytest.raises(CorruptDatabase, match=f"x.db: a row of {name} has values of other types than its columns"):
        read_catalog(Shelf(1, **{**parts, name: (row,)}), "x.db", {})
