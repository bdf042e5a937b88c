"""What can be known of a journey before it runs: paths, times, and proofs whose counter-examples are played."""

from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyflow import (
    Chain,
    Condition,
    End,
    Event,
    Exit,
    InvalidInput,
    Journey,
    NotFound,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.analysis import Span, analyze
from journeyflow.analysis.lives import Effort
from journeyflow.analysis.paths import AllPaths
from journeyflow.analysis.proofs import _closest
from journeyflow.analysis.spans import ANY_ZONE, clock_change, closed_for, length_of, opens_within
from journeyflow.analysis.ways import chart_of
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.hours import Until
from journeyflow.basics.moments import DAY, HOUR, parse_instant, zone
from journeyflow.testing import Enroll, Forget, Leave, Life, Lifecycle, Put, Reaction, RetryRun, journeys, lives, run
from tests.cases import cases
from tests.samples import mail


def journey(*steps, **options):
    """Return a journey that starts on "go"."""
    return Journey("j", **{"trigger": Trigger("go"), **options}, steps=steps)


WELCOME = journey(
    mail("hello"),
    Wait("breathe", "2 days"),
    Condition(
        "opened",
        field("message.hello.opened").eq(True),
        yes=[Split("test", arm(50, [mail("tips")]), arm(50, [mail("offer")]))],
        no=[mail("nudge")],
    ),
    Wait(
        "answer",
        event="buy",
        where=field("event.amount").gte(100),
        timeout="3 days",
        on_event=[Update("u", tag.add("x"))],
    ),
)


WRONG: Any = "j"


def shows(proof):
    """Run the code of a counter-example as a test would, and return whether its assertion holds."""
    exec(proof.code, {"journey": proof.journey})  # noqa: S102 code that the library wrote, which is what is tried
    return True


# --- paths ------------------------------------------------------------------------------------------------------------


def test_paths_are_listed_in_order_with_their_times():
    """Each way through the journey is one path; the waits add up."""
    paths = analyze(WELCOME).paths
    assert paths.count == len(list(paths)) == 6
    assert [str(path) for path in paths.take(2)] == [
        "hello > breathe > opened=yes > test=A > tips > answer=event > u > end: 2 days to 5 days, 2 messages",
        "hello > breathe > opened=yes > test=A > tips > answer=timeout > end: 5 days, 2 messages",
    ]
    assert (str(paths.duration), paths.loops) == ("2 days to 5 days", ())
    assert paths.shortest is not None
    assert paths.shortest.duration.shortest == timedelta(days=2)
    assert paths.to_dicts()[1]["longest_seconds"] == timedelta(days=5).total_seconds()
    assert repr(paths) == "<Paths: 6, 2 days to 5 days>"


def test_too_many_paths_to_list_are_counted_exactly():
    """Two hundred Splits make 2 to the power of 200 paths."""
    steps = [Split(f"s{n}", arm(50, [Wait(f"w{n}", "1 day")]), arm(50)) for n in range(200)]
    paths = analyze(journey(*steps)).paths
    assert paths.count == 2**200
    assert str(paths.duration) == "no time to 200 days"
    assert len(paths.take(3)) == 3


def test_a_loop_is_told_and_is_part_of_one_path():
    """However often a run goes round: the path has no longest time."""
    looping = journey(Wait("w", "1 month"), Condition("c", field("n").gt(3), yes=[End("z")], no="w"))
    (path,) = paths = analyze(looping).paths
    assert paths.loops == path.loops == (("w", "c"),)
    assert (path.steps, path.ends, path.duration.longest) == (("w", "c", "z"), True, None)
    assert path.duration.shortest == timedelta(days=28)


def test_a_loop_without_a_way_out_is_a_path_without_end():
    """It is counted, and told as such."""
    (path,) = paths = analyze(journey(Wait("w", "1 day", next="w"))).paths
    assert (paths.count, paths.shortest, path.ends) == (1, None, False)
    assert "without end" in str(path)


def test_the_shortest_path_is_the_soonest_and_not_the_one_with_the_fewest_steps():
    """Three quick steps are shorter than one slow one."""
    choice = Condition(
        "c", field("n").gt(3), yes=[Wait("slow", "9 days")], no=[mail("a"), mail("b"), Wait("w", "1 day")]
    )
    path = analyze(journey(choice)).paths.shortest
    assert path is not None
    assert path.steps == ("c", "a", "b", "w", "end")


@pytest.mark.parametrize(
    ("step", "least", "most"),
    [
        (Wait("w", "90 minutes"), timedelta(minutes=90), timedelta(minutes=90)),
        (Wait("w", "1 month"), timedelta(days=28), timedelta(days=31)),
        (Wait("w", "1 year"), timedelta(days=365), timedelta(days=366)),
        (Wait("w", until="09:00"), timedelta(0), timedelta(days=1)),
        (Wait("w", until="MON 09:00"), timedelta(0), timedelta(days=7)),
        (Wait("w", until="SAT"), timedelta(0), timedelta(days=6)),
        (
            Wait("w", "1 day", window=Window("MON-FRI", "09:00", "17:00")),
            timedelta(days=1),
            timedelta(days=1, hours=64),
        ),
        (Wait("w", event="x", timeout="2 days"), timedelta(0), timedelta(days=2)),
        (Wait("w", event="x"), timedelta(0), None),
        (Wait("w", field="day"), timedelta(0), None),
        (Wait("w", field="trigger.day", every="year", on_missing="end"), timedelta(0), None),
        (Wait("w", at="2027-01-01T00:00:00Z"), timedelta(0), None),
        (mail("s", window=Window(None, "09:00", "17:00")), timedelta(0), timedelta(hours=16)),
    ],
)
def test_how_long_a_step_takes(step, least, most):
    """Windows, openings, timeouts and dates are intervals; what may be anywhere is unknown."""
    duration = analyze(journey(step)).duration
    assert (duration.shortest, duration.longest) == (least, most)


def test_days_are_longer_and_shorter_where_clocks_change():
    """An hour either way in Paris, none in Johannesburg, up to three where each customer has a zone."""
    day = Wait("w", "1 day")
    assert str(analyze(journey(day, timezone="Africa/Johannesburg")).duration) == "1 day"
    assert str(analyze(journey(day, timezone="Europe/Paris")).duration) == "23 hours to 1 day 1 hour"
    assert str(analyze(journey(day, customer_timezone=True)).duration) == "21 hours to 1 day 3 hours"
    assert clock_change("Antarctica/Casey") == ANY_ZONE


@given(
    st.sampled_from(("1 month", "2 months", "11 months", "1 year", "5 days", "1 month 2 days 3 hours", "4 years")),
    st.sampled_from(("UTC", "Europe/Paris", "America/New_York")),
    st.integers(parse_instant("2012-01-01T00:00:00Z") // HOUR, parse_instant("2050-01-01T00:00:00Z") // HOUR),
)
def test_no_duration_is_outside_its_bounds(text, name, hours):
    """The engine's own arithmetic stays within what is said of it."""
    duration, start = Duration.parse(text), hours * HOUR
    span = length_of(duration, clock_change(name))
    assert span.least <= add(start, duration, zone(name)) - start <= span.most


@given(
    st.sampled_from(
        (Window("MON-FRI", "09:00", "17:00"), Window(None, "22:00", "06:00"), Window("SUN", "02:00", "02:30"))
    ),
    st.sampled_from((Until("09:00"), Until.parse("MON,THU 02:30"), Until(None, "SAT,SUN"), Until(None, "WED"))),
    st.sampled_from(("UTC", "Europe/Paris", "America/New_York")),
    st.integers(parse_instant("2024-01-01T00:00:00Z") // HOUR, parse_instant("2028-01-01T00:00:00Z") // HOUR),
    st.booleans(),
)
def test_no_opening_is_later_than_its_bound(window, until, name, hours, again):
    """The engine's own openings stay within what is said of them."""
    start, where, change = hours * HOUR, zone(name), clock_change(name)
    assert window.next_open(start, where) - start <= closed_for(window, change)
    assert until.next_opening(start, where, after=again) - start <= opens_within(until, change, again=again)


def test_a_window_that_is_always_open_is_never_closed():
    """All hours of all days, whatever clocks do."""
    assert closed_for(Window(), HOUR) == 0
    assert closed_for(Window("SAT,SUN"), 0) == 5 * DAY


# --- what no run does -------------------------------------------------------------------------------------------------


def test_branches_that_cannot_be_taken_are_told_with_the_reason():
    """Intervals and sets of values, per attribute; what the branches above take is gone; 0 % is nobody."""
    found = analyze(
        journey(
            Condition(
                "c",
                branches=[
                    branch(field("age").lt(18), "end", "young"),
                    branch(field("age").lt(10), "end", "child"),
                    branch(field("age").gt(30) & field("customer.age").lt(25), "end", "odd"),
                    branch(field("plan").in_(["a", "b"]) & field("plan").eq("c"), "end", "plan"),
                    branch(field("age").gte(18), "end", "adult"),
                    branch(field("age").is_not_null(), "end", "other"),
                    branch(field("age").is_null(), "end", "none"),
                ],
            ),
            Split("s", arm(100), arm(0, [mail("never")])),
        )
    )
    assert [(dead.step, dead.outcome) for dead in found.dead] == [
        ("c", "child"), ("c", "odd"), ("c", "plan"), ("c", "else"), ("s", "B"),
    ]  # fmt: skip
    assert found.dead[0].reason.startswith("the branches above take all")
    assert found.dead[1].reason.startswith("no customer matches its rule")
    assert "never" in found.unreached


OLD = field("age").gt(60)


@pytest.mark.parametrize(
    ("before", "dead"),
    [
        ([Condition("c", OLD, yes="inner", no="end")], {"yes"}),
        ([Condition("c", OLD, yes="end", no="inner")], {"no"}),
        ([Condition("c", OLD, yes="s", no="end"), Split("s", arm(50, "inner"), arm(50, "inner"))], {"yes"}),
        (
            [Condition("c", OLD, yes="inner", no="d"), Condition("d", field("age").gt(70), yes="inner", no="end")],
            {"yes"},
        ),
        ([Condition("c", OLD, yes="inner", no="inner")], set()),
        ([Condition("c", OLD, yes="w", no="end"), Wait("w", "1 day", next="inner")], set()),
        ([Condition("c", OLD, yes="u", no="end"), Update("u", field("age").set(5), next="inner")], set()),
    ],
    ids=["yes", "no", "through a split", "a dead branch leads nowhere", "either way", "time passes", "it is changed"],
)
def test_what_a_condition_found_out_is_known_as_long_as_no_time_passes(before, dead):
    """A Condition after another one is asked by customers of whom something is known."""
    inner = Condition(
        "inner", branches=[branch(field("age").lte(60), [mail("young")], "yes"), branch(OLD, [mail("old")], "no")]
    )
    found = {each.outcome: each.reason for each in analyze(journey(*before, inner)).dead if each.step == "inner"}
    assert found.keys() - {"else"} == dead
    assert all("no customer who comes here matches" in found[outcome] for outcome in dead)


# --- proofs -----------------------------------------------------------------------------------------------------------


def test_claims_about_messages_hold_or_fail_with_a_life():
    """As many as the longest path sends; and within the time that its waits take."""
    found = analyze(WELCOME)
    assert found.at_most(2).holds
    assert found.at_most(1, within="2 days").holds
    assert found.at_most(1, within="1 day").reason == "2 messages take at least 2 days"
    for proof in (found.at_most(1), found.at_most(1, within="3 days"), found.at_most(0), found.never_after("opened")):
        assert (proof.answer, proof.holds) == ("fails", False)
        assert shows(proof)
    assert found.never_after("answer").holds
    assert found.no_template_twice().holds
    assert str(found.at_most(1)) == "at most 1 message: fails: a path sends 2"


def test_a_counter_example_answers_rules_waits_and_arms():
    """It puts attributes, opens messages, feeds the awaited event and picks a customer of the arm."""
    deep = journey(
        mail("a"),
        Wait(
            "w",
            event="buy",
            where=field("event.amount").gte(100) & field("event.kind").eq("x"),
            timeout="1 day",
            on_timeout="end",
        ),
        Condition("rich", field("wait.w.amount").gt(500) & field("plan").eq("paid"), no="end"),
        Split(
            "s",
            arm(99),
            arm(1, [Wait("late", "9 days"), Condition("c", field("message.a.clicked").eq(True), yes=[mail("b", "a")])]),
        ),
        exits=[Exit("gone", when=field("plan").eq("gone"))],
        trigger=Trigger("go", where=field("event.source").eq("web")),
        run_criteria=field("age").gte(18),
    )
    proof = analyze(deep).no_template_twice()
    assert proof.answer == "fails"
    assert shows(proof)
    assert proof.counterexample is not None
    assert [type(call) for call in proof.counterexample.calls].count(Reaction) == 1


def test_loops_send_without_bound_and_waits_for_events_need_not_end():
    """Each is shown by a life; a loop that nobody has to help goes on until its limit of visits."""
    monthly = analyze(journey(Wait("w", "1 month"), mail("news", next="w"), max_visits=300))
    assert (monthly.most_messages, monthly.paths.count) == (None, 1)
    assert monthly.at_most(1, within="20 days").holds
    assert monthly.at_most(300).holds
    for proof in (
        monthly.at_most(2),
        monthly.at_most(1, within="40 days"),
        monthly.no_template_twice(),
        monthly.ends(),
    ):
        assert proof.answer == "fails"
        assert shows(proof)
    waiting = analyze(journey(mail("hello"), Wait("w", event="buy"))).ends()
    assert waiting.answer == "fails"
    assert "perhaps for ever" in waiting.reason
    assert shows(waiting)
    assert analyze(WELCOME).ends().holds


def test_what_the_search_cannot_settle_is_unknown():
    """An Update between two rules bars the path, which the ways do not see: no proof and no life, and the reason."""
    barred = journey(
        mail("a"),
        Update("u", field("plan").set("free")),
        Condition("c", field("plan").eq("paid"), yes=[mail("b", "a")]),
    )
    proof = analyze(barred).no_template_twice()
    assert (proof.answer, proof.holds, proof.counterexample, proof.code) == ("unknown", False, None, "")
    assert "no life was found" in proof.reason
    assert proof.path is not None
    assert proof.path.steps == ("a", "u", "c", "b")
    helped = analyze(journey(Wait("w", event="buy", timeout="1 day", on_timeout="end", next="w"))).ends()
    assert helped.answer == "unknown"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Effort", lambda: Effort(0), "came to its limit, so there may be one"),
        ("MAX_TRIES", 0, "one of the first 0 such paths, and there are more"),
    ],
)
def test_a_search_that_was_cut_short_says_so(monkeypatch, name, value, words):
    """It proves nothing and shows nothing, and is told apart from one that tried everything."""
    barred = Update("u", field("plan").set("free"))
    twice = journey(mail("a"), barred, Condition("c", field("plan").eq("paid"), yes=[mail("b", "a")]))
    assert "may bar it" in analyze(twice).no_template_twice().reason
    monkeypatch.setattr(f"journeyflow.analysis.proofs.{name}", value)
    proof = analyze(twice).no_template_twice()
    assert (proof.answer, proof.counterexample) == ("unknown", None)
    assert words in proof.reason


def test_a_run_that_ends_itself_goes_no_further():
    """An Update that leaves is an end; where its changes may not fit, the run can go on."""
    leaving = analyze(journey(Update("u", Chain.exit_this()), mail("a")))
    assert (leaving.paths.count, leaving.most_messages, leaving.unreached) == (1, 0, ("a", "end"))
    unsure = analyze(journey(Update("u", tag.add("x"), Chain.exit_this()), mail("a")))
    assert unsure.most_messages == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: a.at_most(-1), "messages must be"),
        (lambda a: a.at_most(True), "messages must be"),
        (lambda a: a.at_most(1, within="soon"), "not a duration"),
        (lambda a: a.at_most(1, within="-1 day"), "does not lead forward"),
        (lambda a: a.never_after("nowhere"), "no step 'nowhere'"),
        (lambda _: analyze(WRONG), "journey must be"),
        (lambda _: analyze(Journey("empty", steps=[])), "no steps"),
    ],
)
def test_wrong_questions_are_refused(call, words):
    """The error says what was expected."""
    with pytest.raises((InvalidInput, NotFound), match=words):
        call(analyze(WELCOME))


