"""What comes about forgotten customers: old inputs have no effect, and their addresses get no messages (R86)."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from journeyflow.basics.values import loads
from journeyflow.basics.words import CONSENT
from journeyflow.catalog.catalog import Catalog
from journeyflow.records.rows import Input
from journeyflow.records.suppression import addresses_in, hashed
from journeyflow.stores.batch import CustomerInHand
from journeyflow.work.working_set import Work


def suspects(catalog: Catalog, items: Iterable[Input]) -> frozenset[str]:
    """Return the hashes to look up for inputs; none while nobody was forgotten."""
    if not catalog.suppressing:
        return frozenset()
    return frozenset(chain.from_iterable(_named(catalog.suppression_key, item) for item in items))


def _named(key: str, item: Input) -> Iterator[str]:
    """Yield the hashes of what an input names: the customer, the event, addresses."""
    yield from _of_customer(key, item)
    told = loads(item.text) if item.text and (item.kind == "put" or item.type == "field.changed") else {}
    attributes = told if item.kind == "put" else {str(told.get("field")): told.get("new")}
    for channel, address in addresses_in(attributes).items():
        yield hashed(key, item.tenant, "address", channel, address)


def _of_customer(key: str, item: Input) -> Iterator[str]:
    yield hashed(key, item.tenant, "customer", item.customer)
    if item.id is not None:
        yield hashed(key, item.tenant, "event", item.customer, item.type, item.id)


def is_suppressed(work: Work, item: Input) -> bool:
    """Return whether an input is about a customer who has been forgotten since, or came before that already."""
    customer, *event = _of_customer(work.catalog.suppression_key, item)
    return item.at < work.suppressed.get(customer, item.at) or any(each in work.suppressed for each in event)


def without_suppressed(
    work: Work, person: CustomerInHand, after: dict[str, object], granted: object
) -> dict[str, object]:
    """Return new attributes of a customer, without consent to channels whose new address is on the list.

    `granted` is the consent that the host states along with them.
    """
    stated = granted if isinstance(granted, Mapping) else {}
    before, refused = addresses_in(person.attributes), dict[str, bool]()
    for channel, address in addresses_in(after).items():
        listed = hashed(work.catalog.suppression_key, person.tenant, "address", channel, address) in work.suppressed
        if listed and before.get(channel) != address:
            names = _spellings(work, person.tenant, channel)
            refused |= dict.fromkeys([each for each in names if stated.get(each) is not True], False)
    consent = after.get(CONSENT)
    given = consent if isinstance(consent, Mapping) else {}
    return {**after, CONSENT: {**given, **refused}} if refused else after


def _spellings(work: Work, tenant: str, channel: str) -> list[str]:
    """Return the names under which the Sends of a tenant know a channel, whatever their case."""
    programs = (program for program in work.catalog.programs.values() if program.tenant == tenant)
    return sorted({channel, *(each for program in programs for each in program.channels if each.upper() == channel)})
