"""What happened to one customer, as moments in their order: as text, as rows and as a picture."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.showing import shown_at, shown_zone
from journeyflow.drawing.charts import Diagram
from journeyflow.drawing.tracks import TrackRow, tracks
from journeyflow.errors import brief

MOMENTS = 200
"""How many moments a picture of a timeline shows, the newest."""

MARKS = {"entry": "ring", "end": "square"}
"""How moments are marked that are more than a dot on the way."""

GAP = timedelta(hours=12)
"""From how long a time between two moments on it is said."""


@frozen
class Moment(Rows):
    """One thing that happened to a customer.

    `kind` is one of "event", "put", "enroll", "exit", "retry" (inputs of the host), "queue" (for a slot of an entry
    limit), "refusal", "entry", "visit", "message", "goal", "end", and "pause" and "resume" of a journey that the
    customer is inside. `at` is in UTC. `journey`, `run` and `step` say
    where it happened; `text` says it in words, `data` as values.
    """

    at: datetime
    kind: str
    text: str = field(repr=brief)
    journey: str | None = None
    run: int | None = None
    step: str | None = None
    data: Mapping[str, object] = field(factory=dict, repr=brief)

    @property
    def place(self) -> str:
        """The journey and the run in short; empty for what belongs to no journey.

        >>> from datetime import UTC
        >>> Moment(datetime(2026, 1, 5, tzinfo=UTC), "entry", "enters", "welcome", 2).place
        'welcome #2'
        """
        return "" if self.journey is None else self.journey if self.run is None else f"{self.journey} #{self.run}"


@frozen
class Timeline(Rows):
    """The moments of one customer, oldest first; printed as one line each.

    `more` is whether older moments were left out.
    """

    tenant: str
    customer: str
    moments: tuple[Moment, ...] = field(repr=lambda moments: f"<{len(moments)} moments>")
    more: bool = False

    def _rows(self) -> Iterator[object]:
        return iter(self.moments)

    def __str__(self) -> str:
        """Return all of it as text: when, in which journey and run, what."""
        width = max((len(moment.place) for moment in self.moments), default=0)
        lines = [f"  {shown_at(each.at)}  {each.place:<{width}}  {each.text}" for each in self.moments]
        return "\n".join([self.customer, *(["  ..."] if self.more else []), *lines])

    def _caption(self) -> str:
        return f"What happened to {self.customer}"

    def chart(self) -> Diagram:
        """Return the moments from top to bottom, with a track for each run; of very many, the newest."""
        moments = self.moments[-MOMENTS:]
        runs: dict[str, int] = {}
        for each in moments:
            if each.run is not None:
                runs.setdefault(each.place, len(runs))
        earlier: list[datetime | None] = [None, *(each.at for each in moments)]
        rows = [_track(each, runs.get(each.place), before) for each, before in zip(moments, earlier, strict=False)]
        left_out = self.more or len(self.moments) > len(moments)
        more = f"The newest {len(rows)} moments; there are earlier ones." if left_out else ""
        return tracks(f"Timeline of {self.customer} ({shown_zone()})", rows, more)

    def _pictures(self) -> Iterator[Diagram]:
        yield self.chart()


def _track(moment: Moment, track: int | None, before: datetime | None) -> TrackRow:
    since = "" if before is None or moment.at - before < GAP else f"{_later(moment.at - before)} later"
    mark = MARKS.get(moment.kind, "dot")
    return TrackRow(shown_at(moment.at), track, mark, moment.place, moment.text, since, moment.kind == "end")


def _later(length: timedelta) -> str:
    hours = round(length / timedelta(hours=1))
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"  # noqa: PLR2004 two days
