"""Journeys that pull people in on a schedule: whom, when, how many, and what a pause or a kill does to it (R27)."""

from datetime import timedelta

import pytest
from attrs import evolve

from journeyflow import (
    End,
    Exit,
    Goal,
    Journey,
    Limits,
    Pull,
    Reentry,
    Send,
    Trigger,
    Wait,
    Window,
    field,
)
from journeyflow.basics.moments import HOUR, zone
from journeyflow.records.rows import Round
from journeyflow.work.pull_lists import next_pull
from tests.samples import START, Host, after, open_engine, utc

DAILY = Trigger.every("1 day", list="news")
UTC = zone("UTC")


ENGINE = {"grace": None}
AUDITED = True


def entered(host, journey="j"):
    """List who entered when, in order of entry: the customer and the hours after the start."""
    found = host.engine.enrollments(journey, take=1_000).items
    return [(each.customer, (each.entered_at - START) / timedelta(hours=1)) for each in found]


def names(host, journey="j"):
    """List who entered, in order of entry."""
    return [name for name, _ in entered(host, journey)]


def subscribe(host, *names, when=START, to="news"):
    """Put customers on a list."""
    for name in names:
        host.feed("list.subscribed", when, name, list=to)


# --- whom -------------------------------------------------------------------------------------------------------------


@pytest.mark.rows(226)
def test_the_members_of_a_list_come_in_on_a_schedule(host):
    """Those who are on it at the instant of the pull, in order of their ids; who joins later comes with the next."""
    host.deploy(Send("hello", channel="EMAIL", template="t"), trigger=DAILY)
    subscribe(host, "cid", "ann", "bob")
    host.put(START, "dan")
    assert host.tick().entered == 3
    assert host.engine.next_due() == after("1 day")
    subscribe(host, "dan", when="2 hours")
    host.feed("list.unsubscribed", "3 hours", "ann", list="news")
    host.put("4 hours", "eve", lists=["news", "other"])
    host.tick("2 days")
    assert entered(host) == [("ann", 0), ("bob", 0), ("cid", 0), ("dan", 24), ("eve", 24)]
    assert host.refused() == {}


@pytest.mark.rows(226)
def test_without_a_list_everybody_of_the_tenant_is_asked(host):
    """Criteria choose an audience; whom they do not fit is passed by, and other tenants are others' (R91)."""
    host.put(START, "bob", plan="trial")
    host.put(START, "ann", plan="trial")
    host.put(START, "cid", plan="paid")
    other = host.engine.tenant("other")
    other.put_customer("dan", {"plan": "trial"}, at=START)
    trigger = Trigger.every("1 day", where=field("plan").eq("trial"))
    other.deploy(Journey(id="j", trigger=trigger, steps=[End("done")]), at=START)
    host.deploy(End("done"), trigger=trigger)
    host.tick()
    assert names(host) == ["ann", "bob"]
    assert [each.customer for each in other.enrollments("j").items] == ["dan"]
    host.put("1 hour", "cid", plan="trial")
    host.feed("seen", "2 hours", "eve")
    host.tick("1 day")
    assert names(host) == ["ann", "bob", "cid"]
    assert str(host.engine.explain("j", "cid")).splitlines()[1].endswith("plan 'trial' = 'trial'")


@pytest.mark.rows(226)
def test_so_many_come_in_at_a_time_and_the_next_pull_goes_on_behind_them(host):
    """A pull goes round the list from where the one before has stopped, so that everybody has a turn."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news", size=2), reentry="always")
    subscribe(host, *"abcde")
    host.tick("3 hours")
    assert entered(host) == [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2), ("a", 2), ("b", 3), ("c", 3)]


def test_who_may_not_enter_takes_nobodys_place(host):
    """A pull looks further until so many have come in, or everybody was asked once (R21)."""
    host.deploy(
        Wait("rest", event="never"),
        Send("text", channel="SMS", template="t"),
        trigger=Trigger.every("1 hour", list="news", size=2, where=field("n").ne(1)),
        run_criteria=field("n").ne(2),
        exits=[Exit("gone", when=field("n").eq(3))],
        consent="required",
    )
    for number, name in enumerate("abcdefgh"):
        host.put(START, name, lists=["news"], n=number, consent={"SMS": name != "g"})
    host.engine.enroll("j", "e", at=START)
    host.tick("5 hours")
    assert entered(host) == [("e", 0), ("a", 0), ("f", 0), ("h", 1)]
    assert host.refused() == {}


@pytest.mark.rows(226)
def test_how_many_may_be_drawn_by_chance(host):
    """A pair of numbers: the same draw for the same pull, always and everywhere (R38)."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news", size=(0, 3)), reentry="always")
    subscribe(host, *"abcdefgh")
    host.tick("50 hours")
    hours = [hour for _, hour in entered(host)]
    counts = [hours.count(hour) for hour in range(51)]
    assert set(counts) == {0, 1, 2, 3}
    assert counts[:12] == [3, 0, 1, 2, 0, 0, 0, 2, 3, 2, 0, 2]


