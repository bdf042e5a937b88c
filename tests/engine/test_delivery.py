"""Push delivery: what is kept when a handler raises, hangs or is interrupted, and what goes back (R71)."""

import asyncio
import logging
import threading
from itertools import pairwise
from typing import Any

import pytest

from journeyflow import Engine, Event, InvalidInput, Journey, MemoryStore, Send, StorageError, Trigger
from journeyflow.basics.moments import to_micros
from journeyflow.engine import delivery
from journeyflow.engine.delivery import LAST_CALL, LEASE, PUSH, Handover
from journeyflow.errors import Undeliverable
from tests.samples import START, STORES, Host, open_engine

MAIL = Journey(id="j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t")])


class Clock:
    """A stopwatch that a test moves."""

    def __init__(self):
        """Begin at nothing."""
        self.seconds = 0.0

    def __call__(self):
        """Read it."""
        return self.seconds


class Mailer:
    """A handler that takes its time, and does something before each call or at some of them."""

    def __init__(self, clock, seconds=1.0, at=None, before=lambda: None):
        """Take so many seconds for each message; `at` maps the number of a call to what it does then."""
        self.clock, self.seconds, self.at, self.before = clock, seconds, at or {}, before
        self.sent = list[str]()

    def __call__(self, message):
        """Send."""
        self.before()
        self.sent.append(message.customer)
        self.clock.seconds += self.seconds
        return self.at.get(len(self.sent), lambda _: None)(message)


def raising(error):
    """Return what raises an error."""

    def call(*_):
        raise error

    return call


@pytest.fixture
def clock():
    """Give a stopwatch."""
    return Clock()


@pytest.fixture(params=STORES)
def opened(request, clock):
    """Give what opens an engine for a handler, with so many customers who get a message each."""

    def begin(handler, people=10):
        engine = open_engine(request.param, channels={"EMAIL": handler}, stopwatch=clock)
        engine.deploy(MAIL, at=START)
        engine.feed(Event("go", customer=f"c{n:03}", at=START) for n in range(people))
        return Host(engine)

    return begin


def statuses(host):
    """Return (status, attempts) of every message with how many have it."""
    counts = dict[tuple[str, int], int]()
    for message in host.engine.messages(take=1_000).items:
        key = (message.status, message.attempts)
        counts[key] = counts.get(key, 0) + 1
    return counts


def answers(host):
    """Return how many acks and nacks were given so far."""
    return dict(host.rows("SELECT kind, count(*) FROM inputs WHERE kind IN ('ack', 'nack') GROUP BY 1"))


# --- whatever is raised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_whatever_a_handler_raises_the_answers_before_it_are_kept(opened, clock, error, seconds):
    """It is a failed attempt of its own message and leaves the tick; what was not handed over goes back (R71)."""
    mailer = Mailer(clock, seconds, {6: raising(error)})
    host = opened(mailer)
    with pytest.raises(type(error)):
        host.tick()
    assert answers(host) == {"ack": 5, "nack": 1}
    assert statuses(host) == {("CLAIMED", 1): 6, ("QUEUED", 0): 4}
    host.tick()
    host.tick("1 minute")
    host.tick("1 minute")
    assert statuses(host) == {("SENT", 1): 9, ("SENT", 2): 1}
    assert sorted(mailer.sent) == sorted([*{*mailer.sent}, "c005"]), "only that one was handed over twice"


