"""Options of each kind of step: what they may be, with the place of what is wrong (R13)."""

from datetime import datetime
from typing import Any

import pytest

from journeyflow import (
    Chain,
    Condition,
    End,
    Split,
    Update,
    Wait,
    all_of,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.conditions import FieldRule, NotRule
from journeyflow.definition.steps import Branch
from tests.definition.test_validation import DURATION, FIVE, PAID, send, wrong


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (5, "steps[0]: expected a step such as Send(...), not int 5 [step]"),
        (None, "steps[0]: expected a step such as Send(...), not null [step]"),
        (send(None), "steps[0].id: the id must be text, not null [id]"),
        (send([]), "steps[0].id: the id must be text, not list [] [id]"),
        (send(""), "steps[0].id: step '': the id must not be empty [id]"),
        (
            send("a.b"),
            "steps[0].id: step 'a.b': the id contains a dot, which separates names in rules [reserved]",
        ),
        (send("holdout"), "steps[0].id: step 'holdout': the id 'holdout' is reserved [reserved]"),
        (send("entry"), "steps[0].id: step 'entry': the id 'entry' is reserved [reserved]"),
        (send(name=5), "steps[0].name: step 's': the name must be text, not int 5 [text]"),
        (End("s", notes=None), "steps[0].notes: step 's': the notes must be text, not null [text]"),  # type: ignore[arg-type]  # wrong on purpose
        (End("s", 5), "steps[0].outcome: step 's': the outcome must be text, not int 5 [text]"),  # type: ignore[arg-type]  # wrong on purpose
        (send(channel=5), "steps[0].channel: step 's': the channel must be text, not int 5 [channel]"),
        (send(channel="a.b"), "steps[0].channel: step 's': a channel has no dot in its name [channel]"),
        (send(template=""), "steps[0].template: step 's': the template must not be empty [template]"),
        (send(data=[1]), "steps[0].data: step 's': expected an object, not list [1] [data]"),
        (
            send(data={"a": [float("nan")]}),
            "steps[0].data: step 's': data.a[0]: nan is not a finite number [data]",
        ),
        (
            send(data={"a": "{{ a..b }}"}),
            "steps[0].data: step 's': {{ a..b }}: the path 'a..b' has an empty name between dots [template]",
        ),
        (send(transactional=1), "steps[0].transactional: step 's': expected true or false, not int 1 [boolean]"),
        (send(cancel_on_exit=None), "steps[0].cancel_on_exit: step 's': expected true or false, not null [boolean]"),
        (
            send(window="9-5"),
            (
                "steps[0].window: step 's': "
                "expected a Window such as Window('MON-FRI', '09:00', '17:00'), not str '9-5' [window]"
            ),
        ),
        (
            send(expires=5),
            (
                "steps[0].expires: step 's': 5 is not a duration such as '30 minutes', '3 days', '1 month' or "
                "'P3DT12H' [duration]"
            ),
        ),
        (
            send(on_failure="stop"),
            "steps[0].on_failure: step 's': expected 'continue' or 'fail', not str 'stop' [on-failure]",
        ),
        (send(next=5), "steps[0].next: step 's': expected the id of a step, or a list of steps, not int 5 [target]"),
        (send(next="x"), "steps[0].next: step 's' continues at unknown step 'x' [dangling]"),
        (send(next=""), "steps[0].next: step 's' continues at unknown step '' [dangling]"),
    ],
)
def test_sends_and_what_all_steps_have(step, expected):
    """R13: each sentence names the step, for a position says little to whoever wrote nested lists."""
    assert wrong(step) == [expected]


YEAR = "; 'year' is for the anniversaries of a field [wait]"

