"""The interpreter of `naive_delivery.py`, with what an Update says to other runs (R39)."""

from types import SimpleNamespace as Thing

from journeyflow import Chain, Update, testing
from journeyflow.basics.moments import to_micros
from journeyflow.definition.rules import attribute_changes
from tests.naive_delivery import DeliveringNaive

ORDERS = {"enroll", "exit", "exit_others", "exit_all", "forget"}


def mailbox(attributes):
    """Return the address of a customer."""
    return str(attributes.get("email") or "").strip().casefold()


class OrderingNaive(DeliveringNaive):
    """Plays scripts of journeys whose Updates may enroll in journeys and end runs."""

    since: dict[str, int] = {}  # noqa: RUF012 replaced, never changed: when the forgotten were
    told: frozenset[tuple[str, ...]] = frozenset()  # their events
    mailboxes: frozenset[str] = frozenset()  # and their addresses
    gone: tuple[object, set[str]] = (None, set())  # whom the item at hand has made nobody, with its queue

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
        ending = {("exit_this", None), ("exit_all", None), ("exit", run.journey.id), ("forget", None)}
        if not ending & {*orders}:
            return status, outcome, target
        self._done(run, at, "COMPLETED")
        run.status, run.due, run.ended_at = "EXITED", None, at
        run.reason = "forgotten" if ("forget", None) in orders else reason
        return "ACTIVE", "", None  # there is nothing left to do in this walk

    def _stages(self, event):
        if self.gone[0] is self.queue and event.customer in self.gone[1]:
            return  # it was about somebody who is nobody by now
        if event.kind not in ORDERS:
            super()._stages(event)
        elif event.kind == "forget":
            self._forget(event.customer, event.at)
        elif event.kind == "enroll":
            if event.named in self.journeys:
                self._enter(self.journeys[event.named], event, None)
        else:
            meant = {"exit": lambda journey: journey == event.named, "exit_all": lambda _: True}
            others = meant.get(event.kind, lambda journey: journey != event.giver)
            self._give_up([e for e in self.waiting if e.customer == event.customer and others(e.place[0])])
            runs = [run for run in self._runs(event.customer) if others(run.journey.id)]
            self._exit(runs, event.at, event.reason)

    def _forget(self, customer, at):  # R86
        mine = [run for run in self.runs if run.customer == customer]
        self._exit(mine, at, "forgotten")
        self._give_up([each for each in self.waiting if each.customer == customer])
        nobody = f"\x1fforgotten-{len([name for name in self.customers if name[0] == chr(31)])}"
        self.mailboxes |= {mailbox(self.customers.pop(customer, {}))} - {""}
        self.customers[nobody] = {}
        for run in mine:
            run.customer, run.key = nobody, ""
        for message in (message for message in self.messages.values() if message.run in mine):
            message.data = {}
            message.status = "CANCELLED" if message.status == "QUEUED" else message.status
        self.told |= {(customer, *key) for key, said in self.known.items() if said.customer == customer}
        self.known = {key: said for key, said in self.known.items() if said.customer != customer}
        self.since = {**self.since, customer: max(self.own, self.since.get(customer, self.own))}
        self.gone = (self.queue, {customer, *(self.gone[1] if self.gone[0] is self.queue else ())})

    def _tell(self, about, attributes, told):
        if (
            mailbox(attributes) in self.mailboxes - {mailbox(self.customers[about.customer])} and not self.granted
        ):  # R86
            attributes, refused = attribute_changes.apply_changes([("consent.EMAIL", "set", False)], attributes)
            told = [*refused, *told]
        return super()._tell(about, attributes, told)

    def _input(self, said, at):
        who, event = getattr(said, "customer", None), (getattr(said, "type", None), getattr(said, "id", None))
        if who in self.since and (to_micros(said.at) < self.since[who] or (who, *event) in self.told):
            return "forgotten"  # R86
        self.granted = isinstance(said, testing.Put) and said.attributes.get("consent", {}).get("EMAIL")
        message = self.messages.get(said.message) if isinstance(said, testing.Ack) else None
        if message is None or message.run.customer[0] != chr(31) or message.status == "SENT":
            return super()._input(said, at)
        message.status = "SENT"
        return "forgotten"
