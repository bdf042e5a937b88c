"""The plain way for everybody, and crowds for everybody: each is held to the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from journeyflow.work import scheduler
from journeyflow.work.together import unheard


@contextmanager
def everybody_alone() -> Iterator[None]:
    """Take nothing into a crowd: every item is handled by itself."""
    with patch.object(scheduler, "are_shared", lambda _: False), each_event_heard():
        yield


@contextmanager
def each_event_heard() -> Iterator[None]:
    """Take every event the plain way, whether a journey listens to it or not."""
    with patch.object(unheard, "unheard_types", _no_types), patch.object(scheduler, "unheard_types", _no_types):
        yield


def _no_types(*_: object) -> frozenset[tuple[str, str]]:
    return frozenset()


@contextmanager
def together_where_possible() -> Iterator[None]:
    """Offer every batch to the crowds, even where hardly an instant is shared."""
    with patch.object(scheduler, "are_shared", lambda _: True):
        yield
