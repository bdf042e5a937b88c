"""Journeys as the program that a good developer writes in a day: a table, a loop each minute or hour, nothing else."""

from pathlib import Path
from typing import NamedTuple

from _by_hand import ByHand
from _common import durable
from _lived import Lived, lived
from _peers import names
from mixed import Told, sent_by_hand


class Row(NamedTuple):
    """Somebody who waits in the table of the loop below."""

    customer: str
    opened: int


def welcome(folder: Path, count: int) -> int:
    """Run the welcome: ask a table each minute who is due."""
    connection = durable(folder / "cron.db")
    connection.execute("CREATE TABLE runs (customer TEXT PRIMARY KEY, step TEXT, due INTEGER, opened INTEGER)")
    connection.execute("CREATE INDEX due ON runs (due) WHERE due IS NOT NULL")
    connection.execute("CREATE TABLE history (customer TEXT, step TEXT, outcome TEXT, at INTEGER)")
    connection.execute("CREATE TABLE outbox (customer TEXT, step TEXT, status TEXT, PRIMARY KEY (customer, step))")
    connection.execute("CREATE TABLE tags (customer TEXT, tag TEXT, PRIMARY KEY (customer, tag))")
    batch = 5_000

    def sign_up(people: list[str], now: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO runs VALUES (?, 'breathe', ?, 0)", [(who, now + 259_200) for who in people])
        connection.executemany("INSERT INTO history VALUES (?, 'hello', 'queued', ?)", [(who, now) for who in people])
        connection.executemany("INSERT INTO outbox VALUES (?, 'hello', 'QUEUED')", [(who,) for who in people])
        connection.execute("COMMIT")

    def cron(now: int) -> None:
        asks = "SELECT customer, opened FROM runs WHERE due <= ? ORDER BY due LIMIT ?"
        while rows := [Row(*row) for row in connection.execute(asks, (now, batch))]:
            history, sent = [], []
            for name, opened in rows:
                step = "tips" if opened else "nudge"
                history += [
                    (name, "breathe", "elapsed", now), (name, "opened", "yes" if opened else "no", now),
                    (name, step, "queued", now), (name, "onboarded", "", now), (name, "done", "", now),
                ]  # fmt: skip
                sent.append((name, step))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO history VALUES (?, ?, ?, ?)", history)
            connection.executemany("INSERT INTO outbox VALUES (?, ?, 'QUEUED')", sent)
            who = [row[:1] for row in rows]
            connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, 'onboarded')", who)
            connection.executemany("UPDATE runs SET step = 'done', due = NULL WHERE customer = ?", who)
            connection.execute("COMMIT")

    people = names(count)
    for begin in range(0, count, batch):
        sign_up(people[begin : begin + batch], 0)
    cron(259_200)
    found: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    connection.close()
    return found


class Month:
    """The month by hand."""

    def __init__(self, folder: Path) -> None:
        """Begin with nobody there."""
        self.program = ByHand(folder / "hand.db")

    def live(self, told: list[Told]) -> Lived:
        """Live through the month."""
        spent = lived(self.program, told)
        self.program.close()
        return spent.of(sent_by_hand(self.program))
