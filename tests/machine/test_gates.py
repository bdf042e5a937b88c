"""The gates of a Send, end to end: windows, quiet hours, consent, frequency caps, in this order (R31, R34, R54)."""

from datetime import timedelta

import pytest

from journeyflow import Cap, Engine, Exit, Journey, MemoryStore, Policies, QuietHours, Trigger, Wait, Window
from journeyflow.basics.moments import DAY, HOUR, LAST, zone
from journeyflow.errors import CorruptDatabase
from journeyflow.machine.gates import MAX_GATE, first_opening
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, after, instant, mail, open_engine, utc

NIGHTS = QuietHours("22:00", "08:00")


def text(step="text", **options):
    """Write a Send by SMS."""
    return mail(step, channel="SMS", **options)


def policies(host, when=START, **said):
    """Set policies."""
    host.engine.set_policies(Policies(**said), at=instant(when))


def sent(host, journey=None):
    """List the hours after the start at which messages were queued."""
    return [(each.at - START) / timedelta(hours=1) for each in host.engine.messages(journey, take=1_000).items]


def outcomes(host, journey="j", customer="c1"):
    """Give the outcomes of the Sends of a run, in order."""
    of_sends = [v for v in host.engine.enrollment(journey, customer).visits if v.step != "end"]
    return [v.outcome for v in of_sends if not v.step.startswith("w")]


# --- caps -----------------------------------------------------------------------------------------------------------


def test_a_cap_skips_what_is_over_it(host):
    """R31: the third message of the day is not sent, the visit says "cap", and the run goes on."""
    policies(host, caps=[Cap(2, per="day")])
    host.deploy(mail("a"), mail("b"), mail("c"), Wait("w", "1 day"), mail("d"))
    host.say("go")
    host.tick("2 days")
    assert host.path() == ["a queued", "b queued", "c SKIPPED cap", "w elapsed", "d queued", "end"]
    assert host.engine.audit() == []


def test_a_cap_defers_what_is_over_it_until_it_opens(host):
    """R31: deferred is held again, with an instant to wake at: the next day begins, two more are sent."""
    policies(host, caps=[Cap(2, per="day", over="defer")])
    host.deploy(mail("a"), mail("b"), mail("c"), mail("d"), mail("e"))
    host.say("go")
    assert host.engine.next_due() == utc("2026-01-06 00:00")
    assert host.engine.audit() == []
    host.tick("9 days")
    assert sent(host) == [0, 0, 16, 16, 40]
    assert host.status() == ("COMPLETED", "")


def test_a_rolling_cap_opens_when_the_oldest_leaves_its_length(host):
    """R31: at most two within 24 hours; exactly 24 hours later the first does not count any more."""
    policies(host, caps=[Cap(2, within="24 hours", over="defer")])
    host.deploy(mail("a"), Wait("w1", "6 hours"), mail("b"), Wait("w2", "6 hours"), mail("c"), mail("d"))
    host.say("go")
    host.tick("9 days")
    assert sent(host) == [0, 6, 24, 30]


def test_a_rolling_cap_counts_the_days_of_the_calendar(host):
    """R33: "1 day" over the Paris spring change is the same wall time, 23 hours later."""
    policies(host, caps=[Cap(1, within="1 day", over="defer")])
    host.deploy(mail("a"), mail("b"), timezone="Europe/Paris")
    host.say("go", utc("2026-03-28 12:00"))
    assert host.engine.next_due() == utc("2026-03-29 11:00")


@pytest.mark.parametrize(
    ("per", "opens"),
    [("day", "2026-01-07 23:00"), ("week", "2026-01-11 23:00"), ("month", "2026-01-31 23:00")],
)
def test_periods_of_the_calendar_are_those_of_the_customers_zone(host, per, opens):
    """R31: a day begins at the customer's midnight, a week on Monday, whatever the journey's zone."""
    policies(host, caps=[Cap(1, per=per, over="defer")], timezone="America/New_York")
    host.put(START, timezone="Europe/Paris")
    host.deploy(mail("a"), mail("b"), timezone="Asia/Tokyo")
    host.say("go", utc("2026-01-06 23:30"))
    assert host.engine.next_due() == utc(opens)


