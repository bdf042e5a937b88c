"""Reading native journey files: strictly, with every fault at its place."""

import json
from typing import Any

import pytest

from journeyflow import (
    InvalidJourney,
    Journey,
    Send,
)
from journeyflow.formats.native import to_dict
from journeyflow.formats.native_reading import from_dict, loads_journey
from tests.formats.test_native import (
    DONE,
    RULE,
    SEND,
    file,
    reading,
)


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "{'a': 1}", '{"a": 1} x', "\ufeff{}", "nul", '{"a": 1' + "0" * 5000 + "}"]
)
def test_text_that_is_no_json(text):
    """The reason is the parser's."""
    (only,) = reading(text)
    assert only.startswith("this is not JSON: ")
    assert only.endswith("[json]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": "j",\n "steps": x}', "line 2, column 11: expected a value, not 'x'"),
        ('{"id": "j", "steps": [', "line 1, column 23: expected a value, where it ends"),
        ('{"id": "j"\n "steps": []}', "line 2, column 2: expected a comma, not '\"'"),
        ('{"id" "j"}', "line 1, column 7: expected a colon after the key, not '\"'"),
        ("{id: 1}", "line 1, column 2: expected a key in double quotes, not 'i'"),
        ('{"id": "j"} x', "line 1, column 13: expected nothing after the end, not 'x'"),
        ('{"id": "j', "line 1, column 8: Unterminated string starting at"),
    ],
)
def test_where_a_file_stops_being_json(text, told):
    """Line and column, what was expected there, and what stands there instead."""
    assert reading(text) == [f"this is not JSON: {told} [json]"]


@pytest.mark.parametrize("value", [None, 5, b"\xff"])
def test_what_is_no_text(value):
    """Only text can be read."""
    with pytest.raises(InvalidJourney, match="this is not JSON"):
        loads_journey(value)


@pytest.mark.parametrize(("text", "shown"), [("[]", "list []"), ("null", "null"), ('"x"', "str 'x'"), ("1", "int 1")])
def test_a_file_is_an_object(text, shown):
    """Nothing else is asked about what is none."""
    assert reading(text) == [f"expected an object, not {shown} [type]"]


def test_what_a_file_must_have():
    """All missing keys at once, with what to write."""
    assert reading({}) == [
        "id: missing [missing]",
        "format: missing; write 1 [missing]",
        'trigger: missing; write {"event": "..."}, {"pull": {"every": "..."}} or {"manual": true} [missing]',
        "steps: missing [missing]",
    ]
    assert reading({"format": None, "id": None, "trigger": None, "steps": None}) == reading({})


def test_a_file_may_name_its_schema():
    """`$schema` is for editors: it is text, and nothing of it is kept."""
    named = from_dict(file(**{"$schema": "./journey.schema.json"}))
    assert named == from_dict(file())
    assert "$schema" not in to_dict(named)
    assert reading(file(**{"$schema": 1})) == ["$schema: expected text, not int 1 [type]"]


