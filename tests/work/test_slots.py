"""Entry limits: rolling windows, the queue of those who wait, and what becomes of them, on both stores (R23)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import (
    Chain,
    End,
    Engine,
    Exit,
    Goal,
    InvalidInput,
    Limits,
    MemoryStore,
    NotFound,
    Reentry,
    Send,
    Trigger,
    Update,
    Wait,
    field,
)
from journeyflow.testing import START as BEGIN
from journeyflow.testing import journeys, lives, run
from journeyflow.work import slots as module
from journeyflow.work.slots import next_slot_opens
from tests.cases import cases
from tests.samples import START, STORES, Host, after, open_engine

REST = Wait("rest", "1 day")
HOURLY = Limits(per_hour=2)


AUDITED = True


def entered(host, journey="j"):
    """List who entered when, in order of entry: the customer and the minutes after the start."""
    found = host.engine.enrollments(journey, take=1_000).items
    return [(each.customer, (each.entered_at - START) / timedelta(minutes=1)) for each in found]


def waiting(host):
    """List who waits for a slot."""
    return [each.customer for each in host.engine.deferred().items]


def come(host, *minutes, **data):
    """Let customers come at so many minutes after the start: c0, c1, ..."""
    for number, minute in enumerate(minutes):
        host.feed("go", f"{minute} minutes", f"c{number}", **data)


# --- the windows ------------------------------------------------------------------------------------------------------


@pytest.mark.rows(47)
def test_an_hour_takes_so_many_and_the_others_wait_for_a_slot(host):
    """A slot opens an hour after one was taken; who waits enters at that instant, in order of triggers (R23)."""
    host.deploy(End("done"), limits=HOURLY)
    come(host, 0, 1, 2, 3, 4)
    result = host.tick("10 minutes")
    assert (result.entered, result.deferred, result.refused) == (2, 3, 0)
    assert result.next_due == host.engine.next_due() == after("1 hour")
    assert waiting(host) == ["c2", "c3", "c4"]
    host.tick("1 day")
    assert entered(host) == [("c0", 0), ("c1", 1), ("c2", 60), ("c3", 61), ("c4", 120)]
    assert waiting(host) == []
    assert host.engine.next_due() is None


@pytest.mark.rows(48)
def test_a_day_is_24_hours_that_roll(host):
    """Not the calendar's day: both windows must have a slot (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=2, per_day=3), timezone="Asia/Tokyo")
    come(host, 0, 0, 0, 0, 0)
    host.tick("3 days")
    assert entered(host) == [("c0", 0), ("c1", 0), ("c2", 60), ("c3", 1440), ("c4", 1440)]


@pytest.mark.rows(227)
def test_zero_is_no_limit(host):
    """0, and nothing said, are no limit (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=0, per_day=0))
    come(host, *[0] * 50)
    assert host.tick().entered == 50
    assert Limits() == Limits(per_hour=0, per_day=0, over="defer")


def test_exactly_an_hour_later_there_is_a_slot(host):
    """Counted is every entry after t - window: one exactly an hour ago counts no more (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1, over="drop"))
    come(host, 0, 59, 60)
    host.tick("2 hours")
    assert entered(host) == [("c0", 0), ("c2", 60)]
    assert host.refused() == {"entry limit": 1}


def test_later_entries_count_for_what_is_told_late(host):
    """Later ones too: an event that is told late finds the slots that were taken after it (R6, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1, over="drop"))
    come(host, 60)
    host.tick("1 hour")
    host.feed("go", "10 minutes", "late")
    host.feed("go", "0 minutes", "later")
    host.tick("1 hour")
    assert host.refused() == {"entry limit": 2}


@pytest.mark.parametrize(
    ("slots", "limits", "at", "opens"),
    [
        ([], [(60, 1)], 5, None),
        ([5], [(60, 1)], 5, 65),
        ([5], [(60, 1)], 65, None),
        ([5, 6, 7], [(60, 2)], 50, 66),
        ([5, 6, 7], [(60, 2), (100, 3)], 50, 105),
        ([70], [(60, 1)], 50, 130),
        ([1, 2, 3], [], 3, None),
    ],
)
def test_when_a_slot_opens(slots, limits, at, opens):
    """The k-th newest slot and its window say so (R23)."""
    assert next_slot_opens(slots, limits, at) == opens


# --- what takes a slot ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticks", [["2 hours"], ["0 hours", "2 hours"]])
def test_manual_entries_count_and_skip_the_limit(host, ticks):
    """By hand nobody waits, but the slot is taken (R23, R24), also in a tick of their own."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    host.engine.enroll("j", ["h1", "h2"], at=START)
    come(host, 30)
    for tick in ticks:
        host.tick(tick)
    assert entered(host) == [("h1", 0), ("h2", 0), ("c0", 60)]


