"""Rows as data frames, where pandas is installed."""

from collections.abc import Mapping, Sequence
from typing import Any

from journeyflow.errors import MissingExtra


def frame_of(rows: Sequence[Mapping[str, object]]) -> Any:  # noqa: ANN401 pandas is not a dependency
    """Return rows as a pandas DataFrame; raises MissingExtra where pandas is not installed."""
    try:
        import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 optional
    except ImportError:
        what = "a data frame"
        raise MissingExtra(what, "pandas") from None
    return pd.DataFrame(rows)