def test_the_zone_of_somebody_without_a_zone(host):
    """R31: the policies' zone stands in for a customer's that is not a zone, and the journey's for that."""
    host.put(START, timezone="Nowhere")
    host.deploy(mail("a"), mail("b"), mail("c"), timezone="Asia/Tokyo")
    policies(host, caps=[Cap(1, per="day", over="defer")], timezone="America/New_York")
    host.say("go", utc("2026-01-06 12:00"))
    assert host.engine.next_due() == utc("2026-01-07 05:00")
    policies(host, utc("2026-01-06 13:00"), caps=[Cap(1, per="day", over="defer")])
    host.tick(utc("2026-01-07 06:00"))
    assert sent(host) == [28, 45]
    assert host.engine.next_due() == utc("2026-01-07 15:00")


def test_caps_count_across_the_journeys_of_a_tenant(host):
    """R31: three journeys of one tenant share a cap; another tenant has its own policies (R91)."""
    policies(host, caps=[Cap(2, per="day")])
    other = Host(host.engine.tenant("other"))
    for name in ("a", "b", "c"):
        host.deploy(mail(), id=name)
        other.deploy(mail(), id=name)
    host.feed("go")
    other.feed("go")
    host.tick()
    assert [host.path(journey=name)[0] for name in "abc"] == ["hello queued", "hello queued", "hello SKIPPED cap"]
    assert [other.path(journey=name)[0] for name in "abc"] == ["hello queued"] * 3
    assert other.engine.policies() == Policies()


def test_a_cap_of_a_channel_counts_and_stops_that_channel_alone(host):
    """R31: per channel, or all channels together."""
    policies(host, caps=[Cap(1, per="day", channel="SMS"), Cap(3, per="day")])
    host.deploy(text("a"), text("b"), mail("c"), mail("d"), mail("e"))
    host.say("go")
    assert outcomes(host) == ["queued", "cap", "queued", "queued", "cap"]


def test_zero_always_skips_and_none_is_off(host):
    """R31: also a cap that would defer; a rolling one too."""
    policies(host, caps=[Cap(0, within="1 hour", channel="SMS", over="defer"), Cap(None, per="day")])
    host.deploy(text("a"), mail("b"), mail("c"))
    host.say("go")
    assert outcomes(host) == ["cap", "queued", "queued"]
    assert host.engine.next_due() is None


def test_one_cap_that_skips_decides(host):
    """R31: with one cap closed that defers and one that skips, the Send is skipped, whatever their order."""
    for customer, caps in (
        ("c1", [Cap(1, per="day", over="defer"), Cap(1, per="week")]),
        ("c2", [Cap(1, per="week"), Cap(1, per="day", over="defer")]),
    ):
        policies(host, caps=caps)
        host.deploy(mail("a"), mail("b"))
        host.say("go", START, customer)
        assert outcomes(host, customer=customer) == ["queued", "cap"]


def test_of_caps_that_defer_the_one_that_opens_last_counts(host):
    """R31: held until all of them are open."""
    policies(host, caps=[Cap(1, per="day", over="defer"), Cap(1, within="3 days", over="defer")])
    host.deploy(mail("a"), mail("b"))
    host.say("go")
    assert host.engine.next_due() == after("3 days")


def test_a_transactional_send_ignores_caps_but_counts(host):
    """R31: an order confirmation goes out over the cap and in the night, and what comes after it finds it counted."""
    policies(host, caps=[Cap(1, per="day")], quiet=[QuietHours("00:00", "24:00", channel="SMS")])
    host.deploy(
        mail("first"),
        mail("confirmation", transactional=True),
        text("code", transactional=True),
        mail("last"),
        Wait("w", "1 day"),
        mail("receipt", transactional=True),
        mail("news"),
    )
    host.say("go")
    host.tick("2 days")
    assert outcomes(host) == ["queued", "queued", "queued", "cap", "queued", "cap"]


