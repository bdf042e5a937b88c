"""Events that no journey listens to, which are most of all events: handled in a short loop of their own.

Such an event makes its customer known and has no other effect (R20). It is late, known already or dismissed as any
other event. What is unusual, such as an event about a message, takes the plain way;
`tests/work/together/test_unheard.py` shows that both give the same result.
"""

from collections.abc import Set as AbstractSet

from journeyflow.basics.words import WITH_EFFECT
from journeyflow.catalog.catalog import Catalog
from journeyflow.stores.batch import INPUT, Due, type_in
from journeyflow.work.intake import known_already
from journeyflow.work.working_set import Work


def unheard_types(due: Due, catalog: Catalog) -> AbstractSet[tuple[str, str]]:
    """Return the types of the due events, as (tenant, type), that nobody listens to and that change no customer."""
    types = set(map(type_in, due.by_kind["event"]))
    return {each for each in types if each[1] not in WITH_EFFECT and not catalog.hears(*each, "")}


class Unheard:
    """The events of one batch that nobody listens to, while it is handled."""

    def __init__(self, work: Work, due: Due, dedup: int) -> None:
        """Find which types these are. `dedup` is how long ids of events are known, in microseconds."""
        self._work, self._keys, self._dedup = work, due.keys, dedup
        self.types = unheard_types(due, work.catalog)

    def take(self, position: int, end: int) -> int:
        """Handle the due items from `position` to before `end` while nobody listens; return how many were handled."""
        work, keys, types, dedup, begun = self._work, self._keys, self.types, self._dedup, position
        inputs, handled, grace = work.inputs, work.handled, work.grace
        meet, present = work.people.meet, work.people.present
        while position < end and not work.suppressed:
            _, rank, seq, _ = keys[position]
            if rank != INPUT:
                break
            item = inputs[seq]
            _, tenant, customer, kind, name, at, told_as, _ = item
            if kind != "event" or (tenant, name) not in types:
                break
            if grace is not None:
                work.effective(at)
            known = None if told_as is None else known_already(work, item, dedup)
            if known is None and (tenant, customer) not in present:
                meet(tenant, customer)
            handled.append((seq, known or "handled"))
            position += 1
        return position - begun
