"""Copies keep everything that is not named as changed: every option of a journey, and where every way leads (R18)."""

from pathlib import Path

import pytest
from attrs import evolve, fields_dict
from hypothesis import given

from journeyflow import Condition, Engine, Exit, Journey, MemoryStore, Send, field
from journeyflow.definition.edits.copying import clone_of, copy_of
from journeyflow.formats.native_reading import loads_journey
from journeyflow.testing.strategies import journeys
from tests.samples import START, STORES, Host, open_engine

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))


def kept(journey: Journey, copy: Journey, *changed: str) -> None:
    """Check that a copy has every option of its original but those named, step by step and way by way."""
    for name in fields_dict(Journey):
        if name not in {*changed, "steps"}:
            assert getattr(copy, name) == getattr(journey, name), name
    assert [step.id for step in copy.steps] == [step.id for step in journey.steps]
    for old, new in zip(journey.steps, copy.steps, strict=True):
        assert type(new) is type(old)
        for name in fields_dict(type(old)):
            assert getattr(new, name) == getattr(old, name), f"{old.id}.{name}"


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
@pytest.mark.rows(103)
def test_a_clone_has_every_option_of_its_original(path):
    """Only id, name and notes are its own: also for a journey that has every option there is (F103)."""
    journey = loads_journey(path.read_text(encoding="utf-8"))
    copy = clone_of(journey, "copy", None)
    kept(journey, copy, "id", "name", "notes")
    assert (copy.id, copy.name, copy.notes) == (
        "copy", f"Copy of {journey.name or journey.id}", f"Copy of journey {journey.name or journey.id}",
    )  # fmt: skip
    assert clone_of(journey, "copy", "").name == ""


@given(journeys())
def test_a_clone_of_any_journey_is_that_journey(journey):
    """With its own id, name and notes again it is equal to the original (F103)."""
    copy = clone_of(journey, "copy", "Kay")
    assert evolve(copy, id=journey.id, name=journey.name, notes=journey.notes) == journey
    assert (copy.id, copy.name) == ("copy", "Kay")


@given(journeys())
def test_a_copy_for_another_tenant_keeps_what_it_does_not_reset(journey):
    """Steps that lost nothing and lead to steps that stay are the same; so are options without resources (F105)."""
    copy, told = copy_of(journey, "copy", "acme", None, None, None)
    lost = {each.path.split(".")[0] for each in told.reset}
    for name in (
        "timezone",
        "customer_timezone",
        "reentry",
        "holdout",
        "limits",
        "consent",
        "max_visits",
        "description",
    ):
        assert getattr(copy, name) == getattr(journey, name), name
    for name in ("goal", "run_criteria"):
        assert name in lost or getattr(copy, name) == getattr(journey, name)
    assert (copy.trigger.manual, copy.tenant) == (True, None)
    if len(copy.steps) == len(journey.steps):
        for n, (old, new) in enumerate(zip(journey.steps, copy.steps, strict=True)):
            assert new == old or f"steps[{n}]" in lost


@pytest.mark.parametrize("store", STORES)
@pytest.mark.rows(103)
def test_a_clone_leads_people_where_the_original_does(store):
    """Yes stays yes, and no stays no, as people walk: the ways of both are compared from the same events (F103)."""
    with open_engine(store, grace=None, max_jump=None) as engine:
        host = Host(engine)
        paid = [Send("thanks", channel="EMAIL", template="t")]
        host.deploy(
            Condition("paid", field("plan").eq("paid"), yes=paid, no=[Send("offer", channel="SMS", template="o")])
        )
        engine.clone("j", "k", at=START)
        engine.enable("k", at=START)
        for customer, plan in (("ann", "paid"), ("bob", "free")):
            host.put(START, customer, plan=plan)
            host.say("go", START, customer)
            assert host.path(customer, "k") == host.path(customer, "j")
        assert host.path("ann", "k")[:2] == ["paid yes", "thanks queued"]
        assert host.path("bob", "k")[:2] == ["paid no", "offer queued"]


@given(journeys())
def test_a_stored_clone_is_the_original_too(journey):
    """What the store keeps of a clone is what it keeps of the original, also of the one that many calls make (F104)."""
    with Engine(MemoryStore()) as engine:
        engine.publish(evolve(journey, id="j"), at=START)
        engine.clone("j", "k", at=START, name="Kay")
        copies = engine.bulk("clone", ["j"], at=START).clones
        for name in ("k", copies["j"]):
            copy = engine.definition(name)
            assert evolve(copy, id="j", name=journey.name, notes=journey.notes) == engine.definition("j")


def test_a_copy_for_another_tenant_has_no_notes_of_the_old_host_about_steps():
    """`meta` is the host's own of that tenant; a name that is empty already is none that is lost (R18, F105)."""
    step = Send("hello", channel="EMAIL", template="t", meta={"color": "red"})
    exits = [Exit(name or "none", event="tag.added", where=field("tag").eq(name)) for name in ("", "vip")]
    copy, told = copy_of(Journey(id="j", steps=[step], exits=exits), "copy", "acme", None, None, None)
    assert [dict(each.meta) for each in copy.steps] == [{}, {}]
    assert [each.value for each in told.reset] == ["vip"]