def test_a_timeout_that_cannot_be_read_is_there_all_the_same():
    """`on_timeout` does not ask for a timeout that was given, only for one that was not."""
    wait = {"kind": "wait", "id": "w", "event": "x", "timeout": "soon", "on_timeout": "done"}
    assert reading(file(wait, DONE)) == [
        "steps[0].timeout: 'soon' is not a duration such as '30 minutes', '3 days', '1 month' or 'P3DT12H' [duration]"
    ]
    del wait["timeout"]
    assert reading(file(wait, DONE)) == ["steps[0].on_timeout: step 'w': on_timeout needs a timeout [wait]"]
    both = [{**wait, "id": "v", "timeout": "soon"}, wait]
    assert [each.partition(": ")[0] for each in reading(file(*both, DONE))] == [
        "steps[0].timeout",
        "steps[1].on_timeout",
    ]


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (2, "expected 1, not int 2; a newer journeyflow may read it"),
        (0, "expected 1, not int 0"),
        (1.0, "expected 1, not float 1.0"),
        (True, "expected 1, not bool True"),
        ("1", "expected 1, not str '1'"),
    ],
)
def test_other_formats(version, sentence):
    """Only format 1 is read; true and "1" are not 1."""
    assert reading(file(format=version)) == [f"format: {sentence} [format]"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (file(nmae="x"), "nmae: unknown key 'nmae' (did you mean 'name'?) [unknown-key]"),
        (
            file({**SEND, "chanel": "x"}),
            "steps[0].chanel: unknown key 'chanel' (did you mean 'channel'?) [unknown-key]",
        ),
        (
            file({**DONE, "next": "x"}),
            "steps[0].next: unknown key 'next'; known are id, kind, meta, name, notes, outcome [unknown-key]",
        ),
        (
            file(trigger={"event": "x", "were": RULE}),
            "trigger.were: unknown key 'were' (did you mean 'where'?) [unknown-key]",
        ),
        (file({"kind": "sent", "id": "a"}), "steps[0].kind: unknown kind 'sent' (did you mean 'send'?) [kind]"),
        (
            file({"id": "a"}),
            "steps[0].kind: missing; known are send, wait, condition, split, update, end [kind]",
        ),
        (
            file({"kind": 5, "id": "a"}),
            "steps[0].kind: unknown kind 5; known are send, wait, condition, split, update, end [kind]",
        ),
        (file("send"), "steps[0]: expected an object, not str 'send' [type]"),
        (
            file(run_criteria={**RULE, "opp": 1}),
            "run_criteria.opp: unknown key 'opp' (did you mean 'op'?) [unknown-key]",
        ),
        (file(run_criteria={"all": [], "any": []}), "run_criteria.any: unknown key 'any'; known are all [unknown-key]"),
        (
            file(run_criteria={**RULE, "op": "equal"}),
            "run_criteria.op: unknown operator 'equal' (did you mean 'equals'?) [operator]",
        ),
    ],
)
def test_unknown_keys_and_kinds(value, expected):
    """Nothing is ignored; the nearest known word is suggested."""
    assert reading(value) == [expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"id": 1}, "id: expected text, not int 1 [type]"),
        ({"name": 1}, "name: expected text, not int 1 [type]"),
        ({"customer_timezone": 1}, "customer_timezone: expected true or false, not int 1 [type]"),
        ({"customer_timezone": "true"}, "customer_timezone: expected true or false, not str 'true' [type]"),
        ({"max_visits": "3"}, "max_visits: expected a number, not str '3' [type]"),
        ({"max_visits": True}, "max_visits: expected a number, not bool True [type]"),
        ({"max_visits": 3.0}, "max_visits: expected a whole number from 1 up, not float 3.0 [max-visits]"),
        ({"steps": {}}, "steps: expected a list, not dict {} [type]"),
        ({"trigger": "x"}, "trigger: expected an object, not str 'x' [type]"),
        ({"trigger": {}}, "trigger: say an event type, a pull on a schedule, or manual for none [trigger]"),
        ({"trigger": {"event": 5}}, "trigger.event: expected text, not int 5 [type]"),
        ({"exits": {}}, "exits: expected a list, not dict {} [type]"),
        ({"exits": [{"event": "x"}]}, "exits[0].name: missing [missing]"),
        ({"exits": [5]}, "exits[0]: expected an object, not int 5 [type]"),
        ({"goal": []}, "goal: expected an object, not list [] [type]"),
        ({"goal": {"within": "7 days"}}, "goal.event: missing [missing]"),
        ({"goal": {"event": "x", "exit": 1}}, "goal.exit: expected true or false, not int 1 [type]"),
        ({"reentry": 5}, "reentry: expected text, not int 5 [type]"),
        ({"reentry": {}}, "reentry.after: missing [missing]"),
        ({"reentry": {"before": "1 day"}}, "reentry.after: missing [missing]"),
        ({"run_criteria": 5}, "run_criteria: expected an object, not int 5 [type]"),
        ({"run_criteria": {}}, "run_criteria.field: missing [missing]"),
        ({"run_criteria": {"all": RULE}}, "run_criteria.all: expected a list, not dict"),
        ({"run_criteria": {"any": None}}, "run_criteria.any: missing [missing]"),
        ({"run_criteria": {"not": []}}, "run_criteria.not: expected an object, not list [] [type]"),
        ({"run_criteria": {"all": [{"not": 5}]}}, "run_criteria.all[0].not: expected an object, not int 5 [type]"),
        ({"run_criteria": {**RULE, "field": 5}}, "run_criteria.field: expected text, not int 5 [type]"),
        ({"timezone": "Mars"}, "timezone: 'Mars' is not an IANA time zone such as 'Europe/Paris' [zone]"),
    ],
)
def test_wrong_types_in_the_journey(options, expected):
    """True is not 1, "3" is not 3, an object is not a list."""
    assert reading(file(**options))[0].startswith(expected)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"kind": "send", "id": "s"}, ".channel: missing [missing]"),
        ({**SEND, "id": 5}, ".id: expected text, not int 5 [type]"),
        ({**SEND, "template": ["t"]}, ".template: expected text, not list ['t'] [type]"),
        ({**SEND, "data": []}, ".data: step 's': expected an object, not list [] [data]"),
        ({**SEND, "transactional": "yes"}, ".transactional: expected true or false, not str 'yes' [type]"),
        ({**SEND, "window": "9-5"}, ".window: expected an object, not str '9-5' [type]"),
        ({**SEND, "window": {"start": 9}}, ".window.start: 9 is not a local time such as '09:00' or '17:30:00' [time]"),
        ({**SEND, "window": {"weekdays": []}}, ".window.weekdays: [] names no weekday; "),
        ({**SEND, "window": {"weekdays": ["MO"]}}, ".window.weekdays: 'MO' is not a weekday; "),
        ({**SEND, "window": {"start": "09:00", "end": "09:00"}}, ".window: the window starts and ends at 09:00; "),
        ({**SEND, "on_failure": "stop"}, ".on_failure: step 's': expected 'continue' or 'fail', not str 'stop'"),
        ({**SEND, "expires": 5}, ".expires: 5 is not a duration such as "),
        ({"kind": "wait", "id": "w", "duration": "3 dayz"}, ".duration: '3 dayz' is not a duration such as "),
        ({"kind": "wait", "id": "w", "until": "09:00"}, ".until: expected an object, not str '09:00' [type]"),
        ({"kind": "wait", "id": "w", "until": {}}, ".until: say a local time such as '09:00', or weekdays "),
        ({"kind": "wait", "id": "w", "until": {"time": "25:00"}}, ".until.time: '25:00' is not a local time such as "),
        ({"kind": "wait", "id": "w", "at": "2026-01-31"}, ".at: '2026-01-31' has no offset; write "),
        ({"kind": "wait", "id": "w", "at": 5}, ".at: at must be a timezone-aware datetime, not int 5 [time]"),
        ({"kind": "wait", "id": "w"}, ": step 'w': a wait takes exactly one of duration, until, at, field, event"),
        ({"kind": "split", "id": "p"}, ".arms: missing [missing]"),
        ({"kind": "split", "id": "p", "arms": [{}]}, ".arms[0].percentage: missing [missing]"),
        (
            {"kind": "split", "id": "p", "arms": [{"percentage": True}]},
            ".arms[0].percentage: expected a number, not bool True [type]",
        ),
        (
            {"kind": "split", "id": "p", "arms": [{"percentage": "50"}]},
            ".arms[0].percentage: expected a number, not str '50' [type]",
        ),
        ({"kind": "update", "id": "u"}, ".changes: missing [missing]"),
        ({"kind": "update", "id": "u", "changes": ["x"]}, ".changes[0]: expected an object, not str 'x' [type]"),
        ({"kind": "update", "id": "u", "changes": [{"field": "a"}]}, ".changes[0].action: missing [missing]"),
        ({"kind": "condition", "id": "c", "branches": RULE}, ".branches: expected a list, not dict "),
        ({"kind": "condition", "id": "c", "branches": [{}]}, ".branches[0].when: missing [missing]"),
        ({"kind": "condition", "id": "c"}, ".when: step 'c': the branch has no rule [branch]"),
        ({"kind": "end", "id": "e", "outcome": 5}, ".outcome: expected text, not int 5 [type]"),
    ],
)
def test_wrong_types_in_steps(step, expected):
    """Each fault with the place of the key in the file."""
    assert reading(file(step))[0].startswith(f"steps[0]{expected}")


