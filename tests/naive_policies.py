"""The interpreter of `naive_conditions.py`, with the frequency caps of a tenant (R31), in UTC."""

from datetime import timedelta

from journeyflow import Send
from journeyflow.basics.durations import add
from journeyflow.basics.moments import from_micros, to_micros, zone
from journeyflow.definition.rules import value_paths
from journeyflow.testing import SetPolicies
from tests.naive_conditions import ConditionNaive

UTC = zone("UTC")


class BoundNaive(ConditionNaive):
    """Plays scripts in which the host sets caps."""

    def __init__(self, journeys, script, grace=None):
        self.policies = []
        super().__init__(journeys, self._hearing(script), grace)

    def _hearing(self, script):
        for said in script:
            if isinstance(said, SetPolicies):
                newest = [at for at, _ in self.policies[-1:]]
                self.policies.append((max([to_micros(said.at), *newest]), said.policies))
            else:
                yield said

    def _visit(self, run, step, at):
        if isinstance(step, Send) and not step.transactional and self._consents(run, step):
            closed = self._caps(run, step, at)
            if closed == "cap":
                return "SKIPPED", "cap", step.next
            if closed:
                run.due = run.own = closed
                return "ACTIVE", "", None
        return super()._visit(run, step, at)

    def _consents(self, run, step):
        consent = value_paths.read_path(self.customers[run.customer], f"consent.{step.channel}")
        return run.journey.consent == "optional" if consent is None else consent

    def _caps(self, run, step, at):
        in_force = [policies for since, policies in self.policies if since <= at][-1:]
        caps = [cap for policies in in_force for cap in policies.caps if cap.channel in {None, step.channel}]
        mine = [each for each in self.messages.values() if each.run.customer == run.customer]
        opens = []
        for cap in (cap for cap in caps if cap.count is not None):
            counted = [each.at for each in mine if cap.channel in {None, each.step.channel}]
            ends = sorted(self._ends(cap, counted, at))
            if len(ends) >= cap.count:
                opens.append("cap" if cap.over == "skip" or cap.count == 0 else ends[-cap.count])
        return "cap" if "cap" in opens else max(opens, default=None)

    def _ends(self, cap, counted, at):  # until when each of those that count does so
        if cap.within:
            return [end for each in counted if (end := add(each, cap.within, UTC)) > at]
        day = from_micros(at).replace(hour=0, minute=0, second=0, microsecond=0)
        if cap.per == "month":
            first = day.replace(day=1)
            following = (first + timedelta(days=31)).replace(day=1)
        else:
            first = day - timedelta(days=day.weekday() if cap.per == "week" else 0)
            following = first + timedelta(days=7 if cap.per == "week" else 1)
        return [to_micros(following) for each in counted if first <= from_micros(each) < following]

    def _walk(self, run, at, target=None):
        n, again = len(run.visits), not target and isinstance(run.step, Send)
        softened = again and (self.softens or run.softened)
        if not again:
            super()._walk(run, at, target)
        else:
            held = run.visits.pop()  # its gates are asked again
            super()._walk(run, at, run.step.id)
            run.visits[n - 1].entered = held.entered
        run.softened = softened and len(run.visits) == n  # the same rest, which is softened once (R5)
