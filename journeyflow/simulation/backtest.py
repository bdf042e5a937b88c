"""Back-testing: real events of the past through the same engine, to see what would have come of them (D3).

Nothing is late in the past: grace is None, so nothing is softened, and no clock jump is too far.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from os import PathLike, fspath
from pathlib import Path

from attrs import frozen

from journeyflow.basics.moments import from_micros, to_micros
from journeyflow.definition.journey import Journey
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.formats.events import BadLine, read_customers, read_events
from journeyflow.records.public import Event
from journeyflow.reporting.export import export_tables
from journeyflow.stores.contract import Store
from journeyflow.stores.memory.store import MemoryStore

STEP = 20_000
"""Items per tick: few enough that progress is shown often."""

SHOWN = 20
"""Bad lines that are kept word for word; all of them are counted."""

PathLikeText = str | PathLike[str]
PhaseProgress = Callable[[str, int, int], object]
"""Is called with the phase ("customers", "events", "run", "export"), how much of it is done, and of how much (0 if
unknown)."""


@frozen
class Backtest:
    """What a back-test read and did.

    `customers` and `events` were read; `bad` lines were not, and the first of them are in `bad_lines`. `first` is the
    instant of the first event and `until` the last instant that was run, both in UTC. `entered`, `moves`, `messages`
    and `refused` are those of `TickResult`; `unhandled` counts the inputs after `until`.
    """

    customers: int
    events: int
    bad: int
    bad_lines: tuple[str, ...]
    first: datetime | None
    until: datetime
    entered: int
    moves: int
    messages: int
    refused: int
    unhandled: int


@frozen
class _Read:
    """A file that was read into the inbox."""

    count: int
    bad: tuple[BadLine, ...]
    earliest: datetime | None = None
    latest: datetime | None = None


def _silent(_phase: str, _done: int, _of: int) -> None:
    """Show no progress."""


def backtest(
    journeys: Iterable[Journey],
    *,
    events: PathLikeText,
    customers: PathLikeText | None = None,
    until: datetime | None = None,
    db: PathLikeText | None = None,
    export: PathLikeText | None = None,
    progress: PhaseProgress = _silent,
) -> Backtest:
    """Run an event file through the engine and return what the journeys would have done.

    The files are CSV or NDJSON and are streamed. `until` is by default the instant of the last event. With `db` the run
    is kept in a new SQLite file, else in memory; with `export`, its enrollments, visits and messages are written into
    that folder as CSV. Customers are put and journeys deployed just before the first event.

    Raises InvalidInput for files that cannot be read at all and for a `db` that exists; single bad lines are counted.
    """
    store = _new_store(db)
    with Engine(store, grace=None, max_jump=None, scrub=False) as engine:
        fed = _feed(engine, events, progress)
        if fed.earliest is None or fed.latest is None:
            raise InvalidInput([f"{fspath(events)}: there is no event that could be read{_first_reason(fed)}"])
        before = fed.earliest - timedelta(microseconds=2)
        put = _Read(0, ()) if customers is None else _put(engine, customers, before, progress)
        for journey in journeys:
            engine.deploy(journey, at=before + timedelta(microseconds=1))
        until = fed.latest if until is None else from_micros(to_micros(until, "until"))
        totals = _run(engine, until, fed.count + put.count, progress)
        if export is not None:
            export_tables(store, export, lambda done, of: progress("export", done, of), exact=True, bare=True)
        lines = [f"{fspath(events)}, {line}" for line in fed.bad]
        lines += [f"{fspath(customers or '')}, {line}" for line in put.bad]
        return Backtest(
            put.count,
            fed.count,
            len(lines),
            tuple(lines[:SHOWN]),
            fed.earliest,
            until,
            *totals[1:],
            fed.count + put.count - totals[0],
        )


def _first_reason(read: _Read) -> str:
    return f" (first reason: {read.bad[0]})" if read.bad else ""


def _new_store(db: PathLikeText | None) -> Store:
    if db is None:
        return MemoryStore()
    path = Path(fspath(db))
    if path.exists() and path.stat().st_size:
        raise InvalidInput([f"{path}: the file exists already; name a new one, so that nothing is mixed"])
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite-utils; for files only

    return SQLiteStore(path)


def _feed(engine: Engine, path: PathLikeText, progress: PhaseProgress) -> _Read:
    """Read the events into the inbox; note their span on the way, so that they need not be sorted."""
    bad: list[BadLine] = []
    count, span = 0, list[datetime]()
    size = Path(fspath(path)).stat().st_size

    def counted() -> Iterator[Event]:
        nonlocal count, span
        for event in read_events(path, bad=bad.append, progress=lambda done: progress("events", done, size)):
            count += 1
            span = [min(event.at, *span), max(event.at, *span)] if span else [event.at, event.at]
            yield event

    engine.feed(counted())
    return _Read(count, tuple(bad), *span)


def _put(engine: Engine, path: PathLikeText, at: datetime, progress: PhaseProgress) -> _Read:
    """Read the customers into the inbox, all at one instant."""
    bad: list[BadLine] = []
    count = 0
    size = Path(fspath(path)).stat().st_size

    def counted() -> Iterator[tuple[str, dict[str, object]]]:
        nonlocal count
        for pair in read_customers(path, bad=bad.append, progress=lambda done: progress("customers", done, size)):
            count += 1
            yield pair

    engine.put_customers(counted(), at=at)
    return _Read(count, tuple(bad))


def _run(engine: Engine, until: datetime, inputs: int, progress: PhaseProgress) -> tuple[int, int, int, int, int]:
    """Tick until nothing is due any more; return (inputs, entered, moves, messages, refused)."""
    totals = (0, 0, 0, 0, 0)
    while True:
        result = engine.tick(until, limit=STEP)
        done = (result.inputs, result.entered, result.moves, result.messages, result.refused)
        totals = tuple(map(sum, zip(totals, done, strict=True)))  # type: ignore[assignment]  # five and five
        progress("run", totals[0], inputs)
        if not result.more:
            return totals
