"""Back-testing: real events of the past through the same engine, to see what would have come of them (D3).

Nothing is late in the past: grace is None, so nothing is softened, and no clock jump is too far.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Unpack

from attrs import frozen

from journeyflow.basics.moments import from_micros, to_micros
from journeyflow.definition.journey import Journey
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.formats.counting import SHOWN, FileCounts, FileTally, customer_key, event_key
from journeyflow.formats.events import customers_of, events_of
from journeyflow.formats.files import FileKeywords, FileOptions, Source, file_options, size_of
from journeyflow.records.public import Event
from journeyflow.reporting.export import export_tables
from journeyflow.stores.contract import Store
from journeyflow.stores.memory.store import MemoryStore

STEP = 20_000
"""Items per tick: few enough that progress is shown often."""

PathLikeText = str | PathLike[str]
PhaseProgress = Callable[[str, int, int], object]
"""Is called with the phase ("customers", "events", "run", "export"), how much of it is done, and of how much (0 if
unknown)."""


@frozen
class Backtest:
    """What a back-test read and did.

    `customers` and `events` were read; `bad` lines were not, and the first of them are in `bad_lines`; `files` has the
    counts of each file. `first` is the instant of the first event and `until` the last instant that was run, both in
    UTC. `entered`, `moves`, `messages` and `refused` are those of `TickResult`; `unhandled` counts the inputs after
    `until`.
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
    files: tuple[FileCounts, ...] = ()


def _silent(_phase: str, _done: int, _of: int) -> None:
    """Show no progress."""


def backtest(
    journeys: Iterable[Journey],
    *,
    events: Source,
    customers: Source | None = None,
    until: datetime | None = None,
    db: PathLikeText | None = None,
    export: PathLikeText | None = None,
    progress: PhaseProgress = _silent,
    **options: Unpack[FileKeywords],
) -> Backtest:
    """Run an event file through the engine and return what the journeys would have done.

    The files are CSV, NDJSON or JSON arrays and are streamed; `options` are the fields of `FileOptions`, for both of
    them. `until` is by default the instant of the last event. With `db` the run is kept in a new SQLite file, else in
    memory; with `export`, its enrollments, visits and messages are written into that folder as CSV. Customers are put
    and journeys deployed just before the first event.

    Raises InvalidInput for files that cannot be read at all and for a `db` that exists; single bad lines are counted.
    """
    reading = file_options(options)
    store = _new_store(db)
    with Engine(store, grace=None, max_jump=None, scrub=False) as engine:
        used = set[str]()
        fed, span = _feed(engine, events, reading, used, progress)
        if not span:
            raise InvalidInput([f"{fed.name}: there is no event that could be read{_first_reason(fed)}"])
        before = span[0] - timedelta(microseconds=2)
        put = None if customers is None else _put(engine, customers, reading, used, before, progress)
        if unused := sorted(set(reading.columns) - used):
            raise InvalidInput([f"no file has the column {name!r} to map" for name in unused])
        for journey in journeys:
            engine.deploy(journey, at=before + timedelta(microseconds=1))
        until = span[1] if until is None else from_micros(to_micros(until, "until"))
        files = [tally.counts() for tally in (fed, put) if tally is not None]
        inputs = sum(each.taken for each in files)
        totals = _run(engine, until, inputs, progress)
        if export is not None:
            export_tables(store, export, lambda done, of: progress("export", done, of), exact=True, bare=True)
        lines = [f"{each.file}, {line}" for each in files for line in each.lines]
        return Backtest(
            0 if put is None else put.taken,
            fed.taken,
            sum(each.bad for each in files),
            tuple(lines[:SHOWN]),
            span[0],
            until,
            *totals[1:],
            inputs - totals[0],
            tuple(files),
        )


def _first_reason(read: FileTally) -> str:
    return f" (first reason: {read.lines[0]})" if read.lines else ""


def _new_store(db: PathLikeText | None) -> Store:
    if db is None:
        return MemoryStore()
    path = Path(fspath(db))
    if path.exists() and path.stat().st_size:
        raise InvalidInput([f"{path}: the file exists already; name a new one, so that nothing is mixed"])
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite-utils; for files only

    return SQLiteStore(path)


def _feed(
    engine: Engine, source: Source, options: FileOptions, used: set[str], progress: PhaseProgress
) -> tuple[FileTally, tuple[datetime, ...]]:
    """Read the events into the inbox; note their first and last instant, so that they need not be sorted."""
    tally, size, span = FileTally(source), size_of(source), tuple[datetime, ...]()

    def spanned() -> Iterator[Event]:
        nonlocal span
        found = events_of(source, options, tally.refuse, lambda done: progress("events", done, size), used)
        for event in tally.counted(found, event_key):
            span = (min(event.at, *span), max(event.at, *span)) if span else (event.at, event.at)
            yield event

    engine.feed(spanned())
    return tally, span


def _put(  # noqa: PLR0917 what a file needs
    engine: Engine, source: Source, options: FileOptions, used: set[str], at: datetime, progress: PhaseProgress
) -> FileTally:
    """Read the customers into the inbox, all at one instant."""
    tally, size = FileTally(source), size_of(source)
    found = customers_of(source, options, tally.refuse, lambda done: progress("customers", done, size), used)
    engine.put_customers(tally.counted(found, customer_key), at=at)
    return tally


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