@pytest.mark.rows(226)
def test_nobody_comes_too_often(host):
    """At most so many entries within a time, those by hand too; exactly at its end an entry counts no more."""
    trigger = Trigger.every("6 hours", list="news", times=2, within="1 day")
    host.deploy(End("done"), trigger=trigger, reentry="always")
    subscribe(host, "a", "b")
    host.engine.enroll("j", "b", at=after("5 hours"))
    host.tick("30 hours")
    assert [hour for name, hour in entered(host) if name == "a"] == [0, 6, 24, 30]
    assert [hour for name, hour in entered(host) if name == "b"] == [0, 5, 24, 30]


def test_how_often_is_counted_over_batches(host):
    """What the store knows of entries counts like those of the same batch (R7)."""
    host.deploy(End("done"), trigger=Trigger.every("6 hours", list="news", times=2, within="1 day"), reentry="always")
    subscribe(host, "a")
    for hour in range(31):
        host.tick(f"{hour} hours")
    assert [hour for _, hour in entered(host)] == [0, 6, 24, 30]


def test_re_entry_holds_for_pulls_as_well(host):
    """Never, after a time, always, or anew (R22)."""
    subscribe(host, "a")
    for name, reentry in (("n", "never"), ("d", Reentry.after("2 days")), ("w", "always"), ("r", Reentry.restart())):
        host.deploy(Wait("rest", "30 hours"), id=name, trigger=DAILY, reentry=reentry)
    host.tick("5 days")
    hours = {name: [hour / 24 for _, hour in entered(host, name)] for name in "ndwr"}
    assert hours == {"n": [0], "d": [0, 2, 4], "w": [0, 2, 4], "r": [0, 1, 2, 3, 4, 5]}
    assert host.engine.enrollment("r", "a", run=5).reason == "restarted"


def test_a_holdout_keeps_out_whom_it_would_always(host):
    """Who is kept out has come in as far as the number of a pull goes (R25)."""
    names = [f"c{number}" for number in range(20)]
    subscribe(host, *names)
    for name, trigger in (("j", DAILY), ("k", Trigger.every("1 hour", list="news", size=5))):
        host.deploy(End("done"), id=name, trigger=trigger, goal=Goal("buy", within="1 year"), holdout=50)
    host.tick("6 hours")
    assert host.engine.journey("j").enrolled + host.engine.journey("j").holdout == 20
    assert 0 < host.engine.journey("k").holdout < 20
    assert [hour for _, hour in entered(host, "k")] == [hour for hour in range(4) for _ in range(5)]


# --- limits -----------------------------------------------------------------------------------------------------------


def test_over_a_limit_those_who_are_pulled_wait(host):
    """They join the queue like anybody; who waits already is passed by (R23)."""
    host.deploy(End("done"), trigger=Trigger.every("30 minutes", list="news"), limits=Limits(per_hour=2))
    subscribe(host, *"abcde")
    assert host.tick().deferred == 3
    host.tick("3 hours")
    assert entered(host) == [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 2)]
    assert host.refused() == {}


def test_over_a_limit_a_pull_may_also_end(host):
    """With "drop" it stops where there is no slot, and the next one goes on there (R23)."""
    trigger = Trigger.every("30 minutes", list="news")
    host.deploy(End("done"), trigger=trigger, limits=Limits(per_hour=2, over="drop"), reentry="always")
    subscribe(host, *"abc")
    host.tick("2 hours")
    assert entered(host) == [("a", 0), ("b", 0), ("c", 1), ("a", 1), ("b", 2), ("c", 2)]
    assert host.refused() == {}


# --- when -------------------------------------------------------------------------------------------------------------


def test_days_are_those_of_the_calendar(host):
    """A pull a day is at the same local time, over the change of the clocks too (R33)."""
    noon = utc("2026-03-27 11:00")
    host.deploy(End("done"), when=noon, trigger=DAILY, timezone="Europe/Paris", reentry="always")
    subscribe(host, "a", when=noon)
    host.tick(utc("2026-03-30 12:00"))
    found = [each.entered_at for each in host.engine.enrollments("j").items]
    assert found == [utc(f"2026-03-{day}:00") for day in ("27 11", "28 11", "29 10", "30 10")]