def test_places_lead_into_rules():
    """The place of a fault is the way to it."""
    deep = {"all": [RULE, {"any": [{"not": {"field": "a", "op": "sounds like"}}]}]}
    condition = {"kind": "condition", "id": "c", "branches": [{"when": RULE}, {"when": deep, "next": "s"}]}
    lines = reading(file(SEND, DONE, {"kind": "wait", "id": "w", "duration": "1 day"}, condition))
    assert [line.split(": ")[0] for line in lines] == ["steps[3].branches[1].when.all[1].any[0].not.op"]


def test_places_of_a_condition_in_the_short_form():
    """A file that says when, yes and no is told about when, yes and no."""
    bad = {"field": "a", "op": "in", "value": []}
    condition = {"kind": "condition", "id": "c", "when": {"not": bad}, "yes": "x", "no": "y"}
    places = [line.split(": ")[0] for line in reading(file(condition))]
    assert places == ["steps[0].when.not.value", "steps[0].yes", "steps[0].no"]
    mixed = {"kind": "condition", "id": "c", "when": bad, "yes": "x", "else": "y", "name": 5}
    places = [line.split(": ")[0] for line in reading(file(mixed))]
    assert places == ["steps[0].name", "steps[0].when.value", "steps[0].yes", "steps[0].else"]


