"""What comes back of messages: engagement, revenue, events that name none of ours; and lists of messages (R52, R83)."""

import pytest
from attrs import evolve

from journeyflow import Engine, Event, InvalidInput, MemoryStore, NotFound, Send, Trigger, Wait
from journeyflow.answers import Answer
from journeyflow.records.public import Engagement
from tests.samples import START, STORES, Host, after, open_engine


@pytest.fixture(params=STORES)
def host(request):
    """Give a host with two customers, each with two messages; what it did adds up at the end."""
    with open_engine(request.param) as engine:
        host = Host(engine)
        host.deploy(
            Send("a", channel="EMAIL", template="t"),
            Send("b", channel="SMS", template="t"),
            Wait("rest", "90 days"),
            reentry="always",
        )
        host.feed("go", START, "c1")
        host.feed("go", START, "c2")
        host.tick()
        yield host
        assert engine.audit() == []


def tell(host, kind, when, message="memory-1-1", customer="c1", **data):
    """Tell something of a message, and tick."""
    named = {} if message is None else {"message": message}
    host.say(kind, when, customer, **named, **data)


# --- engagement -------------------------------------------------------------------------------------------------------


def test_the_first_of_a_kind_counts_as_unique_and_all_in_total(host):
    """R52: for each message the instant of the first, and how many there were; acks count as sent."""
    host.engine.ack("memory-1-1", at=after("1 minute"))
    tell(host, "message.opened", "1 hour")
    tell(host, "message.opened", "2 hours")
    tell(host, "message.clicked", "2 hours")
    tell(host, "message.opened", "3 hours", "memory-1-2")
    assert host.engine.message("memory-1-1").engagement == {
        "sent": Engagement(after("1 minute"), 1),
        "opened": Engagement(after("1 hour"), 2),
        "clicked": Engagement(after("2 hours"), 1),
    }
    assert host.engine.message("memory-1-2").engagement == {"opened": Engagement(after("3 hours"), 1)}
    assert host.engine.message("memory-2-1").engagement == {}


@pytest.mark.parametrize("stray", ["memory-9-9", "other-1-1", "memory-2-1", 7, "memory-1-01"])
def test_events_that_name_no_message_of_the_customer_are_kept_and_counted(host, stray):
    """R52: unknown ids, other databases' and other people's messages change nothing, and are listed."""
    host.feed("message.opened", "1 hour", "c1", message=stray)
    host.feed("message.opened", "2 hours", "c1", message="memory-1-1")
    assert host.tick("2 hours").unmatched == 1
    page = host.engine.unmatched()
    assert page.total == 1
    assert page.items == (Event("message.opened", customer="c1", at=after("1 hour"), data={"message": stray}),)
    assert sum(len(message.engagement) for message in host.engine.messages().items) == 1


def test_unmatched_events_are_paged_and_belong_to_a_tenant(host):
    """R84, R91: in the order in which they were told, with a cursor."""
    host.engine.tenant("other").feed(Event("message.opened", customer="x", at=START, data={"message": "m"}))
    for n in range(3):
        host.feed("message.opened", "1 hour", "c1", message=f"stray{n}")
    host.tick("1 hour")
    first = host.engine.unmatched(take=2)
    rest = host.engine.unmatched(take=2, after=first.cursor)
    assert [each.data["message"] for each in (*first.items, *rest.items)] == ["stray0", "stray1", "stray2"]
    assert (first.total, rest.total, rest.cursor) == (3, 3, None)
    with pytest.raises(InvalidInput, match="after: str 'x' is not a cursor"):
        host.engine.unmatched(after="x")


