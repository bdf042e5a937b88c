"""Counts: how many members of a list make a rule true (R60)."""

from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import End, Journey, Send, Trigger, Wait, field
from journeyflow.analysis.satisfiability import possible
from journeyflow.basics.moments import DAY, parse_instant
from journeyflow.basics.values import MAX_DEPTH
from journeyflow.definition.dates import dated_attributes, dated_events
from journeyflow.definition.edits.copying import copy_of
from journeyflow.definition.edits.renaming import renamed
from journeyflow.definition.rules.clock_turns import clock_problems, clocked, true_from
from journeyflow.definition.rules.conditions import CountRule, FieldRule, all_of, any_of, not_
from journeyflow.definition.rules.evaluation import Sample, compile_rule, explain_rule, holds
from journeyflow.definition.rules.rule_checks import rule_problems
from journeyflow.definition.rules.rule_parts import reads
from journeyflow.errors import InvalidJourney
from journeyflow.formats.native import from_dict, to_dict
from journeyflow.testing.as_python import as_code
from journeyflow.testing.solving import solve

NOW = parse_instant("2026-06-15T12:00:00Z")
HOME = field("item.page").eq("home")
VISITS = [{"page": "home", "at": "2026-06-14"}, {"page": "shop", "at": "2026-06-01"}, {"page": "home"}, "home", None]
PAGES = field("visits")
HELLO = Send("hi", channel="EMAIL", template="t")


def about(value):
    """Return facts of which one is a list, at noon in Paris."""
    return Sample({"visits": value, "page": "home", "least": 2}, NOW, ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (PAGES.count(at_least=5), True),
        (PAGES.count(at_least=6), False),
        (PAGES.count(at_most=4), False),
        (PAGES.count(HOME, at_least=2), True),
        (PAGES.count(HOME, at_least=3), False),
        (PAGES.count(HOME, at_most=1), False),
        (PAGES.count(HOME, at_least=2, at_most=2), True),
        (PAGES.count(HOME, at_least=1, at_most=1), False),
        (PAGES.count(HOME, at_least=0, at_most=0), False),
        (PAGES.count(~HOME, at_least=3, at_most=3), True),
        (PAGES.count(field("item").eq("home"), at_least=1, at_most=1), True),
        (PAGES.count(field("item").is_null(), at_least=1, at_most=1), True),
        (PAGES.count(field("item.page").eq(field("page")), at_least=2, at_most=2), True),
        (PAGES.count(field("page").eq("home"), at_least=5), True),
        (PAGES.count(field("item.at").within_last("2 days") & HOME, at_least=1, at_most=1), True),
        (PAGES.count(field("item.at").before(field("now")), at_least=2, at_most=2), True),
        (~PAGES.count(HOME, at_least=1), False),
        (field("item").count(at_most=0), True),
    ],
    ids=str,
)
def test_a_count_by_example(rule, answer):
    """The member is `item`; other names are those of the facts; the bounds are included."""
    assert holds(rule, about(VISITS)) is answer
    assert holds(rule, about(tuple(VISITS))) is answer


@pytest.mark.parametrize("value", [None, "home", 5, {"0": {"page": "home"}}, [], True])
def test_what_is_no_list_has_no_members(value):
    """A missing list too (R61)."""
    assert holds(PAGES.count(at_most=0), about(value))
    assert not holds(PAGES.count(at_least=1), about(value))


def test_counts_nest():
    """`item` is the member of the nearest list; a list inside a member is counted by its path."""
    orders = [{"lines": [{"n": 1}, {"n": 5}]}, {"lines": [{"n": 2}]}, {"lines": 3}, {}]
    large = field("item.lines").count(field("item.n").gte(2), at_least=1)
    assert holds(PAGES.count(large, at_least=2, at_most=2), about(orders))
    assert reads(PAGES.count(large, at_least=1)) == {"visits"}


_MEMBERS = st.lists(st.fixed_dictionaries({}, optional={"n": st.integers(0, 3)}) | st.integers(0, 3), max_size=6)
_BOUNDS = st.none() | st.integers(0, 6)


@given(_MEMBERS, st.integers(0, 3), _BOUNDS, _BOUNDS)
def test_a_count_is_a_count(members, least_n, at_least, at_most):
    """Held against a sum over the members."""
    found = sum(isinstance(each, dict) and each.get("n", -1) >= least_n for each in members)
    answer = (at_least is None or at_least <= found) and (at_most is None or found <= at_most)
    rule = PAGES.count(field("item.n").gte(least_n), at_least=at_least, at_most=at_most)
    assert holds(rule, about(members)) is answer


