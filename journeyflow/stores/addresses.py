"""Where a store is, as hosts and the command line name it: the path of a file, or the address of a database."""

import os

from journeyflow.stores.contract import Store

ADDRESSES = ("postgresql://", "postgres://")
"""How an address begins that is not the path of a file."""


def is_address(place: object) -> bool:
    """Return whether a place is the address of a database.

    >>> is_address("postgresql://db/shop"), is_address("journeys.db")
    (True, False)
    """
    return isinstance(place, str) and place.startswith(ADDRESSES)


def size_of_file(place: str | os.PathLike[str]) -> int | None:
    """Return how many bytes a file has; None for the address of a database."""
    return None if is_address(place) else os.stat(place).st_size  # noqa: PTH116 pathlib is slow to import


def open_store(place: str | os.PathLike[str]) -> Store:
    """Open the store at a place, and make it if it is missing. Raises what the store raises."""
    if isinstance(place, str) and is_address(place):
        from journeyflow.stores.postgres import PostgresStore  # noqa: PLC0415 imports psycopg, an extra

        return PostgresStore(place)  # pragma: no cover - where the extra is installed
    from journeyflow.stores.sqlite.store import SQLiteStore  # noqa: PLC0415 imports sqlite3; for files only

    return SQLiteStore(place)
