"""Back-testing: files through the engine, and what comes out."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve

from journeyflow import (
    Cap,
    Condition,
    Engine,
    Event,
    Exit,
    Goal,
    InvalidInput,
    Journey,
    Policies,
    Reentry,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.simulation import Arrivals, Behavior, Choice, Deliver, Population, Submitted, backtest, simulate
from journeyflow.stores.sqlite import SQLiteStore

EVENTS = """at,type,customer,amount
2026-01-02T00:00:00Z,buy,c2,5
2026-01-01T00:00:00Z,buy,c1,50
nonsense,buy,c1,50
2026-01-09T00:00:00Z,buy,c3,7
"""

THANKS = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[
        Send("thanks", channel="EMAIL", template="thanks"),
        Wait("rest", "3 days"),
        Condition("big", field("trigger.amount").gte(10), yes=[Send("gift", channel="EMAIL", template="gift")]),
    ],
)


@pytest.fixture
def events(tmp_path):
    """Write the event file."""
    path = tmp_path / "events.csv"
    path.write_text(EVENTS)
    return path


def table(path):
    """Read an exported table as rows."""
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("db", [None, "run.db"])
def test_the_tables_say_what_would_have_happened(tmp_path, events, db):
    """Events need not be sorted; the export is sorted by key; instants have six decimals, none is empty."""
    done = backtest(
        [THANKS],
        events=events,
        until=datetime(2026, 1, 10, tzinfo=UTC),
        db=db and tmp_path / db,
        export=tmp_path / "out",
    )
    assert (done.events, done.bad, done.entered, done.messages, done.unhandled) == (3, 1, 3, 4, 0)
    assert done.first == datetime(2026, 1, 1, tzinfo=UTC)
    assert "line 4: 'nonsense' is not an ISO 8601 instant" in done.bad_lines[0]
    assert table(tmp_path / "out/enrollments.csv") == [
        ["tenant", "journey", "version", "customer", "run", "status", "reason", "entered_at", "ended_at"],
        [
            "default",
            "thanks",
            "1",
            "c1",
            "1",
            "COMPLETED",
            "",
            "2026-01-01T00:00:00.000000Z",
            "2026-01-04T00:00:00.000000Z",
        ],
        [
            "default",
            "thanks",
            "1",
            "c2",
            "1",
            "COMPLETED",
            "",
            "2026-01-02T00:00:00.000000Z",
            "2026-01-05T00:00:00.000000Z",
        ],
        ["default", "thanks", "1", "c3", "1", "ACTIVE", "", "2026-01-09T00:00:00.000000Z", ""],
    ]
    visits = table(tmp_path / "out/visits.csv")
    assert [row[2:7] + row[9:] for row in visits if row[2] == "c1"] == [
        ["c1", "1", "1", "thanks", "COMPLETED", "queued"],
        ["c1", "1", "2", "rest", "COMPLETED", "elapsed"],
        ["c1", "1", "3", "big", "COMPLETED", "yes"],
        ["c1", "1", "4", "gift", "COMPLETED", "queued"],
        ["c1", "1", "5", "end", "COMPLETED", ""],
    ]
    assert visits[-1][2:] == ["c3", "1", "2", "rest", "ACTIVE", "2026-01-09T00:00:00.000000Z", "", ""]
    assert [row[2:] for row in table(tmp_path / "out/messages.csv")][1] == [
        *("c1", "1", "1", "thanks", "EMAIL", "thanks", "2026-01-01T00:00:00.000000Z", "QUEUED"),
    ]


def test_until_defaults_to_the_last_event_and_later_events_stay_unhandled(events):
    """What lies beyond the end is counted, not run."""
    assert backtest([THANKS], events=events).until == datetime(2026, 1, 9, tzinfo=UTC)
    done = backtest([THANKS], events=events, until=datetime(2026, 1, 3, tzinfo=UTC))
    assert (done.entered, done.unhandled) == (2, 1)


def test_customers_are_known_before_the_first_event_and_trigger_nothing(tmp_path, events):
    """The attributes of a customer file are there when the first event comes; their arrival enters nobody."""
    customers = tmp_path / "customers.csv"
    customers.write_text("customer,tier\nc1,Gold\nc2,Basic\n,x\n")
    gold = Journey(id="gold", trigger=Trigger("buy", where=field("tier").eq("Gold")), steps=[Wait("w", "1 day")])
    news = Journey(id="news", trigger=Trigger("field.changed"), steps=[Wait("w", "1 day")])
    done = backtest([gold, news], events=events, customers=customers)
    assert (done.customers, done.entered, done.bad) == (2, 1, 2)


def test_the_run_is_kept_and_can_be_questioned(tmp_path, events):
    """The database is an ordinary one; a second run into it is refused."""
    path = tmp_path / "run.db"
    backtest([THANKS], events=events, db=path)
    with Engine(path) as engine:
        assert engine.enrollments("thanks").total == 3
        assert engine.audit() == []
    with pytest.raises(InvalidInput, match="exists already"):
        backtest([THANKS], events=events, db=path)


@pytest.mark.parametrize("text", ["", "at,type,customer\n", "at,type,customer\nsoon,go,c1\n"])
def test_a_run_that_fails_leaves_no_file(tmp_path, text):
    """What was to be kept is removed again, however late the refusal comes; a file that was there stays."""
    path, past = tmp_path / "run.db", tmp_path / "past.csv"
    past.write_text(text)
    with pytest.raises(InvalidInput):
        backtest([THANKS], events=past, db=path)
    assert [each.name for each in tmp_path.iterdir()] == ["past.csv"]
    path.touch()
    with pytest.raises(InvalidInput):
        backtest([THANKS], events=past, db=path)
    assert path.exists()


def test_a_file_without_a_readable_event_is_refused(tmp_path):
    """Nothing to run on is an error with the first reason."""
    path = tmp_path / "events.csv"
    path.write_text("at,type,customer\nx,y,z\n")
    with pytest.raises(InvalidInput, match=r"no event that could be read \(first reason: line 2"):
        backtest([THANKS], events=path)
    path.write_text("at,type,customer\n")
    with pytest.raises(InvalidInput, match=r"no event that could be read$"):
        backtest([THANKS], events=path)


def test_progress_is_told_by_phase(tmp_path, events):
    """Each phase tells how far it is, up to its end: the export by people, three in each of three tables."""
    told: dict[str, tuple[int, int]] = {}
    backtest([THANKS], events=events, export=tmp_path, progress=lambda *each: told.__setitem__(each[0], each[1:]))
    assert told == {"events": (events.stat().st_size,) * 2, "run": (3, 3), "export": (9, 9)}


def test_policies_apply_from_the_beginning(events):
    """A cap of one message in a week leaves the gift out; retries, quiet hours and zones are those of the tenant."""
    until = datetime(2026, 1, 10, tzinfo=UTC)
    plain = backtest([THANKS], events=events, until=until)
    capped = backtest([THANKS], events=events, until=until, policies=Policies(caps=[Cap(1, per="week")]))
    assert (plain.messages, capped.messages) == (4, 3)


def test_each_journey_has_its_statistics_over_its_own_time_and_its_refusals():
    """From the day of the first event to that of the end, in the journey's zone; refusals by reason."""
    again = [Event("buy", customer="c1", at=datetime(2026, 1, 1, hour, tzinfo=UTC)) for hour in (3, 4, 9)]
    west = Journey(
        id="west",
        trigger=Trigger("buy"),
        timezone="America/New_York",
        steps=[Wait("w", "1 day")],
        reentry=Reentry("never"),
    )
    done = backtest([THANKS, west], events=again, until=datetime(2026, 1, 9, tzinfo=UTC))
    found = {each.journey: each for each in done.stats}
    assert (found["thanks"].since, found["thanks"].until) == (date(2026, 1, 1), date(2026, 1, 9))
    assert (found["west"].since, found["west"].until) == (date(2025, 12, 31), date(2026, 1, 8))
    assert found["west"].daily[0].entered == 1
    assert found["thanks"].daily[0].entered == 1
    assert [(each.journey, each.reason, each.count) for each in done.refusals if each.journey == "west"] == [
        ("west", "already inside", 2)
    ]
    assert sum(each.count for each in done.refusals) == done.refused