def test_holdout_takes_no_slot_and_waits_for_none(host):
    """Whoever is kept out is so at once (R23, R25)."""
    host.deploy(End("done"), limits=Limits(per_hour=1), holdout=50, goal=Goal("order", within="1 day"))
    come(host, *[0] * 40)
    host.tick()
    statuses = [each.status for each in host.engine.enrollments("j", take=100).items]
    assert statuses.count("COMPLETED") == 1
    assert statuses.count("HOLDOUT") + 1 + len(host.engine.deferred(take=100).items) == 40
    assert statuses.count("HOLDOUT") > 5


def test_refused_entries_take_no_slot(host):
    """R21 is asked before the limit (R21, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1), run_criteria=field("event.n").eq(1))
    for minute, n in ((0, 0), (1, 1), (2, 0), (3, 1)):
        host.feed("go", f"{minute} minutes", f"c{minute}", n=n)
    host.tick("10 minutes")
    assert entered(host) == [("c1", 1)]
    assert waiting(host) == ["c3"]


# --- the queue --------------------------------------------------------------------------------------------------------


def test_while_somebody_waits_new_ones_join_the_queue(host):
    """Nobody overtakes: a slot that opens belongs to the first who waits (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 10, 60, 61)
    host.tick("30 hours")
    assert entered(host) == [("c0", 0), ("c1", 60), ("c2", 120), ("c3", 180)]


def test_the_queue_is_in_order_of_triggers_not_of_telling(host):
    """Ordered by trigger (at, sequence): what is told late comes before what happened later (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 10, 20)
    host.tick("30 minutes")
    host.feed("go", "15 minutes", "late")
    host.tick("31 minutes")
    assert waiting(host) == ["c1", "late", "c2"]
    host.tick("1 day")
    assert [name for name, _ in entered(host)] == ["c0", "c1", "late", "c2"]


def test_one_place_in_the_queue_for_each_customer_and_key(host):
    """A second trigger is refused, "already deferred"; another key has a place of its own (R22, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1), reentry=Reentry.always(key="event.cart"))
    for minute, cart in ((0, "a"), (1, "a"), (2, "a"), (3, "b")):
        host.feed("go", f"{minute} minutes", "c1", cart=cart)
    host.tick("10 minutes")
    assert [(each.key, each.at) for each in host.engine.deferred("j", customer="c1").items] == [
        ("a", after("1 minute")),
        ("b", after("3 minutes")),
    ]
    assert host.refused() == {"already deferred": 1}


def test_restart_waits_with_the_newest_trigger(host):
    """Under restart the newest trigger takes the place, and its own place in the order (R22, R23)."""
    host.deploy(REST, limits=Limits(per_hour=1), reentry="restart")
    come(host, 0, 5, 10)
    host.feed("go", "20 minutes", "c1", n=2)
    host.tick("30 minutes")
    assert [(each.customer, dict(each.data)) for each in host.engine.deferred().items] == [("c2", {}), ("c1", {"n": 2})]
    host.feed("go", "40 minutes", "c0", n=3)
    host.tick("1 day")
    assert entered(host) == [("c0", 0), ("c2", 60), ("c1", 120), ("c0", 180)]
    assert host.engine.enrollment("j", "c0", run=1).ended_at == after("180 minutes")
    assert host.refused() == {}


