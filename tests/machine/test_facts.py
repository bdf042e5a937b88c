"""The values that rules and templates look at, by name (R59)."""

from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from journeyflow.basics.moments import parse_instant
from journeyflow.basics.words import ACTIVE
from journeyflow.definition.rules.conditions import field
from journeyflow.definition.rules.evaluation import holds
from journeyflow.machine.facts import Facts, _reader
from journeyflow.records.rows import Post, Run

UTC = ZoneInfo("UTC")
NOW = parse_instant("2026-06-15T12:00:00Z")
EVENT = {"amount": 5, "item": {"sku": "s1"}, "plan": None, "city": "event's"}
ATTRIBUTES: dict[str, object] = {
    "plan": "paid",
    "city": "Durban",
    "address": {"zip": "4001"},
    "event": "bare",
    "customer": "bare",
}


def run(trigger=None, memory=None, key=""):
    """Make a run that rests at its second step."""
    return Run(
        7, 1, 1, 3, 2, ACTIVE, "", NOW - 5, NOW, None, None, 1, 1, NOW, None, None, None, False, trigger, key, memory
    )  # fmt: skip


def post(step="hello", n=4, at=NOW, flags=MappingProxyType({}), nonce=0):
    """Make a message of a step."""
    return Post(7, n, step, "EMAIL", "t", None, at, None, True, flags=flags, nonce=nonce)


def facts(**known):
    """Make facts about one customer."""
    return Facts("c1", ATTRIBUTES, NOW, UTC, **known)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("amount", 5),
        ("item.sku", "s1"),
        ("city", "event's"),
        ("plan", "paid"),
        ("address.zip", "4001"),
        ("gone", None),
        ("event", "bare"),
        ("customer", "bare"),
        ("event.amount", 5),
        ("event.item.sku", "s1"),
        ("event.plan", None),
        ("event.address", None),
        ("customer.city", "Durban"),
        ("customer.address.zip", "4001"),
        ("customer.amount", None),
        ("customer.id", "c1"),
        ("trigger.amount", 5),
    ],
)
def test_where_an_event_is_at_hand_its_data_are_looked_in_first(path, value):
    """R59: a bare name is the event's where it has a value, else the customer's; `event.` and `customer.` say which."""
    assert facts(event=EVENT).value(path) == value


@pytest.mark.parametrize("value", [0, 0.0, False, "", [], {}])
def test_what_an_event_says_is_a_value_however_little_it_is(value):
    """R59: a bare name is the customer's only where the event has none."""
    known = facts(event={"city": value})
    assert (known.value("city"), known.value("event.city")) == (value, value)
    assert type(known.value("city")) is type(value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", "whole"),
        ("a.c", "nested"),
        ("customer.a.b", "whole"),
        ("event.x.y", "whole"),
        ("event.x.z.w", "whole"),
        ("x.y", "whole"),
        ("customer.id.x", None),
        ("wait.paid.x.y", "whole"),
        ("wait.paid", "unnamed"),
        ("wait.paid.", "unnamed"),
        ("message.hello", False),
        ("message.hello.x.y", False),
        ("enrollment.run.x", None),
        ("event.", None),
        ("", None),
    ],
)
def test_a_path_of_an_odd_form_is_read_as_it_is_written(path, value):
    """R59: a name that holds a dot itself is found first; what names nothing is missing, and all of it is noted."""
    known = Facts(
        "c1",
        {"a.b": "whole", "a": {"b": "nested", "c": "nested"}},
        NOW,
        UTC,
        event={"x.y": "whole", "x": {"y": "nested", "z.w": "whole"}},
        run=run(memory={"wait": {"paid": {"x.y": "whole", "": "unnamed"}}}),
        posts={"hello": post()},
    )
    assert known.value(path) == value
    assert known.seen == {path: value}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("amount", None),
        ("city", "Durban"),
        ("event.amount", None),
        ("trigger.amount", None),
        ("wait.paid.amount", None),
        ("message.hello.opened", None),
        ("enrollment.journey", None),
    ],
)
def test_without_event_and_run_only_the_customer_is_known(path, value):
    """R59, R61: everything else is missing, and raises nothing."""
    assert facts().value(path) == value


def test_the_trigger_is_the_event_that_started_the_run():
    """R59: kept as text and read once; not the event at hand, and nothing for a run that no event started."""
    known = facts(event=EVENT, run=run(trigger='{"amount": 9, "item": {"sku": "s9"}}'))
    assert (known.value("trigger.amount"), known.value("trigger.item.sku"), known.value("amount")) == (9, "s9", 5)
    assert known.trigger() is known.trigger()
    assert facts(event=EVENT, run=run()).value("trigger.amount") is None
    assert facts(event={}).trigger() == {}


def test_a_wait_keeps_the_data_of_the_event_that_ended_it():
    """R36, R59: by step; a wait that timed out, or another step, has none."""
    known = facts(run=run(memory={"wait": {"paid": {"amount": 9, "item": {"sku": "s9"}}, "empty": {}}}))
    assert known.value("wait.paid.amount") == 9
    assert known.value("wait.paid.item.sku") == "s9"
    assert known.value("wait.paid.gone") is None
    assert known.value("wait.empty.amount") is None
    assert known.value("wait.other.amount") is None
    assert facts(run=run(memory={"left": {"w": 1}})).value("wait.paid.amount") is None


def test_a_message_has_an_id_an_instant_and_flags():
    """R52, R59, R70: flags are true or false once there is a message; `<flag>_at` is the first instant of its kind."""
    flags = {"sent": (NOW + 1_000_000, 1), "opened": (NOW + 2_000_000, 3)}
    known = facts(run=run(), posts={"hello": post(flags=flags, nonce=1)}, nonces=["old", "abc"])
    assert known.value("message.hello.id") == "abc-7-4"
    assert known.value("message.hello.at") == "2026-06-15T12:00:00.000000Z"
    assert known.value("message.hello.opened") is True
    assert known.value("message.hello.clicked") is False
    assert known.value("message.hello.opened_at") == "2026-06-15T12:00:02.000000Z"
    assert known.value("message.hello.clicked_at") is None
    assert known.value("message.other.opened") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant", "acme"),
        ("journey", "welcome"),
        ("version", 3),
        ("customer", "c1"),
        ("run", 2),
        ("entered_at", "2026-06-15T11:59:59.999995Z"),
        ("key", None),
        ("gone", None),
    ],
)
def test_an_enrollment_is_known_by_its_ids(name, value):
    """R59: `enrollment.x`; a run without a key has none."""
    assert facts(run=run(), header=("acme", "welcome", 3)).value(f"enrollment.{name}") == value
    assert facts(run=run(key="cart 7")).value("enrollment.key") == "cart 7"


def test_what_was_asked_is_noted_with_its_answer():
    """R85: every path a rule reads, missing ones too, and nothing else."""
    known = facts(event=EVENT)
    assert holds(field("amount").gt(3) & field("gone").is_null() | field("customer.city").eq("x"), known)
    assert known.seen == {"amount": 5, "gone": None, "customer.city": "Durban"}


def test_now_is_the_instant_of_the_facts():
    """R59: `now` reads the instant at which it is asked."""
    assert _reader.__wrapped__("now")(Facts("ann", {}, NOW, UTC)) == "2026-06-15T12:00:00.000000Z"