def test_a_proof_says_what_it_assumes():
    """Beside the answer, also in its row."""
    row: dict[str, Any] = analyze(WELCOME).at_most(2).to_dict()
    assert (row["claim"], row["answer"], row["code"]) == ("at most 2 messages", "holds", None)
    assert any("pause" in each for each in row["assumes"])


# --- every life stays within ------------------------------------------------------------------------------------------

UNASSUMED = (Lifecycle, RetryRun, Leave, Forget)


def assumed(life):
    """Return a life without what proofs assume not to happen: pauses, retries, exits by hand, moves between zones."""
    calls = [call for call in life.calls if not isinstance(call, UNASSUMED)]
    calls = [
        evolve(call, attributes={k: v for k, v in call.attributes.items() if k != "timezone"})
        if isinstance(call, Put)
        else call
        for call in calls
    ]
    return Life(
        [call for call in calls if not (isinstance(call, Event) and call.data.get("field") == "timezone")], life.end
    )


@cases(90)
@given(st.data())
def test_every_life_stays_within_what_was_proved(data):
    """No generated life takes a way that is not on the map, takes longer or shorter, or sends more than was proved."""
    drawn = data.draw(journeys())
    found = analyze(drawn)
    calls = assumed(data.draw(lives(drawn, calls=12)))
    calls = Life([*calls.calls, Enroll(drawn.id, "c3", at=calls.end - timedelta(days=50), force=True)], calls.end)
    played = run([drawn], calls)
    proved = cache(lambda number, within=None: found.at_most(number, within=within).holds)
    for each in played.enrollments:
        walked(found, each)
        sent = [message for message in played.sent if (message.customer, message.run) == (each.customer, each.run)]
        assert not any(proved(number) for number in range(min(len(sent), 4)))
        for length in (timedelta(days=1), timedelta(days=7)):
            near = any(later.at - earlier.at < length for earlier, later in pairwise(sent))
            assert not (near and proved(1, length))
        repeated = len({message.template for message in sent}) < len(sent)
        assert not (repeated and found.no_template_twice().holds)