def test_everything_is_asked_again_when_the_slot_opens(host):
    """Who is refused then takes no slot, and the next one enters at the same instant (R21, R23)."""
    host.deploy(
        Send("m", channel="EMAIL", template="t", data={"n": "{{ trigger.n }}"}),
        limits=Limits(per_hour=1),
        run_criteria=field("ok").ne(False),
        exits=[Exit("gone", when=field("gone").eq(True))],
    )
    come(host, 0, 1, 2, 3, 4, n=7)
    host.tick("10 minutes")
    host.put("20 minutes", "c1", ok=False)
    host.put("20 minutes", "c2", gone=True)
    host.tick("1 day")
    assert entered(host) == [("c0", 0), ("c3", 60), ("c4", 120)]
    assert host.refused() == {"exit rule": 1, "run criteria": 1}
    assert [dict(each.data) for each in host.engine.messages().items] == [{"n": 7}] * 3


def test_leaving_by_hand_leaves_the_queue_too(host):
    """`exit` ends waiting as it ends runs, with a key that one alone (R22, R23)."""
    host.deploy(REST, limits=Limits(per_hour=1), reentry=Reentry.always(key="event.k"))
    come(host, 0, k="a")
    for key in ("a", "b"):
        host.feed("go", "1 minute", "w", k=key)
    host.tick("2 minutes")
    host.engine.exit("j", "w", at=after("3 minutes"), key="a")
    host.tick("3 minutes")
    assert [each.key for each in host.engine.deferred().items] == ["b"]
    host.engine.exit("j", "w", at=after("4 minutes"))
    host.tick("9 days")
    assert host.outcomes()[-2:] == ["handled", "handled"]
    assert [name for name, _ in entered(host)] == ["c0"]


# --- states and versions ----------------------------------------------------------------------------------------------


def test_a_pause_holds_the_queue_until_the_resume(host):
    """Nobody of the queue is dropped by a pause; new triggers are refused as ever (R16, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1, 2)
    host.tick("10 minutes")
    host.engine.pause("j", at=after("30 minutes"))
    host.feed("go", "40 minutes", "new")
    host.tick("5 hours")
    assert host.engine.next_due() is None
    assert waiting(host) == ["c1", "c2"]
    host.engine.resume("j", at=after("6 hours"))
    host.tick("10 hours")
    assert entered(host) == [("c0", 0), ("c1", 360), ("c2", 420)]
    assert host.refused() == {"paused": 1}


def test_a_short_pause_changes_nothing_for_the_queue(host):
    """A pause that is over when the slot opens (R16); told in one tick or in many (R4)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1)
    host.engine.pause("j", at=after("30 minutes"))
    host.engine.resume("j", at=after("40 minutes"))
    host.engine.pause("j", at=after("50 minutes"))
    host.engine.resume("j", at=after("70 minutes"))
    host.tick("10 hours")
    assert entered(host) == [("c0", 0), ("c1", 70)]


def test_archiving_drops_the_queue(host):
    """Nobody waits for an archived journey (R15, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1, 2)
    host.tick("10 minutes")
    host.engine.archive("j", at=after("20 minutes"))
    assert waiting(host) == []
    assert host.engine.next_due() is None


def test_a_version_without_limits_lets_the_queue_in(host):
    """The newest version as of the opening decides: then everybody enters at that instant (R11, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1, 2)
    host.tick("10 minutes")
    host.deploy(End("over"), when="20 minutes")
    host.feed("go", "30 minutes", "new")
    host.tick("2 hours")
    assert entered(host) == [("c0", 0), ("new", 30), ("c1", 60), ("c2", 60)]