def test_a_long_past_has_the_statistics_of_its_last_days():
    """A window holds ten years at most."""
    old = [Event("buy", customer="c1", at=datetime(year, 1, 1, tzinfo=UTC)) for year in (2000, 2026)]
    (found,) = backtest([THANKS], events=old).stats
    assert (len(found.daily), found.until) == (3_660, date(2026, 1, 1))


def test_an_end_before_everything_is_a_fault(events):
    """It names both instants; an end at the first event runs that event."""
    words = r"until: 2020-01-01T00:00:00\+00:00 lies before the beginning of .* at 2026-01-01T00:00:00\+00:00"
    given = [Event("buy", customer="c1", at=datetime(2026, 1, 1, tzinfo=UTC))]
    for fed in (events, given):
        with pytest.raises(InvalidInput, match=words):
            backtest([THANKS], events=fed, until=datetime(2020, 1, 1, tzinfo=UTC))
    assert backtest([THANKS], events=given, until=given[0].at).entered == 1


def test_a_host_that_ticks_seldom_finds_work_late(events):
    """Without grace everything still happens at its own instant; with it, what is later takes effect at the tick."""
    until = datetime(2026, 1, 10, tzinfo=UTC)
    own = backtest([THANKS], events=events, until=until)
    assert (own.late, own.messages) == (0, 4)
    assert evolve(backtest([THANKS], events=events, until=until, every="2 days"), stats=own.stats) == own
    late = backtest([THANKS], events=events, until=until, every="2 days", grace="1 hour")
    assert (late.late, late.entered, late.messages) == (3, 3, 4)
    assert backtest([THANKS], events=events, until=until, grace="1 hour").late == 0
    assert backtest([THANKS], events=shifted(20), until=until, grace="30 minutes").late == 1