def test_the_two_forms_of_a_condition_say_the_same():
    """A one-branch condition may be written with when, yes and no."""
    short = {"kind": "condition", "id": "c", "when": RULE, "yes": "a", "no": "b"}
    long = {"kind": "condition", "id": "c", "branches": [{"when": RULE, "next": "a"}], "else": "b"}
    ends = [{"kind": "end", "id": "a"}, {"kind": "end", "id": "b"}]
    assert from_dict(file(short, *ends)) == from_dict(file(long, *ends))
    sentence = "condition 'c': say either a rule with yes= and no=, or branches= with otherwise= [condition]"
    assert reading(file({**long, **short}, *ends)) == [f"steps[0]: {sentence}"]


def test_places_of_unknown_continuations():
    """Each in the word of the file."""
    named = dict.fromkeys(("next", "on_event", "on_timeout"), "gone")
    lines = reading(
        file(
            {"kind": "wait", "id": "w", "event": "x", "timeout": "1 day", **named},
            {"kind": "split", "id": "p", "arms": [{"percentage": 100, "next": "gone"}]},
            {"kind": "condition", "id": "c", "branches": [{"when": RULE, "next": "gone"}], "else": "gone"},
        )
    )
    assert [line.split(": ")[0] for line in lines] == [
        *("steps[0].next", "steps[0].on_event", "steps[0].on_timeout", "steps[1].arms[0].next"),
        *("steps[2].branches[0].next", "steps[2].else"),
    ]


