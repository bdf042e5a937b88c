"""Damage of every kind, drawn by chance: each call on a damaged file answers or raises StorageError, nothing else."""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from hypothesis import settings

from journeyflow import (
    Cap,
    Engine,
    Goal,
    Journey,
    JourneyflowError,
    Limits,
    Page,
    Policies,
    Send,
    Split,
    StorageError,
    Trigger,
    Wait,
    arm,
)
from journeyflow.errors import Conflict, CorruptDatabase, InvalidInput, NotFound
from journeyflow.stores.sqlite import SQLiteStore, opening
from tests.stores.scenes import START, live, tick_and_claim

pytestmark = pytest.mark.unmeasured

LATER = START + timedelta(days=9)

CALLS: dict[str, Callable[[Engine], object]] = {
    "journeys": lambda engine: engine.journeys(),
    "versions": lambda engine: engine.versions("welcome"),
    "definition": lambda engine: engine.definition("welcome"),
    "enrollments": lambda engine: engine.enrollments("welcome", take=None),
    "enrollment": lambda engine: engine.enrollment("welcome", "c1"),
    "as of": lambda engine: engine.at("welcome", "c1", instant=START + timedelta(hours=5)),
    "explain": lambda engine: str(engine.explain("welcome", "c1")),
    "why not": lambda engine: engine.why_not("welcome", "c2"),
    "timeline": lambda engine: engine.timeline("c1"),
    "people": lambda engine: engine.people("welcome", "hello", fields=["name"]),
    "messages": lambda engine: engine.messages(take=None),
    "unmatched": lambda engine: engine.unmatched(),
    "deferred": lambda engine: engine.deferred(),
    "customer": lambda engine: engine.customer("c1", pending=True),
    "stats": lambda engine: engine.stats("welcome", at=LATER),
    "benchmark": lambda engine: engine.benchmark(at=LATER),
    "results": lambda engine: engine.results("welcome"),
    "export": lambda engine: engine.export_customer("c1"),
    "policies": lambda engine: engine.policies(),
    "next due": lambda engine: engine.next_due(),
    "audit": lambda engine: engine.audit(),
    "put": lambda engine: engine.put_customer("c1", {"a": 1}, at=LATER),
    "tick": lambda engine: tick_and_claim(engine, LATER),
    "pause": lambda engine: engine.pause("welcome", at=LATER),
    "resume": lambda engine: engine.resume("welcome", at=LATER, overdue="shift"),
    "work exports": lambda engine: (engine.submit_export(at=LATER), engine.work_exports(at=LATER)),
    "prune": lambda engine: engine.prune(LATER),
    "forget": lambda engine: engine.forget("c3", at=LATER),
    "archive": lambda engine: engine.archive("welcome", at=LATER),
    "purge": lambda engine: engine.purge("welcome"),
}

REFUSED = (NotFound, Conflict, InvalidInput)
"""What may be said of a call, where what it is about is not in the file any more."""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a file in the middle of its life."""
    path = tmp_path_factory.mktemp("healthy") / "journeys.db"
    with Engine(SQLiteStore(path, synchronous="NORMAL", nonce="x"), grace=None, max_jump=None) as engine:
        everything(engine)
    return path.read_bytes()


def everything(engine: Engine) -> None:
    """Do so much that there is a row in every table."""
    live(engine, 12)
    limits, split = Limits(per_day=2), Split("halves", arm(50), arm(50))
    text = Send("text", channel="SMS", template="t")
    limited = Journey("limited", trigger=Trigger("member.created"), limits=limits, steps=[text, Wait("rest", "9 days")])
    brief = Journey("brief", trigger=Trigger("member.created"), goal=Goal("order.placed"), steps=[split])
    for journey in (limited, brief):
        engine.deploy(journey, at=START)
    engine.set_policies(Policies(caps=[Cap(9, per="day")]), at=START)
    engine.hold_channel("PUSH", at=START)
    engine.set_published("limited", {"text": False}, at=START)
    tick_and_claim(engine, START + timedelta(days=2))
    engine.submit_export(at=START)
    engine.forget("c11", at=START + timedelta(days=2))
    engine.prune(START + timedelta(days=1), journey="brief")


VALUES = (
    *("NULL", "''", "'x'", "'['", "'{}'", "'[]'", "'[[]]'", "'{\"a\":1}'", "'null'", "'7'", "'ACTIVE'", "'QUEUED'"),
    *("0", "-1", "1", "99999", "9223372036854775807", "-9223372036854775808"),
    *("CAST(x'ff' AS TEXT)", "'a' || char(0) || 'b'"),
)
"""What may stand in a column, as SQL."""


def columns(path: Path) -> list[tuple[str, str]]:
    """Return every column of every table."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2"
        ).fetchall()