ONE_OF = "a wait takes exactly one of duration, until, at, field, event, when, every"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Wait("w"), f": {ONE_OF}; found none [wait]"),
        (
            Wait("w", "1 day", event="x"),
            f": {ONE_OF}; found duration and event [wait]",
        ),
        (Wait("w", "3 dayz"), f".duration: '3 dayz' {DURATION}"),
        (Wait("w", 5), f".duration: 5 {DURATION}"),
        (Wait("w", "0 days"), ".duration: the duration '0 seconds' does not lead forward [duration]"),
        (Wait("w", "-1 day"), ".duration: the duration '-1 day' does not lead forward [duration]"),
        (Wait("w", "1 month -3 days"), ".duration: the duration '1 month -3 days' does not lead forward [duration]"),
        (Wait("w", "2000 years"), ".duration: '2000 years' is longer than 1000 years [duration]"),
        (Wait("w", until="25:00"), ".until: '25:00' is not a local time such as '09:00' or '17:30:00' [time]"),
        (Wait("w", until=9), ".until: 9 is not an opening such as '09:00', 'MON-FRI' or 'MON-FRI 09:00' [time]"),
        (
            Wait("w", at="2026-01-31"),
            ".at: '2026-01-31' has no offset; write 2026-01-31T09:00:00Z or 2026-01-31T09:00:00+02:00 [time]",
        ),
        (
            Wait("w", at=datetime(2026, 1, 31)),  # noqa: DTZ001 naive on purpose
            (
                ".at: at is the naive datetime datetime.datetime(2026, 1, 31, 0, 0); give it a zone, "
                "for example tzinfo=UTC [time]"
            ),
        ),
        (Wait("w", at=5), ".at: at must be a timezone-aware datetime, not int 5 [time]"),
        (Wait("w", field=""), ".field: the field path must not be empty [field]"),
        (Wait("w", field=5), ".field: the field path must be text, not int 5 [field]"),  # type: ignore[arg-type]  # wrong on purpose
        (Wait("w", field="f", offset="soon"), f".offset: 'soon' {DURATION}"),
        (
            Wait("w", field="f", offset="1 month -3 days"),
            ".offset: the offset '1 month -3 days' points both ways [duration]",
        ),
        (
            Wait("w", field="f", every="month"),
            f".every: expected a length of time such as '1 month', not str 'month'{YEAR}",
        ),
        (Wait("w", field="f", every=[]), f".every: expected a length of time such as '1 month', not list []{YEAR}"),
        (Wait("w", every="year"), f".every: expected a length of time such as '1 month', not str 'year'{YEAR}"),
        (Wait("w", every="-1 day"), ".every: the duration '-1 day' does not lead forward [duration]"),
        (Wait("w", event=""), ".event: the event type must not be empty [wait]"),
        (Wait("w", event="x", timeout="-1 day"), ".timeout: the duration '-1 day' does not lead forward [duration]"),
        (Wait("w", event="x", on_timeout=[End("a")]), ".on_timeout: on_timeout needs a timeout [wait]"),
        (Wait("w", event="x", any_message=1), ".any_message: expected true or false, not int 1 [boolean]"),  # type: ignore[arg-type]  # wrong on purpose
        (Wait("w", event="x", where=5), ".where: expected a rule such as field('age').gte(18), not int 5 [rule]"),  # type: ignore[arg-type]  # wrong on purpose
        (
            Wait("w", "1 day", window=5),  # type: ignore[arg-type]  # wrong on purpose
            ".window: expected a Window such as Window('MON-FRI', '09:00', '17:00'), not int 5 [window]",
        ),
        (Wait("w", "1 day", offset="1 day"), ".offset: offset goes with a wait for a date field only [wait]"),
        (
            Wait("w", event="x", every="1 year"),
            ".every: every goes with a wait for a date field or an instant only [wait]",
        ),
        (Wait("w", "1 day", on_past=[]), ".on_past: on_past goes with a wait for a date field only [wait]"),
        (
            Wait("w", "1 day", timeout="1 day"),
            ".timeout: timeout goes with a wait for an event or a condition only [wait]",
        ),
        (Wait("w", "1 day", where=PAID), ".where: where goes with a wait for an event only [wait]"),
        (Wait("w", when=PAID, where=PAID), ".where: where goes with a wait for an event only [wait]"),
        (Wait("w", when=PAID, on_timeout=[End("a")]), ".on_timeout: on_timeout needs a timeout [wait]"),
        (Wait("w", when=5), ".when: expected a rule such as field('age').gte(18), not int 5 [rule]"),  # type: ignore[arg-type]  # wrong on purpose
        (
            Wait("w", when=~field("now").gt("2026")),
            ".when.not: a wait for a condition compares now by before and after only [clock]",
        ),
    ],
)
def test_waits(step, expected):
    """R32: exactly one form, each option with the form it belongs to, lengths that lead forward, real times."""
    place, _, sentence = expected.partition(": ")
    assert wrong(step) == [f"steps[0]{place}: step 'w': {sentence}"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Condition("c"), ".branches[0].when: step 'c': the branch has no rule [branch]"),
        (Condition("c", branches=[]), ".branches: step 'c': a condition needs a branch [branch]"),
        (Condition("c", branches=5), ".branches: step 'c': expected a list of branch(...), not int 5 [branch]"),  # type: ignore[arg-type]  # wrong on purpose
        (Condition("c", branches=[5]), ".branches[0]: step 'c': expected a branch(...), not int 5 [branch]"),  # type: ignore[list-item]  # wrong on purpose
        (
            Condition("c", "rich"),  # type: ignore[arg-type]  # wrong on purpose
            ".branches[0].when: step 'c': expected a rule such as field('age').gte(18), not str 'rich' [rule]",
        ),
        (
            Condition("c", PAID, yes=End("a")),  # type: ignore[arg-type]  # wrong on purpose
            ".branches[0].next: step 'c': expected the id of a step, or a list of steps, not End End('a') [target]",
        ),
        (
            Condition("c", PAID, no=5),  # type: ignore[arg-type]  # wrong on purpose
            ".else: step 'c': expected the id of a step, or a list of steps, not int 5 [target]",
        ),
        (Condition("c", PAID, yes="x"), ".branches[0].next: step 'c' continues at unknown step 'x' [dangling]"),
        (
            Condition("c", branches=[branch(PAID, label="2"), branch(PAID)]),
            ".branches[1].label: step 'c': the label '2' is there twice [duplicate]",
        ),
        (
            Condition("c", branches=[Branch(PAID, label="else"), branch(PAID)]),
            ".branches[0].label: step 'c': the label 'else' is there twice [duplicate]",
        ),
        (
            Condition("c", branches=[Branch(PAID, label=5)]),  # type: ignore[arg-type]  # wrong on purpose
            ".branches[0].label: step 'c': the label must be text, not int 5 [label]",
        ),
        (
            Condition("c", FieldRule("a", "equal", 1)),
            ".branches[0].when.op: step 'c': unknown operator 'equal' (did you mean 'equals'?) [operator]",
        ),
        (
            Condition("c", ~FieldRule("a", "between", (1, None)) & PAID),
            ".branches[0].when.all[0].not.value: step 'c': operator between needs a number or text, not null [operand]",
        ),
    ],
)
def test_conditions(step, expected):
    """R37, R60: branches with rules and labels of their own; places lead into the rule."""
    assert wrong(step) == [f"steps[0]{expected}"]


