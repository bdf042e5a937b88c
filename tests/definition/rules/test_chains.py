"""Changes that are about journeys, as data (R39)."""

from typing import cast

import pytest

from journeyflow import Chain, InvalidJourney, Journey, Update, problems
from journeyflow.definition.rules.chains import CHAINS, NAMING, ORDERING, chain_problems
from journeyflow.formats.native import to_dict
from journeyflow.formats.native_reading import loads_journey

ALL = (
    Chain.enroll("a"),
    Chain.enroll("a", "b"),
    Chain.exit("a", "b"),
    Chain.exit_this(),
    Chain.exit_others(),
    Chain.exit_all(),
    Chain.forget(),
)


def said(change):
    """List the problems of a change as texts."""
    return [str(problem) for problem in chain_problems(change, "c")]


def test_every_action_can_be_written():
    """R39: the six actions have a way to be written each; what names journeys and what gives orders are among them."""
    assert {change.action for change in ALL} == set(CHAINS)
    assert set(CHAINS) >= NAMING
    assert set(CHAINS) - ORDERING == {"exit_this"}


@pytest.mark.parametrize("change", ALL)
def test_what_can_be_written_is_sound(change):
    """R13: no problem with any of them."""
    assert said(change) == []


def test_one_journey_or_many():
    """F214: single or array, in Python and in a file."""
    assert Chain("exit", "a") == Chain("exit", ["a"]) == Chain.exit("a")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Chain.enroll("a", "b"), "enroll in a, b"),
        (Chain.exit("a"), "exit from a"),
        (Chain.exit_others(), "exit others"),
        (Chain.forget(), "forget"),
    ],
)
def test_a_change_is_shown_in_words(change, words):
    """What pictures and losses print."""
    assert str(change) == words


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Chain("leave"), f"c.action: unknown action 'leave'; known are {', '.join(CHAINS)}"),
        (Chain("exit_al"), "c.action: unknown action 'exit_al' (did you mean 'exit_all'?)"),
        (Chain(cast("str", ["exit"])), "c.action: unknown action ['exit'] (did you mean 'exit'?)"),
        (Chain.enroll(), "c.journeys: action enroll needs the id of a journey"),
        (Chain("exit_all", ("a",)), "c.journeys: action exit_all takes no journeys"),
        (Chain("exit", 5), "c.journeys: expected ids, not int 5"),
        (Chain.exit("a", " "), "c.journeys[1]: the journey's id"),
    ],
)
def test_what_is_wrong_is_told(change, problem):
    """R13: with its place and the remedy."""
    (only,) = said(change)
    assert only.startswith(problem)


def test_files_keep_changes_about_journeys():
    """R39: written and read back; one id may be written as a text."""
    journey = Journey(id="j", steps=[Update("u", *ALL)])
    written = to_dict(journey)
    assert written["steps"][0]["changes"] == [
        {"action": "enroll", "journeys": ["a"]},
        {"action": "enroll", "journeys": ["a", "b"]},
        {"action": "exit", "journeys": ["a", "b"]},
        {"action": "exit_this"},
        {"action": "exit_others"},
        {"action": "exit_all"},
        {"action": "forget"},
    ]
    text = (
        '{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [{"kind": "update", "id": "u", "changes": '
        '[{"action": "exit", "journeys": "a"}]}]}'
    )
    assert loads_journey(text).step("u") == Update("u", Chain.exit("a"), next="end")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ('{"action": "enroll"}', "steps[0].changes[0].journeys: step 'u': action enroll needs the id of a journey"),
        ('{"action": "exit", "journeys": [1]}', "steps[0].changes[0].journeys[0]: expected text, not int 1 [type]"),
        ('{"action": "exit", "journeys": 1}', "steps[0].changes[0].journeys: expected a list, not int 1 [type]"),
        ('{"action": "exit_all", "field": "n"}', "steps[0].changes[0].field: unknown key 'field'"),
    ],
)
def test_what_a_file_says_wrong_is_told_once(change, fault):
    """R13: with its place in the file."""
    start = '{"format": 1, "id": "j", "trigger": {"manual": true}, "steps": [{"kind": "update", "id": "u", "changes": '
    with pytest.raises(InvalidJourney) as caught:
        loads_journey(f"{start}[{change}]}}]}}")
    (only,) = caught.value.problems
    assert str(only).startswith(fault)


def test_a_journey_that_enrolls_in_itself_is_warned_of():
    """R13, R53: self-reference: it would be refused every time."""
    own, other = (Journey(id=name, steps=[Update("u", Chain.enroll("j"))]) for name in ("j", "k"))
    assert [str(problem) for problem in problems(own)] == [
        "steps[0]: step 'u' enrolls in this same journey, which is always refused (event loop) [self-trigger]"
    ]
    assert list(problems(other)) == []
