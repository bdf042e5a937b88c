"""The methods of an engine that answer with numbers: statistics, benchmark, results (R81 to R83, R87)."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.basics.moments import to_micros
from journeyflow.engine.core import Bound
from journeyflow.questions.numbers import CONFIDENCE

if TYPE_CHECKING:  # the modules of questions are imported by the calls that ask them
    from collections.abc import Mapping

    from journeyflow.questions.numbers.figures import Benchmark, JourneyStats, MessageStats
    from journeyflow.questions.numbers.results import Results


class NumberCalls(Bound):
    """The methods of an `Engine` that count and compare; none of them changes anything."""

    def stats(
        self,
        journey: str,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        step: str | None = None,
        domain: str | None = None,
        channel: str | None = None,
    ) -> "JourneyStats":
        """Return the statistics of a journey, or of a step, a domain, a channel of it (R81 to R83, F150 to F183).

        The window is the days from `since` to `until`, both included, in the journey's zone; dates are `date` or
        "YYYY-MM-DD". By default it is the 31 days up to that of `at`. Figures that are not known are None, never 0.
        Raises NotFound for an unknown journey or step and for a channel by which the journey never sent, InvalidInput
        with all faults of dates, domain and channel (F189).
        """
        from journeyflow.questions.numbers import statistics as stats  # noqa: PLC0415 needed here alone
        from journeyflow.questions.numbers.window import Asked  # noqa: PLC0415 likewise

        record = self._known(journey)
        with self._core.store.reader() as reader:
            return stats.all_stats(reader, [record], Asked(to_micros(at), since, until, step, domain, channel))[0]

    def all_stats(
        self,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        channel: str | None = None,
    ) -> "RowTuple[JourneyStats]":
        """Return the statistics of all this tenant's journeys, sorted by id (F251).

        The window is that of `stats`, for each journey in its own zone. The store is asked once, however many journeys
        there are. Raises InvalidInput with all faults of dates and channel, NotFound for a channel of none of them.
        """
        from journeyflow.questions.numbers import statistics as stats  # noqa: PLC0415 needed here alone
        from journeyflow.questions.numbers.window import Asked  # noqa: PLC0415 likewise

        records = self._records()
        with self._core.store.reader() as reader:
            return RowTuple(stats.all_stats(reader, records, Asked(to_micros(at), since, until, channel=channel)))

    def domain_stats(
        self,
        journey: str,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        step: str | None = None,
        channel: str | None = None,
    ) -> "Mapping[str, MessageStats]":
        """Return what became of a journey's messages in the window by mailbox domain, most sent first (F175).

        Ties are by name. The empty domain holds the messages that have none: those to unknown addresses and those of
        other channels than EMAIL. Window and errors are those of `stats`.
        """
        from journeyflow.questions.numbers import statistics as stats  # noqa: PLC0415 needed here alone
        from journeyflow.questions.numbers.window import Asked  # noqa: PLC0415 likewise

        record = self._known(journey)
        with self._core.store.reader() as reader:
            return stats.domain_stats(reader, record, Asked(to_micros(at), since, until, step, channel=channel))

    def benchmark(
        self,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        channel: str | None = None,
    ) -> "Benchmark":
        """Return the sums over this tenant's journeys that sent something in the window (F184 to F188).

        Rates are sums over sums, so a journey weighs what it sent; with a `channel`, only what was sent by it counts.
        The window is that of `stats`, for each journey in its own zone. Raises as `all_stats` does.
        """
        from journeyflow.questions.numbers import statistics as stats  # noqa: PLC0415 needed here alone
        from journeyflow.questions.numbers.window import Asked  # noqa: PLC0415 likewise

        records = self._records()
        with self._core.store.reader() as reader:
            asked = Asked(to_micros(at), since, until, channel=channel)
            return stats.benchmark(reader, self._tenant, records, asked)

    def last_counted(self) -> datetime | None:
        """Return the newest instant, in UTC, at which anything of this tenant was counted; None if nothing was (R82).

        A window that ends with its day is the newest that shows anything: that of a back-test, or of an old file.
        """
        from journeyflow.questions.numbers import statistics as stats  # noqa: PLC0415 needed here alone

        with self._core.store.reader() as reader:
            return stats.last_counted(reader, self._tenant)

    def results(self, journey: str, *, confidence: float = CONFIDENCE) -> "Results":
        """Return how a journey's holdout and the arms of its Splits compare by its goal (R87).

        People are counted by their first entry. Only groups that were split at the same point and in the same
        proportions are compared: where percentages changed, within the versions of each. Rates have Wilson's interval
        and differences Newcombe's, at `confidence` between 0 and 1; group sizes are tested against those asked for. The
        cost grows with the journey's history. Raises NotFound for an unknown journey, InvalidInput for one without a
        goal, ValueError for another `confidence`.
        """
        from journeyflow.questions.numbers.experiments import results  # noqa: PLC0415 needed here alone

        record = self._known(journey)
        with self._core.store.reader() as reader:
            return results(reader, record, confidence)