def test_a_pull_outside_of_its_window_waits_for_the_opening(host):
    """The next one is the first of the count after it (R34)."""
    window = Window("MON-FRI", "10:00", "11:00")
    host.deploy(End("done"), trigger=Trigger.every("20 minutes", list="news", window=window), reentry="always")
    subscribe(host, "a")
    host.tick("26 hours")
    assert [hour * 60 for _, hour in entered(host)] == [120, 140, 160, 26 * 60]
    host.tick("5 days 1 hour")
    assert host.engine.next_due() == after("7 days 2 hours")


@pytest.mark.parametrize(
    ("at", "last", "window", "due"),
    [
        (5, None, None, 5),
        (5, 0, None, 5),
        (5, 4, None, 5),
        (5, 5, None, 6),
        (5, 5.4, None, 6),
        (5, None, Window(None, "08:00", "09:00"), 8),
        (5, 7, Window(None, "08:00", "09:00"), 8),
        (8, 8, Window(None, "08:00", "09:00"), 32),
    ],
)
def test_when_the_next_pull_is(at, last, window, due):
    """The first full hour after the last one, not before an instant, in the window: here in hours."""
    now = Round(1, at=None if last is None else int(last * HOUR), anchor=0)
    assert next_pull(Pull("1 hour", window=window), UTC, at * HOUR, now) == due * HOUR


# --- no drift: the n-th pull is the anchor + n times `every` ----------------------------------------------------------


def pulled(host):
    """List the instants of the entries, in order."""
    return [each.entered_at for each in host.engine.enrollments("j", take=1_000).items]


def test_a_local_time_that_is_skipped_once_is_kept_afterwards(host):
    """R27, R33: 02:30 in Paris is 03:30 on the day of the spring change, and 02:30 on the next."""
    begin = utc("2026-03-27 01:30")
    host.deploy(End("done"), when=begin, trigger=DAILY, timezone="Europe/Paris", reentry="always")
    subscribe(host, "a", when=begin)
    for day in (27, 28, 29, 30, 31):
        host.tick(utc(f"2026-03-{day} 12:00"))
    assert pulled(host) == [
        utc(f"2026-03-{day}") for day in ("27 01:30", "28 01:30", "29 01:30", "30 00:30", "31 00:30")
    ]


def test_the_last_day_of_the_month_is_kept(host):
    """R27, R33: every month from the 31st is the last day of each, not the 28th for ever after."""
    begin = utc("2026-01-31 09:00")
    host.deploy(End("done"), when=begin, trigger=Trigger.every("1 month", list="news"), reentry="always")
    subscribe(host, "a", when=begin)
    host.tick(utc("2026-06-01 00:00"))
    assert pulled(host) == [utc(f"2026-{day} 09:00") for day in ("01-31", "02-28", "03-31", "04-30", "05-31")]


def test_an_outage_moves_one_pull_and_not_those_after_it():
    """R5, R27: at 09:00 every day; found at 20:00 once, at 09:00 again from the next day on, also after a restart."""
    with open_engine("sqlite", grace="1 hour") as engine:
        host, nine = Host(engine), utc("2026-01-05 09:00")
        host.deploy(End("done"), when=nine, trigger=DAILY, reentry="always")
        subscribe(host, "a", when=nine)
        for day in ("05 09:00", "06 09:00", "09 20:00", "10 09:00", "11 09:00"):
            host.tick(utc(f"2026-01-{day}"))
        assert pulled(host) == [
            utc(f"2026-01-{day}") for day in ("05 09:00", "06 09:00", "09 20:00", "10 09:00", "11 09:00")
        ]


def test_neither_a_window_nor_a_pause_moves_the_count(host):
    """R16, R27: from Monday at 08:00 every 6 hours; held by hours and by a pause, then by the count again."""
    window = Window(None, "10:00", "24:00")
    host.deploy(End("done"), trigger=Trigger.every("6 hours", list="news", window=window), reentry="always")
    subscribe(host, "a")
    host.engine.pause("j", at=after("1 day"))
    host.engine.resume("j", at=after("1 day 13 hours"))
    host.tick("61 hours")
    assert [hour for _, hour in entered(host)] == [2, 6, 12, 37, 50, 54, 60]


