"""A version and the flags of its steps, published in one commit (R12, R17)."""

from threading import Barrier, Thread

import pytest

from journeyflow import (
    Cap,
    Condition,
    End,
    Engine,
    InvalidJourney,
    Journey,
    NotFound,
    Policies,
    Trigger,
    Wait,
    add_step,
    field,
    problems,
    update_journey,
)
from journeyflow.errors import Superseded
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, after, mail

ENGINE = {"grace": None}


def journey(*steps):
    """Make a journey "j" that is entered by "go"."""
    return Journey(id="j", trigger=Trigger("go"), steps=steps)


def published(engine):
    """Give the flag of each step."""
    return {each.id: each.published for each in engine.steps("j")}


@pytest.mark.rows(57)
def test_a_version_begins_with_steps_that_are_off(host):
    """R17: nobody ever reaches them; one commit of the catalog."""
    engine = host.engine
    engine.deploy(journey(mail("a"), mail("b")), at=START, unpublished="a")
    assert published(engine) == {"a": False, "b": True, "end": True}
    host.say("go", START, "ann")
    assert [each.step for each in engine.messages("j")] == ["b"]


def test_a_new_version_says_which_of_its_steps_are_off(host):
    """Its other steps are on, also those that were off before; a step of an older version keeps its flag."""
    engine = host.engine
    engine.deploy(journey(mail("a"), mail("b"), mail("old")), at=START, unpublished=["a", "old"])
    with engine.store.transaction(write=False) as transaction:
        before = transaction.shelf(None).revision
    assert engine.publish(journey(mail("a"), mail("b"), mail("c")), at=after("1 hour"), unpublished=["b"]) == 2
    with engine.store.transaction(write=False) as transaction:
        assert transaction.shelf(None).revision == before + 1
    assert published(engine) == {"a": True, "b": False, "c": True, "end": True}
    assert not {each.id: each.published for each in engine.steps("j", version=1)}["old"]


def test_the_same_content_may_be_published_again_with_other_flags(host):
    """R12: it is the same version; no flags given leaves them as they are."""
    engine = host.engine
    both = journey(mail("a"), mail("b"))
    assert engine.deploy(both, at=START, unpublished=["a"]) == 1
    assert engine.publish(both, at=START) == 1
    assert not published(engine)["a"]
    assert engine.publish(both, at=START, unpublished=["b"]) == 1
    assert published(engine) == {"a": True, "b": False, "end": True}
    assert engine.publish(both, at=START, unpublished=()) == 1
    assert all(published(engine).values())


def test_flags_of_a_publication_are_not_before_the_newest_flags(host):
    """R17: late work from between them sees what was so then."""
    engine = host.engine
    both = journey(mail("a"), mail("b"))
    engine.deploy(both, at=START, unpublished=["a"])
    engine.publish(both, at=after("2 hours"), unpublished=["b"])
    engine.publish(both, at=after("1 hour"), unpublished=["a", "b"])
    host.feed("go", "1 hours", "ann")
    host.feed("go", "2 hours", "bob")
    host.tick("3 hours")
    assert [(each.customer, each.step) for each in engine.messages("j")] == [("ann", "b")]


def test_what_cannot_be_off_is_refused_and_nothing_is_published(host):
    """R17: an unknown step, an End, and a choice in a version that people are in."""
    engine = host.engine
    with pytest.raises(NotFound, match="no step 'x' of journey 'j'"):
        engine.publish(journey(mail("a")), at=START, unpublished=["x"])
    with pytest.raises(InvalidJourney, match="step 'end' is an End"):
        engine.publish(journey(mail("a")), at=START, unpublished=["end"])
    assert not engine.journeys()
    vip = field("vip").eq("yes")
    choice = Condition("pick", vip, yes=[Wait("w", "1 day"), End("x")], no=[End("y")])
    engine.deploy(journey(choice), at=START)
    engine.put_customer("ann", {"vip": "yes"}, at=START)
    host.say("go", START, "ann")
    assert engine.publish(journey(mail("pick")), at=START) == 2
    with pytest.raises(InvalidJourney, match="step 'pick' cannot be unpublished"):
        engine.publish(journey(mail("pick")), at=START, unpublished=["pick"])
    assert all(published(engine).values())
    with pytest.raises(TypeError, match="unpublished: give one or many"):
        engine.publish(journey(mail("pick")), at=START, unpublished=7)


DATELESS = Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", field="due", offset="-1 day"), mail("a")])


