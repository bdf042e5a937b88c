"""The file is read with plain SQL, sqlite-utils and Datasette: every view answers, in names and ISO instants."""

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner
from sqlite_utils.cli import cli

from journeyflow import Cap, End, Engine, Exit, Goal, Limits, Policies, Reentry, Send, Split, Trigger, Wait, arm, field
from journeyflow.simulation.demo import run_demo
from tests.samples import START, Host, after

INSTANT = r"????-??-??T??:??:??.??????Z"

VIEWS = {
    "arms_view", "counters_view", "customers_view", "deferred_view", "engagement_view", "enrollments_view",
    "exports_view", "flags_view", "holds_view", "inputs_view", "journeys_view", "last_refusals_view",
    "list_members_view", "messages_view", "moves_view", "openings_view", "policies_view", "publications_view",
    "pulls_view", "refusals_view", "steps_view", "suppressions_view", "transitions_view", "versions_view", "visits",
    "visits_view",
}  # fmt: skip
"""Those that a life as below fills."""


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Give a file with something in every view: opens, refusals, exits, keys, a pause."""
    path = tmp_path_factory.mktemp("views") / "life.db"
    with Engine(path, grace=None) as engine:
        host = Host(engine)
        engine.set_policies(Policies(caps=[Cap(9, per="day")]), at=START)
        host.deploy(
            Send("hello", channel="EMAIL", template="t", data={"a": "{{ trigger.cart }}"}, expires="1 day"),
            Wait("rest", "1 day"),
            reentry=Reentry("never", key="event.cart"),
            goal=Goal("order"),
            run_criteria=field("plan").ne("none"),
            exits=[Exit("paid", when=field("plan").eq("paid"))],
        )
        host.deploy(Wait("w", event="never"), id="k", trigger=Trigger(manual=True))
        host.deploy(Wait("w", event="never"), id="p", trigger=Trigger.every("1 day", list="nobody's"))
        host.put("0 seconds", "c1", email="c1@example.com", lists=["news", "club"])
        host.put("0 seconds", "c2", plan="none")
        for cart, name in (("a", "c1"), ("b", "c1"), ("a", "c2")):
            host.feed("go", "0 seconds", name, cart=cart)
        host.tick("0 seconds")
        (message, _) = host.claim("1 minute")
        engine.ack(message, at=after("1 minute"))
        host.say("message.opened", "2 minutes", "c1", message=message.id)
        host.say("order", "3 minutes", "c1", cart="a")
        host.claim("4 minutes")
        engine.pause("j", at=after("5 minutes"))
        host.put("6 minutes", "c1", plan="paid")
        host.tick("6 minutes")
        host.deploy(Wait("w", event="never"), id="slow", limits=Limits(per_day=1), trigger=Trigger("come"))
        for name in ("c1", "c2"):
            host.feed("come", "7 minutes", name)
        host.tick("7 minutes")
        engine.set_published("slow", {"w": False}, at=after("8 minutes"))
        engine.hold_channel("EMAIL", at=after("8 minutes"))
        engine.submit_export(at=after("9 minutes"))
        engine.work_exports(at=after("9 minutes"))
        host.deploy(Split("which", arm(100, [End("e")])), id="old", trigger=Trigger("old"))
        host.say("old", "10 minutes")
        engine.prune(after("11 minutes"), journey="old")
        host.put("11 minutes", "gone")
        host.tick("11 minutes")
        engine.forget("gone", at=after("11 minutes"))
    return path


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_is_read_with_the_command_line_of_sqlite_utils(db, view):
    """Rows come as JSON with the columns of the view; none is empty in a life that has everything."""
    done = CliRunner().invoke(cli, ["rows", str(db), view])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert rows
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
        count = connection.execute(f"SELECT count(*) FROM {view}").fetchone()[0]
    assert list(rows[0]) == columns
    assert len(rows) == count


def test_no_view_is_forgotten(db):
    """Each view of the file is read above."""
    with closing(sqlite3.connect(db)) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}
    assert found == VIEWS


def test_instants_are_iso_text_in_every_view(db):
    """Whatever is called `at` or ends so is ISO 8601 in UTC, or NULL."""
    with closing(sqlite3.connect(db)) as connection:
        for view in sorted(VIEWS - {"visits"}):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
            instants = [each for each in columns if each in {"at", "due", "lease_until"} or each.endswith("_at")]
            for column in instants:
                sql = f"SELECT count(*) FROM {view} WHERE {column} IS NOT NULL AND NOT {column} GLOB ?"
                assert connection.execute(sql, (INSTANT,)).fetchone() == (0,), f"{view}.{column}"


def test_views_say_what_questions_say(db):
    """What SQL shows of journeys, enrollments, messages and engagement is what the engine answers (R80)."""
    with Engine(db) as engine, closing(sqlite3.connect(db)) as connection:
        info = engine.journey("j")
        counted = connection.execute(
            "SELECT state, version, enrolled, active, completed, exited, failed FROM journeys_view WHERE id = 'j'"
        ).fetchone()
        assert counted == (
            info.status, info.version, info.enrolled, info.active, info.completed, info.exited, info.failed
        )  # fmt: skip
        shown = connection.execute("SELECT customer, key, run, status, reason FROM enrollments_view ORDER BY serial")
        assert shown.fetchall() == [
            (each.customer, each.key, each.run, each.status, each.reason) for each in engine.enrollments().items
        ]
        ids = connection.execute("SELECT id FROM messages_view ORDER BY run, n").fetchall()
        assert ids == [(each.id,) for each in engine.messages("j").items]
        members = connection.execute("SELECT list, customer, attributes ->> '$.email' FROM list_members_view")
        assert members.fetchall() == [(name, "c1", "c1@example.com") for name in ("club", "news")]
        did = connection.execute("SELECT kind, count, channel FROM engagement_view ORDER BY first_at").fetchall()
        assert did == [(kind, each.total, "EMAIL") for kind, each in engine.people("j", "hello").items[0].did.items()]


@pytest.fixture
def connections(monkeypatch):
    """Close whatever a test connects to: Datasette leaves it open, also in threads, of which Python 3.13 warns."""
    connect, connections = sqlite3.connect, list[sqlite3.Connection]()

    def remembered(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*args, **options | {"check_same_thread": False}))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    yield
    for connection in connections:
        connection.close()


@pytest.mark.unmeasured
@pytest.mark.usefixtures("connections")
def test_datasette_opens_the_file_of_the_demo(tmp_path, monkeypatch):
    """Every view is a page of Datasette, and its rows are JSON there."""
    monkeypatch.setattr("journeyflow.simulation.demo.CUSTOMERS", 40)
    app = pytest.importorskip("datasette.app", reason="Datasette is not installed")
    run_demo(tmp_path / "demo.db", lambda *_: None)

    async def pages() -> dict[str, int]:
        datasette = app.Datasette([str(tmp_path / "demo.db")])
        await datasette.invoke_startup()
        found = {}
        for view in sorted(VIEWS):
            page = await datasette.client.get(f"/demo/{view}")
            rows = await datasette.client.get(f"/demo/{view}.json?_shape=array")
            assert page.status_code == rows.status_code == 200, view
            found[view] = len(rows.json())
        return found

    found = asyncio.run(pages())
    assert {view for view, rows in found.items() if not rows} <= {
        "arms_view", "deferred_view", "exports_view", "flags_view", "holds_view", "last_refusals_view",
        "list_members_view", "openings_view", "policies_view", "pulls_view", "refusals_view", "suppressions_view",
    }  # fmt: skip
