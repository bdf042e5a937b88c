"""An error that nobody holds is gone at once, with what it holds: frames, and in them a store or a customer's data.

A frame that names the error that it raises would hold it in turn, until the cycle collector comes.
"""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from journeyflow import Engine, Event, Journey, MemoryStore, Send, Trigger
from journeyflow.errors import StorageError
from journeyflow.stores.turns import Block, StoreTurn

NOW = datetime(2026, 1, 5, tzinfo=UTC)

MAIL = Journey("mail", trigger=Trigger("go"), steps=[Send("hello", channel="EMAIL", template="t")])


class Planted(Exception):
    """An error to which a weak reference can be made."""


class Damaged(Block):
    """A block in which each error means damage."""

    def meaning(self, error: BaseException) -> StorageError:
        """Return it."""
        return StorageError("x", str(error), "restore it")


@pytest.fixture(autouse=True)
def _unheld(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the collector and the log of pytest, which holds errors, out of the way."""
    monkeypatch.setattr(logging.getLogger("journeyflow"), "disabled", True)
    gc.disable()
    yield
    gc.enable()


def raising(noted: list[weakref.ref[BaseException]]) -> Callable[..., None]:
    """Return a function that raises an error, and notes it."""

    def fail(*_: object) -> None:
        error = Planted("planted")
        noted.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    return fail


def mailing(channels: dict[str, Callable[..., None]]) -> Engine:
    """Return an engine that has a message to hand out."""
    engine = Engine(MemoryStore(), channels=channels)
    engine.deploy(MAIL, at=NOW)
    engine.feed([Event("go", customer="ann", at=NOW)])
    return engine


def test_the_error_of_a_block() -> None:
    """That which a store raises instead of another (R72)."""
    noted: list[weakref.ref[BaseException]] = []
    try:
        with Damaged(StoreTurn("x")):
            raising(noted)()
    except StorageError as error:
        noted.append(weakref.ref(error))
    assert [each() for each in noted] == [None, None]


def test_the_error_of_a_handler() -> None:
    """A failed attempt (R71)."""
    noted: list[weakref.ref[BaseException]] = []
    assert mailing({"EMAIL": raising(noted)}).tick(NOW).failed == 1
    assert [each() for each in noted] == [None]


def test_the_errors_of_a_call_for_many_journeys() -> None:
    """They go with the answer in which they are."""
    answer = Engine(MemoryStore()).bulk("enable", ["a", "b"], at=NOW)
    noted = [weakref.ref(error) for error in answer.failed.values()]
    assert len(noted) == 2
    del answer
    assert [each() for each in noted] == [None, None]
