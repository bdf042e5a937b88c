"""Lives that are only played: what comes of them is not asked for, which takes a third of the time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from journeyflow import Engine, Journey, MemoryStore
from journeyflow.testing import Call, Life
from journeyflow.testing.running import _Player


@contextmanager
def played(journeys: Iterable[Journey], life: Life) -> Iterator[_Player]:
    """Play a life as `run` does without options, and hand over the player."""
    with Engine(MemoryStore(), grace=None, max_jump=None, scrub=False) as engine:
        player = _Player(engine, None)
        player.play(journeys, life)
        yield player


def script(journeys: Iterable[Journey], life: Life) -> Sequence[Call | datetime]:
    """Return the `Played.script` of a life."""
    with played(journeys, life) as player:
        return player.script


def said(journeys: Iterable[Journey], life: Life) -> Life:
    """Return the `Played.said` of a life."""
    return Life([each for each in script(journeys, life) if not isinstance(each, datetime)], life.end)