def test_a_version_with_the_same_every_goes_on_counting(host):
    """R12, R27: other people, hours or numbers do not begin a new count; another length of time does, `every` later."""
    host.deploy(End("done"), trigger=DAILY, reentry="always")
    subscribe(host, "a")
    host.tick("25 hours")
    sized = Journey(id="j", trigger=Trigger.every("1 day", list="news", size=5), reentry="always", steps=[End("done")])
    host.engine.publish(sized, at=after("30 hours"))
    host.tick("49 hours")
    week = Journey(id="j", trigger=Trigger.every("1 week", list="news"), reentry="always", steps=[End("done")])
    host.engine.publish(week, at=after("50 hours"))
    host.tick("51 hours")
    host.engine.publish(evolve(sized, trigger=Trigger.every("2 days", list="news")), at=after("52 hours"))
    host.tick("6 days 1 hour")
    assert [hour for _, hour in entered(host)] == [0, 24, 48, 96, 144]


def test_a_host_that_comes_late_pulls_once():
    """Work found later than grace takes effect then: not one pull for each that was missed (R5)."""
    with open_engine("memory", grace="1 hour") as engine:
        late = Host(engine)
        late.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"), reentry="always")
        subscribe(late, "a", "b")
        late.tick()
        result = late.tick("10 hours")
        assert (result.entered, result.late) == (2, 1)
        assert entered(late) == [("a", 0), ("b", 0), ("a", 10), ("b", 10)]
        assert engine.next_due() == after("11 hours")
        assert late.tick("11 hours 30 minutes").late == 0
        assert names(late)[-2:] == ["a", "b"]


def test_a_host_that_always_comes_outside_of_the_window_starves_nobody():
    """What was softened once is left at its own instant the next time (R5)."""
    with open_engine("memory", grace="1 hour") as engine:
        evening = Host(engine)
        window = Window(None, "09:00", "10:00")
        evening.deploy(End("done"), trigger=Trigger.every("1 day", list="news", window=window), reentry="always")
        subscribe(evening, "a")
        for day in range(5):
            evening.tick(f"{day} days 12 hours")
        assert [hour for _, hour in entered(evening)] == [25, 73]


# --- pauses, versions, the end ----------------------------------------------------------------------------------------


def test_a_pause_holds_pulls(host):
    """What came due meanwhile is one pull at the resume; the next is at its own time again (R16)."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"), reentry="always")
    subscribe(host, "a")
    host.tick()
    host.engine.pause("j", at=after("30 minutes"))
    assert host.tick("5 hours").entered == 0
    assert host.engine.next_due() is None
    host.engine.resume("j", at=after("5 hours 30 minutes"))
    host.tick("7 hours")
    assert [hour for _, hour in entered(host)] == [0, 5.5, 6, 7]


def test_a_pause_between_two_pulls_changes_nothing(host):
    """Nothing came due."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"), reentry="always")
    subscribe(host, "a")
    host.engine.pause("j", at=after("10 minutes"))
    host.engine.resume("j", at=after("20 minutes"))
    host.tick("2 hours")
    assert [hour for _, hour in entered(host)] == [0, 1, 2]


def test_a_pause_told_late_holds_a_pull_that_is_found_in_it():
    """Both the own and the effective instant must be free of it (R11, R16)."""
    with open_engine("memory", grace="1 hour") as engine:
        late = Host(engine)
        late.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"), reentry="always")
        subscribe(late, "a")
        late.tick()
        engine.pause("j", at=after("4 hours"))
        assert late.tick("5 hours").entered == 0
        engine.resume("j", at=after("6 hours"))
        late.tick("6 hours")
        assert [hour for _, hour in entered(late)] == [0, 6]


def test_an_archived_journey_pulls_nobody(host):
    """What was due before is done first (R11, R15); then nothing is left of it, whoever purges it too."""
    host.deploy(Wait("rest", event="never"), trigger=Trigger.every("1 hour", list="news", size=1))
    subscribe(host, *"abcdef")
    assert host.engine.archive("j", at=after("2 hours 30 minutes")) == 3
    assert host.engine.next_due() is None
    assert host.rows("SELECT count(*) FROM pulls") == [(0,)]
    host.engine.purge("j")
    assert host.tick("1 day").entered == 0


def test_a_pull_begins_with_the_activation(host):
    """A draft pulls nobody, whenever it was published (R11)."""
    host.engine.publish(Journey(id="j", trigger=DAILY, steps=[End("done")]), at=START)
    subscribe(host, "a")
    assert host.tick("1 day").entered == 0
    host.engine.activate("j", at=after("2 days"))
    assert host.engine.next_due() == after("2 days")
    host.tick("3 days")
    assert entered(host) == [("a", 48)]


