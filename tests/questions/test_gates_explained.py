"""What closed the gates of a Send: which hours, consent or cap, with the values of that instant (R31, R85)."""

import pytest

from journeyflow import Cap, Policies, QuietHours, Send, Wait, Window
from tests.samples import START, after


def mail(step="hello", **options):
    """Return a Send with few words."""
    return Send(step, **{"channel": "EMAIL", "template": "t", **options})


def lines(host, customer="c1"):
    """Return the lines of an explanation that say what was compared."""
    return [line.strip() for line in str(host.engine.explain("j", customer)).splitlines() if line.startswith("     ")]


def test_a_cap_is_named_with_its_count_its_window_and_how_much_was_sent(host):
    """Of several caps the one that decided; the count is that of the instant of the decision."""
    caps = [Cap(9, per="month"), Cap(2, within="36 hours", channel="EMAIL"), Cap(1, per="day", channel="SMS")]
    host.engine.set_policies(Policies(caps=caps), at=START)
    host.deploy(mail("a"), mail("b"), mail("c"), mail("d", channel="SMS"), mail("e", channel="SMS"))
    host.say("go")
    assert host.path()[2:5] == ["c SKIPPED cap", "d queued", "e SKIPPED cap"]
    assert lines(host) == [
        "the cap of 2 EMAIL messages within 36 hours was reached: 2 sent",
        "the cap of 1 SMS message per day was reached: 1 sent",
    ]
    _, _, skipped, _, _, *_ = host.engine.explain("j", "c1").visits
    assert skipped.seen == {"cap": "2 EMAIL messages within 36 hours", "sent": 2}


@pytest.mark.parametrize("way", [1, -1])
def test_a_cap_that_holds_is_named_while_it_holds_and_after(host, way):
    """The Send waits at the line that says why; of two caps that hold, the one that opens last."""
    caps = [Cap(1, per="day", over="defer"), Cap(1, within="3 days", over="defer")][::way]
    host.engine.set_policies(Policies(caps=caps), at=START)
    host.deploy(mail("a"), mail("b"))
    host.say("go")
    why = ["the cap of 1 message within 3 days was reached: 1 sent"]
    assert lines(host) == why
    assert host.engine.explain("j", "c1").now == "now waiting at b until 2026-01-08 08:00:00"
    host.tick("4 days")
    assert (host.path()[1], lines(host)) == ("b queued", why)


def test_a_count_of_nothing_is_a_cap_too(host):
    """`Cap(0, ...)` stops everything, and says so."""
    host.engine.set_policies(Policies(caps=[Cap(0, per="day")]), at=START)
    host.deploy(mail())
    host.say("go")
    assert lines(host) == ["the cap of 0 messages per day was reached: 0 sent"]


def test_quiet_hours_and_windows_are_named_with_their_zone(host):
    """The customer's zone for quiet hours, the journey's for the window of the Send; both if both are closed."""
    quiet = [QuietHours("22:00", "10:00"), QuietHours("00:00", "24:00", weekdays="SUN")]
    host.engine.set_policies(Policies(quiet=quiet), at=START)
    host.put(START, timezone="Europe/Paris")
    host.deploy(mail("a"), mail("b", window=Window("MON-FRI", "11:00", "12:00")), Wait("w", "1 day"))
    host.say("go")  # Monday 08:00 UTC, 09:00 in Paris
    assert lines(host) == ["in the quiet hours 22:00 to 10:00, Europe/Paris"]
    host.tick("1 hour")
    assert lines(host)[1:] == ["outside its window, MON-FRI 11:00 to 12:00, UTC"]


def test_an_open_window_says_nothing(host):
    """Only what was closed is told."""
    host.deploy(mail("a", window=Window(None, "07:00", "09:00")), mail("b", window=Window(None, "09:00", "10:00")))
    host.say("go")
    assert (host.path()[0], lines(host)) == ("a queued", ["outside its window, 09:00 to 10:00, UTC"])


def test_a_window_and_quiet_hours_that_are_closed_at_once_are_both_named(host):
    """Neither would open without the other."""
    host.engine.set_policies(Policies(quiet=[QuietHours("22:00", "10:00")]), at=START)
    host.deploy(mail(window=Window(None, "11:00", "12:00")))
    host.say("go")
    assert lines(host) == [
        "outside its window, 11:00 to 12:00, UTC",
        "in the quiet hours 22:00 to 10:00, UTC",
    ]


def test_consent_is_named_by_its_channel_and_as_it_was(host):
    """Refused, or not given where the journey requires it; a later answer does not change what is told."""
    host.put(START, consent={"SMS": False})
    host.deploy(mail("a"), mail("b", channel="SMS"), Wait("w", "9 days"), mail("c"), consent="optional")
    host.say("go")
    host.put("1 day", consent={"SMS": True, "EMAIL": False})
    host.tick("9 days")
    assert lines(host) == ["consent.SMS is false", "consent.EMAIL is false"]


def test_consent_that_is_missing_is_told_where_it_is_required(host):
    """A journey that requires consent sends through no channel about which nothing is known."""
    host.put(START, consent={"SMS": True})
    host.deploy(mail("a"), mail("b", channel="SMS"), consent="required")
    host.say("go")
    assert host.path()[:2] == ["a SKIPPED consent", "b queued"]
    assert lines(host) == ["consent.EMAIL is missing, and the journey requires it"]


def test_a_send_that_is_held_and_then_skipped_tells_both(host):
    """In the order in which the gates closed."""
    host.engine.set_policies(Policies(quiet=[QuietHours("22:00", "10:00")]), at=START)
    host.deploy(mail())
    host.say("go")
    host.put("1 hour", consent={"EMAIL": False})
    host.tick("3 hours")
    assert host.path()[0] == "hello SKIPPED consent"
    assert lines(host) == ["in the quiet hours 22:00 to 10:00, UTC", "consent.EMAIL is false"]


def test_many_at_once_are_told_as_one_is(host):
    """Customers who are handled together each have the values of their own (R7)."""
    host.engine.set_policies(Policies(caps=[Cap(1, per="day", channel="EMAIL")]), at=START)
    host.deploy(mail("a"), mail("b"), mail("c", channel="SMS"), id="j")
    for number in range(50):
        host.put(START, f"n{number}", consent={"SMS": number % 2 == 0})
        host.feed("go", "1 minute", f"n{number}")
    host.tick("2 minutes")
    cap = "the cap of 1 EMAIL message per day was reached: 1 sent"
    for number in range(50):
        assert lines(host, f"n{number}") == ([cap] if number % 2 == 0 else [cap, "consent.SMS is false"])
    assert host.engine.at("j", "n1", instant=after("1 hour")).status == "COMPLETED"
