"""Back-testing: real events of the past through the same engine, to see what would have happened (D3).

Unless the host's grace is asked about, nothing is late in the past: nothing is softened, and no clock jump is too far.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Unpack, cast, get_args

from attrs import define, field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.expecting import tuple_of
from journeyflow.basics.moments import from_micros, to_micros, zone
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Policies
from journeyflow.engine.engine import Engine
from journeyflow.engine.inputs import positive_length
from journeyflow.errors import InvalidInput
from journeyflow.formats.events import customers_of, events_of
from journeyflow.formats.file_tally import SHOWN, FileCounts, FileTally, customer_key, event_key
from journeyflow.formats.files import FileKeywords, FileOptions, Source, file_options, size_of
from journeyflow.questions.numbers.figures import JourneyStats
from journeyflow.questions.numbers.window import MAX_DAYS
from journeyflow.questions.refusals import RefusalCount
from journeyflow.records.public import Enroll, Event, Put
from journeyflow.reporting.export import export_tables
from journeyflow.simulation.naming import journey_faults
from journeyflow.simulation.recording import Submitted, acked, claimed, resubmit, stages
from journeyflow.stores.contract import Store
from journeyflow.stores.memory.store import MemoryStore

STEP = 20_000
"""Items per tick: few enough that progress is shown often."""

PathLikeText = str | PathLike[str]
PhaseProgress = Callable[[str, int, int], object]
"""Is called with the phase ("customers", "events", "run", "export"), how much of it is done, and of how much (0 if
unknown)."""


@frozen
class Backtest(Rows):
    """What a back-test read and did.

    `customers` and `events` were read; `bad` lines were not, and the first of them are in `bad_lines`; `files` has the
    counts of each file. `first` is the instant of the first event and `until` the last instant that was run, both in
    UTC. `entered`, `moves`, `messages`, `refused` and `late` are those of `TickResult`; `unhandled` counts the inputs
    after `until`. `stats` has the statistics of each journey from the day of the first event to that of `until`, and
    `refusals` how many entries each refused, by reason.
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
    late: int = 0
    stats: tuple[JourneyStats, ...] = field(default=(), repr=False)
    refusals: tuple[RefusalCount, ...] = field(default=(), repr=False)


def _silent(_phase: str, _done: int, _of: int) -> None:
    """Show no progress."""


def backtest(
    journeys: Journey | Iterable[Journey],
    *,
    events: Source | Iterable[Submitted],
    customers: Source | None = None,
    until: datetime | None = None,
    policies: Policies | None = None,
    grace: object = None,
    every: object = None,
    db: PathLikeText | None = None,
    export: PathLikeText | None = None,
    progress: PhaseProgress = _silent,
    **options: Unpack[FileKeywords],
) -> Backtest:
    """Run an event file through the engine and return what a journey, or several, would have done.

    The files are CSV, NDJSON or JSON arrays and are streamed; `options` are the fields of `FileOptions`, for both of
    them. The events may also be values: events, and what `simulate(record=)` has noted besides, attributes at their
    instant, enrollments by hand and deliveries; without deliveries no worker takes the messages, and they stay QUEUED.
    `until` is by default the instant of the last of them. With `db` the run is kept in a new SQLite file, which is
    removed if the call fails, else in memory; with `export`, its enrollments, visits and messages are written into that
    folder as CSV. Customers are put, policies set and journeys deployed just before the first event.

    Everything is done at its own instant, unless `every` is how often the host ticks, a length of time: then work is
    found at the next tick, and what is found later than `grace` takes effect at that tick (`late` counts it). With
    `grace` alone the host ticks once an hour.

    Raises InvalidInput for files that cannot be read at all and for a `db` that exists, ValueError for lengths of time
    that cannot be; single bad lines are counted.
    """
    many = tuple_of(Journey, "journeys", "journeys", journeys)
    past = Recorded(events, customers, until, policies, _distance(grace, every), file_options(options))
    with _nothing_left(db), Engine(_new_store(db), grace=grace, max_jump=None, scrub=False) as engine:
        done = replay(engine, many, past, progress)
        if export is not None:
            store = engine.store
            export_tables(store, export, lambda made, of: progress("export", made, of), exact=True, bare=True)
        return done


@frozen
class Recorded:
    """What a back-test is fed with; the arguments are those of `backtest`, `every` in microseconds."""

    events: Source | Iterable[Submitted]
    customers: Source | None = None
    until: datetime | None = None
    policies: Policies | None = None
    every: int | None = None
    reading: FileOptions = field(factory=FileOptions)


def _distance(grace: object, every: object) -> int | None:
    """Return the distance of ticks in microseconds, None where everything is done at its own instant."""
    if grace is not None:
        positive_length(grace, "grace")
    return None if grace is None and every is None else positive_length("1 hour" if every is None else every, "every")


