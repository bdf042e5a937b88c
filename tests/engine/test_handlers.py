"""Handlers of messages: which are taken, and which of their answers count as delivered (R71)."""

import functools
import io
import itertools
import re
import socket
import sqlite3
import threading
import warnings
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing, contextmanager
from decimal import Decimal
from email.message import EmailMessage
from http.client import HTTPResponse
from multiprocessing import Process
from subprocess import CompletedProcess, Popen
from unittest.mock import MagicMock, Mock, create_autospec
from uuid import uuid4

import pytest

from journeyflow import Engine, Event, Journey, MemoryStore, Message, Send, Trigger
from journeyflow.errors import Undeliverable
from tests.samples import START, Host

MAIL = Journey(id="j", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t")])


def opened(answers):
    """Return who has as many messages as there are answers; each is a function from its message to what comes back."""
    later = iter(answers)

    def deliver(message):
        return next(later)(message)

    host = Host(Engine(MemoryStore(), channels={"EMAIL": deliver}))
    host.engine.deploy(MAIL, at=START)
    host.engine.feed(Event("go", customer=f"c{n:03}", at=START) for n in range(len(answers)))
    return host


def errors(host):
    """Return the error of each message, in order, once a tick has handled the answers."""
    host.tick()
    return [message.error for message in host.engine.messages(take=None).items]


async def deliver_async(message):
    """Deliver, once somebody awaits it."""


def deliver_lazily(message):
    """Deliver, once somebody asks for it."""
    yield message


async def deliver_piecemeal(message):
    """Deliver, once somebody iterates over it."""
    yield message


class Lazily:
    """A handler whose call is a generator."""

    def __call__(self, message):
        """Deliver, once somebody asks for it."""
        yield message


class Later:
    """Something that can be awaited."""

    def __await__(self):
        """Deliver nothing yet."""
        yield


LAZY = [deliver_async, deliver_lazily, deliver_piecemeal]


@pytest.mark.parametrize("handler", [*LAZY, Lazily(), Lazily().__call__, *map(functools.partial, LAZY)])
def test_a_handler_whose_call_delivers_nothing_is_refused(handler):
    """Neither a coroutine nor a generator function is taken: its body would never run (R71)."""
    with pytest.raises(TypeError, match=r"channel 'EMAIL': the handler is .*; pass a plain function"):
        Engine(MemoryStore(), channels={"EMAIL": handler})


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ([print], "channels: give a function for each channel, such as {'EMAIL': send}, not list"),
        ({"EMAIL": "print"}, "channel 'EMAIL': the handler must be a function of a message, not str 'print'"),
    ],
)
def test_channels_map_names_to_functions(channels, words):
    """Anything else is refused when the engine is made, and not at the first message (R71)."""
    with pytest.raises(TypeError, match=re.escape(words)):
        Engine(MemoryStore(), channels=channels)


class Answers:
    """Answers one after the other, each worked out when it is asked for."""

    def __iter__(self):
        """Return itself."""
        return self

    def __next__(self):
        """Deliver nothing yet."""
        raise StopIteration


class Queued:
    """What a queue of tasks returns of a task, as those of Celery and of multiprocessing do."""

    def ready(self):
        """Return whether it is done."""


AWAITED = "which nobody awaits; pass a plain function, such as one that asyncio.run()s it"
ITERATED = "which nobody iterates over; iterate over it in the handler"
WAITED = "which nobody waits for; wait for it in the handler"
STARTED = "which nobody waits for; start it and wait for it in the handler"
CALLED = "which nobody calls; call it in the handler"

FUNCTIONS: list[object] = [
    opened,
    print,
    [].append,
    Message,
    Lazily(),
    Lazily().__call__,
    functools.partial(print),
]
UNDONE = [
    *((deliver_async, AWAITED), (lambda _: Later(), AWAITED)),
    (deliver_piecemeal, "which nobody iterates over; pass a plain function, such as one that asyncio.run()s it"),
    (deliver_lazily, ITERATED),
    *((lambda message, lazy=lazy: lazy(str, [message]), ITERATED) for lazy in (map, filter, itertools.starmap)),
    *((lambda message, lazy=lazy: lazy([message]), ITERATED) for lazy in (zip, iter, enumerate, reversed)),
    *((lambda message: iter(lambda: message, None), ITERATED), (lambda _: Answers(), ITERATED)),
    *((lambda _: Future(), WAITED), (lambda _: Queued(), WAITED), (lambda _: object.__new__(Popen), WAITED)),
    *((lambda _, kind=kind: kind(target=print), STARTED) for kind in (threading.Thread, Process)),
    (lambda _: threading.Timer(1, print), STARTED),
    *((contextmanager(deliver_lazily), CALLED), (asynccontextmanager(deliver_piecemeal), CALLED)),
    *((lambda _, each=each: each, CALLED) for each in FUNCTIONS),
]


@pytest.mark.parametrize("held", [lambda it: it, lambda it: [it], lambda it: (1, it), lambda it: {"answer": it}])
def test_what_is_still_to_be_done_is_a_failed_attempt(held):
    """A handler that returns work, alone or in a collection, has not delivered, and the error says so (R71)."""
    host = opened([lambda message, handler=handler: held(handler(message)) for handler, _ in UNDONE])
    with warnings.catch_warnings(action="error"):  # a coroutine that was never awaited would be one
        assert host.tick().failed == len(UNDONE)
    came = errors(host)
    assert all(error.startswith("TypeError: the handler returned ") for error in came)
    assert [(error, said) for error, (_, said) in zip(came, UNDONE, strict=True) if not error.endswith(said)] == []


def test_an_error_that_is_returned_counts_as_raised():
    """Errors that a client returns beside its answers are failed attempts, and `Undeliverable` gives up (R71)."""
    error = OSError("no route")
    host = opened([lambda _: error, lambda _: ["sent", error], lambda _: Undeliverable("no such user")])
    assert host.tick().failed == 3
    assert errors(host) == ["OSError: no route", "OSError: no route", "Undeliverable: no such user"]
    assert [message.status for message in host.engine.messages().items] == ["QUEUED", "QUEUED", "FAILED"]


def test_answers_of_clients_deliver(tmp_path):
    """What clients return is an ack: nothing, data, the open response of a server, the cursor of a statement (R71)."""
    path = tmp_path / "response"
    path.write_text("250 OK")
    with (
        closing(sqlite3.connect(":memory:")) as database,
        socket.socket() as channel,
        closing(HTTPResponse(channel)) as response,
        path.open() as text,
        path.open("rb") as binary,
    ):
        cursor = database.execute("CREATE TABLE outbox (id)")
        answers = [
            *(
                None,
                True,
                False,
                1,
                0.5,
                "id",
                b"id",
                (),
                [],
                {},
                ["id"],
                {"id": 1},
                {1},
                range(2),
                Decimal(1),
                uuid4(),
            ),
            *(cursor, text, binary, io.BytesIO(), response, CompletedProcess(["sendmail"], 0), EmailMessage(), START),
            *(Mock()(), MagicMock()(), create_autospec(print)()),
        ]
        host = opened([lambda _, answer=answer: answer for answer in answers])
        assert host.tick().delivered == len(answers)
