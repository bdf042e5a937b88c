"""What the welcome journeys of all peers share: their customers and where their messages go."""

import contextlib
import sqlite3
from pathlib import Path

from _common import customers, durable


class Outbox:
    """Where hosts of peers note what is to be sent: a list, or a table with a commit for each message."""

    def __init__(self, path: Path | None = None) -> None:
        """Begin empty."""
        self.sent: list[tuple[str, str]] = []
        self.path = path
        if path is not None:
            connection = durable(path)
            connection.execute("CREATE TABLE outbox (customer TEXT, step TEXT, PRIMARY KEY (customer, step))")
            connection.close()

    def send(self, customer: str, step: str) -> None:
        """Note a message; where a peer tries a step again, it is still one message."""
        if self.path is None:
            self.sent.append((customer, step))
            return
        with contextlib.closing(durable(self.path)) as connection:
            connection.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?)", (customer, step))

    def count(self) -> int:
        """Return how many messages there are."""
        if self.path is None:
            return len(self.sent)
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            found: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
            return found


def names(count: int) -> list[str]:
    """Return the ids of the customers."""
    return [name for name, _ in customers(count)]
