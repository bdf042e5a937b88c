"""The interpreter of `naive_retries.py`, with waits that recur: anchor + every, anchor + 2 x every, ... (R37)."""

from datetime import timedelta
from itertools import count

from dateutil.relativedelta import relativedelta

from journeyflow import Wait
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import from_micros, read_instant, to_micros, zone
from tests.naive_retries import RetryingNaive

UTC = zone("UTC")


def returns(anchor, every):
    """Yield the instants that recur, in order, each counted from the anchor."""
    length = Duration.parse(every)
    for n in count():
        far = relativedelta(months=length.months * n, days=length.days * n)
        yield to_micros(from_micros(anchor) + far + timedelta(microseconds=length.micros * n))


class RecurringNaive(RetryingNaive):
    """Plays scripts of journeys whose waits may recur."""

    def _visit(self, run, step, at):
        if not isinstance(step, Wait) or step.field or not step.every:
            return super()._visit(run, step, at)
        here = [visit for visit in run.visits if visit.step == step.id and not vars(visit).get("undone")]
        anchor = to_micros(step.at) if step.at else vars(here[0]).get("since") or here[0].entered
        run.outcome, run.due = "elapsed", self._next(step, anchor, here, at if step.at else max(at, anchor + 1))
        run.own = run.due
        return ("ACTIVE", "", None) if run.due > at else ("COMPLETED", "elapsed", step.next)

    def _aim(self, run, at, start):
        step, due = run.step, super()._aim(run, at, start)
        value = self._facts(run, at).value(step.field)
        date = None if step.every in {None, "year"} else read_instant(value, UTC)
        if date is not None:
            here = [visit for visit in run.visits if visit.step == step.id and not vars(visit).get("undone")]
            since = vars(run.visits[-1]).get("since") if start == run.visits[-1].entered else None
            date = add(date, step.offset, UTC) if step.offset else date
            due = self._next(step, date, here, start if since is None else since)
            run.outcome, run.due, run.own = "elapsed", due, due
        return due

    def _next(self, step, anchor, visits, not_before):  # and after the run last left the step
        left = max((visit.left for visit in visits if visit.left), default=not_before - 1)
        return next(at for at in returns(anchor, step.every) if at >= not_before and at > left)
