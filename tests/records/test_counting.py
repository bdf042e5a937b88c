"""What batches count, and that the log counts the same: by day, by domain, by step, whatever else happens (R80)."""

import sqlite3
from collections import Counter as Bag
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Condition, End, Engine, Event, Goal, InvalidInput, Reentry, Send, Trigger, Wait, field
from journeyflow.basics.moments import FIRST, LAST, local_day, local_day_span, to_micros
from journeyflow.records.counting import ALL, COUNTED_EVENTS, Note, Sums, by_day, mailbox_domain
from journeyflow.stores.recount import miscounts, recount
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import run
from journeyflow.testing.strategies import journeys, lives
from tests.cases import cases
from tests.samples import START, Host, open_engine

ZONES = ("UTC", "America/New_York", "Africa/Johannesburg", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu")


def counters(host: Host, **where: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Give kept counters of a day and a domain, all of them unless named: (step, what, label) -> (total, uniques)."""
    wanted = {"day": ALL, "domain": ALL, "journey": "j", **where}
    rows = host.rows(
        "SELECT step, what, label, total, uniques FROM counters c JOIN journeys j ON j.number = c.journey"
        " WHERE day = ? AND domain = ? AND j.id = ?",
        (wanted["day"], wanted["domain"], wanted["journey"]),
    )
    return {(step, what, label): (total, uniques) for step, what, label, total, uniques in rows}


ENGINE = {"grace": None, "max_jump": None}
AUDITED = True


# --- days and domains -------------------------------------------------------------------------------------------------


@given(st.integers(FIRST, LAST), st.sampled_from(ZONES), st.integers(0, 10**12))
def test_a_span_of_a_day_is_of_that_day(instant, name, later):
    """Every instant of a span has the day of its first one, also where clocks change at midnight (R82)."""
    zone = ZoneInfo(name)
    day, until = local_day_span(instant, zone)
    assert day == local_day(instant, zone)
    assert instant < until <= min(instant + 86_400_000_000, LAST + 1)
    assert local_day(min(instant + later % (until - instant), until - 1), zone) == day


@given(st.lists(st.datetimes(datetime(2011, 10, 1), datetime(2011, 12, 1)), min_size=1), st.sampled_from(ZONES))  # noqa: DTZ001 only days and hours count
def test_instants_are_counted_on_their_own_day(instants, name):
    """Summed by spans or one by one, instants fall on the same days; St John's changed clocks at 00:01 (R82)."""
    zone, micros = ZoneInfo(name), [to_micros(at.replace(tzinfo=UTC)) for at in instants]
    found = Bag[str]()
    for day, number, last in by_day(micros, zone):
        found[day] += number
        assert local_day(last, zone) == day
        assert last in micros
    assert found == Bag(local_day(at, zone) for at in micros)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@example.com", "example.com"),
        (" Ann@Mail.EXAMPLE.com ", "mail.example.com"),
        ('"a@b"@example.com', "example.com"),
        ("example.com", ""),
        ("@example.com", ""),
        ("ann@", ""),
        ("ann@exämple.com", ""),
        ("ann@a b", ""),
        ("ann@" + "a" * 254, ""),
        (5, ""),
        (None, ""),
    ],
)
@pytest.mark.rows(172)
def test_the_domain_is_what_follows_the_last_at(address, domain):
    """The domain is what a filter may name, in lower case; anything else is none (F172)."""
    assert mailbox_domain("EMAIL", {"email": address}) == mailbox_domain("email", {"email": address}) == domain
    assert mailbox_domain("SMS", {"email": address}) == ""


def test_sums_over_days_and_domains_are_kept():
    """Each thing is there for its day and for all, for its domain and for all, but never twice (R80)."""
    sums = Sums({1: ZoneInfo("Pacific/Apia")})
    sums.note([Note(1, "a.org", "s", "message.opened", 0, True), Note(1, "", "s", "message.opened", 5, False)])
    assert [row[1:3] + row[6:] for row in sums.rows()] == [
        ("*", "", 1, 0, 5),
        ("*", "*", 2, 1, 5),
        ("*", "a.org", 1, 1, 0),
        ("1969-12-31", "", 1, 0, 5),
        ("1969-12-31", "*", 2, 1, 5),
        ("1969-12-31", "a.org", 1, 1, 0),
    ]


# --- people and visits ------------------------------------------------------------------------------------------------

HELLO = Send("hello", channel="EMAIL", template="t")


