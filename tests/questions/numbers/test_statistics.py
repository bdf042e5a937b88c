"""Statistics as they are asked for: every figure a count or unknown, every window a day per row (R81 to R83, R91)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from journeyflow import (
    Condition,
    End,
    Goal,
    InvalidInput,
    Journey,
    NotFound,
    Send,
    Split,
    Update,
    Wait,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.definition.steps import kind
from journeyflow.questions.numbers.figures import Count, MessageStats, PeopleStats
from tests.questions.numbers.forty import HELLO, NOW, STEPS, told
from tests.reader import Reader
from tests.samples import START, STORES, Host, after, open_engine


def there(stats: MessageStats | None) -> MessageStats:
    """Give what must be there."""
    assert stats is not None
    return stats


# --- a journey --------------------------------------------------------------------------------------------------------


@pytest.mark.rows(150, 151, 152, 153, 154, 163, 164, 165, 166)
def test_a_journey_has_people_and_messages_of_all_time(engine):
    """People by what has become of them, messages by what was told of them, the newest instants (R81, F150 to F166)."""
    stats = engine.stats("j", at=NOW)
    assert stats.people == PeopleStats(
        total=40, active=39, completed=0, skipped=0, exited=1, failed=0, lifetime=40, holdout=0, converted=8
    )
    sent = engine.messages("j", take=1000).total
    assert stats.messages == MessageStats(
        queued=sent, sent=Count(40, 40), opened=Count(25, 20), clicked=Count(5, 5), revenue=4 * 250
    )
    assert stats.last_triggered_at == START
    assert stats.last_activity_at == after("2 days")


@pytest.mark.rows(155, 156, 176, 180)
def test_a_window_is_a_row_per_day(engine):
    """By default 31 days up to today in the journey's zone, ascending, all of them there (R82, F155, F176, F180)."""
    stats = engine.stats("j", at=NOW)
    assert (stats.since, stats.until, stats.timezone) == (date(2025, 12, 9), date(2026, 1, 8), "Africa/Johannesburg")
    assert [day.date for day in stats.daily] == [stats.since + timedelta(days=n) for n in range(31)]
    assert [day.entered for day in stats.daily[-5:]] == [0, 40, 0, 0, 0]
    assert [day.exited for day in stats.daily[-5:]] == [0, 1, 0, 0, 0]
    assert [day.converted for day in stats.daily[-5:]] == [0, 0, 0, 8, 0]
    assert [day.messages.opened for day in stats.daily[-4:]] == [Count(25, 20), Count(), Count(), Count()]


@pytest.mark.rows(157, 158, 159, 161)
def test_revenue_has_a_series_in_minor_units(engine):
    """Whole minor units, a day without any is 0 (R83, F157 to F161)."""
    stats = engine.stats("j", at=NOW, since="2026-01-05", until="2026-01-08")
    assert [day.messages.revenue for day in stats.daily] == [0, 1000, 0, 0]
    assert [day.messages.revenue for day in stats.by_step["hello"].daily] == [0, 1000, 0, 0]
    assert type(stats.messages.revenue) is int


@pytest.mark.rows(168, 169, 170)
def test_the_lifetime_ignores_the_window(engine):
    """What is of all time stays; window, days and steps are of the window (R82, F170)."""
    narrow = engine.stats("j", at=NOW, since=date(2026, 1, 6), until=date(2026, 1, 6))
    wide = engine.stats("j", at=NOW)
    assert (narrow.people, narrow.messages) == (wide.people, wide.messages)
    assert len(narrow.daily) == 1
    assert narrow.window == MessageStats(queued=wide.messages.queued - 40, revenue=1000)
    assert narrow.by_step["hello"].visited == 0
    assert narrow.by_step["day"].active == 0
    assert narrow.by_step["week"].active == 39
    assert narrow.by_step["week"].visited == 39


@pytest.mark.rows(160, 162, 177, 178, 179, 182, 183)
def test_steps_come_in_order_with_their_outcomes(engine):
    """Branches and arms count who took them; what is not a Send has no messages, not 0 (F160, F177 to F183)."""
    steps = engine.stats("j", at=NOW).by_step
    assert list(steps) == ["hello", "day", "opened", "test", "tips", "offer", "week", "done"]
    assert [each.number for each in steps.values()] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert steps["opened"].outcomes == {"yes": 20, "no": 19}
    assert sum(steps["test"].outcomes.values()) == 20
    assert steps["test"].outcomes == {"A": steps["tips"].visited, "B": steps["offer"].visited}
    assert [name for name, each in steps.items() if each.messages is not None] == ["hello", "tips", "offer"]
    assert all(day.messages is None for day in steps["day"].daily)
    assert steps["hello"].outcomes == {"queued": 40}
    assert steps["day"].outcomes == {"elapsed": 39}
    assert steps["done"].outcomes == {}
    assert [day.completed for day in steps["day"].daily[-4:]] == [0, 39, 0, 0]


