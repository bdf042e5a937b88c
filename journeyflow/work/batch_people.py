"""The customers of one batch: who is known, what changes of them, which lists they join and leave, who is forgotten."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import evolve

from journeyflow.basics.words import LISTS
from journeyflow.records.changes import Forgotten
from journeyflow.records.forgetting import anonymous
from journeyflow.records.rows import Input
from journeyflow.records.suppression import addresses_in
from journeyflow.stores.batch import CustomerInHand, Loaded
from journeyflow.work.pull_lists import Pulls
from journeyflow.work.unreadable import newly_unreadable

if TYPE_CHECKING:
    from journeyflow.records.public import Unreadable


class People:
    """The customers while a batch is handled, and how they have changed."""

    def __init__(self, pulls: Pulls, dated: Mapping[str, Collection[str]]) -> None:
        """Start empty. `pulls` are informed about new members of lists (R27); `dated` are the dates of each tenant."""
        self._pulls, self._dated = pulls, dated
        self.numbered: dict[int, CustomerInHand] = {}
        self.next_number = 1
        self.present: Collection[tuple[str, str]] = ()
        """Customers who are there, as (tenant, id), though they may not be in hand."""
        # the output of the batch
        self.touched: dict[int, CustomerInHand] = {}
        self.forgotten: list[tuple[Forgotten, int]] = []
        """The forgotten customers, each with the number of inputs that had been handled by then."""
        self.relisted: dict[int, set[str]] = {}
        """For every customer whose lists have changed: the lists the customer was on when this batch began."""
        self.left: list[tuple[str, str, str]] = []
        """List memberships of customers who have been forgotten: tenant, list, customer id."""
        self.unreadable: list[Unreadable] = []

    def lay_out(self, loaded: Loaded) -> None:
        """Take over what was loaded."""
        self.numbered = {person.number: person for person in loaded.people}
        self.next_number = loaded.next_customer
        self.present = loaded.present

    @cached_property
    def named(self) -> dict[tuple[str, str], CustomerInHand]:
        """The known customers by (tenant, id). A batch of timers alone never needs this."""
        return {(person.tenant, person.id): person for person in self.numbered.values()}

    def meet(self, tenant: str, customer: str) -> CustomerInHand:
        """Return a customer, created without attributes if it is unknown (R20)."""
        found = self.named.get((tenant, customer))
        if found is None:
            found = CustomerInHand(self.next_number, tenant, customer, {})
            self.next_number += 1
            self.numbered[found.number] = self.named[tenant, customer] = found
            self.touched[found.number] = found
            if self._pulls.lists:
                self._pulls.joined.add((tenant, None))
        return found

    def set_attributes(self, person: CustomerInHand, attributes: dict[str, object]) -> None:
        """Record a customer's new attributes, and what journeys will not be able to read of them (R61)."""
        before = person.attributes
        if attributes is not before:
            if paths := self._dated.get(person.tenant):
                self.unreadable += newly_unreadable(paths, person, attributes)
            if attributes.get(LISTS) != before.get(LISTS):
                self._relist(person, names_in(before), names_in(attributes))
            person.attributes = attributes
            self.touched[person.number] = person

    def forget(self, person: CustomerInHand, handled: int, before: int) -> Forgotten:
        """Reduce a customer to an anonymous number (R86); `handled` is how many inputs are handled by now.

        What comes about the customer with an instant earlier than `before` is old.
        """
        name, addresses = anonymous(person.number), tuple(addresses_in(person.attributes).items())
        forgotten = Forgotten(person.number, person.tenant, person.id, name, before, addresses)
        self.forgotten.append((forgotten, handled))
        del self.named[person.tenant, person.id]
        was = self.relisted.pop(person.number, names_in(person.attributes))
        self.left += [(person.tenant, each, person.id) for each in sorted(was)]
        person.id, person.attributes = name, {}
        self.touched[person.number] = person
        return forgotten

    def _relist(self, person: CustomerInHand, before: set[str], after: set[str]) -> None:
        """Record that a customer's lists have changed. New members may have to be pulled in (R27)."""
        self.relisted.setdefault(person.number, before)
        if self._pulls.lists:
            self._pulls.joined.update((person.tenant, name) for name in after - before)

    # --- the output of the batch ----------------------------------------------------------------------------------

    def rows(self) -> tuple[tuple[int, str, str, dict[str, object]], ...]:
        """Return the new and changed customers: number, tenant, id, attributes."""
        return tuple([(number, each.tenant, each.id, each.attributes) for number, each in self.touched.items()])

    def all_forgotten(self, handled: Sequence[tuple[int, str]], inputs: Mapping[int, Input]) -> tuple[Forgotten, ...]:
        """Return the forgotten customers, each with the inputs about it that were handled afterwards.

        Those inputs are about a new customer with the same id.
        """
        if not self.forgotten:
            return ()
        told: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for position, (seq, _) in enumerate(handled):
            item = inputs[seq]
            told.setdefault((item.tenant, item.customer), []).append((position, seq))
        return tuple(
            evolve(
                each, later=tuple(seq for position, seq in told.get((each.tenant, each.id), ()) if position >= since)
            )
            for each, since in self.forgotten
        )

    def listed(self) -> tuple[tuple[str, str, str], ...]:
        """Return (tenant, list, customer id) for lists that customers joined."""
        return tuple(self._lists(joined=True))

    def unlisted(self) -> tuple[tuple[str, str, str], ...]:
        """Return (tenant, list, customer id) for lists that customers left."""
        return (*self.left, *self._lists(joined=False))

    def _lists(self, *, joined: bool) -> Iterator[tuple[str, str, str]]:
        """Yield (tenant, list, customer id) for lists that customers joined or left, by customer, then by list."""
        for number, before in self.relisted.items():
            person = self.numbered[number]
            now = names_in(person.attributes)
            for name in sorted(now - before if joined else before - now):
                yield person.tenant, name, person.id


def names_in(attributes: Mapping[str, object]) -> set[str]:
    """Return the lists that a customer is on.

    >>> sorted(names_in({"lists": ["news", "buyers"]})), names_in({})
    (['buyers', 'news'], set())
    """
    lists = attributes.get(LISTS)
    return {name for name in lists if isinstance(name, str)} if isinstance(lists, list) else set()