@pytest.mark.rows(137, 150, 151, 166)
def test_enrollments_and_people_are_counted_apart(host):
    """One person twice is two enrollments and one person; both days have their own (R81, F137, F166)."""
    host.deploy(HELLO, End("done"), reentry="always", timezone="Pacific/Apia")  # fourteen hours ahead of UTC
    for when in ("0 days", "1 hour", "11 hours"):
        host.feed("go", datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(hours=int(when.split()[0])), "ann")
    host.say("go", "12 hours", "bob")
    assert counters(host)["", "entered", ""] == (*counters(host)["", "completed", ""][:1], 2) == (4, 2)
    assert counters(host, day="2026-01-05")["", "entered", ""] == (2, 1)
    assert counters(host, day="2026-01-06")["", "entered", ""] == (2, 1)


def test_visits_are_counted_by_what_came_of_them(host):
    """Branches, outcomes, skips and exits each have their own; who still rests has only come (R44)."""
    host.deploy(
        Condition("gold", field("tier").eq("gold"), yes=[HELLO]),
        Wait("week", "7 days"),
        exits=(),
    )
    host.put(START, "ann", tier="gold", consent={"EMAIL": False})
    host.put(START, "bob", tier="gold")
    for name in ("ann", "bob", "cid", "dan"):
        host.feed("go", START, name)
    host.tick()
    host.engine.exit("j", "cid", at=START + timedelta(days=1))
    host.tick("8 days")
    host.say("go", "8 days", "eve")
    assert counters(host) == {
        ("", "entered", ""): (5, 5),
        ("", "completed", ""): (3, 0),
        ("", "exited", ""): (1, 0),
        ("gold", "visited", ""): (5, 0),
        ("gold", "completed", "yes"): (2, 0),
        ("gold", "completed", "no"): (3, 0),
        ("hello", "visited", ""): (2, 0),
        ("hello", "completed", "queued"): (1, 0),
        ("hello", "queued", "EMAIL"): (1, 0),
        ("hello", "skipped", "consent"): (1, 0),
        ("week", "visited", ""): (5, 0),
        ("week", "completed", "elapsed"): (3, 0),
        ("week", "exited", ""): (1, 0),
        ("end", "visited", ""): (3, 0),
        ("end", "completed", ""): (3, 0),
    }


def test_failed_and_archived_runs_are_counted(host):
    """What fails is counted where it failed; archiving counts as an exit of everybody (R15, R43)."""
    host.deploy(HELLO, Wait("day", "1 day"), HELLO_AGAIN, max_visits=2)
    host.say("go", START, "ann")
    host.tick("1 day")
    host.say("go", "2 days", "bob")
    host.engine.archive("j", at=START + timedelta(days=2))
    found = counters(host)
    assert (found["", "failed", ""], found["again", "failed", ""]) == ((1, 0), (1, 0))
    assert (found["", "exited", ""], found["day", "exited", ""]) == ((1, 0), (1, 0))


HELLO_AGAIN = Send("again", channel="EMAIL", template="t")


def test_conversions_are_counted_once_for_a_run(host):
    """A run converts once; the first runs of customers are counted apart (R25, R42)."""
    host.deploy(Wait("day", "1 day"), goal=Goal("bought"), reentry=Reentry("always"))
    host.say("go", START, "ann")
    host.say("bought", "1 hour", "ann")
    host.say("bought", "2 hours", "ann")
    host.say("go", "2 days", "ann")
    host.say("bought", "2 days 1 hour", "ann")
    assert counters(host)["", "converted", ""] == (2, 1)
    assert counters(host, day="2026-01-05")["", "converted", ""] == (1, 1)


def test_days_stay_those_of_the_first_version(host):
    """A version in another zone does not move days that are counted already, nor make new ones overlap (R82)."""
    host.deploy(HELLO, timezone="Pacific/Apia")
    host.deploy(HELLO, HELLO_AGAIN, timezone="America/New_York")
    host.say("go", START + timedelta(hours=3), "ann")
    assert counters(host, day="2026-01-06")["", "entered", ""] == (1, 1)


# --- messages and money -----------------------------------------------------------------------------------------------