def test_what_never_went_out_does_not_count(host):
    """R31: a cap counts queued and delivered messages, not suppressed, cancelled, expired or given up ones."""
    policies(host, caps=[Cap(1, within="7 days")])
    host.deploy(mail("first", expires="1 hour"), id="first", exits=[Exit("left", event="leave")])
    host.deploy(mail("second"), id="second", trigger=Trigger("again"), reentry="always")
    for customer in ("suppressed", "cancelled", "expired", "waiting", "delivered"):
        host.feed("go", START, customer)
    host.deploy(
        mail("stay"), Wait("w", "9 days"), id="stays", trigger=Trigger("stay"), exits=[Exit("x", event="leave")]
    )
    host.feed("stay", START, "exited")
    host.tick()
    host.put("1 minute", "suppressed", consent={"EMAIL": False})
    host.feed("leave", "1 minute", "exited")
    host.tick("1 minute")
    claimed = {each.customer: each for each in host.claim("2 minutes", limit=10)}
    assert sorted(claimed) == ["cancelled", "delivered", "expired", "waiting"]
    host.engine.ack(claimed["delivered"], at=after("3 minutes"))
    host.tick("2 hours")  # the leases of the others have ended
    assert host.claim("2 hours") == ()
    statuses = {each.customer: each.status for each in host.engine.messages().items}
    assert statuses == {"suppressed": "SUPPRESSED", "exited": "CANCELLED", "delivered": "SENT",
                        **dict.fromkeys(("cancelled", "expired", "waiting"), "EXPIRED")}  # fmt: skip
    for customer in statuses:
        host.put("3 hours", customer, consent={"EMAIL": True})
        host.feed("again", "3 hours", customer)
    host.tick("3 hours")
    assert {each: outcomes(host, "second", each) for each in statuses} == {
        **{each: ["queued"] for each in statuses}, "delivered": ["cap"],
    }  # fmt: skip


def test_a_message_that_was_given_up_does_not_count_until_its_ack(host):
    """R31, R71: FAILED after five attempts it leaves room; a late ack of it takes the room back."""
    policies(host, caps=[Cap(1, within="7 days")])
    host.deploy(mail(), reentry="always")
    host.say("go")
    for hours in (2, 4, 6, 8):
        host.claim(f"{hours - 2} hours")
        host.tick(f"{hours - 2} hours 30 minutes")
    (message,) = host.claim("8 hours")
    host.tick("8 hours 30 minutes")
    assert host.messages() == ["hello FAILED"]
    host.say("go", "9 hours")
    assert host.messages() == ["hello FAILED", "hello QUEUED"]
    policies(host, "9 hours", caps=[Cap(2, within="7 days")])
    host.engine.ack(message, at=after("10 hours"))
    host.say("go", "11 hours")
    assert host.path() == ["hello SKIPPED cap", "end"]


def test_messages_of_one_walk_count_at_once(host):
    """R31: several Sends of one move, and of a move that fails none."""
    policies(host, caps=[Cap(2, within="1 hour")])
    loop = (mail("a"), Wait("w", event="again", timeout="1 minute", on_timeout=[mail("b"), mail("c"), mail("d")]))
    host.deploy(*loop)
    host.say("go")
    host.tick("1 hour")
    assert outcomes(host) == ["queued", "queued", "cap", "cap"]


def test_what_a_failed_walk_did_not_send_does_not_count(host):
    """R30, R31: a run that fails queues nothing, so that the next journey's message fits."""
    policies(host, caps=[Cap(1, per="day")])
    host.deploy(mail("a"), id="fails", max_visits=1)
    host.deploy(mail("b"), id="goes-on")
    host.say("go")
    assert host.path(journey="fails") == ["a SKIPPED failed", "end FAILED"]
    assert host.path(journey="goes-on") == ["b queued", "end"]


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
@pytest.mark.parametrize("store", STORES)
def test_caps_are_exact_within_a_batch_and_between_batches(store, size):
    """R7, R31: whatever the size of batches, three journeys send a customer two messages a day and not one more."""
    with open_engine(store, batch_size=size) as engine:
        host = Host(engine)
        policies(host, caps=[Cap(2, per="day", over="defer")])
        for name in ("a", "b", "c"):
            host.deploy(mail(), Wait("w", "30 minutes"), mail("again"), id=name)
        for n in range(7):
            host.feed("go", f"{n} minutes", f"c{n}")
        host.tick("9 days")
        days: dict[str, list[int]] = {}
        for each in engine.messages(take=1_000).items:
            days.setdefault(each.customer, []).append(each.at.day)
        assert {name: sorted(of) for name, of in days.items()} == {f"c{n}": [5, 5, 6, 6, 7, 7] for n in range(7)}
        assert engine.audit() == []