def shifted(minutes):
    """Make two events; the host ticks at the first, and every hour from then on."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return [Event("buy", customer=f"c{n}", at=first + timedelta(minutes=n * minutes)) for n in range(2)]


@pytest.mark.parametrize("given", [{"grace": "soon"}, {"every": "0 minutes"}, {"grace": -1}])
def test_lengths_of_time_that_cannot_be_are_refused(events, tmp_path, given):
    """Before anything is written."""
    with pytest.raises((ValueError, TypeError), match=next(iter(given))):
        backtest([THANKS], events=events, db=tmp_path / "run.db", **given)
    assert not (tmp_path / "run.db").exists()


def test_events_may_be_events():
    """Instead of a file; there must be some."""
    done = backtest([THANKS], events=iter(shifted(5)))
    assert (done.events, done.files[0].file, done.entered) == (2, "events", 2)
    with pytest.raises(InvalidInput, match="events: there is no event"):
        backtest([THANKS], events=[])


def test_one_journey_needs_no_list(events):
    """As in a simulation."""
    assert backtest(THANKS, events=events) == backtest([THANKS], events=events)


def test_a_delivery_has_an_instant():
    """It is checked when the value is made, as that of an event is."""
    with pytest.raises(ValueError, match="at"):
        Deliver(datetime(2026, 3, 2))  # noqa: DTZ001 it has no zone


def test_two_versions_of_one_journey_are_refused(events):
    """The second would silently replace the first, as in a simulation."""
    with pytest.raises(InvalidInput, match="the id 'thanks' is there 2 times; compare shows versions side by side"):
        backtest([THANKS, THANKS], events=events)


@pytest.mark.parametrize("db", [None, "run.db"])
@pytest.mark.unmeasured
def test_what_a_simulation_recorded_can_be_back_tested(tmp_path, db):
    """Attributes that rules read, enrollments by hand and reactions to messages: everybody goes the same way again."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    asked = field("plan").eq("pro") & field("message.hello.opened").eq(True)
    by_event = Journey(
        id="joined",
        trigger=Trigger("joined"),
        steps=[
            Send("hello", channel="EMAIL", template="hello"),
            Wait("rest", "2 days"),
            Condition("keen", asked, yes=[Send("offer", channel="EMAIL", template="offer")]),
        ],
    )
    journeys = [by_event, evolve(by_event, id="hand", trigger=Trigger(manual=True))]
    people = Population(size=40, attributes={"plan": Choice(["free", "pro"])}, arrivals=Arrivals.evenly("5 days"))
    record: list[Submitted] = []
    end = start + timedelta(days=9)
    opened = Behavior(opened=0.5)
    outcome = simulate(journeys, population=people, start=start, until=end, behavior=opened, record=record)
    done = backtest(journeys, events=record, until=end, db=db and tmp_path / db)
    sent = outcome.figure("messages").median
    assert sent > 85, "some of the second ones were sent"
    assert (done.entered, done.messages, done.customers, done.unhandled) == (80, sent, 40, 0)
    assert done.events == sum(isinstance(each, Event) for each in record) > 40