def test_what_problems_warns_of_is_logged_when_it_is_stored(host, caplog):
    """R13: deploying the same again at the next start of the host changes nothing and says nothing."""
    host.engine.publish(Journey(id="empty", steps=[]), at=START)  # a draft may lack its steps
    for _ in range(2):
        host.engine.deploy(DATELESS, at=START)
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "journeyflow")
    assert record.getMessage().startswith("journey 'j' of tenant 'default': steps[0]: ")
    assert record.getMessage().endswith(str(problems(DATELESS)[0]))


# --- changes of two at once -------------------------------------------------------------------------------------------


def test_a_change_does_not_overwrite_one_that_was_faster(host):
    """R12: who publishes second is told so, whatever the other one has changed; who reads again may go on."""
    engine = host.engine
    engine.publish(journey(mail("a")), at=START)
    before = engine.definition("j")
    mine, theirs = add_step(before, mail("mine")), add_step(before, mail("theirs"))
    assert engine.publish(theirs, at=START, replacing=before) == 1
    with pytest.raises(Superseded, match="another change of journey 'j' came first; read what is there now") as caught:
        engine.publish(mine, at=START, replacing=before)
    assert (caught.value.journey, caught.value.state) == ("j", "DRAFT")
    assert engine.definition("j") == theirs
    engine.deploy(add_step(theirs, mail("mine")), at=START, replacing=theirs)
    assert [step.id for step in engine.definition("j").steps] == ["a", "theirs", "mine", "end"]


@pytest.mark.parametrize("change", [{"name": "N"}, {"description": "d"}, {"notes": "n"}, {"meta": {"k": 1}}])
def test_texts_are_a_change_like_others(host, change):
    """R12: they are not content, and yet no edit is lost; a step's flag or the state is none of the definition."""
    engine = host.engine
    engine.deploy(journey(mail("a")), at=START)
    before = engine.definition("j")
    engine.set_published("j", {"a": False}, at=START)
    engine.pause("j", at=START)
    engine.edit("j", at=START, **change, replacing=before)
    for late in (
        lambda: engine.publish(before, at=START, replacing=before),
        lambda: engine.deploy(before, at=START, replacing=before),
        lambda: engine.edit("j", at=START, notes="late", replacing=before),
    ):
        with pytest.raises(Superseded):
            late()
    assert engine.definition("j") == update_journey(before, **change)


def test_a_journey_that_is_gone_is_replaced_by_nothing(host):
    """It is not found, where without `replacing` it would be made anew."""
    engine = host.engine
    engine.publish(journey(mail("a")), at=START)
    before = engine.definition("j")
    engine.delete("j")
    with pytest.raises(NotFound):
        engine.publish(before, at=START, replacing=before)
    assert not engine.journeys()


def test_policies_do_not_overwrite_those_that_were_faster(host):
    """R31: they are set as a whole, so who changes a part of them says what it was made from."""
    engine = host.engine
    before = engine.policies()
    engine.set_policies(Policies(caps=[Cap(3, per="day")]), at=START, replacing=before)
    with pytest.raises(Superseded, match="another change of the policies of tenant 'default' came first"):
        engine.set_policies(Policies(caps=[Cap(1, per="day")]), at=START, replacing=before)
    assert engine.policies() == Policies(caps=[Cap(3, per="day")])
    engine.set_policies(before, at=after("1 hour"), replacing=engine.policies())
    assert engine.policies() == before
    with pytest.raises(TypeError, match="expected Policies, not"):
        engine.set_policies(before, at=START, replacing={})


def test_only_a_definition_can_be_replaced(host):
    """A number of a version, or an id, is none."""
    host.engine.publish(journey(mail("a")), at=START)
    for wrong in (1, "j"):
        with pytest.raises(TypeError, match="replacing: expected a Journey, not"):
            host.engine.publish(journey(mail("b")), at=START, replacing=wrong)
        with pytest.raises(TypeError, match="replacing: expected a Journey, not"):
            host.engine.edit("j", at=START, notes="n", replacing=wrong)


def test_two_processes_that_change_one_journey_lose_nothing(tmp_path):
    """R12: each reads, changes and publishes over its own connection, and again where the other was faster."""
    path, start = tmp_path / "j.db", Barrier(2)
    with Engine(SQLiteStore(path)) as engine:
        engine.publish(journey(mail("a")), at=START)

    def change(who):
        with Engine(SQLiteStore(path)) as engine:
            start.wait()
            for number in range(5):
                while True:
                    before = engine.definition("j")
                    try:
                        engine.publish(add_step(before, mail(f"{who}{number}")), at=START, replacing=before)
                    except Superseded:
                        continue
                    break

    both = [Thread(target=change, args=(who,)) for who in ("b", "c")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    with Engine(SQLiteStore(path)) as engine:
        made = {step.id for step in engine.definition("j").steps}
    assert made == {"a", "end", *(f"{who}{number}" for who in "bc" for number in range(5))}