# --- quiet hours ----------------------------------------------------------------------------------------------------


def test_quiet_hours_hold_until_they_end(host):
    """R31: overnight, in the customer's zone; the start is quiet, the end is not."""
    policies(host, quiet=[NIGHTS])
    host.deploy(mail(), timezone="Europe/Paris")
    host.put(START, "tokyo", timezone="Asia/Tokyo")
    for customer, when in (
        ("evening", "2026-01-05 20:59"),
        ("night", "2026-01-05 21:00"),
        ("dawn", "2026-01-06 06:59"),
        ("morning", "2026-01-06 07:00"),
        ("tokyo", "2026-01-05 20:59"),
    ):
        host.feed("go", utc(when), customer)
    host.tick("9 days")
    assert {name: host.left("hello", name) for name in ("evening", "night", "dawn", "morning", "tokyo")} == {
        "evening": utc("2026-01-05 20:59"),
        "night": utc("2026-01-06 07:00"),
        "dawn": utc("2026-01-06 07:00"),
        "morning": utc("2026-01-06 07:00"),
        "tokyo": utc("2026-01-05 23:00"),
    }


def test_quiet_hours_of_a_channel_and_of_a_weekday(host):
    """R31: they bind one channel, or all; the weekday is that on which they begin (R34)."""
    policies(
        host,
        quiet=[QuietHours("20:00", "09:00", channel="SMS"), QuietHours("12:00", "06:00", weekdays="SUN")],
    )
    host.deploy(mail("a"), text("b"))
    for customer, when in (("monday", "2026-01-05 21:00"), ("sunday", "2026-01-11 21:00"), ("day", "2026-01-13 10:00")):
        host.feed("go", utc(when), customer)
    host.tick("20 days")
    assert [(host.left("a", name), host.left("b", name)) for name in ("monday", "sunday", "day")] == [
        (utc("2026-01-05 21:00"), utc("2026-01-06 09:00")),
        (utc("2026-01-12 06:00"), utc("2026-01-12 09:00")),
        (utc("2026-01-13 10:00"), utc("2026-01-13 10:00")),
    ]


def test_window_and_quiet_hours_are_one_gate(host):
    """R31: held until the window is open and nothing is quiet, which may be another day."""
    policies(host, quiet=[NIGHTS])
    host.deploy(mail(window=Window("MON,FRI", "06:00", "09:00")))
    host.say("go", utc("2026-01-05 23:00"))
    assert host.engine.next_due() == utc("2026-01-09 08:00")
    host.tick("9 days")
    assert host.left("hello") == utc("2026-01-09 08:00")


@pytest.mark.parametrize("start", ["00:00", "05:00"])
def test_a_gate_that_cannot_open_skips(host, start):
    """R31: a window inside the quiet hours never opens, nor do hours that are always quiet: "window"."""
    policies(host, quiet=[NIGHTS, QuietHours("00:00", "24:00", channel="SMS")])
    host.deploy(mail("a", window=Window(None, start, "07:00")), text("b"), mail("c"))
    host.say("go")
    assert host.path() == ["a SKIPPED window", "b SKIPPED window", "c queued", "end"]


def test_a_cap_that_opens_too_late_skips(host):
    """R31: a gate that cannot open within 400 days skips, "window"; one that can holds."""
    policies(host, caps=[Cap(1, within="400 days", over="defer", channel="EMAIL"),
                         Cap(1, within="401 days", over="defer", channel="SMS")])  # fmt: skip
    host.deploy(text("a"), text("b"), mail("c"), mail("d"))
    host.say("go")
    assert outcomes(host) == ["queued", "window", "queued", ""]
    assert host.engine.next_due() == after("400 days")