def test_what_nobody_took_is_a_known_zero():
    """An arm without people counts 0: that is known; a journey without anybody has 0 people (R83)."""
    with open_engine("memory") as engine:
        Host(engine).deploy(*STEPS)
        stats = engine.stats("j", at=NOW)
        assert stats.by_step["test"].outcomes == {"A": 0, "B": 0}
        assert stats.by_step["opened"].outcomes == {"yes": 0, "no": 0}
        assert stats.people == PeopleStats(0, 0, 0, 0, 0, 0, lifetime=0, holdout=0, converted=0)
        assert (stats.last_triggered_at, stats.last_activity_at) == (None, None)
        assert stats.messages == MessageStats(queued=0)
        assert (stats.messages.sent, stats.messages.revenue) == (Count(0, 0), 0)
        assert stats.messages.open_rate is None


@pytest.mark.rows(182)
def test_a_journey_without_steps_or_sends_has_statistics():
    """An empty draft has no steps; a journey that sends nothing has sent 0 messages (F182)."""
    with open_engine("memory") as engine:
        engine.publish(Journey(id="empty", steps=[]), at=START)
        assert engine.stats("empty", at=NOW).by_step == {}
        Host(engine).deploy(Update("u", tag.add("x")))
        assert engine.stats("j", at=NOW).messages == MessageStats(queued=0)


def test_statistics_show_their_sums_and_no_days():
    """A repr has a line of figures; days, steps and channels are asked for by their names."""
    with open_engine("memory") as engine:
        Host(engine).deploy(*STEPS)
        stats = engine.stats("j", at=NOW)
    assert "window=MessageStats(queued=0" in repr(stats)
    assert not [name for name in ("daily", "by_step", "by_channel") if f" {name}=" in repr(stats)]
    step = repr(stats.by_step["hello"])
    assert "messages=MessageStats(queued=0" in step
    assert not [name for name in ("daily", "by_channel", "people", "lifetime") if f" {name}=" in step]


def test_a_notebook_shows_a_line_for_each_step():
    """Who is there, who came, went on and left there, and what became of the messages; above it what was asked for."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("day", "1 day"))
        host.feed_all("go", START, ("ann", "bob", "cid"))
        host.tick()
        told(engine, "message.opened", engine.messages()[0].id, "ann", after("1 hour"))
        engine.exit("j", "bob", at=after("1 hour"))
        host.tick("1 hour")
        whole = engine.stats("j", at=NOW)
        part = engine.stats("j", at=NOW, step="hello", channel="EMAIL", domain="a.org")
    assert shown(whole).replace("\N{EN DASH}", "-") == (
        "Statistics of journey j, 2025-12-09 to 2026-01-08 (UTC)"
        " step kind here now visits passed left here outcomes sent delivered opened clicked bounced unsubscribed"
        " hello send 0 3 3 0 queued 3 0 0 1 0 0 0"
        " day wait 2 3 0 1 - - - - - -"
        " end end 0 0 0 0 - - - - - -"
    )
    assert shown(part) == (
        "Statistics of journey j, step hello, channel EMAIL, domain a.org, 2025-12-09 to 2026-01-08 (UTC)"
        " field value step hello kind send sent 0 delivered 0 opened 0 clicked 0 bounced 0 unsubscribed 0"
    )


def shown(stats):
    """Return what a notebook shows of statistics besides the picture."""
    return Reader(re.sub("<svg.*?</svg>", "", stats._repr_html_(), flags=re.DOTALL)).said


def test_those_held_out_are_in_no_other_number():
    """R25, F150: nor is the goal of one of them."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        host.deploy(HELLO, goal=Goal("bought", within="7 days"), holdout=100)
        host.feed_all("go", START, ("ann", "bob"))
        host.feed("bought", "1 hour", "ann")
        host.tick("1 day")
        assert engine.stats("j", at=NOW).people == PeopleStats(0, 0, 0, 0, 0, 0, lifetime=0, holdout=2, converted=0)


