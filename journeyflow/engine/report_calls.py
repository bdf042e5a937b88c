"""The methods of an engine that sum up: a report as a page, and how long runs take."""

from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from journeyflow.engine.questions import Questions
from journeyflow.engine.version_calls import VersionCalls
from journeyflow.errors import InvalidInput

if TYPE_CHECKING:  # imported by the calls that need them
    from journeyflow.questions.numbers.lengths import TimeToEnd
    from journeyflow.questions.numbers.results import Results
    from journeyflow.reporting.html import ReportPage

Day = date | str | None


class ReportCalls(VersionCalls, Questions):
    """The methods of an `Engine` that sum up what its questions answer; none of them changes anything."""

    def report(self, journey: str | None = None, *, at: datetime, since: Day = None, until: Day = None) -> "ReportPage":
        """Return a report of a journey, or of all journeys: `to_html()` writes it as a page of HTML, `str` as text.

        A journey's report has its picture with counts, the funnel of its steps and the flow between them, how long runs
        take, messages by day and channel, the results of its experiments, refusals by reason, and what failed with the
        errors that were reported. `since` and `until` are the first and the last day, as in `stats`; by default the 31
        days up to that of `at`. The page loads nothing and runs no script. Raises NotFound for an unknown journey,
        InvalidInput with all faults of the dates.
        """
        from journeyflow.reporting.pages import FAILURES, JourneyAnswers, account_page, journey_page  # noqa: PLC0415 used here alone

        if journey is None:
            found = self.all_stats(at=at, since=since, until=until)
            return account_page(found, {info.id: info for info in self.journeys(take=None)}, self.refusals(), at)
        definition, stats = self.definition(journey), self.stats(journey, at=at, since=since, until=until)
        channels = stats.by_channel or ()
        answers = JourneyAnswers(
            self.journey(journey),
            definition,
            stats,
            {name: self.stats(journey, at=at, channel=name, since=since, until=until) for name in channels},
            self.time_to_end(journey),
            self._tested(journey),
            self.refusals(journey),
            self.messages(journey, status="FAILED", take=FAILURES),
            self.enrollments(journey, status="FAILED", take=FAILURES),
        )
        return journey_page(answers, at)

    def _tested(self, journey: str) -> "Results | None":
        """Return the results of a journey; None if it never had a goal, in any version."""
        with suppress(InvalidInput):
            return self.results(journey)
        return None

    def time_to_end(self, journey: str) -> "TimeToEnd":
        """Return how long the runs of a journey took that have ended, of all time, counted in equal lengths.

        Customers in the holdout have no run. The cost grows with the runs of the journey. Raises NotFound.
        """
        from journeyflow.questions.numbers.lengths import time_to_end  # noqa: PLC0415 needed here alone

        record = self._known(journey)
        with self._core.store.reader() as reader:
            return time_to_end(reader, record)