@pytest.mark.parametrize("db", [None, "run.db"])
@pytest.mark.parametrize(
    "rest",
    [
        {"exits": [Exit("over", when=field("lastEmailSentAt").is_not_null())]},
        {"exits": [Exit("over", when=field("now").after("2026-03-02T12:00:00Z"))]},
        {"exits": [Exit("over", event="message.sent")]},
        {"goal": Goal("message.sent", exit=True)},
    ],
    ids=["an instant", "the time", "an event", "a goal"],
)
def test_that_a_message_went_out_is_recorded(tmp_path, rest, db):
    """What listens to `message.sent`, or asks the customer whom it changes, goes the same way without a worker."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    hello = Send("hello", channel="EMAIL", template="hello")
    journey = Journey(
        id="joined", trigger=Trigger("joined"), steps=[Wait("rest", "1 day"), hello, Wait("more", "2 days")], **rest
    )
    record: list[Submitted] = []
    end = start + timedelta(days=9)
    outcome = simulate(journey, population=3, start=start, until=end, record=record)
    done = backtest([journey], events=record, until=end, db=db and tmp_path / db)
    assert {status: band.median for status, band in outcome.statuses("joined").items()} == {"EXITED": 3}
    relived = done.stats[0].people
    assert relived is not None
    assert relived.exited == 3
    assert [each.type for each in record if isinstance(each, Event)] == ["joined"] * 3


def test_what_goes_out_at_the_very_end_is_not_reported():
    """The report would come after the end, as in the simulation: nothing is left unhandled."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    record: list[Submitted] = []
    end = start + timedelta(minutes=1)
    simulate(THANKS, population=1, start=start, until=end, record=record)
    assert record[-1] == Deliver(end)
    assert backtest([THANKS], events=record, until=end).unhandled == 0


@pytest.mark.parametrize(
    ("send", "events", "fate"),
    [
        ({"expires": "1 second"}, [], "EXPIRED"),
        ({}, ["left"], "CANCELLED"),
    ],
)
def test_what_was_not_sent_any_more_is_not_sent_in_a_back_test(tmp_path, send, events, fate):
    """A record says when workers took messages: what they may not send is decided at that instant again."""
    start, path = datetime(2026, 3, 2, tzinfo=UTC), tmp_path / "run.db"
    hello = Send("hello", channel="EMAIL", template="hello", **send)
    journey = Journey(
        id="joined", trigger=Trigger("joined"), exits=[Exit("gone", event="left")], steps=[hello, Wait("w", "2 days")]
    )

    def entering(customer, at):
        return [
            Event(kind, customer=customer, at=at + timedelta(seconds=n)) for n, kind in enumerate(["joined", *events])
        ]

    record: list[Submitted] = []
    end = start + timedelta(days=1)
    simulate(journey, population=3, start=start, until=end, entering=entering, record=record)
    done = backtest([journey], events=record, until=end, db=path)
    assert (done.messages, done.unhandled) == (3, 0)
    with Engine(SQLiteStore(path)) as engine:
        assert [each.status for each in engine.messages()] == [fate] * 3
