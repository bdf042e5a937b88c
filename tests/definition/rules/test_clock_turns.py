"""When the clock alone makes a rule true, held against asking at every hour (R37)."""

from itertools import pairwise

import pytest

from journeyflow import field
from journeyflow.basics.moments import FIRST, HOUR, LAST, from_micros, parse_instant, read_instant, zone
from journeyflow.definition.rules.clock_turns import clock_problems, clocked, true_from
from journeyflow.definition.rules.evaluation import Sample, compile_rule, holds
from journeyflow.definition.rules.value_paths import NOW

DAY = field("day")
RULES = [
    make(length)
    for length in ("1 month", "36 hours", "1 month 2 days 5 hours")
    for make in (
        DAY.within_next,
        DAY.within_last,
        lambda length: ~DAY.within_next(length),
        lambda length: ~DAY.within_last(length),
        lambda length: DAY.within_next(length) & field(NOW).after("2026-03-20"),
        lambda length: DAY.within_last(length) & ~DAY.within_last("1 day") | DAY.after(field(NOW)),
    )
]
DATES = ("2026-03-30T12:15:00", "2026-03-31", "2026-02-28T11:00:00", "2026-10-26T03:30:00", "soon")


def found(rule, facts, at):
    """Return the first instant at which the clock makes a rule true."""
    return true_from(compile_rule(rule), clocked(rule), facts, at)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["UTC", "Europe/Paris"])
@pytest.mark.parametrize("date", DATES)
def test_it_is_true_from_the_first_instant_on_and_not_before(name, date):
    """Asked at every hour, no rule is true between where the search began and the instant that was found."""
    middle = read_instant(date, zone(name)) or parse_instant("2026-01-20T00:00:00Z")
    where, begin = zone(name), middle - 40 * 24 * HOUR
    hours = [begin + n * HOUR for n in range(80 * 24)]
    asked = [Sample({"day": date}, at, where) for at in hours]
    for rule in RULES:
        ask = compile_rule(rule)
        answers = [ask(facts) for facts in asked]
        came = [at for at, (was, is_now) in zip(hours[1:], pairwise(answers), strict=True) if is_now and not was]
        searched = [begin, *(at for at, is_now in zip(hours, answers, strict=True) if not is_now)][::97]
        for at in searched:
            instant = found(rule, Sample({"day": date}, at, where), at)
            expected = at if ask(Sample({"day": date}, at, where)) else next((each for each in came if each > at), None)
            if expected is None:
                assert instant is None or instant > hours[-1], (str(rule), from_micros(at))
            else:
                assert instant is not None, (str(rule), from_micros(at))
                assert instant <= expected, (str(rule), from_micros(at), from_micros(instant))
                assert ask(Sample({"day": date}, instant, where))
                assert instant == at or not ask(Sample({"day": date}, instant - 1, where))


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31T23:59:59", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("name", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_the_ends_of_the_calendar_raise_nothing(date, name):
    """R2."""
    for rule in RULES:
        for at in (FIRST, LAST):
            instant = found(rule, Sample({"day": date}, at, zone(name)), at)
            assert instant is None or at <= instant <= LAST


def test_now_may_stand_on_either_side():
    """R59: and what does not lead to an instant never turns."""
    at = parse_instant("2026-01-01T00:00:00Z")
    facts = Sample({"day": "2026-02-01", "no": "soon"}, at)
    day = parse_instant("2026-02-01T00:00:00Z")
    assert found(field(NOW).after(DAY), facts, at) == day + 1
    assert found(DAY.before(field(NOW)), facts, at) == day + 1
    assert found(field("no").before(field(NOW)), facts, at) is None
    assert found(DAY.within_next(field("no")), facts, at) is None
    assert not holds(field(NOW).after(DAY), facts)


def test_other_comparisons_with_now_are_refused():
    """Nobody can say when a text that is compared with the clock turns."""
    rule = field(NOW).gt("2026-01-01") | ~field("day").eq(field(NOW)) | field(NOW).after(DAY)
    assert [str(problem) for problem in clock_problems(rule, "when")] == [
        f"when.any[0].{place}: a wait for a condition compares now by before and after only [clock]"
        for place in ("any[0]", "any[1].not")
    ]
    assert not list(clock_problems(None, "when"))
    assert not list(clock_problems(5, "when"))  # type: ignore[arg-type]  # wrong on purpose
