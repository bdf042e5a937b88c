"""The columns of the tables in PostgreSQL, and the types that they have there."""

import re
from collections.abc import Mapping

from journeyflow.stores.postgres.schema import TABLES


def _types() -> Mapping[str, Mapping[str, str]]:
    """Return the type of each column, by table."""
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n?\);", TABLES, re.DOTALL)
    return {table: dict(re.findall(r"(\w+) (bigint|text)\b", columns)) for table, columns in tables}


COLUMN_TYPES = _types()


def columns_of(names: str) -> list[str]:
    """Return columns that are named with commas between.

    >>> columns_of("a, b")
    ['a', 'b']
    """
    return [name.strip() for name in names.split(",")]