@pytest.mark.parametrize("poison", [KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.unmeasured
def test_a_message_that_stops_every_tick_takes_no_other_with_it(opened, poison):
    """Two hours of ticks: the one message is given up, all others are sent, each handed over once (R71)."""

    def handler(message):
        sent.append(message.customer)
        if message.customer == "c050":
            raise poison

    sent = list[str]()
    host = opened(handler, 100)
    for minute in range(120):
        try:
            host.tick(f"{minute} minutes")
        except type(poison):
            continue
    assert statuses(host) == {("SENT", 1): 99, ("FAILED", 5): 1}
    assert len(sent) == 104


class Interrupted(list[Any]):
    """Outcomes whose growing is interrupted at its end, as any call may be."""

    def extend(self, outcomes):
        """Take them, then be interrupted."""
        super().extend(outcomes)
        raise KeyboardInterrupt


def test_an_interrupt_right_after_a_handler_fails_nothing(opened, clock):
    """What a handler returned counts, although the interrupt comes before the engine looks at it (R71)."""
    host = opened(Mailer(clock), 3)
    Engine(host.engine.store).tick(START)
    handover = Handover(host.engine._core, to_micros(START), set())
    handover.claim(3, LEASE)
    handover.came = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        handover.hand_over(clock())
    handover.finish()
    assert answers(host) == {"ack": 1}
    assert statuses(host) == {("CLAIMED", 1): 1, ("QUEUED", 0): 2}


def test_an_interrupt_right_after_a_claim_loses_no_attempt(opened, clock, monkeypatch):
    """What was leased when the interrupt came is given back (R71)."""
    host = opened(Mailer(clock), 3)

    monkeypatch.setattr(Handover, "hand_over", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        host.tick()
    assert statuses(host) == {("QUEUED", 0): 3}


@pytest.mark.parametrize(
    ("error", "kept"), [(KeyboardInterrupt(), {"ack": 1}), (StorageError("j.db", "the disk is full"), {})]
)
def test_an_interrupt_while_answers_are_kept_does_not_drop_them(opened, clock, monkeypatch, error, kept):
    """They are kept once more, and then it goes its way; an error of the store is not tried again (R71)."""
    host, keep = opened(Mailer(clock), 1), delivery.release

    def undone(*_):
        monkeypatch.setattr(delivery, "release", keep)
        raise error

    monkeypatch.setattr(delivery, "release", undone)
    with pytest.raises(type(error)):
        host.tick()
    assert answers(host) == kept


# --- what is kept, and when -------------------------------------------------------------------------------------------


def test_an_answer_is_kept_before_the_next_slow_handler_begins(opened, clock):
    """At no call of a handler that takes its time is any earlier answer unknown to the store (R71)."""
    known = list[int]()
    mailer = Mailer(clock, 0.0625, before=lambda: known.append(answers(host).get("ack", 0)))
    host = opened(mailer, 12)
    host.tick()
    assert known == list(range(12))


def test_answers_of_quick_handlers_are_kept_together(opened, clock):
    """At most 50 ms of handlers' work are ever unknown to the store, and few commits are made (R71)."""
    known = list[int]()
    mailer = Mailer(clock, 0.004, before=lambda: known.append(answers(host).get("ack", 0)))
    host = opened(mailer, 200)
    host.tick()
    behind = [n - kept for n, kept in enumerate(known)]
    assert max(behind) <= 12
    assert len(set(known)) < 25


def test_pages_are_small_until_handlers_are_known_to_be_quick(opened, clock):
    """One message, then two, four, ... up to a bound; a slow one leads back to one (R71)."""
    leased = list[int]()

    def handler(message):
        leased.append(sum(count for (status, _), count in statuses(host).items() if status == "CLAIMED"))
        clock.seconds += 1 if message.customer == "c010" else 0

    host = opened(handler, 20)
    host.tick()
    held = [leased[0], *(now - before for before, now in pairwise(leased) if now != before)]
    assert held == [1, 2, 4, 8, 1, 2, 2]
    assert PUSH == 100


def test_answers_are_kept_within_a_batch_too(opened, clock):
    """A tick inside `batch` keeps answers at once: a block that raises does not undo what was sent (R10, R71)."""
    host = opened(Mailer(clock), 2)
    with pytest.raises(ZeroDivisionError), host.engine.batch():  # noqa: PT012 left by the error
        host.tick()
        raise ZeroDivisionError
    assert answers(host) == {"ack": 2}


# --- leases -----------------------------------------------------------------------------------------------------------


def test_nothing_is_handed_over_when_its_lease_is_about_to_end(opened, clock):
    """What a slow handler leaves no time for goes back at once, and is claimed anew, its attempt uncounted (R71)."""
    mailer = Mailer(clock, 0.0, {5: lambda _: setattr(clock, "seconds", clock.seconds + LAST_CALL)})
    host = opened(mailer, 7)
    assert host.tick().delivered == 7
    host.tick()
    assert statuses(host) == {("SENT", 1): 7}
    assert sorted(mailer.sent) == sorted(set(mailer.sent))


def test_a_lease_counts_from_the_claim_and_not_from_the_tick(opened, clock):
    """A tick that goes on for longer than a lease leaves nothing to others that it still works on (R71)."""

    def handler(message):
        handed.append(message.customer)
        clock.seconds += 60
        other.tick(f"{clock.seconds:.0f} seconds", limit=1)

    handed = list[str]()
    host = opened(handler, 20)
    Engine(host.engine.store).tick(START)
    other = Host(Engine(host.engine.store))  # it ends leases that are over, and handles answers
    host.tick()
    host.tick("1 hour")
    assert len(handed) == len(set(handed)) == 20
    assert statuses(host) == {("SENT", 1): 20}


@pytest.mark.parametrize("ending", [lambda: None, raising(OSError)])
def test_a_message_that_its_handler_gives_back_waits_for_the_next_tick(opened, ending):
    """A provider that takes no more: each message is handed over once in a tick, and nothing goes on for ever (R71)."""
    seen, opening = list[str](), list[Host]()

    def deliver(message):
        seen.append(message.customer)
        if message.customer < "c150":
            opening[0].engine.release([message])
            ending()

    opening.append(opened(deliver, 200))
    opening[0].tick()
    assert sorted(seen) == [f"c{n:03}" for n in range(200)]
    assert statuses(opening[0]) == {("QUEUED", 0): 150, ("CLAIMED", 1): 50}


def test_a_message_that_its_handler_gave_back_is_not_sent(opened):
    """It was not handed to the provider, and waits for the next tick, in which it is sent as any other (R71)."""
    full, opening = ["c001", "c003"], list[Host]()

    def deliver(message):
        if message.customer in full:
            assert opening[0].engine.tenant(message.tenant).release(message) == 1

    opening.append(opened(deliver, 5))
    first = opening[0].tick()
    assert (first.delivered, first.failed) == (3, 0)
    assert statuses(opening[0]) == {("QUEUED", 0): 2, ("CLAIMED", 1): 3}
    full.clear()
    assert opening[0].tick().delivered == 2
    opening[0].tick()
    assert statuses(opening[0]) == {("SENT", 1): 5}
    assert opening[0].engine.audit() == []
    assert not opening[0].engine._core.with_handlers


# --- failed attempts --------------------------------------------------------------------------------------------------


def test_a_handler_that_stops_an_iteration_has_failed(opened):
    """StopIteration is an exception like any other here (R71)."""
    host = opened(lambda _: next(iter(())), 2)
    assert host.tick().failed == 2


def test_failed_deliveries_are_logged(opened, caplog):
    """Each is a warning with the message's id, the attempt, the error and its traceback; no customer is named (R71)."""
    host = opened(raising(OSError("no route")), 1)
    with caplog.at_level(logging.WARNING, logger="journeyflow"):
        host.tick()
    (record,) = caplog.records
    assert record.getMessage() == "message memory-1-1 was not delivered, attempt 1: OSError: no route"
    assert (record.levelname, record.name) == ("WARNING", "journeyflow")
    assert record.exc_info is not None


@pytest.mark.parametrize(("error", "said"), [("no such user", "no such user"), ("", "no reason given")])
@pytest.mark.parametrize("store", STORES)
def test_messages_that_are_given_up_are_logged_as_errors(store, caplog, error, said):
    """With the message's id, its attempts and the last error, whoever delivers; the host hears no more of it (R71)."""
    host = Host(open_engine(store))
    host.engine.deploy(MAIL, at=START)
    host.engine.feed(Event("go", customer=name, at=START) for name in ("ann", "bob"))
    host.tick()
    first, second = host.claim()
    host.engine.nack(first, at=START, error=error, permanent=True)
    host.engine.nack(second, at=START, error=error)
    with caplog.at_level(logging.ERROR, logger="journeyflow"):
        host.tick("1 minute")
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("ERROR", f"message {first.id} is given up after attempt 1: {said}")
    ]


def test_a_stopwatch_is_a_function():
    """What measures leases is checked like other options (R1)."""
    with pytest.raises(TypeError, match="stopwatch must be a function that returns seconds, not int 5"):
        Engine(MemoryStore(), stopwatch=5)  # type: ignore[arg-type]  # wrong on purpose


# --- closing ----------------------------------------------------------------------------------------------------------


def test_closing_waits_for_the_handler_that_is_running(opened, clock):
    """Its answer is kept, no further handler is called, and the rest goes back; then the store is closed (R71)."""
    running, going_on = threading.Event(), threading.Event()

    def linger(_message):
        running.set()
        going_on.wait()

    mailer = Mailer(clock, 0.0, {4: linger})
    host = opened(mailer)
    ticking = threading.Thread(target=host.tick)
    ticking.start()
    running.wait()
    closing = threading.Thread(target=host.engine.close)
    closing.start()
    while not host.engine._core.closing:
        pass
    with pytest.raises(StorageError, match="the engine is closed"):
        host.tick()
    assert answers(host) == {"ack": 3}
    going_on.set()
    ticking.join()
    closing.join()
    assert len(mailer.sent) == 4
    with pytest.raises(StorageError, match="closed"):
        host.engine.messages()


def test_a_file_that_was_closed_in_a_tick_goes_on_where_it_was(tmp_path, clock):
    """A handler, or a handler of signals, may close the engine: the tick ends after the running handler (R71)."""
    path = tmp_path / "j.db"
    mailer = Mailer(clock, 0.0)
    engine = Engine(path, channels={"EMAIL": mailer})
    mailer.at = {4: lambda _: engine.close()}
    host = Host(engine)
    engine.deploy(MAIL, at=START)
    engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(10))
    result = host.tick()
    assert (result.delivered, result.more) == (4, True)
    with pytest.raises(StorageError, match="closed"):
        engine.messages()
    engine.close()
    mailer.at = {}
    with Engine(path, channels={"EMAIL": mailer}) as engine:
        assert Host(engine).tick().delivered == 6
        Host(engine).tick()
        assert statuses(Host(engine)) == {("SENT", 1): 10}


def test_a_handler_may_close_and_tick(opened, clock):
    """The tick within ends at once, and the one around it after its handler (R71)."""
    inner = list[int]()

    def close_and_tick(_message):
        closing.engine.close()
        inner.append(closing.tick().delivered)

    closing = opened(Mailer(clock, 0.0, {2: close_and_tick}))
    assert closing.tick().delivered == 2
    assert inner == [0]
    with pytest.raises(StorageError, match="closed"):
        closing.engine.messages()


def test_a_forked_process_closes_its_copy_at_once(opened, clock, monkeypatch):
    """The ticks that its parent was in do not go on there, so there is nothing to wait for (R72)."""

    def fork_and_close(_message):
        monkeypatch.setattr("os.getpid", lambda: -1)
        child.engine.close()

    child = opened(Mailer(clock, 0.0, {1: fork_and_close}), 1)
    with pytest.raises(StorageError, match="closed"):
        child.tick()


def test_what_a_handler_calls_undeliverable_is_given_up_at_once():
    """R71: no later attempt, with the words of the handler as its error."""

    def refuse(_):
        msg = "550 no such user"
        raise Undeliverable(msg)

    with Engine(MemoryStore(), channels={"EMAIL": refuse}) as engine:
        engine.deploy(MAIL, at=START)
        engine.feed(Event("go", customer="c1", at=START))
        assert engine.tick(START).failed == 1
        engine.tick(START)
        (message,) = engine.messages()
        assert (message.status, message.attempts) == ("FAILED", 1)
        assert message.error == "Undeliverable: 550 no such user"


# --- giving back ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store whose workers claim themselves, with three messages."""
    with open_engine(request.param) as engine:
        engine.deploy(MAIL, at=START)
        engine.feed(Event("go", customer=f"c{n}", at=START) for n in range(3))
        engine.tick(START)
        yield Host(engine)
        assert engine.audit() == []


def test_what_is_given_back_can_be_claimed_again_at_once(host):
    """The attempt does not count, however often (R71)."""
    for _ in range(7):
        claimed = host.claim()
        assert [message.attempts for message in claimed] == [1, 1, 1]
        assert host.engine.release(claimed) == 3
    assert statuses(host) == {("QUEUED", 0): 3}
    assert host.engine.next_due() is None


def test_one_message_can_be_given_back(host):
    """The others stay with their worker (R71)."""
    first, *_ = host.claim()
    assert host.engine.release(first) == 1
    assert [message.id for message in host.claim()] == [first.id]


def test_only_what_is_still_under_this_lease_is_given_back(host):
    """Not what was answered, nor what another worker has by now, nor what is another tenant's (R71, R91)."""
    acked, nacked, late = host.claim()
    assert host.engine.tenant("other").release([acked, nacked, late]) == 0
    host.engine.ack(acked, at=START)
    host.engine.nack(nacked, at=START)
    host.tick()
    host.tick("5 minutes")  # the lease of the third ends
    again = {message.id for message in host.claim("6 minutes")}
    assert again == {nacked.id, late.id}
    assert host.engine.release([acked, nacked, late]) == 0
    assert statuses(host) == {("SENT", 1): 1, ("CLAIMED", 2): 2}


def test_a_claim_that_was_not_committed_gives_back_nothing_of_others(host):
    """Two claims may have the same token if one was undone: the end of the lease tells them apart (R71)."""
    undone = host.claim()
    host.engine.release(undone)
    assert host.claim("1 minute")[0].token == undone[0].token
    assert host.engine.release(undone) == 0


def test_the_message_of_a_forgotten_customer_is_not_queued_again(host):
    """Given back, it is CANCELLED, as it would be if nobody had claimed it (R86)."""
    claimed = host.claim()
    host.engine.forget("c1", at=START)
    assert host.engine.release(claimed) == 3
    assert host.messages() == ["hello QUEUED", "hello CANCELLED", "hello QUEUED"]


def test_a_message_of_a_journey_that_is_gone_is_passed_over(host):
    """What is purged is nobody's (R15)."""
    claimed = host.claim()
    host.engine.archive("j", at=START)
    host.engine.purge("j")
    assert host.engine.release(claimed) == 0


@pytest.mark.parametrize("thing", [5, "memory-1-1", None])
def test_only_claimed_messages_are_given_back(host, thing):
    """An id alone does not say under which lease (R71)."""
    with pytest.raises(InvalidInput, match="expected a claimed Message"):
        host.engine.release([thing])
    with pytest.raises(InvalidInput, match="is QUEUED; give the one that claim gave"):
        host.engine.release(host.engine.messages().items[0])
