"""The interpreter of `naive_orders.py`, with runs that are put back where they rested last (R43)."""

from types import SimpleNamespace as Thing

from journeyflow import testing
from journeyflow.basics.moments import to_micros
from tests.naive_orders import OrderingNaive


class RetryingNaive(OrderingNaive):
    """Plays scripts in which hosts retry what has failed."""

    def _input(self, said, at):
        return self._retry(said, at) if isinstance(said, testing.RetryRun) else super()._input(said, at)

    def _retry(self, said, at):
        mine = self._runs(said.customer, said.journey)
        calls = self._states(self.journeys[said.journey], to_micros(said.at), at)
        calls |= {"archive"} & {self.calls[said.journey][-1][1]}
        status = mine[-1].status if mine else "not enrolled"
        known = {"ACTIVE": "already inside", "FAILED": None, "not enrolled": status}
        closed = "archived" if "archive" in calls else "paused" if "pause" in calls else None
        reason = known.get(status, "not failed") or closed
        if reason:
            return f"refused: {reason}"
        run = mine[-1]
        run.status, run.reason, run.ended_at, at, rest = "ACTIVE", "", None, max(at, run.last), run.rest
        run.retried = len(run.visits)  # the bound counts from here (R41)
        step = rest.step if rest else run.journey.steps[0]
        run.visits.append(
            Thing(step=step.id, status="SKIPPED", outcome="retry", entered=run.last, left=at, undone=True)
        )
        run.names["wait"], run.last = dict(rest.waits) if rest else {}, at
        for visit in run.visits[rest.first if rest else 0 :]:
            visit.undone = True
        if not rest:
            return self._walk(run, at, step.id)
        run.visits.append(Thing(step=step.id, status="ACTIVE", outcome="", entered=at, left=None, since=rest.since))
        run.step, run.outcome, run.due = step, "timeout" if step.event else "elapsed", rest.due and max(rest.due, at)
        run.own, run.before = run.due, run.due
        return None

    def _walk(self, run, at, target=None):
        run.rest = None
        if target is None:
            due, since = run.before if run.step.field else run.own, vars(run.visits[-1]).get("since")
            first = len(run.visits) - 1
            since = run.visits[-1].entered if since is None else since
            run.rest = Thing(step=run.step, due=due, since=since, waits=run.kept, first=first)
        super()._walk(run, at, target)
        run.kept = dict(run.names["wait"])

    def _aim(self, run, at, start):
        run.before, visits = run.own, run.visits
        since = vars(visits[-1]).get("since") if start == visits[-1].entered else None
        run.visits = [visit for visit in visits if not vars(visit).get("undone")]
        due = super()._aim(run, at, start if since is None else since)
        run.visits = visits
        return due
