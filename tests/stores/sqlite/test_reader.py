"""Rows of a file are what its columns hold, also where a bit of it has flipped."""

from collections.abc import Callable
from typing import Any

import pytest

from journeyflow.stores.sqlite.reader import checked, checked_row


@pytest.mark.parametrize("check", [lambda row: checked([("a",), row]), checked_row], ids=["rows", "row"])
def test_bytes_are_refused(check: Callable[[tuple[Any, ...]], object]) -> None:
    """No column holds any: a text whose type has changed is damage, wherever the row comes from."""
    check(("a", 1, None, 2.5))
    with pytest.raises(TypeError, match="a value in the file is bytes"):
        check(("a", b"b"))