def test_a_version_that_drops_lets_nobody_overtake(host):
    """While somebody waits there is no slot for others, who are refused where nobody is to wait any more (R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1)
    host.tick("10 minutes")
    host.deploy(End("over"), limits=Limits(per_hour=5, over="drop"), when="20 minutes")
    host.feed("go", "30 minutes", "new")
    host.tick("2 hours")
    assert entered(host) == [("c0", 0), ("c1", 60)]
    assert host.refused() == {"entry limit": 1}


@pytest.mark.parametrize("ticking", [False, True])
def test_entries_count_from_the_first_version_with_limits_on(host, ticking):
    """Ticks between change nothing: who came before has no slot, who comes to a later version without has (R4, R23)."""
    versions = [
        (0, Limits(), ["c1", "c2", "c3"]),
        (10, Limits(per_hour=2, over="drop"), ["limited"]),
        (20, Limits(), ["free"]),
        (30, Limits(per_hour=3, over="drop"), ["last", "refused"]),
    ]
    for minute, limits, customers in versions:
        host.deploy(End(f"done{minute}"), limits=limits, when=f"{minute} minutes")
        for customer in customers:
            host.feed("go", f"{minute} minutes", customer)
        if ticking:
            host.tick(f"{minute} minutes")
    host.engine.enroll("j", "told late", at=after("5 minutes"))
    host.tick("2 hours")
    assert {name for name, _ in entered(host)} == {"c1", "c2", "c3", "limited", "free", "last", "told late"}
    assert host.refused() == {"entry limit": 1}


def test_a_slot_fixes_the_count_the_run_starts_when_it_is_found():
    """Found later than grace the run starts at now; slots keep their own instants (R5, R23)."""
    for store in STORES:
        host = Host(open_engine(store, grace="1 hour"))
        host.deploy(End("done"), limits=Limits(per_hour=1))
        come(host, 0, 0, 0)
        host.tick()
        result = host.tick("10 hours")
        assert (result.entered, result.late) == (2, 2)
        assert entered(host) == [("c0", 0), ("c1", 600), ("c2", 600)]
        assert host.rows("SELECT count(*) FROM slots") == [(3,)]


# --- batches and triggers of the engine -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_long_queue_is_loaded_by_and_by(host, size, monkeypatch):
    """A batch loads the beginning of a queue and ends where that ends: nothing observable depends on it (R7)."""
    monkeypatch.setattr(module, "AHEAD", size)
    host.deploy(End("done"), limits=Limits(per_hour=2))
    host.deploy(REST, id="other", trigger=Trigger("go"))
    come(host, *[0] * 12)
    host.tick("10 minutes")
    host.feed("go", "0 minutes", "late")
    host.feed("go", "20 minutes", "last")
    result = host.tick("9 hours")
    names = [*(f"c{number}" for number in range(12)), "late", "last"]
    assert entered(host) == [(name, 60 * (number // 2)) for number, name in enumerate(names)]
    assert (result.entered, result.more) == (14, False)
    assert host.engine.enrollments("other").total == 14
    assert host.engine.tick(after("10 hours")).more is False


def test_an_entry_by_hand_moves_the_opening(host):
    """It takes the slot that somebody waits for, who then waits for the next (R23, R24)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1)
    host.tick("10 minutes")
    host.engine.enroll("j", "hand", at=after("30 minutes"))
    host.tick("10 hours")
    assert entered(host) == [("c0", 0), ("hand", 30), ("c1", 90)]


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_leaving_and_restarting_in_a_long_queue(host, size, monkeypatch):
    """Whoever leaves or takes a new place, in the loaded part of the queue or beyond it (R7, R22, R23)."""
    monkeypatch.setattr(module, "AHEAD", size)
    host.deploy(REST, limits=Limits(per_hour=1), reentry="restart")
    come(host, *[0] * 6)
    host.tick("10 minutes")
    host.engine.exit("j", ["c1", "c4"], at=after("1 hour"))
    host.feed("go", "60 minutes", "c2")
    host.feed("go", "5 minutes", "early")
    host.tick("20 hours")
    assert entered(host) == [("c0", 0), ("c3", 60), ("c5", 120), ("early", 180), ("c2", 240)]


def test_entries_by_what_runs_bring_about_are_limited_too(host):
    """A trigger of the engine's own is asked for a slot like any other (R23, R50)."""
    host.deploy(End("done"), id="first")
    host.deploy(End("done"), id="second", trigger=Trigger.journey_completed("first"), limits=Limits(per_hour=1))
    come(host, 0, 0, 5)
    host.tick("10 minutes")
    assert waiting(host) == ["c1", "c2"]
    host.tick("1 day")
    assert entered(host, "second") == [("c0", 0), ("c1", 60), ("c2", 120)]


