"""The interpreter of `naive_recurrences.py`, with waits for a condition (R37)."""

from journeyflow import Wait
from journeyflow.basics.durations import Duration, add
from journeyflow.basics.moments import read_instant, zone
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.rules.rule_parts import reads, walk
from tests.naive import LAST, MEMBERS
from tests.naive_recurrences import RecurringNaive

UTC = zone("UTC")
NEVER = 1 << 62


def awaits(run):
    """Tell whether a run is at a wait for a condition."""
    return isinstance(run.step, Wait) and run.step.when is not None


def leaves(value):
    """Return the values inside an object, or a value itself."""
    return [each for inner in value.values() for each in leaves(inner)] if isinstance(value, dict) else [value]


class ConditionNaive(RecurringNaive):
    """Plays scripts of journeys that wait for conditions."""

    def _turn(self, run, at):  # the first instant from then on at which it is true, if nothing else happens
        values = [self._facts(run, at).value(path) for path in reads(run.step.when)]
        members = [each for value in values if isinstance(value, list) for member in value for each in leaves(member)]
        dates = [read_instant(each, UTC) for each in (*values, *members)]
        parts = [part for part, _ in walk(run.step.when, items=True) if isinstance(part, FieldRule)]
        lengths = [Duration.parse(part.value) for part in parts if part.op.startswith("within")]
        moved = [add(date, span, UTC) for date in dates if date for each in lengths for span in (each, -each)]
        instants = {at, *(each + n for each in (*dates, *moved) if each is not None for n in (0, 1))}
        true = (each for each in sorted(instants) if each >= at and self._facts(run, each).true(run.step.when))
        return next(true, NEVER)

    def _visit(self, run, step, at):
        if not isinstance(step, Wait) or step.when is None:
            return super()._visit(run, step, at)
        run.until = add(at, step.timeout, UTC) if step.timeout else NEVER
        if self._turn(run, at) == at:
            return "COMPLETED", "event", step.on_event or step.next
        self._rest(run, at)
        return "ACTIVE", "", None

    def _rest(self, run, asked):
        due = min(self._turn(run, asked), run.until)
        run.due = run.own = None if due == NEVER else due

    def _aims(self, run, event):
        if not awaits(run):
            return super()._aims(run, event)
        paths = {path.removeprefix("customer.").partition(".")[0] for path in reads(run.step.when)}
        of_message = event.kind.startswith("message.")
        if of_message and vars(event).get("owner") is run and "message" in paths:
            return True
        return event.changes and self._changed(event, of_message) in paths

    def _changed(self, event, of_message):  # the attribute that an event tells of
        if of_message:
            channel = self.messages[event.data["message"]].step.channel.title()
            return f"last{channel}{LAST[event.kind]}" if event.kind in LAST else "consent"
        return f"{event.kind.partition('.')[0]}s" if event.kind in MEMBERS else event.data["field"]

    def _aim(self, run, at, start):  # it is asked as of the place of what changed it (R5)
        if not awaits(run):
            return super()._aim(run, at, start)
        run.due = run.own = max(self.place, run.last)
        return at

    def _walk(self, run, at, target=None):
        kept = vars(run).get("until")
        if target is None and awaits(run):
            held, asked = self.place > run.own, max(self.place, run.own)
            in_time = run.own < run.until or (run.own == run.until and not held)
            run.outcome = "event" if in_time and self._turn(run, asked) == asked else "timeout"
            if run.outcome == "timeout" and run.own < run.until:
                return self._rest(run, asked)
        super()._walk(run, at, target)
        if run.rest:
            run.rest.until = kept
        return None

    def _retry(self, said, at):
        refused = super()._retry(said, at)
        run = (self._runs(said.customer, said.journey) or [None])[-1]
        if refused is None and awaits(run) and "since" in vars(run.visits[-1]):  # asked again, with its old timeout
            run.due, run.own, run.until = run.last, run.last, run.rest.until
        return refused
