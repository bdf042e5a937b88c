"""The audit trail: what hosts changed of journeys, channels and policies, read from the catalog (R11, R12, R17)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from operator import itemgetter

from attrs import frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.showing import counted
from journeyflow.catalog.catalog import NONE, Catalog, JourneyRecord


@frozen
class AuditEntry(Rows):
    """One change by a host: when, in UTC, of which journey, None for all of them, and what, as text.

    `kind` is "published", "state", "step", "channel" or "policies".
    """

    at: datetime
    journey: str | None
    kind: str
    text: str


TrailRow = tuple[int, str | None, str, str]
"""What an `AuditEntry` is made of: its instant in microseconds, and the rest; few of very many are shown."""


def audit_trail(catalog: Catalog, tenant: str, record: JourneyRecord | None) -> list[TrailRow]:
    """Return what a tenant changed, of one journey or of everything, the oldest change first."""
    if record is not None:
        return _sorted(_of_journey(record))
    found = [each for known in catalog.of_tenant(tenant) for each in _of_journey(known)]
    for at, channel, held in _switched(catalog.holds.get(tenant, ())):
        found.append((at, None, "channel", f"channel {channel} {'is held' if held else 'is released'}"))
    history = catalog.policies.get(tenant)
    for at, terms in () if history is None else history.history:
        caps, quiet = counted(len(terms.policies.caps), "cap"), len(terms.policies.quiet)
        found.append((at, None, "policies", f"policies are set: {caps}, {quiet} quiet hours"))
    return _sorted(found)


def audit_entry(at: int, journey: str | None, kind: str, text: str) -> AuditEntry:
    """Return a change as hosts get it."""
    return AuditEntry(from_micros(at), journey, kind, text)


def _sorted(found: Iterable[TrailRow]) -> list[TrailRow]:
    return sorted(found, key=itemgetter(0))


def _of_journey(record: JourneyRecord) -> Iterator[TrailRow]:
    seen = set[int]()
    for at, program in record.versions:
        again = " again" if program.version in seen else ""
        seen.add(program.version)
        yield at, record.id, "published", f"version {program.version} is published{again}"
    for at, state in record.transitions:
        yield at, record.id, "state", f"is {state} from now on"
    for at, step, unpublished in _switched(record.flags):
        yield at, record.id, "step", f"step {step} is {'un' if unpublished else ''}published"


def _switched(history: Sequence[tuple[int, frozenset[str]]]) -> Iterator[tuple[int, str, bool]]:
    """Yield (instant, name, whether it was added) for each name by which one set differs from the set before."""
    for (_, before), (at, after) in pairwise([(0, NONE), *history]):
        for name in sorted(before ^ after):
            yield at, name, name in after
