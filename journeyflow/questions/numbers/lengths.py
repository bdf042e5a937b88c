"""How long runs take from their entry to their end, counted in lengths of equal size (R85)."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import DAY, HOUR, MINUTE
from journeyflow.basics.showing import counted, in_words
from journeyflow.basics.words import COMPLETED, EXITED, FAILED
from journeyflow.catalog.catalog import JourneyRecord
from journeyflow.drawing.charts import Diagram, columns
from journeyflow.stores.contract import SqlReader

SIZES = (
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    28 * DAY,
    364 * DAY,
)
"""Lengths that people count in, in microseconds."""

MOST = 30
"""How many lengths a distribution has at most, so that each can be seen beside the others."""

ENDED = "Runs that ended, by how long they took"
"""The title of a chart of them."""


@frozen
class EndedWithin(Rows):
    """How many runs took so long: at least `since`, and less than `until`; by the status in which they ended."""

    since: timedelta
    until: timedelta
    completed: int
    exited: int
    failed: int

    @property
    def total(self) -> int:
        """How many that are in all."""
        return self.completed + self.exited + self.failed


@frozen(repr=False)
class TimeToEnd(Rows):
    """How long the runs of a journey that have ended took, of all time: a row for each length, from no time on."""

    tenant: str
    journey: str
    lengths: tuple[EndedWithin, ...]

    def _rows(self) -> Iterator[object]:
        return iter(self.lengths)

    @property
    def ended(self) -> int:
        """How many runs have ended."""
        return sum(each.total for each in self.lengths)

    def within(self, share: float = 0.5) -> timedelta | None:
        """Return the first end of a length by which a share of the runs had ended; None if none has."""
        passed = 0
        for each in self.lengths:
            passed += each.total
            if passed >= share * self.ended:
                return each.until
        return None

    def chart(self) -> Diagram:
        """Return how many runs took how long, in colors by how they ended."""
        names = [length_name(each.since // timedelta(microseconds=1)) for each in self.lengths]
        ended = {name: [getattr(each, name) for each in self.lengths] for name in ("completed", "exited", "failed")}
        return columns(ENDED, names, {name: values for name, values in ended.items() if any(values)})

    def _pictures(self) -> Iterator[Diagram]:
        yield self.chart()

    def __repr__(self) -> str:
        """Return how many runs ended, and within which time half of them."""
        return f"TimeToEnd({self.journey!r}: {self._caption()})"

    def _caption(self) -> str:
        half = self.within()
        within = "" if half is None else f", half within {in_words(half // timedelta(microseconds=1))}"
        return f"{counted(f'{self.ended:,}', 'run')} ended{within}"


def length_name(micros: int) -> str:
    """Return a length of time as it stands below a column.

    >>> length_name(0), length_name(3 * DAY), length_name(DAY // 2)
    ('0', '3 d', '12 h')
    """
    days, rest = divmod(micros, DAY)
    hours, minutes = divmod(rest // MINUTE, 60)
    parts = [f"{many} {unit}" for many, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if many]
    return " ".join(parts) or "0"


def round_size(longest: int) -> int:
    """Return the smallest round length, in microseconds, of which few are enough to hold the longest one.

    >>> round_size(29 * MINUTE) // MINUTE, round_size(29 * DAY) // DAY
    (1, 1)
    """
    return next((each for each in SIZES if longest < each * MOST), longest // MOST + 1)


def time_to_end(reader: SqlReader, record: JourneyRecord) -> TimeToEnd:
    """Return how long the runs of a journey took that have ended; the holdout has no runs."""
    where = "FROM enrollments WHERE journey = ? AND status IN (?, ?, ?)"
    asked = (record.number, COMPLETED, EXITED, FAILED)
    longest = reader.rows(f"SELECT max(ended_at - entered_at) {where}", asked)[0][0]
    if longest is None:
        return TimeToEnd(record.tenant, record.id, ())
    size = round_size(longest)
    found = Counter[tuple[int, str]]()
    for place, status, count in reader.rows(
        f"SELECT (ended_at - entered_at) / ?, status, count(*) {where} GROUP BY 1, 2", (size, *asked)
    ):
        found[place, status] = count
    lengths = (
        EndedWithin(
            timedelta(microseconds=place * size),
            timedelta(microseconds=(place + 1) * size),
            *(found[place, status] for status in (COMPLETED, EXITED, FAILED)),
        )
        for place in range(longest // size + 1)
    )
    return TimeToEnd(record.tenant, record.id, tuple(lengths))
