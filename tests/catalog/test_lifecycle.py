"""Publishing and the lifecycle calls: what each of them changes, and what it refuses."""

import sys
from typing import Any

import pytest
from attrs import evolve

from journeyflow import Conflict, End, InvalidJourney, Journey, NotFound, Send, field
from journeyflow.basics.words import State
from journeyflow.catalog.catalog import Catalog
from journeyflow.catalog.lifecycle import ALLOWED, GOALS, find, moved, published
from journeyflow.catalog.loading import read_catalog
from journeyflow.errors import CorruptDatabase, MissingExtra
from journeyflow.formats.native import fingerprint
from journeyflow.records.changes import CatalogChanges, Changes, Transition
from journeyflow.stores.contract import Shelf
from journeyflow.stores.memory import MemoryStore


def journey(template: str = "t", **options: Any) -> Journey:
    """Make a journey whose content is its template."""
    return Journey(**{"id": "j", "steps": [Send("a", channel="EMAIL", template=template)], **options})


class Shop:
    """A store of its own, with the calls that write to it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.store = MemoryStore()
        self.compiled: dict[tuple[int, str], Any] = {}

    @property
    def catalog(self) -> Catalog:
        """The catalog as it is stored now."""
        with self.store.transaction(write=False) as transaction:
            shelf = transaction.shelf(None)
        assert shelf is not None
        return read_catalog(shelf, "memory", self.compiled)

    def commit(self, changes: CatalogChanges) -> None:
        """Write."""
        with self.store.transaction() as transaction:
            transaction.commit(Changes(catalog=changes))

    def publish(self, made: Journey, at: int = 0, **options: Any) -> int:
        """Publish, and give the version."""
        version, changes = published(self.catalog, "t", made, at, **options)
        self.commit(changes)
        return version

    def move(self, call: str, at: int = 0) -> None:
        """Make a lifecycle call."""
        self.commit(CatalogChanges(transitions=(moved(find(self.catalog, "t", "j"), call, at),)))

    def to(self, state: State) -> "Shop":
        """Lead the journey to a state."""
        for call in {
            "DRAFT": (),
            "ACTIVE": ("activate",),
            "PAUSED": ("activate", "pause"),
            "ARCHIVED": ("activate", "archive"),
        }[state]:
            self.move(call)
        return self

    def history(self) -> list[tuple[int, int, str]]:
        """List the versions: instant, version, template of its first step."""
        versions = find(self.catalog, "t", "j").versions
        return [(at, each.version, each.journey.steps[0].template) for at, each in versions]  # type: ignore[union-attr]  # all of them are Sends


@pytest.fixture
def shop() -> Shop:
    """Open a shop with one draft."""
    made = Shop()
    made.publish(journey("one"))
    return made


# --- publishing -------------------------------------------------------------------------------------------------------


@pytest.mark.rows(21, 85)
def test_the_first_publication_is_a_draft(shop):
    """R11, R12: version 1, and nobody enters."""
    record = find(shop.catalog, "t", "j")
    assert (record.number, record.tenant, record.id, record.newest_state) == (1, "t", "j", "DRAFT")
    assert shop.history() == [(0, 1, "one")]
    assert record.newest.journey == journey("one")


@pytest.mark.rows(92)
def test_a_draft_is_replaced(shop):
    """R12: under the same number and version."""
    assert shop.publish(journey("two"), 5) == 1
    assert shop.history() == [(5, 1, "two")]
    assert sorted(shop.catalog.programs) == [1]


@pytest.mark.parametrize("state", ["ACTIVE", "PAUSED"])
@pytest.mark.rows(92)
def test_what_is_published_later_is_a_new_version(shop, state):
    """R12: people inside stay pinned, the older version is kept."""
    assert shop.to(state).publish(journey("two"), 5) == 2
    assert shop.publish(journey("three"), 6) == 3
    assert shop.history() == [(0, 1, "one"), (5, 2, "two"), (6, 3, "three")]
    assert sorted(shop.catalog.programs) == [1, 2, 3]


@pytest.mark.parametrize("state", ["DRAFT", "ACTIVE", "PAUSED"])
def test_the_same_content_changes_nothing(shop, state):
    """R12: a restart writes nothing at all."""
    shop.to(state)
    version, changes = published(shop.catalog, "t", journey("one"), 9)
    assert version == 1
    assert not changes


def test_an_old_content_does_not_come_back_by_itself(shop):
    """R12: publishing is idempotent over all versions, so a rolling deploy cannot turn the clock back."""
    shop.to("ACTIVE").publish(journey("two"), 5)
    version, changes = published(shop.catalog, "t", journey("one"), 9)
    assert version == 1
    assert not changes
    assert find(shop.catalog, "t", "j").newest.version == 2


@pytest.mark.parametrize("at", [9, 5, 0])
def test_an_old_content_comes_back_with_rollback(shop, at):
    """R12: and is the newest from then on, also when it comes at the instant of the version it follows, or before."""
    shop.to("ACTIVE").publish(journey("two"), 5)
    assert shop.publish(journey("one"), at, rollback=True) == 1
    record = find(shop.catalog, "t", "j")
    assert record.newest.version == 1
    assert record.versions[-1][0] == max(at, 5)
    assert sorted(shop.catalog.programs) == [1, 2]
    assert shop.publish(journey("three"), 20) == 3


def test_a_rollback_to_the_newest_is_none(shop):
    """R12: it is the newest already."""
    shop.to("ACTIVE").publish(journey("two"), 5)
    assert not published(shop.catalog, "t", journey("two"), 9, rollback=True)[1]


@pytest.mark.parametrize("state", ["DRAFT", "ACTIVE", "PAUSED"])
@pytest.mark.rows(4, 5, 6, 55, 56, 92, 93)
def test_names_are_edited_in_place(shop, state):
    """R12: name, description and notes, of the journey and its steps; no version arises, and fingerprints agree."""
    shop.to(state)
    named = journey("one", name="One", description="first", notes="!")
    named = evolve(named, steps=[evolve(step, name="Step") for step in named.steps])
    version, changes = published(shop.catalog, "t", named, 9)
    assert (version, changes.versions, len(changes.described)) == (1, (), 1)
    shop.commit(changes)
    assert shop.history() == [(0, 1, "one")]
    assert find(shop.catalog, "t", "j").newest.journey == named
    assert fingerprint(named) == fingerprint(journey("one"))


def test_names_of_an_older_version_are_edited_there(shop):
    """R12: the content says which version is meant."""
    shop.to("ACTIVE").publish(journey("two"), 5)
    shop.publish(journey("one", name="One"), 9)
    assert [each.journey.name for _, each in find(shop.catalog, "t", "j").versions] == ["One", ""]


def test_a_rollback_brings_its_names_along(shop):
    """R12: what comes back is what was handed over."""
    shop.to("ACTIVE").publish(journey("two"), 5)
    shop.publish(journey("one", name="One"), 9, rollback=True)
    assert find(shop.catalog, "t", "j").newest.journey.name == "One"


def test_an_archived_journey_is_final(shop):
    """R11, R12: also for the content it has."""
    shop.to("ARCHIVED")
    for template in ("one", "two"):
        with pytest.raises(
            Conflict, match="journey 'j' is ARCHIVED and cannot become published; an archived journey is final"
        ):
            shop.publish(journey(template))


def test_a_version_that_people_enter_has_steps(shop):
    """R13: a draft may be empty, a new version of an ACTIVE or PAUSED journey may not."""
    shop.publish(journey(steps=[]))
    shop.publish(journey("one"))
    with pytest.raises(InvalidJourney, match="the journey has no steps"):
        shop.to("PAUSED").publish(journey(steps=[]))


def test_versions_are_in_order_whatever_the_instants(shop):
    """R11: an `at` before the newest version's instant means that instant."""
    shop.to("ACTIVE").publish(journey("two"), 50)
    shop.publish(journey("three"), 20)
    assert shop.history() == [(0, 1, "one"), (50, 2, "two"), (50, 3, "three")]
    assert find(shop.catalog, "t", "j").newest.version == 3


