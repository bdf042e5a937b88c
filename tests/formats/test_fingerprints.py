"""Fingerprints of journeys: what makes a version another one (R12)."""

import copy
from typing import Any

import pytest

from journeyflow import (
    InvalidJourney,
    Journey,
    Send,
    field,
)
from journeyflow.formats.native import dumps_journey, fingerprint, to_dict
from journeyflow.formats.native_reading import from_dict
from journeyflow.formats.options import FORMAT
from tests.formats.test_native import GOLDEN, JOURNEYS
from tests.formats.test_native_fuzz import places


def other(value: Any) -> Any:
    """Give another value of the same type."""
    return {bool: lambda: not value, str: lambda: f"{value}x", int: lambda: value + 1, float: lambda: value / 2}.get(
        type(value), lambda: None
    )()


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_fingerprint_ignores_names_descriptions_and_notes_and_nothing_else(name):
    """R12: of the journey and of its steps; the tenant says whose a version is, not which."""
    whole = to_dict(JOURNEYS[name])
    mark, differed = fingerprint(JOURNEYS[name]), 0
    for number in range(len(list(places(whole)))):
        changed = copy.deepcopy(whole)
        holder, key = list(places(changed))[number]
        part = holder[key]
        holder[key] = other(part)
        try:
            journey = from_dict(changed)
        except InvalidJourney:
            continue
        words = any(holder is each for each in (changed, *changed["steps"])) and key in {"name", "notes", "description"}
        words = words or without_meta(changed) == without_meta(whole)
        ignored = journey == JOURNEYS[name] or words or (holder is changed and key == "tenant")
        assert (fingerprint(journey) == mark) is ignored, (key, part)
        differed += not ignored
    assert differed > 0


def without_meta(written):
    """Return a written journey without what hosts keep with it and its steps (R12)."""
    parts = [{key: value for key, value in part.items() if key != "meta"} for part in (written, *written["steps"])]
    return {**parts[0], "steps": parts[1:]}


def test_a_fingerprint_tells_types_apart():
    """1, 1.0, true and "1" are four rules, although Python calls three of them equal."""
    marks = {fingerprint(Journey(id="j", steps=[], run_criteria=field("a").eq(value))) for value in (1, 1.0, True, "1")}
    assert len(marks) == 4


def test_names_are_words_only_in_their_place():
    """R12: a name inside data, or of an exit, counts."""

    def mark(name: str) -> str:
        send = Send("s", channel="E", template="t", data={"name": name, "notes": name})
        return fingerprint(Journey(id="j", steps=[send]))

    assert mark("a") != mark("b")


def test_fingerprints_are_kept():
    """R12: stores keep them; another way to count them would make a version of every journey at the next restart."""
    assert fingerprint(JOURNEYS["welcome"]) == "9dff181ff6baf634197c7524f5834264"
    assert FORMAT == 1


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for golden_name, golden_journey in JOURNEYS.items():
        (GOLDEN / f"{golden_name}.json").write_text(dumps_journey(golden_journey) + "\n", encoding="utf-8")