def test_another_schedule_holds_from_its_version_on(host):
    """The next pull is so long after the last one as the new version says, but not before it was published (R12)."""
    publish = host.engine.publish
    host.deploy(End("done"), trigger=Trigger.every("1 day", list="news"), reentry="always")
    subscribe(host, "a")
    subscribe(host, "b", to="more")
    host.tick()
    hourly = Journey(id="j", trigger=Trigger.every("1 hour", list="more"), reentry="always", steps=[End("done")])
    publish(hourly, at=after("150 minutes"))
    publish(hourly, at=after("151 minutes"))
    host.tick("4 hours")
    assert entered(host) == [("a", 0), ("b", 2.5), ("b", 3.5)]
    by_hand = Journey(id="j", steps=[End("done")])
    publish(by_hand, at=after("5 hours"))
    host.tick("10 hours")
    assert entered(host)[3:] == [("b", 4.5)]
    assert host.engine.next_due() is None
    publish(hourly, at=after("20 hours"), rollback=True)
    host.tick("21 hours")
    assert entered(host)[4:] == [("b", 20), ("b", 21)]


def test_versions_are_as_of_the_instant_of_a_pull(host):
    """However late the host ticks: each pull finds the version that was the newest then (R4, R11)."""
    host.deploy(End("done"), trigger=Trigger.every("1 hour", list="news"), reentry="always")
    subscribe(host, "a")
    subscribe(host, "b", to="more")
    later = Journey(id="j", trigger=Trigger.every("2 hours", list="more"), reentry="always", steps=[End("done")])
    host.engine.publish(later, at=after("150 minutes"))
    host.engine.publish(Journey(id="j", steps=[End("done")]), at=after("7 hours"))
    host.engine.publish(evolved(later, "90 minutes"), at=after("8 hours"))
    host.tick("10 hours")
    assert entered(host) == [("a", 0), ("a", 1), ("a", 2), ("b", 4), ("b", 6), ("b", 8), ("b", 9.5)]


@pytest.mark.parametrize("hours", [(), (1,), (3, 30), range(1, 35)])
def test_a_host_that_ticks_late_finds_the_schedules_of_then(host, hours):
    """What was published before the tick holds from its own instant on, after a time without any too (R4, R12)."""
    host.deploy(End("done"), trigger=DAILY, reentry="always")
    subscribe(host, "a")
    subscribe(host, "b", to="more")
    hourly = evolved(host.engine.definition("j"), "1 hour")
    for journey, hour in ((hourly, 3), (Journey(id="j", steps=[End("done")]), 5), (evolved(hourly, "2 hours"), 30)):
        host.engine.publish(journey, at=after(f"{hour} hours"))
    for hour in (*hours, 35):
        host.tick(f"{hour} hours")
    assert entered(host) == [("a", 0), ("b", 3), ("b", 4), ("b", 30), ("b", 32), ("b", 34)]


def test_all_who_may_are_asked_in_order_of_their_ids(host):
    """A pull without a size begins with the first each time, whoever came meanwhile."""
    host.deploy(End("done"), trigger=DAILY, reentry="always")
    subscribe(host, "b", "c")
    host.tick()
    subscribe(host, "a", "d", when="1 hour")
    host.tick("1 day")
    assert names(host) == ["b", "c", "a", "b", "c", "d"]


def evolved(journey, every):
    """Give a journey another time between pulls."""
    return Journey(id="j", trigger=Trigger.every(every, list="more"), reentry=journey.reentry, steps=journey.steps)


def test_a_schedule_that_was_published_before_the_activation_is_for_later(host):
    """An activation may be told for an instant to come, a version before it (R11)."""
    host.engine.publish(Journey(id="j", trigger=DAILY, steps=[End("done")]), at=START)
    host.engine.activate("j", at=after("2 days"))
    host.engine.publish(Journey(id="j", trigger=Trigger.every("1 hour"), steps=[End("done")]), at=after("1 day"))
    host.put(START, "a")
    host.tick("3 days")
    assert entered(host) == [("a", 48)]


