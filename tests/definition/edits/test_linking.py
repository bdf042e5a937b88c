"""How journeys lead to one another: names of nobody, circles (R13, R39, R53)."""

import pytest

from journeyflow import Chain, End, Exit, Goal, Journey, Trigger, Update, Wait, field
from journeyflow.definition.edits.linking import link_problems, links
from journeyflow.formats.native import dumps_journey
from tests.cli.shell import call


def enrolling(name, *others, trigger=None):
    """Write a journey that enrolls in others."""
    steps = [Update("u", Chain.enroll(*others))] if others else [End("e")]
    return Journey(name, trigger=trigger or Trigger(manual=True), steps=steps)


def said(*journeys):
    """List the warnings as texts."""
    return [f"{name} {problem}" for name, problem in link_problems(journeys)]


def test_every_place_that_names_a_journey_is_found():
    """R39, R50: changes, triggers, waits, exits and goals, by equality or a list; other rules name nobody for sure."""
    named = field("event.journey")
    journey = Journey(
        "j",
        trigger=Trigger("journey.completed", where=named.in_(["a", "b"]) & field("event.x").eq("no")),
        exits=[
            Exit("x", event="journey.completed", where=field("journey").eq("c")),
            Exit("y", when=field("n").eq("no")),
        ],
        goal=Goal("journey.completed", where=named.eq("d")),
        steps=[
            Wait("w", event="journey.completed", where=named.eq("e")),
            Wait("v", event="journey.completed", where=named.ne("no"), timeout="1 day"),
            Wait("u", event="other", where=named.eq("no"), timeout="1 day"),
            Update("s", field("n").set(1), Chain.enroll("f"), Chain.exit("g", "h"), Chain.exit_all()),
        ],
    )
    assert [(link.named, link.place, link.starts) for link in links(journey)] == [
        ("a", "trigger.where", ("a", "j")),
        ("b", "trigger.where", ("b", "j")),
        ("f", "steps[3].changes[1].journeys", ("j", "f")),
        ("g", "steps[3].changes[2].journeys", None),
        ("h", "steps[3].changes[2].journeys", None),
        ("c", "exits[0].where", None),
        ("d", "goal.where", None),
        ("e", "steps[0].where", None),
    ]


def test_names_of_nobody_are_told_with_their_place():
    """R13: what no journey is called, with a suggestion."""
    follows = enrolling("welcome", trigger=Trigger.journey_completed("trail"))
    assert said(follows, enrolling("trial", "welcome", "gone")) == [
        "welcome trigger.where: there is no journey 'trail' among these (did you mean 'trial'?) [unknown-journey]",
        "trial steps[0].changes[0].journeys: there is no journey 'gone' among these [unknown-journey]",
    ]


@pytest.mark.rows(36, 216)
def test_circles_are_told():
    """R53: by enrollments, by ends, by both; one is enough to know of."""
    circle = (enrolling("a", "b"), enrolling("b", "d", "c"), enrolling("c", trigger=Trigger.journey_completed("b")))
    assert said(*circle, enrolling("d")) == []
    back = enrolling("a", "b", trigger=Trigger.journey_completed("c"))
    (only,) = said(back, *circle[1:], enrolling("d"))
    assert only.startswith("a these journeys start one another: a -> b -> c -> a; at one instant each is entered once")
    assert only.endswith("(event loop) [circle]")


def test_a_journey_that_starts_itself_is_told_of_by_itself():
    """R13: that is a problem of the journey, not of the set."""
    assert said(enrolling("a", "a")) == []


def test_long_chains_are_no_trouble():
    """A thousand journeys in a row, and back again."""
    row = [enrolling(f"j{n}", f"j{n + 1}") for n in range(1_000)]
    assert said(*row, enrolling("j1000")) == []
    assert len(said(*row, enrolling("j1000", "j0"))) == 1


def test_the_command_takes_several_files_for_all_there_are(tmp_path):
    """R39: one file alone may name what is elsewhere; several are held against one another, by tenant."""
    journeys = (enrolling("a", "b"), enrolling("b", "a"), Journey("b", tenant="acme", steps=[End("e")]))
    paths = [tmp_path / f"{n}.json" for n in range(len(journeys))]
    for path, journey in zip(paths, journeys, strict=True):
        path.write_text(dumps_journey(journey))
    alone = call("check", paths[0])
    assert (alone.exit_code, alone.stdout) == (0, "files: 1, errors: 0, warnings: 0\n")
    both = call("check", *paths)
    assert both.exit_code == 0
    assert f"{paths[0]}: warning: these journeys start one another: a -> b -> a" in both.stdout
    apart = call("check", paths[0], paths[2])
    assert "there is no journey 'b' among these" in apart.stdout


def test_a_number_in_a_rule_is_no_name_of_a_journey():
    """R13: it cannot match the end of any, and there is none to be missed."""
    ends = [Trigger("journey.completed", where=field("event.journey").in_(["a", *more])) for more in ([], [5])]
    plain, odd = (said(Journey("j", trigger=each, steps=[End("e")])) for each in ends)
    assert plain == odd
    assert len(plain) == 1


def test_who_listens_or_ends_starts_nobody():
    """Exits, goals and waits for another journey's end, and changes that end runs, make no circle (R39, R53)."""
    ends = Goal("journey.completed", where=field("journey").eq("b"))
    one = Journey("a", trigger=Trigger(manual=True), goal=ends, steps=[Update("u", Chain.exit("b"))])
    two = Journey("b", trigger=Trigger("journey.completed", where=field("journey").eq("a")), steps=[End("e")])
    assert said(one, two) == []


def test_rules_that_name_nobody_for_sure_beside_one_that_does():
    """Of rules that must all hold, those that are not a plain comparison say nothing."""
    either = field("journey").eq("x") | field("journey").eq("y")
    listens = Trigger("journey.completed", where=either & field("journey").eq("a"))
    journey = Journey("b", trigger=listens, steps=[End("e")])
    assert [link.named for link in links(journey)] == ["a"]