def test_keys_that_stand_twice():
    """In any object of the file, and inside data and values; each with its place."""
    text = """{"format": 1, "id": "j", "id": "k", "id": "l", "trigger": {"manual": true, "manual": false}, "steps": [
        {"kind": "end", "id": "a", "kind": "end"},
        {"kind": "send", "id": "s", "channel": "E", "template": "t", "data": {"a": [{"b": 1, "b": 2}], "c": 1}},
        {"kind": "condition", "id": "c", "when": {"all": [{"field": "a", "op": "isNull", "op": "isNull"}]}}]}"""
    assert reading(text) == [
        f"{place}: the key {key!r} stands twice in one object [duplicate-key]"
        for place, key in [
            ("id", "id"),
            ("trigger.manual", "manual"),
            ("steps[0].kind", "kind"),
            ("steps[1].data.a[0].b", "b"),
            ("steps[2].when.all[0].op", "op"),
        ]
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number):
    """JSON has no such numbers, and nothing that is kept may have them."""
    text = json.dumps(
        file(
            {**SEND, "data": {"a": "?"}},
            {"kind": "split", "id": "p", "arms": [{"percentage": "?"}, {"percentage": 50}]},
            {"kind": "condition", "id": "c", "when": {**RULE, "value": "?"}},
            {"kind": "update", "id": "u", "changes": [{"field": "a", "action": "set", "value": ["?"]}]},
            max_visits="?",
        )
    ).replace('"?"', number)
    assert [line.split(": ")[0] for line in reading(text)] == [
        *("max_visits", "steps[0].data", "steps[1].arms[0].percentage", "steps[2].when.value", "steps[3].changes[0]"),
    ]


def test_integers_need_64_bits_at_most():
    """A store keeps no longer ones."""
    assert reading(file({**SEND, "data": {"a": 2**63 - 1}})) == []
    assert reading(file({**SEND, "data": {"a": 2**63}})) == [
        "steps[0].data: step 's': data.a: the integer needs more than 64 bits [data]"
    ]


def nested(levels: int, inner: Any = RULE, word: str = "all") -> Any:
    """Nest a rule."""
    for _ in range(levels):
        inner = {word: inner if word == "not" else [inner]}
    return inner


@pytest.mark.parametrize("word", ["all", "any", "not"])
def test_rules_nest_64_levels(word):
    """R60: one more is refused, at its place."""
    assert reading(file(run_criteria=nested(63, word=word))) == []
    (only,) = reading(file(run_criteria=nested(64, word=word)))
    assert only.startswith("run_criteria.")
    assert only.endswith("...: the rule is nested deeper than 64 levels [depth]")


def test_data_nest_64_levels():
    """As deep as values may be."""
    value: Any = 1
    for _ in range(63):
        value = [value]
    assert reading(file({**SEND, "data": {"a": value}})) == []
    (only,) = reading(file({**SEND, "data": {"a": [value]}}))
    assert only.endswith("...: nested deeper than 64 levels [data]")


@pytest.mark.parametrize("levels", [300, 900, 100_000])
def test_a_file_nested_without_measure(levels):
    """No depth ends in a RecursionError, neither in the parser nor in what comes after it."""
    text = json.dumps(file(run_criteria="?")).replace('"?"', "[" * levels + "]" * levels)
    assert reading(text) == ["the file is nested deeper than 256 levels [depth]"]
    endless: dict[str, Any] = file()
    endless["again"] = endless
    with pytest.raises(InvalidJourney, match="nested deeper than 256 levels"):
        from_dict(endless)


def test_a_file_nests_256_levels():
    """One more is refused as a whole; up to there each part says for itself what is too deep."""

    def file_of(levels: int) -> str:
        value: Any = 1
        for _ in range(levels - 2):
            value = [value]
        return json.dumps(file(run_criteria={"value": value}))

    assert "run_criteria.field: missing [missing]" in reading(file_of(256))
    assert reading(file_of(257)) == ["the file is nested deeper than 256 levels [depth]"]