def test_answers_about_no_message_are_listed_with_the_events(host):
    """R52, R71, R84: everything that the tick counts is listed, in the order in which it was told."""
    (claimed,) = [each for each in host.engine.messages(customer="c1").items if each.id == "memory-1-1"]
    host.feed("message.opened", "1 hour", "c1", message="stray")
    host.engine.ack("nonsense", at=after("2 hours"))
    stray = evolve(claimed, id="memory-9-9", token="mailer.1")  # noqa: S106 a lease's
    host.engine.nack(stray, at=after("3 hours"), error="no mailbox")
    host.engine.tenant("other").ack(claimed, at=after("1 hour"))
    assert host.tick("1 day").unmatched == 4
    event = Event("message.opened", customer="c1", at=after("1 hour"), data={"message": "stray"})
    told = (
        event,
        Answer("ack", "nonsense", after("2 hours")),
        Answer("nack", "memory-9-9", after("3 hours"), "no mailbox"),
    )
    page = host.engine.unmatched()
    assert (page.items, page.total) == (told, 3)
    with open_engine("memory") as engine:  # the first input of all
        engine.ack("nonsense", at=START)
        engine.tick(START)
        assert engine.unmatched().items == (Answer("ack", "nonsense", START),)
    first = host.engine.unmatched(take=2)
    assert host.engine.unmatched(after=first.cursor).items == told[2:]
    assert host.engine.tenant("other").unmatched().items == (Answer("ack", "memory-1-1", after("1 hour")),)


# --- revenue ----------------------------------------------------------------------------------------------------------


def revenue(host):
    """Give the revenue of each step, over all days and domains."""
    sql = "SELECT step, total FROM counters WHERE what = 'revenue' AND day = '*' AND domain = '*' ORDER BY step"
    return dict(host.rows(sql))


def test_revenue_goes_to_the_message_it_names(host):
    """R50, R83: whatever was clicked; minor units."""
    tell(host, "message.clicked", "1 hour", "memory-1-2")
    tell(host, "revenue", "2 hours", "memory-1-1", amount=1999)
    tell(host, "revenue", "3 hours", "memory-1-1", amount=-500)
    assert revenue(host) == {"a": 1499}
    assert host.outcomes()[-2:] == ["handled", "handled"]


def test_revenue_that_names_none_goes_to_the_message_that_was_clicked_last(host):
    """R83: by the first click on each, over all runs and journeys of the customer; the outcome names the message."""
    host.deploy(Send("other", channel="EMAIL", template="t"), id="k", trigger=Trigger("also"))
    tell(host, "revenue", "30 minutes", None, amount=1)
    tell(host, "message.clicked", "1 hour", "memory-1-1")
    tell(host, "message.clicked", "2 hours", "memory-1-2")
    tell(host, "message.clicked", "3 hours", "memory-1-1")
    tell(host, "message.clicked", "4 hours", "memory-2-1", "c2")
    tell(host, "message.opened", "4 hours", "memory-1-1")
    tell(host, "revenue", "5 hours", None, amount=10)
    host.say("also", "6 hours")
    tell(host, "message.clicked", "6 hours", "memory-3-1")
    tell(host, "revenue", "7 hours", None, amount=100)
    assert revenue(host) == {"b": 10, "other": 100}
    outcomes = [outcome for outcome in host.outcomes() if outcome and outcome != "handled"]
    assert outcomes == ["attributed to memory-1-2", "attributed to memory-3-1"]


@pytest.mark.parametrize(("when", "amount"), [("7 days 1 hour", {"a": 5}), ("7 days 1 hour 1 second", {})])
def test_a_click_counts_for_a_week(host, when, amount):
    """R83: exactly seven days later still counts."""
    tell(host, "message.clicked", "1 hour")
    tell(host, "revenue", when, None, amount=5)
    assert revenue(host) == amount


def test_a_click_counts_for_what_happened_later_only(host):
    """R83: by the instants at which things happened, also when all is told in one go."""
    host.feed("revenue", "1 hour", "c1", amount=1)
    host.feed("message.clicked", "2 hours", "c1", message="memory-1-1")
    host.feed("revenue", "3 hours", "c1", amount=10)
    host.tick("1 day")
    assert revenue(host) == {"a": 10}


