"""What a page is asked: by whom, as of when, and the words of the address."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import Factory, frozen

from journeyflow import Engine
from journeyflow.basics.moments import LAST, from_micros, zone
from journeyflow.basics.showing import SHOWN_IN
from journeyflow.errors import InvalidInput


@frozen
class Query:
    """A page that is asked for: the engine of the tenant, the instant, and what stands in the address."""

    engine: Engine
    tenant: str
    at: datetime
    asked: Mapping[str, object]
    zones: dict[str, ZoneInfo] = Factory(dict)
    """The zones of the journeys that were looked up for this page."""

    def text(self, name: str) -> str:
        """Return a word of the address; raises InvalidInput if it is missing."""
        found = self.optional(name)
        if found is None:
            raise InvalidInput([f"{name}: is missing from the address"])
        return found

    def optional(self, name: str) -> str | None:
        """Return a word of the address, None if it is missing or empty."""
        return str(self.asked.get(name) or "") or None

    def number(self, name: str) -> int | None:
        """Return a whole number of the address, None if it is missing; raises InvalidInput for anything else."""
        found = self.optional(name)
        if found is not None and not (found.isascii() and found.isdigit() and len(found) < 20):  # noqa: PLR2004 digits of 2**63
            raise InvalidInput([f"{name}: must be a whole number"])
        return None if found is None else int(found)

    def instant(self, name: str) -> datetime | None:
        """Return an instant of the address, in microseconds; raises InvalidInput for one that no calendar has."""
        found = self.number(name)
        if found is not None and found > LAST:
            raise InvalidInput([f"{name}: is past the end of the calendar"])
        return None if found is None else from_micros(found)

    def zone_of(self, journey: str) -> ZoneInfo:
        """Return the zone of a journey."""
        if journey not in self.zones:
            self.zones[journey] = zone(self.engine.definition(journey).timezone)
        return self.zones[journey]


@contextmanager
def shown_in(where: ZoneInfo) -> Iterator[None]:
    """Write the instants in sentences of the engine in a zone."""
    before = SHOWN_IN.set(where)
    try:
        yield
    finally:
        SHOWN_IN.reset(before)