def test_lone_surrogates():
    """Text that cannot be written as UTF-8 is refused, and the error can be printed."""
    with pytest.raises(InvalidJourney) as caught:
        loads_journey(
            r"""{"format": 1, "id": "\ud800", "name": "\udfff", "\ud800": 1, "trigger": {"event": "\udc00"}, "steps": [
            {"kind": "send", "id": "s", "channel": "\ud800", "template": "t", "data": {"\ud800": "\ud800"}}]}"""
        )
    assert [problem.path for problem in caught.value.problems] == [
        *("\\ud800", "id", "name", "trigger.event", "steps[0].channel", "steps[0].data", "steps[0].data"),
    ]
    assert [problem.code for problem in caught.value.problems][1:] == [
        "id",
        "text",
        "trigger",
        "channel",
        "data",
        "data",
    ]


def test_null_counts_as_absent():
    """So that a program may write all keys."""
    journey = from_dict(file({**SEND, "window": None, "next": None}, name=None, goal=None, run_criteria=None))
    assert journey == Journey(id="j", steps=[Send("s", channel="EMAIL", template="t")])


def test_an_empty_draft_can_be_read():
    """R13: a file without steps is a draft."""
    assert from_dict(file(steps=[])).steps == ()
    assert reading(file(steps=[], timezone="Mars")) == [
        "timezone: 'Mars' is not an IANA time zone such as 'Europe/Paris' [zone]"
    ]


# --- everything at once -----------------------------------------------------------------------------------------------


def test_all_faults_at_once():
    """R13: what cannot be read and what is not valid, each once, with its place."""
    lines = reading(
        file(
            {**SEND, "id": "s", "channel": 5, "expires": "-1 day", "wndow": {}},
            {"kind": "sleep", "id": "z"},
            {"kind": "wait", "id": "w", "duration": "3 dayz", "next": "gone"},
            {
                "kind": "split",
                "id": "p",
                "arms": [{"percentage": "x", "next": "z"}, {"percentage": 33.333, "next": "q"}],
            },
            {"kind": "wait", "id": "s", "event": "x", "timeout": "0 days"},
            7,
            timezone="Mars",
            exits=[{"name": 5}, {"name": "a", "when": {"field": "a", "op": "in", "value": 5}}],
            goal={"event": "x", "within": "soon", "where": {"field": "", "op": "isNull"}},
            trigger={"event": ""},
        )
    )
    assert [line.split(": ")[0] for line in lines] == [
        "steps[0].channel",
        "steps[0].wndow",
        "steps[1].kind",
        "steps[2].duration",
        "steps[3].arms[0].percentage",
        "steps[5]",
        "exits[0].name",
        "goal.within",
        "timezone",
        "trigger.event",
        "exits[1].when.value",
        "goal.where.field",
        "steps[0].expires",
        "steps[3].arms[1].percentage",
        "steps[4].timeout",
        "steps[4].id",
        "steps[2].next",
        "steps[3].arms[1].next",
    ]


def test_nothing_is_said_about_what_only_follows_from_a_fault():
    """A step of unknown kind can be gone to and referred to; cycles are looked for when all steps are read."""
    uses = {
        "kind": "condition",
        "id": "c",
        "when": {"field": "message.x.opened", "op": "isNull"},
        "yes": "x",
        "no": "c",
    }
    assert reading(file(uses, {"kind": "sned", "id": "x"})) == [
        "steps[1].kind: unknown kind 'sned' (did you mean 'send'?) [kind]"
    ]
    assert [line.split(": ")[0] for line in reading(file(uses, {**SEND, "id": "y", "name": 5}))] == [
        *("steps[1].name", "steps[0].yes", "steps[0].when"),
    ]


def test_the_error_names_the_journey():
    """By its id where that can be read."""
    for value, name in ((file(id="welcome", name=5), "welcome"), (file(id=5), "(without id)")):
        with pytest.raises(InvalidJourney) as caught:
            from_dict(value)
        assert caught.value.journey == name
    with pytest.raises(InvalidJourney) as caught:
        loads_journey("{")
    assert caught.value.journey == "(unread)"