@pytest.mark.rows(153, 154, 172)
def test_what_is_told_of_messages_is_counted_by_day_step_and_domain(host):
    """Each kind has how often it was told, and of how many messages; on the day it happened (R52, F153, F154)."""
    host.deploy(HELLO)
    host.put(START, "ann", email="ann@Example.com")
    host.say("go", START, "ann")
    message = host.claim()[0]
    host.engine.ack(message, at=START)
    for kind in COUNTED_EVENTS[1:]:
        host.feed(kind, START, "ann", message=message.id)
    host.feed("message.opened", "1 day", "ann", message=message.id, amount=7)  # no revenue, and one opening
    host.feed("message.opened", "1 day", "bob", message=message.id)
    host.feed("message.opened", "1 day", "ann")
    host.feed("message.failed", "1 day", "ann", message=message.id)
    host.tick("1 day")
    once = {("hello", kind, "EMAIL"): (1, 1) for kind in COUNTED_EVENTS}
    told = {key: value for key, value in counters(host).items() if key[1].startswith("message.")}
    assert told == {**once, ("hello", "message.opened", "EMAIL"): (2, 1)}
    assert counters(host, domain="example.com") == told
    assert counters(host, domain="example.com", day="2026-01-05") == once
    assert counters(host, domain="example.com", day="2026-01-06") == {("hello", "message.opened", "EMAIL"): (1, 0)}
    assert host.engine.audit() == []  # also the history knows no sum of what failed


def test_a_message_keeps_the_domain_it_had_first(host):
    """A customer who moves to another mailbox leaves the message's domain as it was; without one it is empty (F172)."""
    host.deploy(HELLO, Send("text", channel="SMS", template="t"))
    host.put(START, "ann", email="ann@a.org")
    host.say("go", START, "ann")
    mail, text = host.claim()
    host.engine.ack([mail, text], at=START)
    host.put("1 hour", "ann", email="ann@b.org")
    host.say("message.opened", "1 hour", "ann", message=mail.id)
    assert counters(host, domain="b.org") == {}
    assert counters(host, domain="a.org").keys() == {
        ("hello", "message.sent", "EMAIL"),
        ("hello", "message.opened", "EMAIL"),
    }
    assert counters(host, domain="").keys() == {("text", "message.sent", "SMS")}


@pytest.mark.rows(157, 158, 161)
def test_revenue_is_summed_in_minor_units_with_its_message(host):
    """Revenue belongs to the step and domain of the message it names; a refund is negative (R83, F157, F161)."""
    host.deploy(HELLO)
    host.put(START, "ann", email="ann@a.org")
    host.say("go", START, "ann")
    message = host.claim()[0].id
    host.feed("revenue", START, "ann", amount=1999, message=message)
    host.feed("revenue", "1 day", "ann", amount=-500, message=message)
    host.feed("revenue", START, "ann", amount=7)
    host.feed("revenue", START, "ann", amount=7, message="elsewhere-1-1")
    host.feed("revenue", START, "bob", amount=7, message=message)
    host.tick("1 day")
    assert (
        counters(host)["hello", "revenue", "EMAIL"]
        == counters(host, domain="a.org")["hello", "revenue", "EMAIL"]
        == (1499, 0)
    )
    assert counters(host, day="2026-01-05")["hello", "revenue", "EMAIL"] == (1999, 0)
    assert host.outcomes()[-5:] == ["handled", "handled", "handled", "unmatched", "unmatched"]


def test_revenue_without_a_message_still_enters_journeys(host):
    """Revenue is an event like any other, whatever it names (R20, R50)."""
    host.deploy(HELLO, trigger=Trigger("revenue", where=field("amount").gte(1000)))
    host.feed("revenue", START, "ann", amount=1000)
    host.feed("revenue", START, "bob", amount=2000, message="elsewhere-1-1")
    host.say("revenue", START, "cid", amount=999)
    assert counters(host)["", "entered", ""] == (2, 2)


@pytest.mark.parametrize("amount", [19.99, "1999", True, None, 10**12 + 1])
def test_revenue_that_is_no_whole_number_is_refused(amount):
    """Half a cent is refused at the door, with what to write instead (R83)."""
    with pytest.raises(InvalidInput, match=r"data\.amount: must be a whole number of minor units"):
        Event("revenue", customer="ann", at=START, data={"amount": amount})


# --- the log says the same --------------------------------------------------------------------------------------------


@st.composite
def played_lives(draw):
    """Play a life against one to three journeys."""
    given_journeys = [draw(journeys(id=f"j{n}")) for n in range(1, draw(st.integers(1, 3)) + 1)]
    return run(given_journeys, draw(lives(*given_journeys)))


@cases(100)
@given(played_lives())
def test_counters_are_what_a_naive_count_gives_and_add_up(played):
    """For any journeys and lives the counters are sums over what is shown of enrollments and visits (R80).

    Rows of days sum to those of all days, rows of domains to those of all domains (R82, invariants 3 and 4).
    """
    check_counts(played)
    check_sums(played)
    assert played.audit == []