def test_numbers_are_never_reused(shop):
    """Journeys and versions of all tenants count on together."""
    shop.publish(journey("two", id="k"))
    assert published(shop.catalog, "u", journey("one"), 0)[1].journeys[0].number == 3
    assert published(shop.catalog, "u", journey("one"), 0)[1].versions[0].number == 3
    assert find(shop.catalog, "t", "k").number == 2


# --- the lifecycle ----------------------------------------------------------------------------------------------------

STATES: tuple[State, ...] = ("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED")
FINAL = "; an archived journey is final; use another id"
REMEDIES = {
    ("activate", "ACTIVE"): "; it is active already",
    ("activate", "PAUSED"): "; resume it instead",
    ("activate", "ARCHIVED"): FINAL,
    ("resume", "DRAFT"): "; activate it instead",
    ("resume", "ACTIVE"): "; it is active already",
    ("resume", "ARCHIVED"): FINAL,
    ("pause", "DRAFT"): "; nothing runs in a draft",
    ("pause", "PAUSED"): "; it is paused already",
    ("pause", "ARCHIVED"): FINAL,
    ("archive", "DRAFT"): "; delete it instead",
    ("archive", "ARCHIVED"): "; it is archived already",
}


@pytest.mark.rows(11)
def test_the_table_of_transitions():
    """R11: DRAFT -> ACTIVE <-> PAUSED; ACTIVE or PAUSED -> ARCHIVED, which is final."""
    assert set.union(*map(set, ALLOWED.values())) == {
        ("DRAFT", "ACTIVE"),
        ("ACTIVE", "PAUSED"),
        ("PAUSED", "ACTIVE"),
        ("ACTIVE", "ARCHIVED"),
        ("PAUSED", "ARCHIVED"),
    }
    assert all({GOALS[call]} == {after for _, after in pairs} for call, pairs in ALLOWED.items())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("call", ALLOWED)
