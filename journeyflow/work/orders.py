"""Orders: what an Update of one run says to other runs and journeys, taken in its turn among emitted events (R39)."""

from collections.abc import Callable

from journeyflow.records.forgetting import FORGOTTEN
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.entries import enter, leave
from journeyflow.work.happenings import Happening, OrderGiven
from journeyflow.work.working_set import Work, active_runs


def follow(work: Work, order: OrderGiven) -> None:
    """Do what an order says, at the instant of the move that gave it."""
    _ORDERS[order.action](work, order)


def _enroll(work: Work, order: OrderGiven) -> None:
    """Enroll as if by hand; a journey that is not there takes nobody (R24, R53)."""
    person = order.person
    record = work.catalog.by_name.get((person.tenant, order.journey))
    if record is None:
        return
    program = record.program(order.at)
    event = Happening("", {}, order.at, order.at, person, order.causes)
    enter(work, record, program, event, work.facts(person, program, order.at))


def _exit(work: Work, order: OrderGiven) -> None:
    """End the customer's active runs of the journey that is named."""
    record = work.catalog.by_name.get((order.person.tenant, order.journey))
    if record is not None:
        leave(work, order.person, record.number, order.at, reason=order.reason)


def _exit_others(work: Work, order: OrderGiven) -> None:
    """End the customer's active runs of all journeys but that of the run which says so."""
    for journey in dict.fromkeys(run.journey for run in active_runs(work, order.person)):
        if journey != order.giver:
            leave(work, order.person, journey, order.at, reason=order.reason)


def _exit_all(work: Work, order: OrderGiven) -> None:
    """End all active runs of the customer; the one that says so has ended already."""
    for journey in dict.fromkeys(run.journey for run in active_runs(work, order.person)):
        leave(work, order.person, journey, order.at, reason=order.reason)


def _forget(work: Work, order: OrderGiven) -> None:
    """Forget the customer; the run that says so has ended already."""
    forget(work, order.person, order.at)


def forget(work: Work, person: CustomerInHand, at: int) -> int:
    """Forget a customer (R86): active runs end, waiting entries and attributes are removed; return how many ended.

    Anything submitted for the same id from now on, in this batch too, is about a new customer.
    """
    inside = active_runs(work, person)
    for run in inside:
        work.advance(run, "EXIT", at, reason=FORGOTTEN)
    for entry in [each for each in work.slots.held.values() if each.customer == person.number]:
        work.slots.leave(entry)
    work.forget(person)
    return len(inside)


_ORDERS: dict[str, Callable[[Work, OrderGiven], None]] = {
    "enroll": _enroll,
    "exit": _exit,
    "exit_others": _exit_others,
    "exit_all": _exit_all,
    "forget": _forget,
}