def statement(draw: random.Random, table: str, column: str) -> str:
    """Return a statement that damages rows."""
    where = draw.choice(["", f" WHERE length({column}) % 2 = {draw.randrange(2)}", f" WHERE unicode({column}) % 3 = 1"])
    if draw.random() < 0.2:
        return f"DELETE FROM {table}{where}"
    if draw.random() < 0.2:
        return f"UPDATE {table} SET {column} = substr({column}, 1, length({column}) - {draw.randrange(1, 4)}){where}"
    if draw.random() < 0.1:
        return f"UPDATE {table} SET {column} = {column} + {draw.choice([1, -1, 10**15])}{where}"
    return f"UPDATE OR IGNORE {table} SET {column} = {draw.choice(VALUES)}{where}"


def test_rows_that_somebody_changed(tmp_path: Path, healthy: bytes) -> None:
    """Whatever stands in a column, or is missing, no KeyError and no error of SQLite comes out."""
    draw, path, met, wrong = random.Random(11), tmp_path / "journeys.db", 0, []
    path.write_bytes(healthy)
    everything = columns(path)
    for table, column in draw.sample(everything, 20):
        path.unlink()
        path.write_bytes(healthy)
        damage = statement(draw, table, column)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection, suppress(sqlite3.Error):
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(damage)
        found = tried(path, draw)
        met += "StorageError" in found
        wrong += [(damage, each) for each in found - {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))
    assert met


JSON_COLUMNS = (
    *("customers.attributes", "inputs.data", "versions.definition", "policies.definition", "enrollments.trigger_data"),
    *("enrollments.memory", "deferred.trigger_data", "paths.steps", "moves.steps", "moves.seen", "messages.data"),
    *("messages.flags", "last_refusals.seen", "exports.options"),
)
"""The columns that hold JSON."""

SHAPES = ("'x['", "'7'", "'[]'", "'[[]]'", "'{}'", "'{\"a\":1}'", "'null'")
"""Text that is not JSON, and JSON of every shape."""