def test_who_waits_can_be_asked_for(host):
    """By journey, by customer, in pages; an unknown journey is not found (R84)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1, 2, 3, n=1)
    host.tick("10 minutes")
    page = host.engine.deferred("j", skip=1, take=1)
    assert (page.total, [each.customer for each in page.items]) == (3, ["c2"])
    (only,) = host.engine.deferred(customer="c3").items
    assert (only.tenant, only.journey, only.key, only.at, dict(only.data)) == (
        "default",
        "j",
        "",
        after("3 minutes"),
        {"n": 1},
    )
    assert host.engine.tenant("other").deferred().total == 0
    with pytest.raises(NotFound):
        host.engine.deferred("jj")


def test_a_cursor_leads_through_who_waits(host):
    """R84: over journeys, also where who stood there was let in meanwhile; nobody comes twice."""
    for name in ("a", "b"):
        host.deploy(End("done"), id=name, limits=Limits(per_hour=1))
    come(host, 0, 1, 2, 3)
    host.tick("10 minutes")
    engine = host.engine
    first = engine.deferred(take=2)
    assert [(each.journey, each.customer) for each in first.items] == [("a", "c1"), ("a", "c2")]
    host.tick("2 hours")
    rest = engine.deferred(take=2, after=first.cursor)
    assert [(each.journey, each.customer) for each in rest.items] == [("a", "c3"), ("b", "c3")]
    assert (rest.total, rest.cursor) == (2, None)
    assert engine.deferred(take=9).cursor is None


@pytest.mark.parametrize("after", [7, "x", '["a",7]', '["a",7,true]', '["a",7,99999999999999999999]', "[" * 9_999])
def test_what_is_no_cursor_of_who_waits_is_refused(host, after):
    """R84: with what was given."""
    with pytest.raises(InvalidInput, match=r"after: .* is not a cursor of such a page"):
        host.engine.deferred(after=after)


def test_why_not_tells_of_the_queue(host):
    """Whoever would come now would wait (R21, R23)."""
    host.deploy(End("done"), limits=Limits(per_hour=1))
    come(host, 0, 1)
    host.tick("10 minutes")
    told = host.engine.why_not("j", "c1", at=after("20 minutes"))
    assert not told.would_enter


def test_an_idle_tick_of_a_limited_journey_writes_nothing(tmp_path):
    """Cost follows due work: with many waiting nothing is touched before a slot opens (R3)."""
    with Engine(tmp_path / "j.db") as engine:
        host = Host(engine)
        host.deploy(End("done"), limits=Limits(per_hour=1))
        come(host, *[0] * 100)
        host.tick()
        before = (tmp_path / "j.db-wal").stat().st_size
        for minute in range(1, 60):
            host.tick(f"{minute} minutes")
        assert (tmp_path / "j.db-wal").stat().st_size == before


@cases(25)
@given(st.data())
def test_no_window_ever_holds_more_than_its_limit(data):
    """Whatever happens, no hour and no day has more entries by triggers than the limit (R23)."""
    limits = Limits(per_hour=data.draw(st.integers(0, 2)), per_day=data.draw(st.integers(1, 4)))
    drawn = data.draw(journeys(id="a"))
    journey = type(drawn)(
        "a", trigger=Trigger("go"), reentry=drawn.reentry, limits=limits, steps=drawn.steps, exits=drawn.exits
    )
    life = data.draw(lives(journey, customers=4, days=4))
    played = run([journey], life, store=MemoryStore(nonce="memory"))
    by_hand = {call.customer for call in life.calls if type(call).__name__ == "Enroll"}
    instants = sorted(each.entered_at for each in played.enrollments if each.customer not in by_hand)
    for window, count in ((timedelta(hours=1), limits.per_hour), (timedelta(days=1), limits.per_day)):
        if count and not by_hand:
            assert all(later - first >= window for first, later in zip(instants, instants[count:], strict=False)), (
                instants
            )
    assert played.audit == []
    assert min(instants, default=BEGIN) >= BEGIN


def test_an_exit_by_key_says_when_there_was_nothing_under_it(host):
    """What waits under another key stays, and does not count as ended (R22, R23)."""
    host.deploy(REST, limits=Limits(per_hour=1), reentry=Reentry.always(key="event.k"))
    host.feed("go", "0 minutes", "first", k="a")
    host.feed("go", "1 minute", "w", k="b")
    host.tick("2 minutes")
    host.engine.exit("j", "w", at=after("3 minutes"), key="a")
    host.tick("4 minutes")
    assert [each.key for each in host.engine.deferred().items] == ["b"]
    with host.engine.store.reader() as reader:
        assert reader.rows("SELECT outcome FROM inputs WHERE kind = 'exit'") == [("not inside",)]


# --- when nobody waits any more ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("how", ["exit", "call", "forget", "order", "order of all", "order of others"])
def test_when_the_last_has_left_the_queue_nobody_is_deferred_for_nothing(host, how, together):
    """R23, R39: the opening goes with the last who waited; a slot that is free by then is taken at once."""
    chains = {
        "order": Chain.exit("j"),
        "order of all": Chain.exit_all(),
        "order of others": Chain.exit_others(),
        "forget": Chain.forget(),
    }
    host.deploy(REST, limits=HOURLY)
    if how in chains:
        host.deploy(Update("out", chains[how]), id="leaving", trigger=Trigger("leave"))
    come(host, 0, 0, 10, 10)
    if not together:
        host.tick("15 minutes")
    for name in ("c2", "c3"):
        if how == "exit":
            host.engine.exit("j", name, at=after("20 minutes"))
        elif how == "call":
            host.tick("15 minutes")
            host.engine.forget(name, at=after("20 minutes"), scrub=False)
        else:
            host.feed("leave", "20 minutes", name)
    if not together:
        host.tick("30 minutes")
        assert host.engine.next_due() != after("1 hour")
    host.feed("go", "60 minutes", "later")
    assert host.tick("1 hour").deferred == 2 * (together and how != "call")
    assert entered(host) == [("c0", 0), ("c1", 0), ("later", 60)]
    assert waiting(host) == []


def test_a_larger_limit_lets_the_next_in_where_nobody_waits(host):
    """R12, R23: an opening of the smaller limit is over with the last who waited for it."""
    host.deploy(REST, limits=HOURLY)
    come(host, 0, 0, 10)
    host.engine.exit("j", "c2", at=after("20 minutes"))
    host.tick("25 minutes")
    host.deploy(REST, limits=Limits(per_hour=3), when="30 minutes")
    host.feed("go", "40 minutes", "later")
    assert host.tick("40 minutes").deferred == 0
    assert entered(host)[-1] == ("later", 40)


def test_who_waits_besides_keeps_the_opening(host):
    """R23: one leaves, and the others wait on, whoever of them is at hand."""
    host.deploy(REST, limits=HOURLY)
    come(host, 0, 0, 10, 11, 12)
    host.tick("15 minutes")
    host.engine.exit("j", "c2", at=after("20 minutes"))
    host.tick("30 minutes")
    host.engine.exit("j", "c3", at=after("40 minutes"))
    host.feed("go", "60 minutes", "later")
    host.tick("1 hour")
    assert entered(host) == [("c0", 0), ("c1", 0), ("c4", 60), ("later", 60)]


def test_a_place_that_is_taken_again_in_the_batch_in_which_it_was_left_has_an_opening(host):
    """R23: the opening is that of the newest place."""
    host.deploy(REST, limits=HOURLY)
    come(host, 0, 1, 10)
    host.engine.exit("j", "c2", at=after("20 minutes"))
    host.feed("go", "30 minutes", "again")
    host.tick("40 minutes")
    assert (waiting(host), host.engine.next_due()) == (["again"], after("1 hour"))
    host.tick("2 hours")
    assert entered(host)[-1] == ("again", 60)


def test_who_waited_for_a_slot_was_caused_by_nobody(host):
    """R53, R23: an opening is an item of its own: journeys that start one another go on at the pace of the slots."""
    for name, other, limits in (("a", "b", Limits()), ("b", "a", Limits(per_hour=1))):
        by_the_other = Trigger("journey.completed", where=field("event.journey").eq(other))
        host.deploy(End("end"), id=name, trigger=by_the_other, reentry=Reentry.always(), limits=limits)
    for minutes in (0, 10):
        host.engine.enroll("a", "c1", at=after(f"{minutes} minutes"))
    host.tick("10 minutes")
    assert (len(entered(host, "a")), len(entered(host, "b")), waiting(host)) == (2, 1, ["c1"])
    assert host.refused() == {"event loop": 1}  # "a", by the first of "b"
    host.tick("1 hour")
    assert (len(entered(host, "a")), len(entered(host, "b")), waiting(host)) == (3, 2, [])
    assert host.refused() == {"event loop": 2}  # "b", by itself
