"""The audit trail: what hosts changed of journeys, channels and policies."""

import pytest

from journeyflow import Cap, End, InvalidInput, NotFound, Policies, Send, Trigger, Wait, add_step
from tests.samples import START, STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Return a host on each store who changed a lot."""
    host = Host(open_engine(request.param))
    first = host.deploy(Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day"))
    host.deploy(End("e"), id="k", trigger=Trigger("come"), when="1 hour")
    engine = host.engine
    engine.hold_channel("EMAIL", at=after("2 hours"))
    engine.set_published("j", {"hello": False}, at=after("3 hours"))
    engine.publish(add_step(first, Wait("v", "1 day"), before="w"), at=after("4 hours"))
    engine.publish(first, at=after("5 hours"), rollback=True)
    engine.pause("j", at=after("6 hours"))
    engine.set_policies(Policies(caps=[Cap(3, per="day")]), at=after("7 hours"))
    engine.release_channel("EMAIL", at=after("8 hours"))
    engine.set_published("j", {"hello": True}, at=after("9 hours"))
    engine.resume("j", at=after("10 hours"))
    Host(engine.tenant("other")).deploy(End("e"), id="theirs", when="11 hours")
    return host


def test_changes_come_newest_first(host):
    """Versions, also those that came back, states, steps, channels, and policies."""
    found = [(each.at, each.journey, each.kind, each.text) for each in host.engine.audit_trail(take=100)]
    assert found == [
        (after("10 hours"), "j", "state", "is ACTIVE from now on"),
        (after("9 hours"), "j", "step", "step hello is published"),
        (after("8 hours"), None, "channel", "channel EMAIL is released"),
        (after("7 hours"), None, "policies", "policies are set: 1 cap, 0 quiet hours"),
        (after("6 hours"), "j", "state", "is PAUSED from now on"),
        (after("5 hours"), "j", "published", "version 1 is published again"),
        (after("4 hours"), "j", "published", "version 2 is published"),
        (after("3 hours"), "j", "step", "step hello is unpublished"),
        (after("2 hours"), None, "channel", "channel EMAIL is held"),
        (after("1 hour"), "k", "state", "is ACTIVE from now on"),
        (after("1 hour"), "k", "published", "version 1 is published"),
        (START, "j", "state", "is ACTIVE from now on"),
        (START, "j", "published", "version 1 is published"),
    ]


def test_they_can_be_those_of_one_journey_and_come_in_parts(host):
    """Each once, whatever a part holds; of another tenant none (R91)."""
    engine = host.engine
    seen, cursor = [], None
    while True:
        part = engine.audit_trail("j", take=3, after=cursor)
        seen += part
        cursor = part.cursor
        if not part.more:
            break
    assert seen == [each for each in engine.audit_trail(take=100) if each.journey == "j"]
    assert [each.journey for each in engine.tenant("other").audit_trail()] == ["theirs", "theirs"]
    assert not engine.tenant("third").audit_trail()
    with pytest.raises(NotFound, match="no journey 'theirs'"):
        engine.audit_trail("theirs")
    with pytest.raises(InvalidInput, match="is not a cursor"):
        engine.audit_trail(after=0)