def test_older_runs_are_remembered(host):
    """R83: the click may be on a message of a run that another one has followed since."""
    tell(host, "message.clicked", "1 hour")
    host.engine.exit("j", "c1", at=after("2 hours"))
    host.tick("2 hours")
    host.say("go", "3 hours", "c1")
    tell(host, "revenue", "4 hours", None, amount=7)
    assert revenue(host) == {"a": 7}


def test_revenue_of_a_foreign_message_is_nobodys_and_still_an_event(host):
    """R52, R83: "unmatched", not attributed elsewhere; journeys hear of it all the same."""
    host.deploy(Wait("rest", "1 day"), id="thanks", trigger=Trigger("revenue"))
    tell(host, "message.clicked", "1 hour")
    tell(host, "revenue", "2 hours", "memory-2-1", amount=5)
    assert revenue(host) == {}
    assert host.outcomes()[-1] == "unmatched"
    assert host.status(journey="thanks") == ("ACTIVE", "")


# --- lists ------------------------------------------------------------------------------------------------------------


def test_messages_are_paged_by_a_cursor(host):
    """R84: the cursor is the id of the last message; what is filtered stays filtered, new ones do not shift a page."""
    first = host.engine.messages(take=3)
    assert (first.cursor, first.total) == ("memory-2-1", 4)
    host.say("go", "1 hour", "c3")
    rest = host.engine.messages(take=3, after=first.cursor)
    assert [each.id for each in rest.items] == ["memory-2-2", "memory-3-1", "memory-3-2"]
    assert rest.cursor is None
    only = host.engine.messages(channel="SMS", take=1, after="memory-1-2")
    assert [each.id for each in only.items] == ["memory-2-2"]


@pytest.mark.parametrize("cursor", [5, "x", "memory-1-b", "a-b", ""])
def test_what_is_no_cursor_is_refused(host, cursor):
    """R84: with everything else that cannot be asked."""
    with pytest.raises(InvalidInput) as caught:
        host.engine.messages(after=cursor, status="GONE")
    assert f"after: {type(cursor).__name__} {cursor!r} is not a cursor of such a page" in caught.value.faults
    assert len(caught.value.faults) == 2


def test_a_message_is_found_by_its_id_by_its_own_tenant_alone(host):
    """R84, R91: the exact id; else NotFound, or None."""
    assert host.engine.message("memory-1-2").step == "b"
    for name in ("memory-1-3", "other-1-2", "memory-01-2", "x", f"memory-1-{'9' * 40}"):
        assert host.engine.find_message(name) is None
    with pytest.raises(NotFound, match="no message 'memory-1-2'"):
        host.engine.tenant("other").message("memory-1-2")


# --- handlers ---------------------------------------------------------------------------------------------------------


def test_what_a_handler_gives_back_unawaited_was_not_delivered():
    """R71: a function that only makes a coroutine is not a delivery: a nack, not an ack, and no warning."""

    async def send(message):
        raise AssertionError(message)

    with Engine(MemoryStore(), channels={"EMAIL": lambda message: send(message.id)}) as engine:
        host = Host(engine)
        host.deploy(Send("a", channel="EMAIL", template="t"))
        result = host.say("go")
        assert (result.delivered, result.failed) == (0, 1)
        ((data,),) = host.rows("SELECT data FROM inputs WHERE kind = 'nack'")
        assert "the handler returned coroutine" in data


@pytest.mark.parametrize("store", STORES)
def test_what_is_about_a_forgotten_customer_is_not_listed(store):
    """The others are; the forgotten customer's inputs name nobody any more (R86)."""
    with open_engine(store) as engine:
        for customer in ("ann", "bob"):
            engine.put_customer(customer, {}, at=START)
            data = {"message": "other-1-1"}
            engine.feed(Event("message.clicked", customer=customer, at=START, data=data))
        assert engine.tick(START).unmatched == 2
        engine.forget("ann", at=START)
        assert [each.customer for each in engine.unmatched() if isinstance(each, Event)] == ["bob"]