def test_the_order_of_the_gates(host):
    """R31: hours first, then consent, then caps, each as things are at the instant at which the hours let it pass."""
    policies(host, quiet=[NIGHTS], caps=[Cap(1, per="day")])
    host.deploy(mail(), reentry="always")
    host.deploy(text(), id="other", trigger=Trigger("else"), reentry="always")
    night = utc("2026-01-05 23:00")
    host.put(night, consent={"EMAIL": False})
    host.say("go", night)
    assert host.path() == ["hello ACTIVE"]
    host.put(utc("2026-01-06 07:59"), consent={"EMAIL": True})
    host.say("else", utc("2026-01-06 08:01"))
    assert host.path("c1", "other") == ["text SKIPPED cap", "end"]
    assert host.path() == ["hello queued", "end"]
    host.put(utc("2026-01-06 10:00"), consent={"EMAIL": False})
    host.say("go", utc("2026-01-06 10:00"))
    assert host.path() == ["hello SKIPPED consent", "end"]


# --- held Sends -----------------------------------------------------------------------------------------------------


def test_an_exit_takes_a_held_send_with_it(host):
    """R42: who leaves while a Send is held gets nothing."""
    policies(host, quiet=[NIGHTS])
    host.deploy(mail(), exits=[Exit("bought", event="order")])
    host.say("go", utc("2026-01-05 23:00"))
    host.say("order", utc("2026-01-06 01:00"))
    host.tick("9 days")
    assert (host.status(), host.messages()) == (("EXITED", "bought"), [])


def test_a_deferred_send_asks_all_gates_again(host):
    """R31: when the cap opens it is night, and in the morning another journey has taken the place."""
    policies(host, quiet=[NIGHTS], caps=[Cap(1, per="day", over="defer")])
    host.deploy(mail("a"), mail("b"), reentry="always")
    host.deploy(mail("early"), id="other", trigger=Trigger("else"))
    host.say("go")
    assert host.engine.next_due() == utc("2026-01-06 00:00")
    host.tick(utc("2026-01-06 01:00"))
    assert host.engine.next_due() == utc("2026-01-06 08:00")
    assert host.engine.audit() == []
    host.say("else", utc("2026-01-06 08:00"))  # inputs go before timers at one instant (R7)
    assert host.engine.next_due() == utc("2026-01-07 00:00")
    host.tick("9 days")
    assert host.left("b") == utc("2026-01-07 08:00")


def test_late_work_asks_the_gates_at_the_instant_it_takes_effect():
    """R5: found three days late at night a deferred Send is held until the morning, and late again it goes then."""
    with Engine(MemoryStore(), grace="1 hour") as engine:
        host = Host(engine)
        policies(host, quiet=[NIGHTS], caps=[Cap(1, within="12 hours", over="defer")])
        host.deploy(mail("a"), mail("b"))
        host.say("go")
        assert engine.next_due() == utc("2026-01-05 20:00")
        assert host.tick(utc("2026-01-08 23:00")).late == 1
        assert engine.next_due() == utc("2026-01-09 08:00")
        assert host.tick(utc("2026-01-09 23:00")).late == 0
        assert host.left("b") == utc("2026-01-09 08:00")


def test_a_pause_holds_a_held_send(host):
    """R16: a Send that its hours let pass during a pause goes after the resume, asked again as of then."""
    policies(host, quiet=[NIGHTS])
    host.deploy(mail())
    host.say("go", utc("2026-01-05 23:00"))
    host.engine.pause("j", at=utc("2026-01-06 01:00"))
    host.tick("2 days")
    host.engine.resume("j", at=utc("2026-01-07 23:00"))
    host.tick(utc("2026-01-07 23:30"))
    assert host.engine.next_due() == utc("2026-01-08 08:00")
    host.tick("9 days")
    assert host.left("hello") == utc("2026-01-08 08:00")


# --- policies over time ---------------------------------------------------------------------------------------------


def test_late_work_sees_the_policies_of_its_own_instant(host):
    """R11, R31: what happened before the cap was set is not bound by it, also when it is ticked after."""
    host.deploy(mail("a"), mail("b"), reentry="always")
    policies(host, "2 hours", caps=[Cap(1, per="day")])
    policies(host, "2 days")
    for when in ("1 hour", "1 day", "3 days"):
        host.feed("go", when)
    host.tick("4 days")
    assert [outcomes_of(host, run) for run in (1, 2, 3)] == [["queued", "queued"], ["queued", "cap"], ["queued"] * 2]