@pytest.mark.parametrize("column", JSON_COLUMNS)
def test_json_of_every_shape_in_every_column(tmp_path: Path, healthy: bytes, column: str) -> None:
    """What is not JSON, or other JSON than the engine writes: every call that reads it answers or says so (C5)."""
    path, draw, (table, name), wrong = tmp_path / "journeys.db", random.Random(column), column.split("."), []
    for shape in draw.sample(SHAPES, 3):
        damaged(path, healthy, f"UPDATE OR IGNORE {table} SET {name} = {shape}")
        wrong += [(shape, each) for each in tried(path, draw) - {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    ("call", "change"),
    [
        ("prune", "inputs SET data = 'x['"),
        ("prune", "moves SET steps = 'null'"),
        ("tick", "deferred SET key = CAST(x'ff' AS TEXT)"),
        ("tick", "pulls SET origin = CAST(x'ff' AS TEXT)"),
    ],
)
def test_a_call_that_failed_keeps_nothing_open(
    tmp_path: Path, healthy: bytes, call: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a host holds the error of a call, what the call was reading is not in the way of emptying the log (R86)."""
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0)
    path = tmp_path / "journeys.db"
    damaged(path, healthy, f"UPDATE {change}")
    with Engine(SQLiteStore(path, synchronous="NORMAL"), max_jump=None) as engine:
        with pytest.raises(CorruptDatabase) as held:
            CALLS[call](engine)
        engine.vacuum()
        assert held.tb is not None


OF_ANOTHER_TYPE = ("NULL", "'x'", "x'00ff'", "1.5", "-1", str(2**63 - 1))
"""What a flipped bit or a foreign tool may leave in a column: nothing, another type, a number out of every range."""


def tables(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Return the definition and the columns of every table of a file, of which none is empty."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
        ).fetchall()
        for name, _ in found:
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone() > (0,), name
        return {
            name: (sql, [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]) for name, sql in found
        }


def test_another_type_in_every_column(tmp_path: Path, healthy: bytes) -> None:
    """Whatever SQLite would have refused: every call answers or raises StorageError, never KeyError or TypeError."""
    path, draw, wrong, met = tmp_path / "journeys.db", random.Random(15), [], 0
    path.write_bytes(healthy)
    cases = [
        (table, sql, column, value)
        for table, (sql, names) in tables(path).items()
        for column in names
        for value in OF_ANOTHER_TYPE
    ]
    long = settings.get_current_profile_name() == "long"
    for table, sql, column, value in cases if long else draw.sample(cases, 24):
        damaged(path, healthy, f"UPDATE OR IGNORE {table} SET {column} = {value}", (table, sql))
        found = tried(path, draw)
        met += "StorageError" in found
        wrong += [(table, column, value, each) for each in found - {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))
    assert met


def test_a_search_among_keys_that_are_no_texts_ends(tmp_path: Path, healthy: bytes) -> None:
    """A number is smaller than the text that it is compared as, so that the next smaller key is the same again."""
    path = tmp_path / "journeys.db"
    path.write_bytes(healthy)
    damaged(path, healthy, "UPDATE enrollments SET key = 1.5", ("enrollments", tables(path)["enrollments"][0]))
    with Engine(SQLiteStore(path, synchronous="NORMAL"), max_jump=None) as engine, suppress(StorageError):
        engine.forget("c1", at=LATER)


def answers(path: Path) -> Iterator[tuple[str, object]]:
    """Yield the answer of each call that changes nothing, and the messages of a claim, by the name of the call."""
    with suppress(StorageError), Engine(SQLiteStore(path, synchronous="NORMAL"), max_jump=None) as engine:
        for name in [*CALLS][:20]:
            with suppress(StorageError, NotFound):
                yield name, CALLS[name](engine)
        with suppress(StorageError, NotFound):
            yield "claim", tick_and_claim(engine, LATER)


def plain(value: object, place: str) -> Iterator[tuple[str, type]]:
    """Yield the texts, numbers and bytes in an answer, each as its place and its type."""
    if isinstance(value, str | int | float | bytes):
        yield place, type(value)
    elif attrs.has(type(value)):
        for each in attrs.fields(type(value)):  # type: ignore[arg-type]  # it has some
            yield from plain(getattr(value, each.name), f"{place}.{each.name}")
    elif isinstance(value, tuple | list | Page):
        for item in value:
            yield from plain(item, f"{place}[]")


def test_no_answer_has_another_type(tmp_path: Path, healthy: bytes) -> None:
    """A text that became bytes or a number, a number that became a text: a flipped bit is enough where they are empty.

    A call that would return it says that the file is damaged.
    """
    path, draw, wrong = tmp_path / "journeys.db", random.Random(16), []
    path.write_bytes(healthy)
    known: dict[str, set[type]] = {}
    for name, answer in answers(path):
        for place, found in plain(answer, name):
            known.setdefault(place, set()).add(found)
    path.write_bytes(healthy)
    cases = [
        (table, sql, column, value)
        for table, (sql, names) in tables(path).items()
        for column in names
        for value in ("x'616263'", "7", "''")
    ]
    long = settings.get_current_profile_name() == "long"
    seen = [case for case in cases if f"{case[0]}.{case[2]}" in SHOWN_COLUMNS]
    for table, sql, column, value in cases if long else [*draw.sample(seen, 7), *draw.sample(cases, 3)]:
        damaged(path, healthy, f"UPDATE OR IGNORE {table} SET {column} = {value}", (table, sql))
        for name, answer in answers(path):
            wrong += [
                (table, column, value, place, found)
                for place, found in plain(answer, name)
                if found not in known.get(place, {found}) or found is bytes
            ]
    assert not wrong, "\n".join(map(str, wrong))


SHOWN_COLUMNS = (
    *("customers.id", "journeys.id", "versions.version", "enrollments.run", "enrollments.status", "enrollments.reason"),
    *("enrollments.awaits", "enrollments.key", "deferred.key", "inputs.kind", "inputs.type", "inputs.outcome"),
    *("messages.n", "messages.step", "messages.channel", "messages.template", "messages.status", "messages.attempts"),
    *("messages.token", "messages.error", "policies.at", "inputs.at", "transitions.state"),
)
"""Columns whose values stand in answers as they are."""


def redefined(connection: sqlite3.Connection, table: str, sql: str) -> None:
    """Give a table another definition, behind the back of SQLite."""
    connection.execute("PRAGMA writable_schema = ON")
    [(version,)] = connection.execute("PRAGMA schema_version")
    connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, table))
    connection.execute(f"PRAGMA schema_version = {version + 1}")
    connection.execute("PRAGMA writable_schema = RESET")


def untyped(sql: str) -> str:
    """Return the definition of a table without types and without what must not be missing."""
    sql = re.sub(r" NOT NULL|STRICT,? ?", "", sql)
    return re.sub(r"(?<=[a-z]) (INTEGER|TEXT)\b(?! PRIMARY)", "", sql).rstrip(", ")


def test_tables_and_columns_that_are_missing(tmp_path: Path, healthy: bytes) -> None:
    """Each table dropped, and each column under another name: the file is refused, or the call that needs it is."""
    path, draw, wrong = tmp_path / "journeys.db", random.Random(13), []
    path.write_bytes(healthy)
    everything = columns(path)
    statements = [f"DROP TABLE {table}" for table in sorted({table for table, _ in everything})]
    statements += [f"ALTER TABLE {table} RENAME COLUMN {name} TO other" for table, name in draw.sample(everything, 9)]
    for statement in statements:
        damaged(path, healthy, statement)
        wrong += [(statement, each) for each in tried(path, draw) ^ {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))


def test_pages_that_are_empty_or_cut_off(tmp_path: Path, healthy: bytes) -> None:
    """The first page of each table and index zeroed; the file cut off after some page, and within one."""
    path, draw, wrong = tmp_path / "journeys.db", random.Random(14), []
    path.write_bytes(healthy)
    with closing(sqlite3.connect(path)) as connection:
        [(size,)] = connection.execute("PRAGMA page_size")
        roots = [page for (page,) in connection.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")]
    contents = [
        healthy[: (page - 1) * size] + bytes(size) + healthy[page * size :]
        for page in draw.sample(roots, len(roots) // 5)
    ]
    contents += [
        healthy[:length] for length in (size, 3 * size, len(healthy) // 2, len(healthy) - size, len(healthy) - 9)
    ]
    for content in contents:
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        path.write_bytes(content)
        wrong += [(len(content), each) for each in tried(path, draw) - {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))


def damaged(path: Path, healthy: bytes, statement: str, table: tuple[str, str] | None = None) -> None:
    """Write a file and damage it by a statement, as far as SQLite lets that happen; for a while types of a table rest.

    The table is given by its name and its definition.
    """
    for leftover in path.parent.iterdir():
        leftover.unlink()
    path.write_bytes(healthy)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA legacy_alter_table = ON")
        if table is not None:
            redefined(connection, table[0], untyped(table[1]))
        with suppress(sqlite3.IntegrityError):
            connection.execute(statement)
        if table is not None:
            redefined(connection, *table)


def tried(path: Path, draw: random.Random) -> set[str]:
    """Make all calls, those that change nothing first; return what was raised that no call says, and StorageError."""
    found = set()
    try:
        engine = Engine(SQLiteStore(path, synchronous="NORMAL"), max_jump=None)
    except StorageError:
        return {"StorageError"}
    with engine:
        for name in draw.sample(list(CALLS)[:21], 8) + list(CALLS)[21:]:
            try:
                CALLS[name](engine)
            except StorageError:
                found.add("StorageError")
            except REFUSED:
                pass
            except JourneyflowError as error:
                found.add(f"{name}: {type(error).__name__}: {error}"[:200])
            except Exception as error:  # noqa: BLE001 that is what is looked for
                found.add(f"{name}: {type(error).__name__}: {error}"[:200])
    return found


def test_bytes_that_somebody_changed(tmp_path: Path, healthy: bytes) -> None:
    """Whatever is flipped, zeroed, swapped or cut off."""
    draw, path, met, wrong = random.Random(12), tmp_path / "journeys.db", 0, []
    for number in range(3):
        content = bytearray(healthy)
        place, length = draw.randrange(100, len(content)), draw.randrange(1, 600)
        if number % 4 == 0:
            content[place : place + length] = bytes(min(length, len(content) - place))
        elif number % 4 == 1:
            content[place : place + 8] = draw.randbytes(8)
        elif number % 4 == 2:
            del content[len(content) - length * 8 :]
        else:
            page = 4096 * draw.randrange(1, len(content) // 4096)
            other = 4096 * draw.randrange(1, len(content) // 4096)
            content[page : page + 4096] = content[other : other + 4096]
        for leftover in tmp_path.iterdir():
            leftover.unlink()
        path.write_bytes(content)
        found = tried(path, draw)
        met += "StorageError" in found
        wrong += [(number, each) for each in found - {"StorageError"}]
    assert not wrong, "\n".join(map(str, wrong))
    assert met
