"""The interpreter of `naive_delivery.py`, with what an Update says to other runs (R39)."""

from types import SimpleNamespace as Thing

from journeyflow import Chain, Update
from tests.naive_delivery import DeliveringNaive

ORDERS = {"enroll", "exit", "exit_others", "exit_all"}


class OrderingNaive(DeliveringNaive):
    """Plays scripts of journeys whose Updates may enroll in journeys and end runs."""

    def _visit(self, run, step, at):
        chains = [each for each in step.changes if isinstance(each, Chain)] if isinstance(step, Update) else []
        if not chains:
            return super()._visit(run, step, at)
        orders = [(each.action, name) for each in chains for name in each.journeys or [None]]
        said = [order for order in orders if order[0] != "exit_this"]
        plain = Update(step.id, *(each for each in step.changes if not isinstance(each, Chain)), next=step.next)
        self.counted[run.serial] += len(said)  # an order is worth an event (R53)
        status, outcome, target = super()._visit(run, plain, at)
        if status == "FAILED":
            return status, outcome, target
        if outcome == "type":  # nothing was changed and nothing said
            self.counted[run.serial] -= len(said)
            return status, outcome, target
        about = {"customer": run.customer, "own": at, "at": at, "data": {}, "names": {}, "giver": run.journey.id}
        reason, causes = f"{run.journey.id}/{step.id}", self.causes[run.serial] | {(run.journey.id, run.key)}
        self.queue += [Thing(kind=kind, named=name, reason=reason, causes=causes, **about) for kind, name in said]
        if not {("exit_this", None), ("exit_all", None), ("exit", run.journey.id)} & {*orders}:
            return status, outcome, target
        self._done(run, at, "COMPLETED")
        run.status, run.reason, run.due, run.ended_at = "EXITED", reason, None, at
        return "ACTIVE", "", None  # there is nothing left to do in this walk

    def _stages(self, event):
        if event.kind not in ORDERS:
            super()._stages(event)
        elif event.kind == "enroll":
            if event.named in self.journeys:
                self._enter(self.journeys[event.named], event, None)
        else:
            meant = {"exit": lambda run: run.journey.id == event.named, "exit_all": lambda _: True}
            others = meant.get(event.kind, lambda run: run.journey.id != event.giver)
            self._exit([run for run in self._runs(event.customer) if others(run)], event.at, event.reason)
