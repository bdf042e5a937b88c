"""What a host keeps with journeys and steps: stored, versioned as notes are, and never read (R12)."""

import pytest

from journeyflow import (
    Condition,
    End,
    InvalidJourney,
    Journey,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    add_step,
    arm,
    field,
    reorder_steps,
    tag,
    update_journey,
    update_step,
)
from journeyflow.definition.steps import Step  # noqa: TC001 annotations of this file are read
from tests.samples import START, after

KEPT = {"owner": 7, "parts": [{"id": "a"}, None]}


ENGINE = {"grace": None}


def journey(**options):
    """Make a journey with something kept at every kind of step."""
    steps: list[Step] = [
        Send("mail", channel="EMAIL", template="t", meta={"n": 1}),
        Wait("rest", "1 day", meta={"n": 2}),
        Condition("one", field("vip").eq(7), yes=[Update("mark", tag.add("x"), meta={"n": 4})], meta={"n": 3}),
        Split("two", arm(50, [End("out", meta={"n": 6})]), arm(50), meta={"n": 5}),
    ]
    return Journey(id="j", trigger=Trigger("go"), steps=steps, **{"meta": KEPT, **options})


def kept(engine, version=None):
    """Give what is kept with each step."""
    return {each.id: dict(each.definition.meta).get("n") for each in engine.steps("j", version=version)}


def test_what_a_host_keeps_comes_back_as_it_was(host):
    """With the journey, with its definition, and with every kind of step; nothing is kept by default."""
    host.engine.deploy(journey(), at=START)
    host.engine.deploy(Journey(id="k", steps=[Wait("w", "1 day")]), at=START)
    assert host.engine.journey("j").meta == KEPT
    assert host.engine.definition("j") == journey()
    assert kept(host.engine) == {"mail": 1, "rest": 2, "one": 3, "mark": 4, "two": 5, "out": 6, "end": None}
    assert host.engine.journey("k").meta == {}
    assert host.engine.definition("k").meta == {}


def test_it_is_edited_in_place_as_notes_are(host):
    """R12, F93: no version is made, by edit or by publishing; what is not given stays."""
    host.engine.deploy(journey(), at=START)
    assert host.engine.edit("j", at=after("1 hour"), meta={"owner": 8}).meta == {"owner": 8}
    assert host.engine.edit("j", at=after("1 hour"), notes="told").meta == {"owner": 8}
    changed = update_step(update_journey(journey(), meta={}), "mail", meta={"n": 9})
    assert host.engine.publish(changed, at=after("2 hours")) == 1
    assert (kept(host.engine)["mail"], host.engine.journey("j").meta) == (9, {})
    assert host.engine.publish(update_step(changed, "rest", duration="2 days"), at=after("3 hours")) == 2
    assert kept(host.engine, 1) == kept(host.engine, 2)


def test_edits_of_steps_leave_it_alone():
    """Wherever an edit changes where steps lead."""
    before = journey()
    after_edit = add_step(before, Wait("more", "1 day"), before="one")
    after_edit = reorder_steps(after_edit, [step.id for step in after_edit.steps])
    assert {step.id: step.meta for step in before.steps}.items() <= {s.id: s.meta for s in after_edit.steps}.items()


def test_a_clone_keeps_it_and_a_copy_for_another_tenant_does_not(host):
    """R18: it is the tenant's own."""
    host.engine.deploy(journey(), at=START)
    assert host.engine.clone("j", "k", at=START).meta == KEPT
    host.engine.copy_to("other", "j", at=START)
    copy = host.engine.tenant("other").definition("j")
    assert (copy.meta, {step.id for step in copy.steps if step.meta}) == ({}, set())


@pytest.mark.parametrize("wrong", [7, ["a"], {"a": 2**70}, {"a": {1, 2}}])
def test_what_cannot_be_kept_is_refused(wrong):
    """It is an object of JSON values."""
    with pytest.raises(InvalidJourney) as caught:
        Journey(id="j", meta=wrong, steps=[End("x", meta=wrong)])
    assert {each.code for each in caught.value.problems} == {"meta"}
    assert {each.path.rpartition(".")[2] for each in caught.value.problems} == {"meta"}
