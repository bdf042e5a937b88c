"""Orders: what an Update of one run tells other runs and journeys to do, in their turn among emitted events (R39)."""

from collections.abc import Callable

from journeyflow.records.forgetting import FORGOTTEN
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.entries import enter, leave
from journeyflow.work.happenings import Happening, OrderGiven
from journeyflow.work.working_set import Work, active_runs


def carry_out(work: Work, order: OrderGiven) -> None:
    """Carry out an order, at the instant of the move that gave it."""
    _ORDERS[order.action](work, order)


def _enroll(work: Work, order: OrderGiven) -> None:
    """Enroll the customer as if by hand; an order about an unknown journey does nothing (R24, R53)."""
    person = order.person
    record = work.catalog.by_name.get((person.tenant, order.journey))
    if record is None:
        return
    program = record.program(order.at)
    event = Happening("", {}, order.at, order.at, person, order.causes)
    enter(work, record, program, event, work.facts(person, program, order.at))


def _exit(work: Work, order: OrderGiven) -> None:
    """End the customer's active runs in the named journey."""
    record = work.catalog.by_name.get((order.person.tenant, order.journey))
    if record is not None:
        leave(work, order.person, record.number, order.at, reason=order.reason)


def _exit_others(work: Work, order: OrderGiven) -> None:
    """End the customer's active runs in all journeys except that of the run that gave the order."""
    _leave_all(work, order, but=order.giver)


def _exit_all(work: Work, order: OrderGiven) -> None:
    """End all active runs of the customer. The run that gave the order has already ended."""
    _leave_all(work, order)


def _leave_all(work: Work, order: OrderGiven, but: int | None = None) -> None:
    """End active runs in every journey but one, and give up the places in their queues (R23, R39)."""
    inside = [run.journey for run in active_runs(work, order.person)]
    waiting = [each.journey for each in work.slots.held.values() if each.customer == order.person.number]
    for journey in dict.fromkeys([*inside, *waiting]):
        if journey != but:
            leave(work, order.person, journey, order.at, reason=order.reason)


def _forget(work: Work, order: OrderGiven) -> None:
    """Forget the customer. The run that gave the order has already ended."""
    forget(work, order.person, order.at, work.own)


def forget(work: Work, person: CustomerInHand, at: int, before: int) -> int:
    """Forget a customer (R86): active runs end, waiting entries and attributes are removed; return how many ended.

    Anything submitted for the same id from now on, in this batch too, is about a new customer,
    unless its instant is earlier than `before`, or it came before the customer was forgotten.
    """
    inside = active_runs(work, person)
    for run in inside:
        work.advance(run, "EXIT", at, reason=FORGOTTEN)
    for entry in [each for each in work.slots.held.values() if each.customer == person.number]:
        work.slots.leave(entry)
    work.forget(person, before)
    return len(inside)


_ORDERS: dict[str, Callable[[Work, OrderGiven], None]] = {
    "enroll": _enroll,
    "exit": _exit,
    "exit_others": _exit_others,
    "exit_all": _exit_all,
    "forget": _forget,
}