def replay(engine: Engine, journeys: Iterable[Journey], past: Recorded, progress: PhaseProgress = _silent) -> Backtest:
    """Feed an empty engine with the past, and run it until the end; raises InvalidInput as `backtest` does."""
    journeys = tuple(journeys)
    if faults := journey_faults(journeys):
        raise InvalidInput(faults)
    used, given = set[str](), _given(past.events)
    fed, span = _feed(engine, past, used, progress) if given is None else _spanned(given)
    if not span:
        raise InvalidInput([f"{fed.name}: there is no event that could be read{_first_reason(fed)}"])
    until = span[1] if past.until is None else from_micros(to_micros(past.until, "until"))
    if until < span[0]:
        begin = span[0].isoformat()
        raise InvalidInput(
            [f"until: {until.isoformat()} lies before the beginning of {fed.name} at {begin}; end later"]
        )
    before = span[0] - timedelta(microseconds=2)
    put = None if past.customers is None else _put(engine, past.customers, past.reading, used, before, progress)
    if unused := sorted(set(past.reading.columns) - used):
        raise InvalidInput([f"no file has the column {name!r} to map" for name in unused])
    deployed = before + timedelta(microseconds=1)
    if past.policies is not None:
        engine.set_policies(past.policies, at=deployed)
    zones = dict[str, str]()
    for journey in journeys:
        engine.deploy(journey, at=deployed)
        zones[journey.id] = journey.timezone
    files = [tally.counts() for tally in (fed, put) if tally is not None]
    others = [each for each in given or () if isinstance(each, Put | Enroll)]
    inputs = sum(each.taken for each in files) + len(others)
    played = _Played(engine, span[0], until, past.every, inputs, progress)
    played.play(given or ())
    lines = [f"{each.file}, {line}" for each in files for line in each.lines]
    return Backtest(
        (0 if put is None else put.taken) + sum(isinstance(each, Put) for each in others),
        fed.taken,
        sum(each.bad for each in files),
        tuple(lines[:SHOWN]),
        span[0],
        until,
        *played.done[1:5],
        played.inputs - played.done[0],
        tuple(files),
        played.done[5],
        tuple(_stats(engine, *each, span[0], until) for each in sorted(zones.items())),
        engine.refusals(),
    )


def _stats(engine: Engine, journey: str, timezone: str, first: datetime, until: datetime) -> JourneyStats:
    """Return the statistics of a journey from the day of the first event on, or of the last days that can be asked."""
    last = until.astimezone(zone(timezone)).date()
    since = max(first.astimezone(zone(timezone)).date(), last - timedelta(days=MAX_DAYS - 1))
    return engine.stats(journey, at=until, since=since)


def _first_reason(read: FileTally) -> str:
    return f" (first reason: {read.lines[0]})" if read.lines else ""


def _new_store(db: PathLikeText | None) -> Store:
    if db is None:
        return MemoryStore()
    path = Path(fspath(db))
    if path.exists() and path.stat().st_size:
        raise InvalidInput([f"{path}: the file exists already; name a new one, so that nothing is mixed"])
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite3; for files only

    return SQLiteStore(path, nonce="memory")  # recorded events name messages by their ids in a store in memory


@contextmanager
def _nothing_left(db: PathLikeText | None) -> Iterator[None]:
    """Remove a new file, if what is done with it fails."""
    path = None if db is None or Path(fspath(db)).exists() else fspath(db)
    try:
        yield
    except BaseException:
        if path is not None:
            for name in (path, f"{path}-wal", f"{path}-shm"):
                Path(name).unlink(missing_ok=True)
        raise


def _given(events: Source | Iterable[Submitted]) -> tuple[Submitted, ...] | None:
    """Return what was submitted, if that is given as values; None for a file."""
    if isinstance(events, str | PathLike) or hasattr(events, "read"):
        return None
    return tuple_of(get_args(Submitted), "a file, or events", "events", events)


def _spanned(given: Sequence[Submitted]) -> tuple[FileTally, tuple[datetime, ...]]:
    """Count the events of what was submitted, and return the first and the last instant of all of it."""
    tally, instants = FileTally("events"), [each.at for each in given]
    deque(tally.counted((each for each in given if isinstance(each, Event)), event_key), maxlen=0)
    return tally, (min(instants), max(instants)) if instants else ()


def _feed(
    engine: Engine, past: Recorded, used: set[str], progress: PhaseProgress
) -> tuple[FileTally, tuple[datetime, ...]]:
    """Read the events of a file into the inbox; note their first and last instant, so that they need not be sorted."""
    span = tuple[datetime, ...]()
    file = cast("Source", past.events)
    tally, size = FileTally(file), size_of(file)
    found = events_of(file, past.reading, tally.refuse, lambda done: progress("events", done, size), used)

    def spanned() -> Iterator[Event]:
        nonlocal span
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


@define
class _Played:
    """The past as it is played: when the host ticks, what that did, and how many inputs there are so far."""

    engine: Engine
    first: datetime
    until: datetime
    every: int | None
    inputs: int
    progress: PhaseProgress
    done: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0)
    """What ticks did: (inputs, entered, moves, messages, refused, late)."""

    def play(self, given: Iterable[Submitted]) -> None:
        """Do what the host did, delivery by delivery, and go on until the end; a file has been fed before."""
        for submitted, delivery in stages(given):
            resubmit(self.engine, submitted)
            if delivery is not None and delivery.at <= self.until:
                self._go_on(delivery.at)
                self.inputs += acked(self.engine, delivery, claimed(self.engine, delivery), self.until)
        self._go_on(self.until)
        if self.every is not None:
            self._tick(self.until)

    def _go_on(self, until: datetime) -> None:
        """Tick at an instant, or at the multiples of the distance up to it that have something due."""
        if self.every is None:
            self._tick(until)
        else:
            while (now := self._next(self.every)) is not None and now <= until:
                self._tick(now)

    def _next(self, every: int) -> datetime | None:
        """Return the next multiple of a distance at which something is due."""
        due, begin = self.engine.next_due(), to_micros(self.first)
        return None if due is None else from_micros(begin + -(-max(to_micros(due) - begin, 0) // every) * every)

    def _tick(self, now: datetime) -> None:
        """Tick until nothing is due any more."""
        more = True
        while more:
            result = self.engine.tick(now, limit=STEP)
            done = (result.inputs, result.entered, result.moves, result.messages, result.refused, result.late)
            self.done = tuple(map(sum, zip(self.done, done, strict=True)))  # type: ignore[assignment]  # six and six
            self.progress("run", self.done[0], self.inputs)
            more = result.more
