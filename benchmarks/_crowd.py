"""A file with very many enrollments, made quickly: the engine runs some, and their rows are copied in SQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from _common import START

from journeyflow import Condition, End, Engine, Event, Goal, Journey, Retry, Send, Split, Trigger, Wait, arm, field
from journeyflow.stores.sqlite import SQLiteStore

DAYS = 20
END = START + timedelta(days=DAYS)
RARE = 500
"""One in so many customers has an address that fails, and one in so many waits for half a year."""

CLUB = Journey(
    id="club",
    name="Welcome to the club",
    trigger=Trigger("joined", where=field("tier").in_(["Gold", "Platinum"])),
    timezone="Africa/Johannesburg",
    goal=Goal("order", within="30 days"),
    holdout=5,
    steps=[
        Send("hello", channel="EMAIL", template="welcome", retry=Retry(delays=["1 hour"])),
        Wait("breathe", "3 days"),
        Condition(
            "patient",
            field("patient").eq(True),
            yes=[Wait("half-year", "180 days")],
            no=[
                Split(
                    "test",
                    arm(50, [Send("tips", channel="EMAIL", template="tips")]),
                    arm(50, [Send("offer", channel="SMS", template="offer")]),
                ),
                Wait("order", event="order", timeout="30 days"),
            ],
        ),
        End("done"),
    ],
)


def _people(day: int, count: int) -> Iterator[tuple[str, dict[str, object]]]:
    for n in range(day, count, DAYS):
        patient = {"patient": True} if n % RARE == 1 else {}
        yield f"c{n:07d}", {"tier": "Silver" if n % 50 == 0 else "Gold", "email": f"c{n}@example.com", **patient}


def few(path: Path, count: int) -> None:
    """Make a file in which so many people join over twenty days; some addresses fail, some people order."""
    with Engine(SQLiteStore(path, synchronous="NORMAL", nonce="bench"), grace=None) as engine:
        engine.deploy(CLUB, at=START)
        for day in range(DAYS):
            now = START + timedelta(days=day)
            engine.put_customers(_people(day, count), at=now)
            engine.feed(Event("joined", customer=name, at=now) for name, _ in _people(day, count))
            engine.tick(now)
            while messages := engine.claim("bench", limit=1_000, at=now):
                failing = [each for each in messages if int(each.customer[1:]) % RARE == 2]  # noqa: PLR2004 a few
                engine.nack(failing, at=now, error="550 no such mailbox")
                engine.ack([each for each in messages if each not in failing], at=now)
                ordering = [each.customer for each in messages if int(each.customer[1:]) % 10 == 3]  # noqa: PLR2004 a tenth
                engine.feed(Event("order", customer=name, at=now + timedelta(hours=1)) for name in ordering)
                engine.tick(now)
        engine.tick(END)


def copied(path: Path, times: int) -> None:
    """Copy the people of a file, with all that happened to them, until it holds so many times as many."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        serials, customers, inputs = (
            db.execute(f"SELECT ifnull(max({column}), 0) FROM {table}").fetchone()[0]
            for table, column in (("enrollments", "serial"), ("customers", "number"), ("inputs", "seq"))
        )
        moved = {
            ("customers", "number"): f"number + :n * {customers}",
            ("customers", "id"): "id || '-' || :n",
            ("inputs", "seq"): f"seq + :n * {inputs}",
            ("inputs", "customer"): "customer || '-' || :n",
            ("inputs", "id"): "CASE WHEN kind IN ('ack', 'nack') THEN NULL ELSE id || '-' || :n END",
            ("enrollments", "serial"): f"serial + :n * {serials}",
            ("enrollments", "customer"): f"customer + :n * {customers}",
            ("last_refusals", "customer"): f"customer + :n * {customers}",
            **{(name, "enrollment"): f"enrollment + :n * {serials}" for name in ("moves", "messages", "arms")},
        }
        for table in dict.fromkeys(name for name, _ in moved):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(moved.get((table, column), column) for column in columns)
            last = {"customers": ("number", customers), "enrollments": ("serial", serials), "inputs": ("seq", inputs)}
            own = "WHERE {} <= {}".format(*last[table]) if table in last else ""
            if not own and table != "last_refusals":
                own = f"WHERE enrollment <= {serials}"
            elif not own:
                own = f"WHERE customer <= {customers}"
            for n in range(1, times):
                db.execute(f"INSERT INTO {table} SELECT {values} FROM {table} {own}", {"n": n})
        db.execute("UPDATE counters SET total = total * ?, uniques = uniques * ?", (times, times))
        db.execute("UPDATE refusals SET count = count * ?", (times,))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
