"""The contract of `stores/contract.py` as tests that every store must pass, for authors of other stores.

Derive a class from `StoreConformance` in a test module, define how to make a new store, and let pytest collect it:

    class TestMyStore(StoreConformance):
        def make_store(self, tmp_path):
            return MyStore(tmp_path / "somewhere")
"""

from journeyflow.testing.conformance.catalog import Catalogs
from journeyflow.testing.conformance.claiming import Claiming
from journeyflow.testing.conformance.due import DueWork
from journeyflow.testing.conformance.helpers import (
    TABLES,
    Raised,
    claimable,
    coming,
    drained,
    due,
    entries_of,
    everything,
    expect,
    expect_contents,
    glimpses,
    load,
    people,
    refused,
    revision,
    rows,
    shelf,
    write,
)
from journeyflow.testing.conformance.loading import Loading
from journeyflow.testing.conformance.questions import Asking
from journeyflow.testing.conformance.samples import (
    CATALOG,
    COUNTED_OF_RUNS,
    DEFINITION,
    GIVEN,
    LIMITS,
    MINUTE,
    NOON,
    PAST,
    PEOPLE,
    SEEN,
    VIEWED,
    busy_agenda,
    ended,
    entry,
    event,
    everything_else,
    history,
    job,
    leased,
    post,
    run,
    whole_order,
)
from journeyflow.testing.conformance.writing import Writing

__all__ = [
    "CATALOG",
    "COUNTED_OF_RUNS",
    "DEFINITION",
    "GIVEN",
    "LIMITS",
    "MINUTE",
    "NOON",
    "PAST",
    "PEOPLE",
    "SEEN",
    "TABLES",
    "VIEWED",
    "Raised",
    "StoreConformance",
    "busy_agenda",
    "claimable",
    "coming",
    "drained",
    "due",
    "ended",
    "entries_of",
    "entry",
    "event",
    "everything",
    "everything_else",
    "expect",
    "expect_contents",
    "glimpses",
    "history",
    "job",
    "leased",
    "load",
    "people",
    "post",
    "refused",
    "revision",
    "rows",
    "run",
    "shelf",
    "whole_order",
    "write",
]


class StoreConformance(Catalogs, DueWork, Loading, Claiming, Writing, Asking):
    """The contract of a store, as tests; see the module docstring."""
