"""The work of some customers by themselves: whether it may depend on what others have to do (R74)."""

from collections.abc import Set as AbstractSet

from journeyflow.catalog.catalog import Catalog
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.stores.batch import Due, LimitRequest, Loaded, Request

SHARED = frozenset({"entry limit", "already deferred"})
"""The reasons of refusals that depend on who else comes (R23)."""

Named = AbstractSet[tuple[str, str]]
"""Customers, as (tenant, id)."""


def journey_timers(catalog: Catalog) -> Request:
    """Return what must be loaded to know the timers of journeys: openings of limits, and pulls."""
    return Request(limits=LimitRequest(catalog.pulling.union(catalog.limited)))


def is_alone(names: Named, due: Due, timers: Loaded, catalog: Catalog, now: int) -> bool:
    """Return whether due work of customers can be begun without that of others.

    Not if a journey of their tenant lets people in at or before `now`, another customer's waiting event has the id of
    one of theirs, or a step of their tenant forgets customers, whose addresses they might have.
    """
    tenants = {tenant for tenant, _ in names}
    rings = () if timers.limits is None else timers.limits.timers.items()
    opening = any(
        due_at is not None and due_at <= now and catalog.journeys[journey].tenant in tenants
        for (journey, _), due_at in rings
    )
    return not opening and names >= set(due.named) and tenants.isdisjoint(catalog.forgetting)


def was_alone(changes: Changes) -> bool:
    """Return whether what was done has neither taken nor asked for a place that others might have had."""
    return changes.limits == LimitChanges() and SHARED.isdisjoint(refusal.reason for refusal in changes.refusals)