def test_a_schedule_published_in_a_pause_waits_for_the_resume(host):
    """The instant of the version is held like any (R16)."""
    host.deploy(End("done"), trigger=Trigger(manual=True))
    host.put(START, "a")
    host.engine.pause("j", at=after("1 hour"))
    host.engine.publish(Journey(id="j", trigger=Trigger.every("1 hour"), steps=[End("done")]), at=after("2 hours"))
    host.tick("3 hours")
    host.engine.publish(Journey(id="j", trigger=Trigger.every("2 hours"), steps=[End("done")]), at=after("4 hours"))
    host.tick("4 hours")
    assert entered(host) == []
    host.engine.resume("j", at=after("5 hours"))
    host.tick("5 hours")
    assert entered(host) == [("a", 5)]


def test_the_people_of_a_pull_are_migrated_like_any(host):
    """Pulls go on with the newest version (R14)."""
    host.deploy(Wait("rest", event="never"), trigger=DAILY)
    subscribe(host, "a")
    host.tick()
    host.engine.publish(Journey(id="j", trigger=DAILY, steps=[Wait("rest", "1 hour")]), at=after("1 hour"))
    host.engine.migrate("j", 2, at=after("2 hours"))
    subscribe(host, "b", when="3 hours")
    host.tick("2 days")
    assert [(each.customer, each.status) for each in host.engine.enrollments("j").items] == [
        ("a", "COMPLETED"),
        ("b", "COMPLETED"),
    ]


def test_the_schedule_ends_with_the_calendar():
    """There is no instant after the last one, and no loop at it (R2)."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        last = utc("9999-12-30 00:00")
        host.deploy(End("done"), when=last, trigger=DAILY, reentry="always")
        subscribe(host, "a", when=last)
        host.tick(utc("9999-12-31 23:59"))
        assert len(entered(host)) == 2
        engine.tick(last.max.replace(tzinfo=last.tzinfo))
        assert engine.next_due() is None


# --- asked why --------------------------------------------------------------------------------------------------------


def test_why_not_says_what_stands_against_a_pull(host):
    """Whoever was passed by left no trace; what would stand against a pull now is tried (R85)."""
    trigger = Trigger.every("1 day", list="news", times=1, within="2 days", where=field("plan").eq("a"))
    host.deploy(End("done"), trigger=trigger, reentry="always", run_criteria=field("n").ne(1))
    for name, plan, lists, number in (
        ("in", "a", ["news"], 0), ("plan", "b", ["news"], 0), ("off", "a", [], 0), ("n", "a", ["news"], 1),
    ):  # fmt: skip
        host.put(START, name, plan=plan, lists=lists, n=number)
    host.tick()
    told = {name: host.engine.why_not("j", name) for name in ("in", "plan", "off", "n", "nobody")}
    assert {name: (each.reason, each.against) for name, each in told.items()} == {
        "in": ("", "pulled too often"),
        "plan": ("not pulled", "trigger criteria"),
        "off": ("not pulled", "not on the list"),
        "n": ("not pulled", "run criteria"),
        "nobody": ("unknown customer", "trigger criteria"),
    }
    assert str(told["off"]).endswith("a pull at 2026-01-05 08:00:00: would not enter, " + told["off"].told_now)
    assert told["in"].told_now == "pulled too often: at most 1 times within 2 days"
    assert told["off"].told_now == "not on the list: people are pulled from 'news'"
    assert told["off"].told == "no pull has brought this customer in; each gets list 'news' every 1 day"
    assert host.engine.why_not("j", "in", at=after("2 days")).would_enter
    host.deploy(End("done"), id="k", trigger=Trigger.every("1 day"))
    assert host.engine.why_not("k", "nobody").told_now == (
        "unknown customer: a pull gets everybody every 1 day of those who are known"
    )


def test_why_not_knows_of_limits(host):
    """Who would wait for a slot does not enter (R23)."""
    host.deploy(End("done"), trigger=DAILY, limits=Limits(per_hour=1))
    subscribe(host, "a", "b")
    host.tick()
    assert host.engine.why_not("j", "b", at=after("1 minute")).against == "already deferred"
    host.deploy(End("done"), id="k", trigger=DAILY, limits=Limits(per_hour=1))
    assert host.engine.why_not("k", "b", at=START).would_enter


def test_a_journey_says_its_schedule(host):
    """In words, where others say the type of an event."""
    host.deploy(End("done"), trigger=Trigger.every("1 day", list="news", size=(5, 9), window=Window("MON")))
    info = host.engine.journey("j")
    assert (info.trigger, info.schedule) == (None, "5 to 9 of list 'news' every 1 day")
    assert repr(host.engine.definition("j")) == "Journey('j', 5 to 9 of list 'news' every 1 day, 1 step: done)"
