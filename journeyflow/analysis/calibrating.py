"""Calibration: forecasts of past weeks, made from what was known then and compared with what happened."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import asdict, frozen

from journeyflow.analysis.forecasting import forecast
from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.expecting import expect
from journeyflow.basics.html_tables import PlainTable
from journeyflow.basics.moments import from_micros, iso, to_micros
from journeyflow.basics.values import describe
from journeyflow.definition.journey import DEFAULT_TENANT
from journeyflow.drawing.charts import Diagram, bands
from journeyflow.engine.engine import Engine
from journeyflow.errors import InvalidInput
from journeyflow.questions.history import first_told, happened, inputs_between, last_handled, last_tick, not_replayable
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes
from journeyflow.reporting.html import ReportPage, Section
from journeyflow.simulation.bands import Band
from journeyflow.simulation.draws import micros_of
from journeyflow.stores.contract import LAST_TICK, SqlReader
from journeyflow.stores.memory.store import MemoryStore
from journeyflow.stores.snapshot import catalog_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from journeyflow.analysis.forecasting import Forecast
    from journeyflow.engine.housekeeping import Progress

ASKED: Final = 0.8
"""The share of figures that a band from a tenth to nine tenths should hold."""


DAILY: Final = "messages a day"


@frozen
class CheckedFigure:
    """A figure of one forecast and the truth: how many messages, entries or ends there were from `at` on.

    `figure` is "messages", "messages a day", "entered" or "ended"; `key` is the channel, the day and the channel, or
    the journey.
    """

    at: datetime
    figure: str
    key: str
    truth: int
    band: Band

    @property
    def held(self) -> bool:
        """Whether the truth lay in the band."""
        return self.band.low <= self.truth <= self.band.high


@frozen(repr=False)
class Calibration(Rows):
    """How often the truth lay in the bands of past forecasts: 80 % of the time is what they ask for."""

    figures: tuple[CheckedFigure, ...]

    @property
    def share(self) -> float | None:
        """The share of all figures whose truth lay in the band; None if there are none."""
        return self._share(self.figures)

    @property
    def shares(self) -> dict[str, float | None]:
        """The same share for each kind of figure."""
        groups = defaultdict[str, list[CheckedFigure]](list)
        for each in self.figures:
            groups[each.figure].append(each)
        return {figure: self._share(tuple(found)) for figure, found in sorted(groups.items())}

    @staticmethod
    def _share(figures: tuple[CheckedFigure, ...]) -> float | None:
        return sum(each.held for each in figures) / len(figures) if figures else None

    def to_dicts(self) -> list[dict[str, object]]:
        """Return each figure as a plain row: its band, the truth, and whether that lay in it."""
        return [
            {**asdict(each, recurse=False, filter=lambda about, _: about.name != "band"), **each.band._asdict()}
            | {"at": each.at.isoformat(), "held": each.held}
            for each in self.figures
        ]

    def __repr__(self) -> str:
        """Return how often the truth lay in the band."""
        held = sum(each.held for each in self.figures)
        return f"Calibration({held} of {len(self.figures)} figures in their band)"

    def __str__(self) -> str:
        """Return the shares, and every figure, as text for people."""
        return "\n".join(self._lines())

    def report(self) -> ReportPage:
        """Return a report: printed it is the text of the calibration, and `to_html()` writes it as one page of HTML.

        The page has a chart for each figure and key: the bands of the forecasts, and what happened over them.
        """
        held = sum(each.held for each in self.figures)
        lead = [f"{held} of {len(self.figures)} figures lay in their band; a band asks for {ASKED:.0%}."]
        shares = [(figure, None if share is None else f"{share:.0%}") for figure, share in self.shares.items()]
        sections = [Section("Shares", (), [PlainTable(("figure", "in their band"), shares)])]
        sections += [Section(figure.capitalize(), (), list(self._charts(figure))) for figure in self.shares]
        return ReportPage("Forecasts of the past, and what happened", lead, sections, str(self))

    def _pictures(self) -> Iterator[Diagram]:
        return (chart for figure in self.shares for chart in self._charts(figure))

    def _charts(self, figure: str) -> Iterator[Diagram]:
        """Yield a chart for each key of a figure: a day has its place by itself, others that of their forecast."""
        groups = defaultdict[str, list[tuple[str, CheckedFigure]]](list)
        for each in self.figures:
            if each.figure == figure:
                day, _, channel = each.key.partition(" ")
                key, place = (channel, day) if figure == DAILY else (each.key, f"{each.at:%Y-%m-%d}")
                groups[key].append((place, each))
        for key, found in sorted(groups.items()):
            ranges = [(each.band.low, each.band.median, each.band.high) for _, each in found]
            yield bands(f"{figure} · {key}", [place for place, _ in found], ranges, [each.truth for _, each in found])

    def _lines(self) -> Iterator[str]:
        held = sum(each.held for each in self.figures)
        of = len(self.figures)
        yield f"{held} of {of} figures lay in their band (! marks the others); a band asks for {ASKED:.0%}"
        for figure, share in self.shares.items():
            yield f"  {figure:<16} {share:.0%}"
        for each in self.figures:
            mark = " " if each.held else "!"
            said = f"forecast {each.band}, happened {each.truth}"
            yield f"{mark} {each.at:%Y-%m-%d} {each.figure:<16} {each.key:<24} {said}"


def calibration(
    engine: Engine,
    *,
    times: int = 4,
    span: object = "7 days",
    until: datetime | None = None,
    since: datetime | None = None,
    seed: int = 1,
    replications: int = 20,
    tenant: str = DEFAULT_TENANT,
    executor: "Executor | None" = None,
    progress: "Progress | None" = None,
) -> Calibration:
    """Return how often forecasts of the past would have been right: the last `times` spans before `until`.

    For each span, the engine's inputs up to its beginning are replayed in memory, a forecast is fitted to what was
    known by then (from `since` on), and its bands are compared with what happened. `until` is by default the newest
    input that was handled. An `executor` runs the replications, as those of a forecast. The store is not touched.

    Raises InvalidInput for a store whose past is not in its inputs alone: one that was pruned, or with a journey that
    pulls customers, or that was paused or archived; and if there is no history before the first span. Raises ValueError
    for numbers that cannot be.
    """
    expect(Engine, engine=engine)
    refuse(name_faults(tenant=tenant))
    if type(times) is not int or times < 1:
        msg = f"times must be 1 or more, not {describe(times)}"
        raise ValueError(msg)
    length = micros_of(span)
    with engine.store.reader() as reader:
        if faults := not_replayable(reader):
            raise InvalidInput([f"the past cannot be replayed from inputs alone: {fault}" for fault in faults])
        end = (last_handled(reader) or 0) if until is None else to_micros(until, "until")
        _check_history(reader, times, length, end)
        starts = [end - length * number for number in range(times, 0, -1)]
        figures: list[CheckedFigure] = []
        with Engine(_begun(reader), grace=None, max_jump=None, scrub=False) as past:
            before = 0
            for number, start in enumerate(starts):
                with past.store.transaction() as transaction:
                    transaction.commit(inputs_between(reader, before, start + 1))
                past.tick(from_micros(start))
                before = start + 1
                found = forecast(
                    past,
                    at=from_micros(start),
                    until=from_micros(start + length),
                    since=since,
                    seed=seed,
                    replications=replications,
                    tenant=tenant,
                    executor=executor,
                )
                figures += _checked(found, happened(reader, tenant, start + 1, start + length + 1))
                if progress is not None:
                    progress(number + 1, times)
    return Calibration(tuple(figures))


def _check_history(reader: SqlReader, times: int, length: int, end: int) -> None:
    """Raise InvalidInput for spans of which it is not known what happened, or what came before them."""
    newest, first = max(last_handled(reader) or 0, last_tick(reader) or 0), first_told(reader)
    if end - length > newest:
        raise InvalidInput([f"until: nothing is known after {iso(newest)}; end there, or within a span of it"])
    if first is None or times * length > end - first:
        begun = "there are no inputs" if first is None else f"the first input is of {iso(first)}"
        raise InvalidInput(
            [f"times: there is no history before the first span: {begun}; ask for fewer or shorter ones"]
        )


def _begun(reader: SqlReader) -> MemoryStore:
    """Return a store with the catalog and no customers."""
    catalog = catalog_of(reader)
    store = MemoryStore()
    with store.transaction() as transaction:
        settings = tuple((name, value) for name, value in catalog.meta if name != LAST_TICK)
        transaction.commit(Changes(catalog=catalog._replace(meta=settings)))
    return store


def _checked(found: "Forecast", truth: dict[tuple[str, ...], int]) -> Iterator[CheckedFigure]:
    """Yield every figure of a forecast with the truth; what neither expected nor happened is left out."""
    expected: dict[tuple[str, ...], Band] = {
        **{(DAILY, *key): band for key, band in found.messages_per_day().items()},
        **{("messages", channel): band for channel, band in found.messages.items()},
        **{("entered", name): found.entered(name) for name in found.journeys},
        **{("ended", name): found.ended(name) for name in found.journeys},
    }
    real = defaultdict[tuple[str, ...], int](int)
    for (figure, *key), count in truth.items():
        if figure == "messages":
            real[DAILY, *key] += count
            real["messages", key[1]] += count
        else:
            real[figure, *key] += count
    for place in sorted(expected.keys() | real.keys()):
        figure, *key = place
        yield CheckedFigure(found.at, figure, " ".join(key), real[place], expected.get(place, Band(0, 0, 0)))