# --- as data ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (PAGES.count(HOME, at_least=3), "visits has at least 3 members with item.page = 'home'"),
        (PAGES.count(HOME, at_least=1), "visits has at least 1 member with item.page = 'home'"),
        (PAGES.count(at_most=1), "visits has at most 1 member"),
        (PAGES.count(at_least=0, at_most=0), "visits has exactly 0 members"),
        (PAGES.count(at_least=1, at_most=2), "visits has at least 1 and at most 2 members"),
        (
            ~PAGES.count(HOME | field("n").eq(1), at_least=2),
            "not visits has at least 2 members with (item.page = 'home' or n = 1)",
        ),
    ],
)
def test_a_count_is_written_in_words(rule, text):
    """With its bounds, and with what is asked of the members."""
    assert str(rule) == text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (PAGES.count(HOME, at_least=3), "visits has 2 members with item.page = 'home', not at least 3"),
        (PAGES.count(HOME, at_least=1), "visits has 2 members with item.page = 'home', at least 1"),
        (~PAGES.count(at_least=5, at_most=5), "visits has 5 members, exactly 5"),
        (
            PAGES.count(field("item.page").eq("shop"), at_most=0),
            "visits has 1 member with item.page = 'shop', not at most 0",
        ),
    ],
)
def test_an_explanation_has_the_number(rule, text):
    """How many there are, and which bound decided (R85)."""
    assert explain_rule(rule, about(VISITS)) == text


def test_a_count_reads_its_list_and_what_it_compares_members_with():
    """Paths into the members are none of the facts; outside a count, `item` is a name like any other."""
    rule = PAGES.count(HOME & field("item.at").after(field("event.since")) & field("plan").eq("paid"), at_least=1)
    assert reads(rule) == {"visits", "event.since", "plan"}
    assert reads(rule | field("item.page").eq("home")) == {"visits", "event.since", "plan", "item.page"}
    assert reads(CountRule(cast("Any", 5), FieldRule(cast("Any", 6), "eq"), at_least=1)) == set()


def when(made, number=1):
    """Return what a Wait of a journey waits for."""
    return made.steps[number].when


def journey(*rules) -> Any:
    """Return a journey that waits for rules, after a message."""
    waits = [Wait(f"w{n}", when=rule, timeout="1 day") for n, rule in enumerate(rules)]
    return Journey(id="j", trigger=Trigger(manual=True), steps=[HELLO, *waits, End("end")])


