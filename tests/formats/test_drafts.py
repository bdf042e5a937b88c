"""Drafts that may be unfinished (R13): kept by an engine as they are, activated when they are whole."""

import pytest

from journeyflow import Conflict, InvalidInput, InvalidJourney, Journey, Trigger, Wait, update_journey
from journeyflow.formats import Draft, dumps_journey, loads_journey
from tests.samples import START, STORES, after, open_engine

REST = {"kind": "wait", "id": "rest", "duration": "1 day", "next": "end"}

SEND = {"kind": "send", "id": "hello", "channel": "EMAIL", "template": "", "next": "rest"}

WHOLE = {"format": 1, "id": "hi", "name": "Hi", "trigger": {"event": "joined"}, "steps": [REST]}

UNFINISHED = {**WHOLE, "steps": [SEND, {"kind": "split", "id": "ab", "arms": [{"percentage": 50, "next": "more"}]}]}

DOCUMENTS = [
    ("native", UNFINISHED, ["template", "percentage", "dangling", "dangling"], Trigger("joined")),
    (
        "loyalty",
        {"triggerType": "joined", "steps": [{"id": "a", "type": "CONDITION", "config": {"rules": []}, "x": 1}]},
        ["branch", "unknown-key"],
        Trigger("joined"),
    ),
    ("octeth", {"JourneyName": "Hi", "Actions": [{"Action": "Wait"}]}, ["missing", "missing"], Trigger(manual=True)),
]


@pytest.fixture(params=STORES)
def engine(request):
    """Give an engine on each store."""
    with open_engine(request.param, grace=None) as engine:
        yield engine


@pytest.mark.parametrize(("dialect", "file", "codes", "trigger"), DOCUMENTS, ids=[each[0] for each in DOCUMENTS])
def test_an_unfinished_file_of_each_dialect_is_kept_as_it_is(engine, dialect, file, codes, trigger):
    """What can be read besides the steps is there; the file comes back as it was given."""
    draft = Draft("hi", file, dialect)
    assert sorted(each.code for each in draft.problems) == sorted(codes)
    engine.publish(draft.kept(), at=START)
    found = engine.definition("hi")
    assert (found.id, found.trigger, found.steps) == ("hi", trigger, ())
    assert Draft.of(found) == draft
    assert engine.journey("hi").status == "DRAFT"
    with pytest.raises(InvalidJourney) as caught:
        engine.activate("hi", at=START)
    assert (caught.value.journey, caught.value.problems) == ("hi", draft.problems)


def test_a_draft_is_saved_again_and_again_until_it_is_whole(engine):
    """Each publication replaces the one before; then it is activated, and still is what its author wrote."""
    engine.publish(Draft("hi", UNFINISHED).kept(), at=START)
    engine.publish(Draft("hi", {**UNFINISHED, "name": "Ho"}).kept(), at=after("1 hour"))
    info = engine.journey("hi")
    assert (info.name, info.version, info.steps, info.updated_at) == ("Ho", 1, 0, after("1 hour"))
    last = Draft("hi", {**WHOLE, "steps": [{**REST, "name": ""}]})
    assert last.problems == ()
    engine.deploy(last.kept(), at=after("2 hours"))
    found = engine.definition("hi")
    assert (engine.journey("hi").status, [step.id for step in found.steps]) == ("ACTIVE", ["rest", "end"])
    assert Draft.of(found) == last
    assert update_journey(found, meta={}) == last.journey() == loads_journey(dumps_journey(last.journey()))


def test_what_does_not_run_is_the_only_thing_that_may_be_unfinished(engine):
    """R13: an ACTIVE journey is not replaced by a draft; the error has the problems of the draft."""
    engine.deploy(Draft("hi", WHOLE).kept(), at=START)
    draft = Draft("hi", UNFINISHED)
    with pytest.raises(InvalidJourney) as caught:
        engine.publish(draft.kept(), at=START)
    assert caught.value.problems == draft.problems
    assert Draft.of(engine.definition("hi")) == Draft("hi", WHOLE)
    engine.archive("hi", at=START)
    with pytest.raises(Conflict):
        engine.publish(draft.kept(), at=START)


def test_a_file_that_says_little_has_the_id_of_the_draft():
    """Format, id and trigger may be missing; so may everything."""
    draft = Draft("hi", {"steps": [REST]})
    assert [each.path for each in draft.problems] == ["trigger"]
    assert draft.kept().id == "hi"
    assert Draft("hi", {"id": "other", "trigger": {"manual": True}, "steps": []}).journey().id == "hi"
    assert [each.code for each in Draft("hi", {"trigger": {"manual": True}, "steps": []}).problems] == ["no-steps"]
    assert Draft.of(Draft("hi", {}).kept()) == Draft("hi", {})


def test_a_journey_that_was_changed_since_has_no_draft():
    """Its content decides: texts may be edited, and what the host keeps with it stays."""
    kept = Draft("hi", {**WHOLE, "meta": {"mine": 7}}).kept()
    assert kept.meta["mine"] == 7
    assert Draft.of(update_journey(kept, name="Ho", meta={**kept.meta, "mine": 8})) == Draft.of(kept)
    assert Draft.of(update_journey(kept, timezone="Europe/Berlin")) is None
    others: tuple[object, ...] = (None, 7, {})
    for meta in others:
        assert Draft.of(update_journey(kept, meta={"draft": meta})) is None


def test_a_copy_of_a_draft_is_a_draft(engine):
    """R18: with the id of the copy."""
    engine.publish(Draft("hi", UNFINISHED).kept(), at=START)
    engine.clone("hi", "ho", at=START)
    assert Draft.of(engine.definition("ho")) == Draft("ho", UNFINISHED)


@pytest.mark.parametrize(("name", "file"), [("", WHOLE), ("hi", {"name": "\ud800"}), ("hi", {"x": float("nan")})])
def test_what_cannot_be_stored_is_refused(name, file):
    """An id or a value that is none."""
    with pytest.raises(InvalidJourney):
        Draft(name, file).kept()


def test_a_dialect_that_there_is_not_is_refused():
    """With a suggestion."""
    with pytest.raises(InvalidInput, match=r"dialect: must be one of native, .* \(did you mean 'loyalty'\?\)"):
        Draft("hi", {}, "loyal")


def test_every_question_is_answered_about_an_unfinished_draft(engine):
    """Nobody is in it, and nothing fails."""
    engine.publish(Draft("hi", UNFINISHED).kept(), at=START)
    engine.publish(Journey(id="other", steps=[Wait("w", "1 day")]), at=START)
    engine.tick(START)
    assert engine.steps("hi") == engine.sends("hi") == ()
    assert [each.id for each in engine.journeys(trigger="joined")] == ["hi"]
    assert not engine.stats("hi", at=START).by_step
    assert not len(engine.enrollments("hi"))
    assert engine.versions("hi")[0].version == 1
    engine.delete("hi")


def test_a_file_that_is_nested_too_deep_is_a_problem_of_the_draft():
    """Whatever stands in it, nothing else is raised, and it can be shown."""
    deep: dict[str, object] = {}
    for _ in range(3_000):
        deep = {"a": deep}
    draft = Draft("hi", {**WHOLE, "meta": deep})
    assert [problem.message for problem in draft.problems] == ["the file is nested deeper than 256 levels"]
    assert len(repr(draft)) < 1_000
    with pytest.raises(InvalidJourney, match="nested deeper than 64 levels"):
        draft.kept()