def test_a_wait_for_a_condition_has_two_ways_and_perhaps_no_end():
    """A life makes its rule true, or keeps it false; without a timeout it may rest for ever (R37)."""
    paid = field("plan").eq("paid")
    sent = [Send("mail", channel="EMAIL", template="t")]
    wait = Wait("ready", when=paid, timeout="1 day")
    for ready in (evolve(wait, on_event=sent), evolve(wait, on_timeout=sent)):
        proof = analyze(Journey("j", steps=[ready, End("no")])).at_most(0)
        assert proof.answer == "fails"
        assert shows(proof)
    endless = analyze(Journey("j", steps=[Wait("ready", when=paid)])).ends()
    assert "'ready' waits for plan = 'paid' without a timeout" in endless.reason
    assert shows(endless)


def walked(found, enrollment):
    """Check each visit of a run that was left by itself against the ways of its step."""
    for visit in enrollment.visits:
        assert visit.step not in found.unreached
        if visit.status != "COMPLETED":
            continue
        outcome = "queued" if isinstance(found.journey.step(visit.step), Send) else visit.outcome
        outcome = (
            "" if outcome == "type" and "type" not in {way.outcome for way in found.chart.ways[visit.step]} else outcome
        )
        (way,) = [way for way in found.chart.ways[visit.step] if way.outcome == outcome]
        assert way.time.holds(visit.left_at - visit.entered_at), visit
    if enrollment.status == "COMPLETED":
        assert found.duration.holds(enrollment.ended_at - enrollment.entered_at)
        assert found.paths.count > 0


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(journeys())
def test_the_count_of_paths_is_that_of_the_list(drawn):
    """The dynamic program counts what the listing lists; each path is another one, and its parts lie on the map."""
    paths = analyze(drawn).paths
    if paths.count <= 2_000:
        listed = list(paths)
        assert len(listed) == paths.count
        assert len({path.ways for path in listed}) == paths.count
        for path in listed:
            assert all(way.to == after.step for way, after in pairwise(path.ways))
            assert (path.ways[-1].to is None) is path.ends


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(journeys(windows=False))
def test_what_fails_is_shown_by_its_life(drawn):
    """For any journey, the code of a counter-example runs and its assertion holds."""
    found = analyze(drawn)
    for proof in (found.at_most(1), found.no_template_twice(), found.ends()):
        assert proof.answer != "fails" or shows(proof)