RULES = [
    PAGES.count(at_least=1),
    PAGES.count(HOME, at_most=0),
    ~PAGES.count(HOME & ~field("item.lines").count(field("item").gt(3), at_least=1), at_least=1, at_most=4),
    PAGES.count(field("message.hi.opened").eq(True), at_least=1) | field("plan").eq("paid"),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_count_is_kept(rule):
    """In journey files, and as code of Python."""
    assert when(from_dict(to_dict(journey(rule)))) == rule
    names = {"field": field, "all_of": all_of, "any_of": any_of, "not_": not_}
    assert eval(as_code(rule), names) == rule  # noqa: S307 our own


def test_a_count_in_a_file():
    """The list stands under `count`."""
    written = {"count": "visits", "where": {"field": "item.page", "op": "eq", "value": "home"}, "at_least": 2}
    document = to_dict(journey(PAGES.count(HOME, at_least=2)))
    assert document["steps"][1]["when"] == written
    document["steps"][1]["when"] = {**written, "least": 3, "where": {"op": "isNull"}, "at_most": "5"}
    with pytest.raises(InvalidJourney) as refused:
        from_dict(document)
    paths = {problem.path.removeprefix("steps[1].when.") for problem in refused.value.problems}
    assert paths == {"least", "where.field", "at_most"}


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "place", "code"),
    [
        (PAGES.count(), "", "count"),
        (PAGES.count(at_least=3, at_most=2), "", "count"),
        (PAGES.count(at_least=-1), ".at_least", "count"),
        (PAGES.count(at_most=cast("Any", 2.0)), ".at_most", "count"),
        (PAGES.count(at_most=True), ".at_most", "count"),
        (PAGES.count(at_least=2**63), ".at_least", "count"),
        (field("a..b").count(at_least=1), ".count", "field"),
        (CountRule(cast("Any", None), at_least=1), ".count", "field"),
        (PAGES.count(field("item.n").gt([]), at_least=1), ".where.value", "operand"),
        (~PAGES.count(cast("Any", 5), at_least=1), ".not.where", "rule"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_count(rule, place, code):
    """Each fault has its place in the file."""
    assert [(each.path, each.code) for each in rule_problems(rule, "when")] == [(f"when{place}", code)]


def test_each_wrong_bound_is_reported():
    """And not that they contradict each other."""
    found = [each.path for each in rule_problems(PAGES.count(at_least=cast("Any", "a"), at_most=-1), "w")]
    assert found == ["w.at_least", "w.at_most"]


def test_a_count_may_be_nested_as_deep_as_other_rules():
    """One level more is refused."""
    rule: Any = HOME
    for _ in range(MAX_DEPTH):
        rule = field("item").count(rule, at_least=1)
    assert not list(rule_problems(rule, "where"))
    assert [each.code for each in rule_problems(field("a").count(rule, at_least=1), "where")] == ["depth"]


def test_names_inside_a_count_are_checked():
    """A message that no step sends, an event where there is none; names of the member are not looked up."""
    with pytest.raises(InvalidJourney) as refused:
        journey(PAGES.count(field("message.bye.opened").eq(True) & field("event.a").eq(1) & HOME, at_least=1))
    assert [each.code for each in refused.value.problems] == ["reference", "reference"]


# --- the clock --------------------------------------------------------------------------------------------------------


def test_the_clock_turns_a_count_when_a_member_comes_of_age():
    """At the instant at which enough members are out of reach, or in reach (R37)."""
    days = ["2026-06-14T12:00:00Z", "2026-06-13T12:00:00Z", "2026-06-20T00:00:00Z"]
    facts = about([{"at": day} for day in days])
    last = field("item.at").within_last("3 days")
    fewer, later = PAGES.count(last, at_most=1), PAGES.count(last, at_least=3)
    assert true_from(compile_rule(fewer), clocked(fewer), facts, NOW) == parse_instant(days[1]) + 3 * DAY + 1
    assert true_from(compile_rule(later), clocked(later), facts, NOW) is None
    over = PAGES.count(field("item.at").after(field("now")), at_most=0)
    assert true_from(compile_rule(over), clocked(over), facts, NOW) == parse_instant(days[2])
    assert not clocked(PAGES.count(HOME, at_least=1))


def test_how_members_are_compared_with_now_is_checked():
    """As outside a count: by before and after."""
    (problem,) = clock_problems(PAGES.count(field("item.at").eq(field("now")), at_least=1), "when")
    assert (problem.path, problem.code) == ("when.where", "clock")


def test_what_is_compared_with_dates_of_members_is_a_date():
    """Values inside members are not; a journey cannot tell in which list they would be unreadable (R61)."""
    since = field("item.at").after(field("customer.since"))
    made = journey(PAGES.count(since, at_least=1), field("item.at").within_last("1 day"))
    assert dated_attributes(made) == {"since", "item.at"}
    assert not dated_events(made)


# --- edits, proofs and searches ---------------------------------------------------------------------------------------


def test_names_inside_a_count_follow_a_renamed_step():
    """The list may be a fact of a step too."""
    rule = field("wait.w0.pages").count(field("message.hi.opened").eq(True), at_least=1)
    steps: Any = [
        HELLO,
        Wait("w0", event="go"),
        Wait("w1", when=rule, timeout="1 day"),
        End("end"),
    ]
    made = renamed(Journey(id="j", trigger=Trigger(manual=True), steps=steps), {"hi": "hello", "w0": "first"})
    assert reads(when(made, 2)) == {"wait.first.pages", "message.hello.opened"}


def test_a_copy_for_another_tenant_loses_names_inside_a_count():
    """Members of lists and tags, and names as data of events have them; other operands stay (R18)."""
    rules = [
        field("lists").count(field("item").eq("news") | ~field("item").eq("old"), at_least=1),
        PAGES.count(field("item.journey").eq("welcome") & HOME & field("tags").contains("vip"), at_least=1),
    ]
    copy, told = copy_of(journey(*rules), "copy", "acme", None, None, None)
    assert str(when(copy)) == "lists has at least 1 member with (item = '' or not item = '')"
    asked = "((item.journey = '' and item.page = 'home') and tags contains '')"
    assert str(when(copy, 2)) == f"visits has at least 1 member with {asked}"
    assert [(each.path.partition(".when.")[2], each.kind, each.value) for each in told.reset] == [
        ("where.any[0].value", "list", "news"),
        ("where.any[1].not.value", "list", "old"),
        ("where.all[0].all[0].value", "journey", "welcome"),
        ("where.all[1].value", "tag", "vip"),
    ]


def test_a_proof_leaves_counts_open():
    """A count and its opposite exclude each other; what two counts have to do with one another is not known."""
    one, two = PAGES.count(HOME, at_least=1), PAGES.count(at_most=0)
    assert not possible([(one, True), (one, False)])
    assert not possible([(one & ~one, True)])
    assert possible([(one, True), (two, True)])


@pytest.mark.parametrize("rule", [*RULES[:3], PAGES.count(HOME, at_least=2) & PAGES.count(~HOME, at_least=1)], ids=str)
@pytest.mark.parametrize("wanted", [True, False])
def test_values_are_found_for_counts(rule, wanted):
    """Lists long enough, of members that match."""
    found = solve([(rule, wanted)], {}, NOW, str)
    assert found is not None
    assert holds(rule, Sample(found, NOW)) is wanted