def test_a_step_that_is_no_step_inside_a_branch():
    """R13: its place is the one it has after flattening."""
    assert wrong(Condition("c", PAID, yes=[send(), FIVE])) == [
        "steps[2]: expected a step such as Send(...), not int 5 [step]"
    ]


def test_a_rule_nested_beyond_the_bound():
    """R60: 64 levels are allowed."""
    rule: Any = PAID
    for _ in range(64):
        rule = NotRule(rule)
    assert wrong(Condition("c", rule)) == []
    assert wrong(Condition("c", all_of(rule))) == [
        "steps[0].branches[0].when...: step 'c': the rule is nested deeper than 64 levels [depth]"
    ]


SHARE = "expected a number from 0 to 100 with at most two decimals, not"


@pytest.mark.parametrize(
    ("percentage", "shown"),
    [
        (100.1, "float 100.1"),
        (-1, "int -1"),
        (33.333, "float 33.333"),
        (float("nan"), "float nan"),
        (float("inf"), "float inf"),
        (True, "bool True"),
        ("50", "str '50'"),
        (None, "null"),
    ],
)
def test_percentages(percentage, shown):
    """R13: from 0 to 100 with at most two decimals; then the sum is not asked about."""
    assert wrong(Split("s", arm(percentage), arm(50))) == [
        f"steps[0].arms[0].percentage: step 's': {SHARE} {shown} [percentage]"
    ]


@pytest.mark.parametrize(
    ("shares", "total"),
    [((99.9,), "99.9"), ((33.33, 33.33, 33.33), "99.99"), ((50, 50.01), "100.01"), ((0,), "0"), ((), "0")],
)
@pytest.mark.rows(81)
def test_percentages_sum_to_100_exactly(shares, total):
    """R13: to the hundredth."""
    assert wrong(Split("s", *map(arm, shares))) == [
        f"steps[0].arms: step 's': the percentages sum to {total}, not to 100 [percentage]"
    ]


@pytest.mark.parametrize("shares", [(100,), (0, 100), (33.33, 33.33, 33.34), (0.01, 99.99), (100 / 3 // 1, 67)])
def test_percentages_that_sum_to_100(shares):
    """R13: 0 is a share like any other."""
    assert wrong(Split("s", *map(arm, shares))) == []


def test_arms():
    """R38: arms are arms, their labels differ, their ways exist."""
    listed: Any = (arms := [FIVE, arm(50, label="B"), arm(50, "x")])
    assert wrong(Split("s", *arms), Split("t", listed)) == [
        "steps[0].arms[0]: step 's': expected an arm(...), not int 5 [arm]",
        "steps[1].arms[0]: step 't': expected an arm(...), not list [5, Arm(50, None, 'B'), Arm(50, 'x')] [arm]",
        "steps[0].arms[2].next: step 's' continues at unknown step 'x' [dangling]",
    ]
    assert wrong(Split("s", arm(50), arm(50, label="A"))) == [
        "steps[0].arms[1].label: step 's': the label 'A' is there twice [duplicate]"
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), ".changes: step 'u': an update needs a change [update]"),
        ((5,), ".changes[0]: step 'u': expected a change such as tag.add('vip'), not int 5 [change]"),
        (
            (Change("a", "sett", 1),),
            ".changes[0].action: step 'u': unknown action 'sett' (did you mean 'set'?) [action]",
        ),
        ((Change("", "set", 1),), ".changes[0].field: step 'u': the field path must not be empty [field]"),
        (
            (tag.add("vip"), Change("j2", "enroll")),
            (
                ".changes[1].action: step 'u': unknown action 'enroll'; known are set, unset, add, remove, increment, "
                "append [action]"
            ),
        ),
        (
            (tag.add("vip"), Chain.enroll("a\x00")),
            ".changes[1].journeys[0]: step 'u': the journey's id contains a NUL character [id]",
        ),
    ],
)
def test_updates(changes, expected):
    """R39: changes with known actions."""
    assert wrong(Update("u", *changes)) == [f"steps[0]{expected}"]
