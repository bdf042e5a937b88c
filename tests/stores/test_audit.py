"""The audit finds every kind of fault (R80): each is planted behind the store's back, and told in one sentence."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from journeyflow import (
    Cap,
    Condition,
    Engine,
    Event,
    Journey,
    Limits,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.basics.moments import iso, to_micros
from journeyflow.stores.audit import CHECKS, INSTANTS, SHAPE, audit, audit_faults
from journeyflow.stores.contract import LAST_TICK, Store
from journeyflow.stores.schema import TABLES
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.stores.sqlite.opening import Location, open_again
from journeyflow.stores.sqlite.reader import SQLiteReader
from tests.samples import START

DAY = timedelta(days=1)
FAR = 9_000_000_000_000_000_000
"""Microseconds that lie beyond every calendar."""

DRIP = Journey(
    id="drip",
    trigger=Trigger("go"),
    steps=[
        Send("hello", channel="EMAIL", template="hello", data={"plan": "{{ plan }}"}),
        Wait("breathe", "1 day"),
        Condition("paid", field("plan").eq("paid"), yes=[Send("thanks", channel="EMAIL", template="thanks")]),
        Wait("month", "30 days"),
    ],
)
NEWS = Journey(id="news", steps=[Wait("week", "7 days"), Send("digest", channel="EMAIL", template="digest")])
NOTE = Journey(id="note", trigger=Trigger("note"), steps=[Send("written", channel="SMS", template="note")])

QUEUE = Journey(id="queue", trigger=Trigger("queue"), limits=Limits(per_day=1), steps=[Wait("year", "1 year")])
CLUB = Journey(
    id="club",
    trigger=Trigger.every("1 day", list="club", where=field("plan").eq("gone")),
    steps=[Wait("year", "1 year")],
)


def live(store: Store) -> None:
    """Let four people live for two days.

    Runs 1 (ann) and 2 (bob) rest in "drip", cid left it (3); ann waits in "news" (4); dan completed "note" (5).
    """
    engine = Engine(store, grace=None, max_jump=None)
    for journey in (DRIP, NEWS, NOTE, QUEUE, CLUB):
        engine.deploy(journey, at=START)
    engine.put_customers({"ann": {"plan": "paid"}, "bob": {}, "cid": {}}, at=START)
    engine.put_customer("dan", {"lists": ["club"]}, at=START)
    engine.feed([Event("go", customer=name, at=START, data={"a": 1}) for name in ("ann", "bob", "cid")])
    engine.enroll("news", "ann", at=START)
    engine.feed(Event("note", customer="dan", at=START))
    engine.feed(Event("go", customer="ann", at=START + DAY / 2))
    engine.exit("drip", "cid", at=START + DAY / 2)
    engine.tick(START + 2 * DAY)
    engine.pause("news", at=START + 2 * DAY)
    engine.resume("news", at=START + 3 * DAY)
    engine.set_policies(Policies(caps=[Cap(5, per="day")]), at=START + 3 * DAY)
    engine.set_policies(Policies(), at=START + 3 * DAY)
    engine.submit_export(at=START)
    engine.feed([Event("queue", customer=name, at=START + 3 * DAY, data={"n": 1}) for name in ("ann", "bob")])
    engine.tick(START + 3 * DAY)
    claimed = engine.claim("w", at=START + 3 * DAY, limit=1)
    engine.feed(Event("message.opened", customer="ann", at=START + 3 * DAY, data={"message": claimed[0].id}))
    engine.tick(START + 3 * DAY)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of a file that adds up."""
    path = tmp_path_factory.mktemp("healthy") / "journeys.db"
    with closing(SQLiteStore(path, nonce="x")) as store:
        live(store)
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path, healthy: bytes) -> Path:
    """Give a file that adds up."""
    path = tmp_path / "journeys.db"
    path.write_bytes(healthy)
    return path


@pytest.fixture(scope="module")
def changeable(tmp_path_factory: pytest.TempPathFactory, healthy: bytes) -> Iterator[sqlite3.Connection]:
    """Give a connection to a file that adds up: what a test changes in a transaction, it takes back."""
    path = tmp_path_factory.mktemp("changeable") / "journeys.db"
    path.write_bytes(healthy)
    with closing(open_again(Location.of(str(path)))) as connection:
        yield connection