def test_steps_of_older_versions_stay():
    """A step that the newest version no longer has comes after those it has, without a number (R12)."""
    with open_engine("memory") as engine:
        host = Host(engine)
        host.deploy(HELLO, Wait("old", "1 day"))
        host.say("go")
        host.deploy(Wait("new", "1 day"))
        steps = engine.stats("j", at=NOW).by_step
        assert [(name, each.number, each.active) for name, each in steps.items()] == [
            ("new", 1, 0), ("end", 2, 0), ("hello", None, 0), ("old", None, 1),
        ]  # fmt: skip
        assert there(engine.stats("j", at=NOW).messages).queued == 1


@pytest.mark.rows(136)
def test_archiving_leaves_nobody_active(engine):
    """Those who were active are exited, as many as the archive says; nobody else changes (R15, invariant 8, F136)."""
    before = engine.stats("j", at=NOW).people
    count = engine.archive("j", at=NOW)
    after_it = engine.stats("j", at=NOW).people
    assert count == before.active > 0
    assert (after_it.active, after_it.exited) == (0, before.exited + count)
    assert (after_it.total, after_it.completed, after_it.failed) == (before.total, before.completed, before.failed)


def sent_as(host: Host, step: object, when: str, customer: str, **options: Any) -> None:
    """Publish a journey of one step, and let a customer come and open what is sent."""
    host.deploy(step, Wait("week", "7 days"), when=when, **options)
    host.say("go", when, customer)
    for message in host.claim(when):
        host.engine.ack(message, at=after(when))
        told(host.engine, "message.opened", message.id, customer, after(when))
    host.tick(when)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    "newest",
    [
        Wait("hello", "1 day"),
        Update("hello", tag.add("x")),
        Condition("hello", branches=[branch(field("x").eq(1), [End("a")], "queued")], otherwise=[End("b")]),
        Split("hello", arm(100, [End("a")], "queued"), arm(0, [End("b")])),
        End("other"),
    ],
)
@pytest.mark.rows(64, 140, 150, 152, 184, 190)
def test_a_send_that_became_another_kind_of_step_keeps_its_history(store, newest):
    """Its messages are in every answer, whatever stands under its id now, and outcomes are not messages (R12, F64)."""
    with open_engine(store, grace=None, max_jump=None) as engine:
        host = Host(engine)
        sent_as(host, HELLO, "0 days", "ann")
        steps = (newest,) if isinstance(newest, Condition | Split | End) else (newest, Wait("week", "7 days"))
        host.deploy(*steps, when="1 day")
        host.say("go", "1 day", "bob")
        wanted = MessageStats(1, Count(1, 1), opened=Count(1, 1))
        stats = engine.stats("j", at=NOW)
        step = stats.by_step["hello"]
        assert (stats.messages, stats.window, step.messages) == (wanted, wanted, wanted)
        assert stats.by_channel == step.by_channel == {"EMAIL": wanted}
        assert step.kind == ("send" if newest.id == "other" else kind(newest))
        assert engine.stats("j", at=NOW, step="hello").messages == wanted
        assert engine.domain_stats("j", at=NOW)[""].opened == Count(1, 1)
        assert (engine.benchmark(at=NOW).journeys, engine.benchmark(at=NOW).messages) == (1, wanted)
        opened = engine.people("j", "hello", did="opened")
        assert [(each.customer, each.suppressed) for each in opened.items] == [("ann", False)]
        engine.submit_export(at=NOW, include_steps=True)
        engine.work_exports(at=NOW)
        assert "j,,ACTIVE,hello,EMAIL," in engine.download_export(1)
        assert engine.audit() == []


