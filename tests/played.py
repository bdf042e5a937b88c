"""Lives that are only played: what comes of them is not asked for, which takes a third of the time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from journeyflow import Engine, Journey, MemoryStore
from journeyflow.stores.contract import Store
from journeyflow.testing import Call, Life
from journeyflow.testing.running import DUMPED, _Player

Tables = Mapping[str, Sequence[tuple[object, ...]]]
"""The rows of a store, table by table, in order of key."""


@contextmanager
def played(
    journeys: Iterable[Journey],
    life: Life,
    *,
    store: Store | None = None,
    ticks: Iterable[datetime] | None = None,
    **options: Any,
) -> Iterator[_Player]:
    """Play a life as `run` does, and hand over the player; options are the engine's."""
    given = {"grace": None, "max_jump": None, "scrub": False, **options}
    with Engine(MemoryStore() if store is None else store, **given) as engine:
        player = _Player(engine, None if ticks is None else sorted(ticks))
        player.play(journeys, life)
        yield player


def tables_of(player: _Player) -> Tables:
    """Return the `Played.tables` of a life that was played."""
    with player.engine.store.reader() as reader:
        return {name: reader.rows(sql) for name, sql in DUMPED.items()}


def tables(journeys: Iterable[Journey], life: Life, *, audited: bool = False, **options: Any) -> Tables:
    """Return the `Played.tables` of a life; if it is `audited`, nothing may be wrong with the books (R80)."""
    with played(journeys, life, **options) as player:
        if audited:
            assert player.engine.audit() == []
        return tables_of(player)


def script(
    journeys: Iterable[Journey], life: Life, ticks: Iterable[datetime] | None = None
) -> Sequence[Call | datetime]:
    """Return the `Played.script` of a life."""
    with played(journeys, life, ticks=ticks) as player:
        return player.script


def said(journeys: Iterable[Journey], life: Life) -> Life:
    """Return the `Played.said` of a life."""
    return as_played(script(journeys, life), life)


def as_played(script: Iterable[Call | datetime], life: Life) -> Life:
    """Return the `Played.said` of a script."""
    return Life([each for each in script if not isinstance(each, datetime)], life.end)