def found(file: Path) -> list[str]:
    """Audit a file."""
    with closing(SQLiteStore(file)) as store, store.reader() as reader:
        return audit(reader)


ENTRY = '[["hello","COMPLETED","queued"],["breathe","ACTIVE",""]]'
JUMPED, SKIPPED = ENTRY.replace("breathe", "month"), ENTRY.replace("ACTIVE", "SKIPPED")
AT = to_micros(START)

FAULTS: list[tuple[str, str]] = [
    # what cannot be read
    ("UPDATE enrollments SET version = 99 WHERE serial = 1", "row 1 of table enrollments points at nothing"),
    (
        "UPDATE moves SET path = 99 WHERE enrollment = 1 AND visit = 0",
        "the move to visit 0 of enrollment 1 goes by path 99, which is not there",
    ),
    ("DELETE FROM meta WHERE name = 'nonce'", "the setting 'nonce' is missing or cannot be read"),
    ("UPDATE messages SET nonce = 3", "the setting 'nonce.3' is missing or cannot be read"),
    ("DELETE FROM meta WHERE name = 'revision'", "the setting 'revision' is missing or cannot be read"),
    *(
        (
            f"INSERT OR REPLACE INTO meta VALUES ('{name}', '{value}')",
            f"the setting '{name}' is missing or cannot be read",
        )
        for name in ("grace", "revision", LAST_TICK)
        for value in ("x", "1.5", "-", "5-5", "9" * 5_000)
    ),
    ("UPDATE meta SET value = '' WHERE name = 'revision'", "the setting 'revision' is missing or cannot be read"),
    ("UPDATE customers SET attributes = '{' WHERE number = 2", "customer 2: its attributes cannot be read"),
    ("UPDATE inputs SET data = '{' WHERE seq = 5", "input 5: its data cannot be read"),
    ("UPDATE versions SET definition = '' WHERE number = 1", "version 1: its definition cannot be read"),
    ("UPDATE policies SET definition = '{' WHERE n = 2", "policies of tenant default: its definition cannot be read"),
    ("UPDATE enrollments SET trigger_data = '{' WHERE serial = 1", "enrollment 1: its trigger cannot be read"),
    ("UPDATE enrollments SET memory = '{' WHERE serial = 1", "enrollment 1: its memory cannot be read"),
    ("UPDATE paths SET steps = '[' WHERE number = 1", "path 1: its steps cannot be read"),
    ("UPDATE moves SET steps = '[' WHERE enrollment = 2", "enrollment 2: its history cannot be read"),
    ("UPDATE moves SET seen = '[' WHERE enrollment = 2", "enrollment 2: its compared values cannot be read"),
    ("UPDATE messages SET data = '[' WHERE enrollment = 2", "enrollment 2: its message data cannot be read"),
    (
        "UPDATE messages SET attempts = 9223372036854775807 WHERE enrollment = 2",
        "message 2-1 was handed out 9223372036854775807 times, of which 0 do not count",
    ),
    (
        "UPDATE messages SET forgiven = -1 WHERE enrollment = 2",
        "message 2-1 was handed out 0 times, of which -1 do not count",
    ),
    ("UPDATE messages SET flags = '[' WHERE enrollment = 2", "enrollment 2: its message flags cannot be read"),
    ("UPDATE customers SET attributes = '7' WHERE number = 2", "customer 2: its attributes cannot be read"),
    ("UPDATE inputs SET data = '[]' WHERE seq = 5", "input 5: its data cannot be read"),
    *(
        (f"UPDATE exports SET options = '{options}'", "export 1: its options cannot be read")
        for options in ("7", "[", "[]", '{"status":null}')
    ),
    ("UPDATE paths SET steps = '{}' WHERE number = 1", "path 1: its steps cannot be read"),
    *(
        (
            f"UPDATE messages SET flags = '{flags}' WHERE enrollment = 2",
            "enrollment 2: what is recorded about its message 1 is not an instant with a count",
        )
        for flags in ('{"opened":5}', '{"opened":[5]}', '{"opened":[5,"1"]}')
    ),
    *(
        (
            f"UPDATE paths SET steps = '{steps}' WHERE number = 1",
            "path 1: a visit of it is not a step with status and outcome",
        )
        for steps in ("[7]", '[["hello","COMPLETED"]]', '[["hello","COMPLETED",5]]')
    ),
    # policies
    (
        "UPDATE policies SET at = at - 1 WHERE n = 2",
        "policies 2 of tenant 'default' hold from before those that they follow",
    ),
    (
        f"UPDATE policies SET at = {FAR} WHERE n = 2",
        f"policies of tenant default: the instant {FAR} is in no calendar",
    ),
    # runs
    ("UPDATE enrollments SET status = 'LOST' WHERE serial = 1", "enrollment 1 is LOST, which is not a status"),
    ("UPDATE enrollments SET due = NULL WHERE serial = 1", "enrollment 1 is active and rests without a wake-up"),
    ("UPDATE enrollments SET due = 5 WHERE serial = 5", "enrollment 5 is COMPLETED and still has a wake-up"),
    ("UPDATE enrollments SET awaits = 'x' WHERE serial = 5", "enrollment 5 is COMPLETED and still has a wake-up"),
    ("UPDATE enrollments SET held = 5 WHERE serial = 3", "enrollment 3 is EXITED and still has a wake-up"),
    (
        "UPDATE enrollments SET ended_at = 5 WHERE serial = 1",
        "enrollment 1 is ACTIVE, and the instant of its end is 1970-01-01T00:00:00.000005Z",
    ),
    (
        "UPDATE enrollments SET ended_at = NULL WHERE serial = 3",
        "enrollment 3 is EXITED, and the instant of its end is None",
    ),
    (
        "UPDATE enrollments SET step = 77 WHERE serial = 1",
        "enrollment 1 is ACTIVE at position 77 of a journey with 6 steps",
    ),
    (
        "UPDATE enrollments SET step = -1 WHERE serial = 1",
        "enrollment 1 is ACTIVE at position -1 of a journey with 6 steps",
    ),
    (
        "UPDATE enrollments SET step = 1 WHERE serial = 5",
        "enrollment 5 is COMPLETED at position 1 of a journey with 2 steps",
    ),
    ("UPDATE enrollments SET version = 2 WHERE serial = 1", "enrollment 1 is in a version of another journey"),
    (
        "UPDATE enrollments SET status = 'HOLDOUT', step = -1, due = NULL WHERE serial = 1",
        "enrollment 1 is in the holdout and has 5 visits",
    ),
    (
        "UPDATE enrollments SET customer = 1, run = serial, key = 'a' WHERE serial < 3",
        "customer 'ann' is twice in journey 'drip' under key 'a'",
    ),
    ("UPDATE enrollments SET customer = 1, run = 2 WHERE serial = 2", "customer 'ann' is twice in journey 'drip'"),
    (
        "UPDATE enrollments SET run = 4 WHERE serial = 1",
        "customer 'ann' has 1 runs of journey 'drip', the newest of which is run 4",
    ),
    ("UPDATE customers SET id = char(31) || 'x' WHERE number = 1", "customer 1 is forgotten and still has data"),
    # history
    (
        "INSERT INTO arms SELECT serial, version, 'which', 'A' FROM enrollments WHERE serial = 1",
        "enrollment 1 has a history, and beside it what stands for one that was pruned",
    ),
    ("UPDATE enrollments SET visit = 9 WHERE serial = 1", "enrollment 1 has 5 visits in its history, not 9"),
    ("DELETE FROM moves WHERE enrollment = 4", "enrollment 4 has 0 visits in its history, not 1"),
    (
        "UPDATE enrollments SET last_at = last_at + 1 WHERE serial = 5",
        f"enrollment 5 lasts from {iso(AT)} to {iso(AT + 1)}, its history from {iso(AT)} to {iso(AT)}",
    ),
    (
        "UPDATE enrollments SET entered_at = entered_at - 1 WHERE serial = 5",
        f"enrollment 5 lasts from {iso(AT - 1)} to {iso(AT)}, its history from {iso(AT)} to {iso(AT)}",
    ),
    (
        "DELETE FROM moves WHERE enrollment = 1 AND visit = 0",
        "enrollment 1 goes on at visit 2 where its history has no rest",
    ),
    (
        f"UPDATE moves SET path = NULL, steps = '{SKIPPED}' WHERE enrollment = 1 AND visit = 0",
        "enrollment 1 goes on at visit 2 where its history has no rest",
    ),
    (
        f"UPDATE moves SET path = NULL, steps = '{JUMPED}' WHERE enrollment = 1 AND visit = 0",
        "enrollment 1 goes on at visit 2 where its history has no rest",
    ),
    (
        f"UPDATE moves SET at = {FAR // 2} WHERE enrollment = 1 AND visit = 0",
        "enrollment 1 leaves visit 2 before it came there",
    ),
    (
        "UPDATE enrollments SET step = 1 WHERE serial = 1",
        "enrollment 1 is ACTIVE at step 'breathe', its history says ACTIVE at 'month'",
    ),
    (
        "UPDATE enrollments SET status = 'EXITED', step = -1, ended_at = last_at, due = NULL WHERE serial = 1",
        "enrollment 1 is EXITED at step None, its history says ACTIVE at 'month'",
    ),
    (
        "UPDATE paths SET steps = replace(steps, '\"breathe\"', '\"breath\"')",
        "version 1 has no step 'breath', where people have been",
    ),
    (
        "UPDATE versions SET definition = json_set(definition, '$.steps[0].next', 'month') WHERE number = 1",
        "no way leads from step 'hello' to 'breathe' in version 1, where people have gone",
    ),
    (
        f"UPDATE moves SET path = NULL, steps = '{JUMPED}' WHERE enrollment = 2 AND visit = 0",
        "no way leads from step 'hello' to 'month' in version 1, where people have gone",
    ),
    # messages
    ("UPDATE messages SET step = 'thanks' WHERE enrollment = 2", "message 2-1 was queued by no visit"),
    ("UPDATE messages SET n = 2 WHERE enrollment = 2", "message 2-2 was queued by no visit"),
    ("DELETE FROM messages WHERE enrollment = 2", "visit 1 of enrollment 2 queued a message that is not there"),
    ("UPDATE messages SET n = 2 WHERE enrollment = 2", "visit 1 of enrollment 2 queued a message that is not there"),
    ("UPDATE messages SET status = 'OPEN' WHERE enrollment = 2", "message 2-1 is OPEN, which is not a status"),
    (
        "UPDATE messages SET lease_until = 5 WHERE enrollment = 2",
        "message 2-1 is QUEUED, and the end of its lease is 1970-01-01T00:00:00.000005Z",
    ),
    (
        "UPDATE messages SET lease_until = NULL WHERE enrollment = 1",
        "message 1-1 is CLAIMED, and the end of its lease is None",
    ),
    # limits
    (
        "DELETE FROM journey_timers WHERE journey = 4",
        "1 people wait for a slot of journey 'queue' and nothing wakes them",
    ),
    (
        "UPDATE journey_timers SET due = NULL WHERE journey = 4",
        "1 people wait for a slot of journey 'queue' and nothing wakes them",
    ),
    ("UPDATE slots SET count = 9", "journey 'queue' counts 9 slots, and 1 people entered"),
    ("UPDATE deferred SET trigger_data = '['", "deferred entry 1: its trigger cannot be read"),
    # pulls
    (
        "UPDATE journey_timers SET which = 7 WHERE journey = 5",
        "journey 'club' has a timer of kind 7, which is none",
    ),
    ("DELETE FROM journey_timers WHERE journey = 5", "journey 'club' pulls people in and nothing wakes it"),
    ("UPDATE journey_timers SET due = NULL WHERE journey = 5", "journey 'club' pulls people in and nothing wakes it"),
    (
        "UPDATE transitions SET state = 'ARCHIVED' WHERE journey = 5",
        "journey 'club' is ARCHIVED and still pulls people in",
    ),
    ("DELETE FROM list_members", "customer 'dan' of tenant 'default' is not found on list 'club'"),
    (
        "INSERT INTO list_members VALUES ('default', 'club', 'ann')",
        "customer 'ann' of tenant 'default' is wrongly on list 'club'",
    ),
    (
        "UPDATE list_members SET customer = 'eve'",
        "customer 'eve' of tenant 'default' is wrongly on list 'club'",
    ),
    # journeys
    ("INSERT INTO journeys VALUES (9, 't', 'bare')", "journey 'bare' has no version 1"),
    ("INSERT INTO journeys VALUES (9, 't', 'bare')", "journey 'bare' has no version"),
    (
        "UPDATE publications SET version = 2 WHERE journey = 1",
        "journey 'drip' published version 2, which belongs to another journey",
    ),
    (
        "INSERT INTO publications VALUES (1, 2, 5, 1)",
        "journey 'drip' published its version 1 before the one that it followed",
    ),
    ("UPDATE transitions SET state = 'ARCHIVED' WHERE n = 2", "journey 'news' went from ARCHIVED to ACTIVE"),
    ("UPDATE transitions SET at = 5 WHERE n = 2", "journey 'news' went from ACTIVE to PAUSED"),
    (
        "DELETE FROM refusals",
        "journey 'drip' counts 0 refusals 'already inside', and for 1 customers that was the last one",
    ),
    (
        "UPDATE refusals SET count = 0",
        "journey 'drip' counts 0 refusals 'already inside', and for 1 customers that was the last one",
    ),
    # instants
    *(
        (f"UPDATE {table} SET {column} = {value} WHERE {where}", f"{what}: the instant {value} is in no calendar")
        for table, columns, where, what in [
            ("inputs", "at", "seq = 1", "input 1"),
            ("enrollments", "entered_at last_at ended_at converted_at since due held", "serial = 1", "enrollment 1"),
            ("messages", "at available_at lease_until expires_at", "enrollment = 1", "message of enrollment 1"),
            ("versions", "published_at", "number = 1", "version 1"),
            ("transitions", "at", "journey = 1", "transition of journey 1"),
            ("deferred", "at", "number = 1", "deferred entry 1"),
            ("journey_timers", "due", "journey = 4", "timer of journey 4"),
            ("slots", "at", "journey = 4", "slot of journey 4"),
            ("pulls", "at", "journey = 5", "pull of journey 5"),
        ]
        for column in columns.split()
        for value in (FAR, -FAR)
    ),
    (
        f"UPDATE exports SET expires_at = {FAR}",
        f"export job 1: the instant {FAR} is in no calendar",
    ),
]


