"""When there is work: one look at the store tells a tick whether to begin, and the host when to come again (R73)."""

from typing import NamedTuple

from journeyflow.catalog.catalog import Catalog
from journeyflow.stores.contract import Transaction
from journeyflow.stores.inquiries import EarliestRequest


class Outlook(NamedTuple):
    """When there is work, over all tenants, as one look at the store shows it.

    `earliest` is the instant of the earliest work, `free` that of the earliest which no pause will hold; None is none.
    `paused` counts the paused journeys. `owing` is whether traces of forgotten customers are still to be erased from
    the medium (R86). `waiting` is whether a message waits for the claim of the call that looks.
    """

    earliest: int | None
    free: int | None
    paused: int
    owing: bool
    waiting: bool = False

    def busy(self, now: int) -> bool:
        """Return whether there is anything to do at `now`."""
        return self.waiting or (self.earliest is not None and self.earliest <= now)


def seen(transaction: Transaction, catalog: Catalog) -> Outlook | None:
    """Return when there is work, as of a transaction; None if it cannot tell after what it has committed."""
    paused = catalog.paused_since
    found = transaction.ask(EarliestRequest(paused))
    return None if found is None else Outlook(*found, len(paused), catalog.traces)
