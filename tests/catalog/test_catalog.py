"""What journeys there are, in which state, in which version, as of any instant."""

from typing import Any

import pytest

from journeyflow import End, Exit, Goal, Journey, Send, Trigger, Update, Wait, field, tag
from journeyflow.basics.words import State
from journeyflow.catalog.catalog import Catalog, JourneyRecord, build_catalog
from journeyflow.definition.steps import Step
from journeyflow.machine.program import Program, compile_journey

DONE = End("done")


def program(number: int, *steps: Step, tenant: str = "t", trigger: Trigger | None = None, **options: Any) -> Program:
    """Compile a version."""
    journey = Journey(id=f"j{number}", steps=steps or [DONE], trigger=trigger or Trigger(manual=True), **options)
    return compile_journey(journey, number=number, journey_number=1, version=number, tenant=tenant)


def record(
    number: int = 1,
    *versions: tuple[int, Program],
    name: str = "j",
    tenant: str = "t",
    transitions: tuple[tuple[int, State], ...] = (),
) -> JourneyRecord:
    """Make a journey with its history."""
    return JourneyRecord(number, tenant, name, transitions, versions)


def catalog(*records: JourneyRecord) -> Catalog:
    """Index journeys."""
    return build_catalog(3, {"nonce": "k", "grace": "60"}, records)


LIFE = record(
    1, (0, program(1)), transitions=((10, "ACTIVE"), (20, "PAUSED"), (30, "ACTIVE"), (30, "PAUSED"), (40, "ARCHIVED"))
)


@pytest.mark.parametrize(
    ("at", "state"),
    [(9, "DRAFT"), (10, "ACTIVE"), (19, "ACTIVE"), (20, "PAUSED"), (30, "PAUSED"), (39, "PAUSED"), (40, "ARCHIVED")],
)
def test_the_state_as_of_an_instant(at, state):
    """R11: DRAFT before the first transition; of two at one instant the later one counts."""
    assert LIFE.state(at) == state


def test_the_newest_state():
    """R11: after every transition so far, with its instant."""
    assert (LIFE.newest_state, LIFE.newest_at) == ("ARCHIVED", 40)
    draft = record(1, (0, program(1)))
    assert (draft.newest_state, draft.newest_at, draft.state(100)) == ("DRAFT", None, "DRAFT")


def test_the_version_as_of_an_instant():
    """R11: the newest one then; work from before the first version sees the first."""
    first, second, third = program(1), program(2), program(3)
    versions = record(1, (10, first), (20, second), (20, third))
    assert [versions.program(at) for at in (0, 10, 19)] == [first] * 3
    assert [versions.program(at) for at in (20, 99)] == [third] * 2
    assert versions.newest is third


def test_when_a_paused_journey_goes_on():
    """R16: at the next instant at which it becomes ACTIVE, if that is known."""
    assert LIFE.resumes(20) == 30
    assert LIFE.resumes(0) == 10
    assert LIFE.resumes(30) is None


def test_journeys_are_found_by_number_and_by_name():
    """R91: a name belongs to a tenant."""
    one, two = record(1, (0, program(1))), record(2, (0, program(2)), tenant="u")
    made = catalog(one, two)
    assert (made.revision, made.nonces, made.grace) == (3, ("k",), 60)
    assert made.journeys == {1: one, 2: two}
    assert made.by_name == {("t", "j"): one, ("u", "j"): two}
    assert sorted(made.programs) == [1, 2]


def test_a_trigger_finds_its_journeys_by_id():
    """R9: in the order of their ids, not of their numbers; each once, however many of its versions listen."""
    go = Trigger("go")
    beta = record(1, (0, program(1, trigger=go)), name="beta")
    alpha = record(2, (0, program(2, trigger=go)), (5, program(3, trigger=go)), name="alpha")
    foreign = record(3, (0, program(4, trigger=go, tenant="u")), name="alpha", tenant="u")
    manual = record(4, (0, program(5)), name="manual")
    made = catalog(beta, alpha, foreign, manual)
    assert made.triggered == {("t", "go"): (alpha, beta), ("u", "go"): (foreign,)}


def test_an_older_trigger_counts_too():
    """R11: work with an own instant before the newest version sees the older one."""
    both = record(1, (0, program(1, trigger=Trigger("old"))), (5, program(2, trigger=Trigger("new"))))
    assert catalog(both).triggered == {("t", "old"): (both,), ("t", "new"): (both,)}


def test_what_a_tenant_listens_to():
    """Over all journeys and versions of the tenant."""
    waiting = program(1, Wait("w", event="a"), trigger=Trigger("b"))
    other = program(2, trigger=Trigger("c"), tenant="u")
    made = catalog(record(1, (0, waiting)), record(2, (0, other), tenant="u"))
    assert made.listened == {"t": {"a", "b"}, "u": {"c"}}


def test_who_is_watched_and_who_reads_messages():
    """R42, R59: tenants where an attribute may act by itself, and versions that read `message.x`."""
    watching = program(1, exits=(Exit("e", when=field("plan").eq("paid")),), tenant="u")
    mails = Send("a", channel="E", template="t", data={"x": "{{ message.a.id }}"})
    reading, asking = program(2, mails), program(3, mails, goal=Goal("order", where=field("total").gt(5)))
    asking_else = program(4, goal=Goal("order", where=field("total").gt(5)))
    others = ((0, reading), (1, asking), (2, asking_else))
    made = catalog(record(1, (0, watching), tenant="u"), record(2, *others))
    assert made.watched == {"u"}
    assert made.reading_posts == {2, 3}
    assert made.converting == {3}


def test_which_versions_nobody_hears():
    """A version goes unheard when no journey of its tenant listens to what it emits, or watches its customers."""
    tagging = program(1, Update("u", tag.add("x")))
    alone = catalog(record(1, (0, tagging)))
    assert alone.unheard == {1}
    heard = record(2, (0, program(2, trigger=Trigger("tag.added"))), name="k")
    assert catalog(record(1, (0, tagging)), heard).unheard == {2}
    watched = record(2, (0, program(2, exits=(Exit("e", when=field("plan").eq("paid")),))), name="k")
    assert catalog(record(1, (0, tagging)), watched).unheard == frozenset()
    elsewhere = record(2, (0, program(2, trigger=Trigger("tag.added"), tenant="u")), name="k", tenant="u")
    assert catalog(record(1, (0, tagging)), elsewhere).unheard == {1, 2}