@pytest.mark.rows(97, 98, 99, 100, 101, 102)
def test_every_call_in_every_state(shop, call, state):
    """R11: a call makes its transition or raises a Conflict that names both states and what to do instead."""
    record = find(shop.to(state).catalog, "t", "j")
    if (state, GOALS[call]) in ALLOWED[call]:
        assert moved(record, call, 7) == Transition(1, 7, GOALS[call])
        return
    with pytest.raises(Conflict) as caught:
        moved(record, call, 7)
    remedy = REMEDIES[call, state]
    said = f"is {state} and cannot become {GOALS[call]}{remedy}"
    if state == GOALS[call] and "already" in remedy:
        said = f"is {state.lower()} already"
    assert str(caught.value) == f"journey 'j' {said}"
    assert (caught.value.journey, caught.value.state, caught.value.wanted) == ("j", state, GOALS[call])


def test_an_earlier_instant_means_the_newest(shop):
    """R11: transitions never run backwards."""
    shop.move("activate", 50)
    assert moved(find(shop.catalog, "t", "j"), "pause", 20).at == 50
    assert moved(find(shop.catalog, "t", "j"), "pause", 60).at == 60


@pytest.mark.rows(99)
def test_activation_needs_a_step(shop):
    """R13: an empty draft is told so."""
    shop.publish(journey(steps=[]))
    with pytest.raises(InvalidJourney, match="it can be a draft but not be activated"):
        shop.move("activate")


def test_warnings_do_not_stop_an_activation(shop):
    """R13: errors do."""
    shop.publish(journey(steps=[End("a"), End("unreachable")]))
    shop.move("activate")
    assert find(shop.catalog, "t", "j").newest_state == "ACTIVE"


def test_an_unknown_journey_is_not_found(shop):
    """R84, R91: with the nearest name of the tenant; another tenant's journey is unknown too."""
    shop.publish(journey(id="welcome"))
    with pytest.raises(NotFound, match=r"no journey 'welcom' \(did you mean 'welcome'\?\)"):
        find(shop.catalog, "t", "welcom")
    with pytest.raises(NotFound, match=r"no journey 'welcome'$"):
        find(shop.catalog, "u", "welcome")


# --- the catalog ------------------------------------------------------------------------------------------------------


def shelf(text: str, **meta: str) -> Shelf:
    """Make a shelf with one journey in one version."""
    return Shelf(4, [(1, "t", "j")], [(1, 1, 1, 0, "mark", text)], [(1, 5, "ACTIVE")], {"nonce": "n", **meta})


TEXT = '{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [{"kind": "end", "id": "a"}]}'


def test_a_catalog_is_read_from_rows():
    """With the settings of the file; the grace may be none."""
    made = read_catalog(shelf(TEXT, grace="3600000000"), "file.db", {})
    assert (made.revision, made.nonces, made.grace) == (4, ("n",), 3_600_000_000)
    assert find(made, "t", "j").state(5) == "ACTIVE"
    assert read_catalog(shelf(TEXT), "file.db", {}).grace is None
    assert read_catalog(shelf(TEXT, grace="0"), "file.db", {}).grace == 0


def test_a_version_is_compiled_once(shop):
    """From one revision of the catalog to the next, unless its text is another."""
    before = find(shop.catalog, "t", "j").newest
    assert find(shop.catalog, "t", "j").newest is before
    shop.publish(journey("one", name="One"))
    assert find(shop.catalog, "t", "j").newest is not before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "this is not JSON"),
        (TEXT.replace('"end"', '"ending"'), "unknown kind 'ending'"),
        (TEXT.replace('"format": 1', '"format": 2'), "expected 1, not int 2"),
    ],
)
def test_a_definition_that_cannot_be_read_is_a_damaged_file(text, reason):
    """The error names the file and what was found."""
    with pytest.raises(CorruptDatabase, match=rf"file\.db: the definition of version 1 cannot be read: .*{reason}"):
        read_catalog(shelf(text), "file.db", {})


def test_a_definition_that_needs_the_extra(monkeypatch):
    """R63: a process without regular expressions refuses the database, with the line to install."""
    rule = '"run_criteria": {"field": "a", "op": "matches", "value": "only-here-%s"}, "steps"'
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(MissingExtra, match=r"journey 'j' of this database .* pip install 'journeyflow\[regex\]'"):
        read_catalog(shelf(TEXT.replace('"steps"', rule)), "file.db", {})
    with pytest.raises(CorruptDatabase):
        read_catalog(shelf("{"), "file.db", {})
    with pytest.raises(InvalidJourney, match=r"pip install 'journeyflow\[regex\]'"):
        Journey(id="j", steps=[], run_criteria=field("a").matches("only-there-%s"))