@pytest.mark.rows(150, 152, 184, 191)
def test_a_send_that_changed_its_channel_has_both():
    """What was sent by each channel stays apart, in every answer and for everybody at the step (R82)."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        sent_as(host, HELLO, "0 days", "ann", reentry="always")
        sent_as(host, Send("hello", channel="SMS", template="t"), "8 days", "bob", reentry="always")
        host.say("go", "9 days", "ann")
        late = after("9 days")
        step = engine.stats("j", at=late).by_step["hello"]
        one = MessageStats(1, Count(1, 1), opened=Count(1, 1))
        assert step.by_channel == {"EMAIL": one, "SMS": MessageStats(2, Count(1, 1), opened=Count(1, 1))}
        assert engine.stats("j", at=late, channel="EMAIL").messages == one
        did = engine.people("j", "hello", channel="EMAIL").items
        assert {each.customer: list(each.did) for each in did} == {"ann": ["opened", "sent"], "bob": []}
        assert [each.customer for each in engine.people("j", "hello", did="opened", channel="SMS").items] == ["bob"]
        assert [each.customer for each in engine.people("j", "hello", did_not="opened", channel="SMS").items] == ["ann"]
        assert len(engine.people("j", "hello", did="opened").items) == 2
        host.put("9 days", "ann", consent={"SMS": False})
        host.tick("9 days")
        assert [each.suppressed for each in engine.people("j", "hello").items] == [True, False]
        with pytest.raises(InvalidInput, match=r"channel: there is no 'email' \(did you mean 'EMAIL'\?\)"):
            engine.people("j", "hello", channel="email")
        with pytest.raises(InvalidInput, match="step 'week' sends nothing"):
            engine.people("j", "week", channel="SMS")


def test_a_branch_that_is_called_like_a_channel_is_no_channel():
    """Who went that way is not a message, and the last thing counted of the channel is what was told of it (R82)."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        way = Condition("way", branches=[branch(field("x").eq(1), [], "EMAIL")], otherwise=[])
        host.deploy(HELLO, Wait("day", "1 day"), way)
        host.put(START, x=1)
        host.say("go")
        host.tick("2 days")
        stats = engine.stats("j", at=NOW, channel="EMAIL")
        assert stats.last_activity_at == START
        assert stats.messages == stats.window == MessageStats(queued=1)
        assert engine.stats("j", at=NOW).last_activity_at == after("1 day")


def test_the_last_activity_is_the_newest_of_all_outcomes():
    """Bob's reply comes after Ann's timeout, and outcomes are counted apart (F165)."""
    with open_engine("memory", grace=None, max_jump=None) as engine:
        host = Host(engine)
        host.deploy(Wait("reply", event="replied", timeout="1 day"), Wait("rest", "9 days"))
        host.feed("go", START, "ann")
        host.feed("go", "12 hours", "bob")
        host.feed("replied", "30 hours", "bob")
        host.tick("3 days")
        stats = engine.stats("j", at=NOW, step="reply")
        assert stats.by_step["reply"].outcomes == {"event": 1, "timeout": 1}
        assert (stats.last_triggered_at, stats.last_activity_at) == (after("12 hours"), after("30 hours"))


def test_the_window_of_a_benchmark_is_that_of_each_journey(engine):
    """A journey in Kiritimati has sent something today when UTC still has yesterday; so says its statistic (R82)."""
    east = Host(engine.tenant("east"))
    east.deploy(HELLO, timezone="Pacific/Kiritimati")
    at = datetime(2026, 1, 8, 11, tzinfo=UTC)
    east.say("go", at, "ann")
    east.engine.ack(east.claim(at), at=at)
    east.tick(at)
    assert east.engine.stats("j", at=at).until == date(2026, 1, 9)
    alone = east.engine.benchmark(at=at)
    assert (alone.since, alone.until, alone.journeys) == (date(2025, 12, 10), date(2026, 1, 9), 1)
    east.deploy(HELLO, id="west", timezone="Pacific/Midway")
    both = east.engine.benchmark(at=at)
    assert (both.since, both.until, both.journeys) == (date(2025, 12, 9), date(2026, 1, 9), 1)
    none = engine.tenant("nobody").benchmark(at=at)
    assert (none.since, none.until) == (date(2025, 12, 9), date(2026, 1, 8))
    with pytest.raises(InvalidInput, match="since"):
        engine.tenant("nobody").benchmark(at=at, since="soon")


# --- a step, a mailbox domain -----------------------------------------------------------------------------------------


@pytest.mark.rows(177)
def test_every_step_has_its_lifetime_figures_in_one_question(engine):
    """Of all time, whatever the window: what a question about each step alone answers (F171, F177)."""
    for narrow in ({}, {"since": "2025-01-01", "until": "2025-01-01"}, {"domain": "example.com"}, {"channel": "EMAIL"}):
        for name, each in engine.stats("j", at=NOW, **narrow).by_step.items():
            alone = engine.stats("j", at=NOW, step=name, **narrow)
            assert (each.people, each.lifetime) == (alone.people, alone.messages)
            assert each.active == (None if each.people is None else each.people.active)