def test_a_span_is_written_in_words():
    """Days have 24 hours here."""
    assert [str(Span(0, 0)), str(Span(0, None)), str(Span(DAY, None))] == [
        "no time",
        "an unknown time",
        "1 day or longer",
    ]


def built(kinds):
    """Return a journey of Sends, waits, and Conditions with a Send on one side and a wait on the other."""
    steps = [
        (
            mail(f"m{n}"),
            Wait(f"w{n}", "1 day"),
            Wait(f"h{n}", "2 hours"),
            Condition(f"c{n}", field("a").eq(n), yes=[mail(f"y{n}")], no=[Wait(f"v{n}", "3 hours")]),
        )[kind]
        for n, kind in enumerate(kinds)
    ]
    return journey(*steps)


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=7), st.integers(2, 4))
def test_the_soonest_messages_are_those_of_some_path(kinds, count):
    """The least time for so many messages is the least over all paths, listed one by one."""
    chart = chart_of(built(kinds))
    least = []
    for path in AllPaths(chart):
        at, sent = 0, []
        for way in path.ways:
            sent += [at] if way.message else []
            at += way.time.least
        least += [later - first for first, later in zip(sent, sent[count - 1 :], strict=False)]
    soonest, ways = _closest(chart, count)
    assert (len(ways), soonest) == (count if least else 0, min(least, default=0))