def check_counts(played):
    """Count what is shown, and compare."""
    numbers = {journey.id: number for number, journey in enumerate(played.journeys, 1)}
    wanted = Bag[tuple[object, ...]]()
    for each in played.enrollments:
        number, kept_out = numbers[each.journey], each.status == "HOLDOUT"
        wanted[number, "", "entered", ""] += not kept_out
        wanted[number, "", each.status.lower(), ""] += each.status != "ACTIVE"
        wanted[number, "", "holdout converted" if kept_out else "converted", ""] += each.converted_at is not None
        for visit in each.visits:
            wanted[number, visit.step, "visited", ""] += 1
            wanted[number, visit.step, visit.status.lower(), visit.outcome] += visit.status != "ACTIVE"
    rows = [row for row in played.tables["counters"] if row[1] == row[2] == ALL]
    for message in played.messages():
        wanted[numbers[message.journey], message.step, "queued", message.channel] += 1
    told = [row for row in rows if row[4] == "revenue" or str(row[4]).startswith("message.")]
    assert {(row[0], *row[3:6]): row[6] for row in rows if row not in told} == +wanted
    channels = {(numbers[each.journey], each.step, each.channel) for each in played.messages()}
    assert {(row[0], row[3], row[5]) for row in told} <= channels
    people = {(each.journey, each.customer) for each in played.enrollments}
    assert sum(int(str(row[7])) for row in rows if row[4] in {"entered", "holdout"}) == len(people)


def check_sums(played):
    """Sum up the days and the domains, and compare."""
    days, domains = Bag[tuple[object, ...]](), Bag[tuple[object, ...]]()
    all_days, all_domains = Bag[tuple[object, ...]](), Bag[tuple[object, ...]]()
    for journey, day, domain, step, what, label, total, _, _ in played.tables["counters"]:
        (all_days if day == ALL else days)[journey, domain, step, what, label] += int(str(total))
        if str(what).startswith("message.") or what == "revenue":
            (all_domains if domain == ALL else domains)[journey, day, step, what, label] += int(str(total))
    assert days == all_days
    assert domains == all_domains


MISCOUNTS = [
    "UPDATE counters SET total = total + 1 WHERE what = 'entered' AND day = '*'",
    "UPDATE counters SET uniques = 0 WHERE what = 'message.opened' AND domain = 'a.org' AND day <> '*'",
    "UPDATE counters SET last_at = last_at - 1 WHERE what = 'visited' AND day = '*' AND step = 'hello'",
    "DELETE FROM counters WHERE what = 'revenue' AND day = '*' AND domain = '*'",
    "INSERT INTO counters VALUES (1, '2026-01-01', '*', 'hello', 'visited', '', 1, 0, 5)",
    "UPDATE messages SET flags = json_remove(flags, '$.opened')",
    "UPDATE messages SET domain = 'b.org'",
    "UPDATE messages SET channel = 'SMS'",
    "UPDATE messages SET at = at + 1",
    "UPDATE counters SET total = total + 1 WHERE what = 'queued' AND day = '*'",
    "UPDATE inputs SET outcome = 'duplicate' WHERE type = 'revenue'",
    "UPDATE enrollments SET converted_at = NULL",
]


@pytest.mark.parametrize("statement", MISCOUNTS)
def test_a_planted_miscount_is_found(tmp_path, statement):
    """A counter that was changed behind the engine's back, or a log that was, is told by the audit (R80)."""
    path = tmp_path / "journeys.db"
    with Engine(SQLiteStore(path, nonce="x"), grace=None) as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("day", "1 day"), goal=Goal("bought"))
        host.put(START, "ann", email="ann@a.org")
        host.say("go", START, "ann")
        message = host.claim()[0]
        engine.ack(message, at=START)
        host.feed("message.opened", START, "ann", message=message.id)
        host.feed("revenue", START, "ann", amount=500, message=message.id)
        host.say("bought", START, "ann")
        assert engine.audit() == []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0
    with Engine(path) as engine:
        told = engine.audit()
        assert told
        assert all(sentence.startswith("journey 'j' counts (") for sentence in told)
        assert "its history says" in told[0]


def test_the_log_is_counted_a_part_at_a_time(monkeypatch):
    """However small the parts, the sums are the same (R80)."""
    monkeypatch.setattr("journeyflow.stores.recount.AT_ONCE", 3)
    with open_engine("memory", grace=None) as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("day", "1 day"), goal=Goal("message.opened"))
        for n in range(10):
            host.feed("go", START, f"c{n}")
        host.tick()
        messages = host.claim()
        engine.ack(messages, at=START)
        engine.feed(
            Event("message.opened", customer=each.customer, at=START, data={"message": each.id}) for each in messages
        )
        host.tick("2 days")
        with engine.store.reader() as reader:
            assert list(miscounts(reader)) == []
            assert len(recount(reader)) == len(reader.rows("SELECT 1 FROM counters"))