def outcomes_of(host, run):
    """Give the outcomes of the two Sends of a run."""
    return [visit.outcome for visit in host.engine.enrollment("j", "c1", run=run).visits][:2]


def test_policies_are_kept_and_set_again_without_effect(tmp_path):
    """R12's way: a restart that sets the same writes nothing; an instant before the newest means that one (R11)."""
    path = tmp_path / "j.db"
    mine, theirs = Policies(caps=[Cap(1, per="day")]), Policies(quiet=[NIGHTS], timezone="Europe/Paris")
    for _ in range(3):
        with Engine(path) as engine:
            assert engine.policies(at=START) in {Policies(), mine}
            engine.set_policies(mine, at=START)
            engine.tenant("t").set_policies(theirs, at=after("1 day"))
    with Engine(path) as engine:
        engine.set_policies(Policies(), at=START - timedelta(days=1))
        assert (engine.policies(), engine.policies(at=START)) == (Policies(), Policies())
        assert engine.policies(at=START - timedelta(hours=1)) == Policies()
        assert engine.tenant("t").policies() == theirs
        assert engine.tenant("t").policies(at=START) == Policies()
        assert Host(engine).rows("SELECT tenant, n, at FROM policies_view ORDER BY 1, 2") == [
            ("default", 1, "2026-01-05T08:00:00.000000Z"),
            ("default", 2, "2026-01-05T08:00:00.000000Z"),
            ("t", 1, "2026-01-06T08:00:00.000000Z"),
        ]
        assert engine.audit() == []


def test_two_engines_on_one_file_see_each_others_policies(tmp_path):
    """R72: policies belong to the file, not to the engine."""
    path = tmp_path / "j.db"
    with Engine(path, grace=None) as one, Engine(path, grace=None) as two:
        Host(one).deploy(mail("a"), mail("b"))
        two.set_policies(Policies(caps=[Cap(1, per="day")]), at=START)
        Host(one).say("go")
        assert outcomes(Host(two)) == ["queued", "cap"]


def test_policies_that_cannot_be_read_mean_a_damaged_file(tmp_path):
    """Somebody has written into the file: told with the tenant and the fault."""
    path = tmp_path / "j.db"
    store = SQLiteStore(path)
    assert store.connection is not None
    store.connection.execute("INSERT INTO policies VALUES ('t', 1, 0, '{\"format\": 2}')")
    store.close()
    with pytest.raises(CorruptDatabase, match=r"policies of tenant 't' cannot be read: format: expected 1"):
        Engine(path)


def test_caps_look_at_nobody_without_them():
    """A tenant without caps pays nothing: its customers' messages are not even asked for."""
    store = MemoryStore()
    host = Host(Engine(store))
    policies(host, quiet=[NIGHTS])
    host.deploy(mail())
    host.say("go")
    assert store.posts_by_customer is None


def test_openings_far_away():
    """`first_opening` ends after 400 days at the latest: LAST."""
    utc_zone = zone("UTC")
    always = (Window(None),)
    assert first_opening(None, utc_zone, always, utc_zone, 0) == LAST
    assert first_opening(Window("MON"), utc_zone, (Window("MON"),), utc_zone, 0) == LAST
    assert first_opening(Window("MON"), utc_zone, (Window("TUE"),), utc_zone, 0) == 4 * DAY
    small_hours = (Window(None, "00:00", "01:00"), Window(None, "01:00", "02:00"))
    assert first_opening(None, utc_zone, small_hours, utc_zone, 0) == 2 * HOUR
    assert MAX_GATE == 400 * DAY


def test_journeys_of_one_customer_at_one_instant_are_served_in_order(host):
    """R7: when a cap opens for several held Sends the first come first, the others wait for the next opening."""
    policies(host, caps=[Cap(1, per="day", over="defer")])
    for name in ("a", "b", "c"):
        host.engine.deploy(Journey(name, trigger=Trigger("go"), steps=[mail(name)]), at=START)
    host.say("go")
    host.tick("5 days")
    assert [(each.step, each.at.day) for each in host.engine.messages().items] == [("a", 5), ("b", 6), ("c", 7)]
