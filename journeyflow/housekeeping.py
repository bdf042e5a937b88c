"""Forgetting people, and giving space back: what a host asks for now and then (R86)."""

from collections.abc import Collection

from journeyflow import counting
from journeyflow.batch import Request
from journeyflow.catalog import Catalog
from journeyflow.errors import NotFound
from journeyflow.forgetting import FORGOTTEN, anonymous
from journeyflow.machine import advance
from journeyflow.records import ACTIVE, Changes, Forgotten, Run
from journeyflow.ticking import Core, do_due_work
from journeyflow.values import dumps
from journeyflow.walk import Result, Situation


def forget(core: Core, tenant: str, customers: Collection[str], at: int, *, scrub: bool, allow_jump: bool) -> int:
    """Forget customers of a tenant in one commit; give how many enrollments that ended.

    All work with own instants before `at` is done first, without deliveries (R11). Raises NotFound for a customer of
    whom nothing is known, not even an input that waits; then nobody is forgotten.
    """
    do_due_work(core, at - 1, allow_jump=allow_jump)
    told = _told_of(core, tenant, customers)
    with core.store.transaction() as transaction:
        catalog = core.refresh(transaction)
        loaded = transaction.load(Request(names=frozenset((tenant, customer) for customer in customers)))
        numbers = {person.id: person.number for person in loaded.people}
        for customer in customers:
            if customer not in numbers and customer not in told:
                kind = "customer"
                raise NotFound(kind, customer)
        people = {number: customer for customer, number in numbers.items()}
        active = sorted(run for run in loaded.runs.values() if run.status == ACTIVE and run.customer in people)
        results = [_left(catalog, run, people[run.customer], at) for run in active]
        runs = {result.run.serial: result.run for result in results}
        moves = tuple(result.move for result in results if result.move is not None)
        transaction.commit(
            Changes(
                runs=tuple(runs.values()),
                moves=moves,
                counters=counting.count(moves, runs, (), catalog.zones),
                forgotten=tuple(_forgotten(tenant, customer, numbers.get(customer, 0)) for customer in customers),
                scrubbed=scrub,
            )
        )
    return len(results)


def _told_of(core: Core, tenant: str, customers: Collection[str]) -> set[str]:
    """Give those customers of whom inputs tell."""
    sql = "SELECT DISTINCT customer FROM inputs WHERE tenant = ? AND customer IN (SELECT value FROM json_each(?))"
    with core.store.reader() as reader:
        return {customer for (customer,) in reader.rows(sql, (tenant, dumps(sorted(customers))))}


def _forgotten(tenant: str, customer: str, number: int) -> Forgotten:
    return Forgotten(number, tenant, customer, anonymous(number))


def _left(catalog: Catalog, run: Run, customer: str, at: int) -> Result:
    """End one run because its customer is forgotten."""
    situation = Situation(customer, {})
    return advance(catalog.programs[run.version], run, "EXIT", situation, max(at, run.last_at), reason=FORGOTTEN)


def vacuum(core: Core) -> None:
    """Give back the space of what is no longer there."""
    with core.store.transaction() as transaction:
        transaction.commit(Changes(scrubbed=True))
