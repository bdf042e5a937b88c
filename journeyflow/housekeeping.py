"""Forgetting people, giving space back, renewing the nonce: what a host asks for now and then (R70, R86)."""

from collections.abc import Collection

from attrs import evolve

from journeyflow import orders
from journeyflow.batch import Due, Request
from journeyflow.catalog import nonce_name
from journeyflow.errors import InvalidInput, NotFound
from journeyflow.forgetting import anonymous
from journeyflow.records import Changes, Forgotten
from journeyflow.scheduler import lay_out
from journeyflow.ticking import Core, do_due_work, scrub
from journeyflow.values import dumps


def forget(core: Core, tenant: str, customers: Collection[str], at: int, *, scrubbed: bool, allow_jump: bool) -> int:
    """Forget customers of a tenant in one commit; give how many enrollments that ended.

    All work with own instants before `at` is done first, without deliveries (R11). Raises NotFound for a customer of
    whom nothing is known, not even an input that waits; then nobody is forgotten.
    """
    do_due_work(core, at - 1, allow_jump=allow_jump)
    told = _told_of(core, tenant, customers)
    with core.store.transaction() as transaction:
        catalog = core.refresh(transaction)
        loaded = transaction.load(Request(names=frozenset((tenant, customer) for customer in customers)))
        known = {person.id for person in loaded.people}
        for customer in customers:
            if customer not in known and customer not in told:
                kind = "customer"
                raise NotFound(kind, customer)
        work = lay_out(Due(), loaded, catalog, at, grace=None)
        ended = sum(orders.forget(work, person, at) for person in loaded.people)
        unknown = tuple(Forgotten(0, tenant, each, anonymous(0)) for each in customers if each not in known)
        changes = work.changes()
        forgotten = tuple(evolve(each, inbox=True) for each in (*changes.forgotten, *unknown))
        transaction.commit(evolve(changes, forgotten=forgotten, scrubbed=scrubbed))
    return ended


def _told_of(core: Core, tenant: str, customers: Collection[str]) -> set[str]:
    """Give those customers of whom inputs tell."""
    sql = "SELECT DISTINCT customer FROM inputs WHERE tenant = ? AND customer IN (SELECT value FROM json_each(?))"
    with core.store.reader() as reader:
        return {customer for (customer,) in reader.rows(sql, (tenant, dumps(sorted(customers))))}


def vacuum(core: Core) -> None:
    """Give back the space of what is no longer there."""
    scrub(core)


def renew_nonce(core: Core, nonce: str) -> None:
    """Let the ids of messages begin with another nonce from now on (R70). Raises InvalidInput for one that was used."""
    with core.store.transaction() as transaction:
        catalog = core.refresh(transaction)
        if nonce in catalog.nonces:
            raise InvalidInput(
                [f"nonce: {nonce!r} was used before: messages have ids that begin with it; give another"]
            )
        transaction.commit(Changes(meta=((nonce_name(len(catalog.nonces)), nonce),)))