@pytest.mark.rows(171, 181)
def test_a_step_has_statistics_of_its_own(engine):
    """Visits of the step are its people, its messages are its messages; what it cannot know is None (F171)."""
    stats = engine.stats("j", at=NOW, step="hello")
    whole = engine.stats("j", at=NOW)
    assert stats.people == PeopleStats(40, 0, 40, 0, 0, 0)
    assert stats.messages.sent == Count(40, 40)
    assert list(stats.by_step) == ["hello"]
    assert stats.by_step["hello"] == whole.by_step["hello"]
    assert (whole.by_step["hello"].people, whole.by_step["hello"].lifetime) == (stats.people, stats.messages)
    assert [day.entered for day in stats.daily[-4:]] == [40, 0, 0, 0]
    assert [day.converted for day in stats.daily[-4:]] == [None] * 4
    assert (stats.last_triggered_at, stats.last_activity_at) == (START, after("1 day"))
    waiting = engine.stats("j", at=NOW, step="day")
    assert waiting.people == PeopleStats(40, 0, 39, 0, 1, 0)
    assert (waiting.messages, waiting.window, waiting.daily[-1].messages) == (None, None, None)


@pytest.mark.rows(172, 173, 174)
def test_a_mailbox_domain_has_messages_and_no_people(engine):
    """Under a domain people are unknown, not 0; what is told of messages is known in full (ruling 24, F172, F173)."""
    whole, stats = engine.stats("j", at=NOW), engine.stats("j", at=NOW, domain="A.org")
    assert stats.people is None
    assert stats.messages == MessageStats(
        queued=None, sent=Count(20, 20), opened=Count(15, 10), clicked=Count(5, 5), revenue=1000
    )
    assert all(day.entered is day.completed is day.converted is None for day in stats.daily)
    step = stats.by_step["hello"]
    assert (step.active, step.visited, step.outcomes, step.messages) == (None, None, None, stats.window)
    assert stats.last_triggered_at is None
    both = engine.stats("j", at=NOW, step="hello", domain="a.org")
    assert (both.tenant, both.journey, both.step, both.domain) == ("default", "j", "hello", "a.org")
    assert both.messages == stats.messages
    assert engine.stats("j", at=NOW, step="tips", domain="a.org").messages == MessageStats()
    assert engine.stats("j", at=NOW, domain=None) == whole
    assert engine.stats("j", at=NOW, domain="elsewhere.org").messages == MessageStats()


@pytest.mark.rows(175)
def test_domains_come_by_what_was_sent(engine):
    """Every domain of the window, most sent first, then by name; one step of it where that is asked (F175)."""
    host = Host(engine)
    host.put("3 days", "new", email="new@a.org")
    host.say("go", "3 days", "new")
    host.say("go", "3 days", "nowhere")
    engine.ack(host.claim("3 days"), at=after("3 days"))
    host.tick("3 days")
    found = engine.domain_stats("j", at=after("3 days"))
    assert list(found) == ["a.org", "b.org", ""]
    assert (
        sum(each.sent.unique for each in found.values()) == engine.stats("j", at=after("3 days")).messages.sent.unique
    )
    one = engine.domain_stats("j", at=after("3 days"), step="hello")
    assert {name: each.sent.unique for name, each in one.items()} == {"a.org": 21, "b.org": 20, "": 1}
    assert engine.domain_stats("j", at=NOW, since="2020-01-01", until="2020-01-02") == {}


# --- tenants ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_the_newest_thing_counted_is_that_of_the_tenant(store):
    """What another tenant's journey counts later is not (R91)."""
    with open_engine(store) as engine:
        host, other = Host(engine), Host(engine.tenant("other"))
        host.deploy(HELLO)
        other.deploy(HELLO, id="theirs")
        host.say("go")
        other.say("go", "1 day")
        assert (engine.last_counted(), other.engine.last_counted()) == (START, after("1 day"))


@pytest.mark.rows(205)
def test_foreign_and_unknown_names_are_not_found(engine):
    """Another tenant's journey, an unknown one, an unknown step: not found, with a suggestion (R91, F205)."""
    other = engine.tenant("other")
    for call in (engine.stats, engine.domain_stats):
        with pytest.raises(NotFound, match="jj"):
            call("jj", at=NOW)
        with pytest.raises(NotFound, match=r"no step 'helo' of journey 'j' \(did you mean 'hello'\?\)"):
            call("j", at=NOW, step="helo")
    for ask in (other.stats, other.domain_stats):
        with pytest.raises(NotFound):
            ask("j", at=NOW)
    with pytest.raises(NotFound):
        other.results("j")
    assert other.all_stats(at=NOW) == ()
    assert other.benchmark(at=NOW).journeys == 0