@pytest.mark.unmeasured
@pytest.mark.parametrize(("statement", "sentence"), FAULTS)
def test_every_fault_is_told(changeable: sqlite3.Connection, statement: str, sentence: str) -> None:
    """What is planted changes rows, and the audit tells of it in one sentence."""
    changeable.execute("BEGIN")
    try:
        assert changeable.execute(statement).rowcount > 0
        assert sentence in audit(SQLiteReader(changeable))
    finally:
        changeable.execute("ROLLBACK")


def test_every_check_finds_something() -> None:
    """No check is there for nothing: each one has a fault above, but for damage, which has a test of its own."""
    templates = SHAPE.keys() | CHECKS.keys()
    patterns = {template: re.sub(r"\\\{\d(!r|:at)?\\\}", ".*", re.escape(template)) for template in templates}
    useless = {
        template
        for template, pattern in patterns.items()
        if not any(re.fullmatch(pattern, sentence) for _, sentence in FAULTS)
    }
    assert useless == {"the store is damaged: {0}"}


def test_damage_is_told(file: Path) -> None:
    """An index that lags behind its table is told, and nothing else is looked at after that."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'leases'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute("UPDATE enrollments SET due = NULL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    content[page * size - 9 : page * size - 1] = bytes(8)
    file.write_bytes(content)
    sentences = found(file)
    assert sentences
    assert {sentence.split(":")[0] for sentence in sentences} == {"the store is damaged"}


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_nothing_is_told_of_a_store_that_adds_up(kind: str, tmp_path: Path) -> None:
    """A store that only the engine wrote to has no faults, in memory as on a file; nor has an empty one."""
    store: Store = MemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "journeys.db")
    with Engine(store) as engine:
        assert engine.audit() == []
        live(store)
        assert engine.audit() == []


def test_faults_come_one_by_one(file: Path) -> None:
    """Who wants to know only whether there are any need not wait for all of them."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE enrollments SET due = NULL")
    with closing(SQLiteStore(file)) as store, store.reader() as reader:
        assert next(audit_faults(reader)) == "enrollment 1 is active and rests without a wake-up"


def test_every_instant_of_the_schema_is_looked_at():
    """Each whole number that is named as instants are (R2); whether a channel is held is none."""
    named = {column for _, _, columns in INSTANTS.values() for column in columns}
    looked_at = {(table, column) for table, _, columns in INSTANTS.values() for column in columns} | {("holds", "held")}
    for table, definition in re.findall(r"CREATE TABLE (\w+) \((.*?)\) STRICT", TABLES, re.DOTALL):
        assert {(table, column) for column in re.findall(r"(\w+) INTEGER", definition) if column in named} <= looked_at
