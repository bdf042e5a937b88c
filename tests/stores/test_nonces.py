"""The nonce of a store, and the erasing of one in memory (R70, R86)."""

import pytest

from journeyflow import InvalidInput
from journeyflow.stores.contract import check_nonce
from journeyflow.stores.sqlite.store import SQLiteStore


def test_what_cannot_begin_an_id_is_no_nonce():
    """The error names the fault."""
    check_nonce("a")
    with pytest.raises(InvalidInput, match="nonce: "):
        check_nonce("a\x1fb")


def test_a_database_in_memory_is_erased_too():
    """Its free space is given back."""
    store = SQLiteStore(":memory:")
    store._scrub()
    store.close()
