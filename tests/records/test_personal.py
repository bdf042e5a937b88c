"""Everything personal, found by markers: `export_customer` returns it, `forget` removes it, in every column (R86)."""

import json
from pathlib import Path

import pytest

from journeyflow import End, Event, Limits, Reentry, Send, Trigger, Wait, field
from journeyflow.records.forgetting import PERSONAL
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, STORES, Host, after, open_engine

MARK = "marked"

WHO = f"{MARK}-who"

PLACES = {
    *((table, column) for table, columns in PERSONAL.items() for column in columns),
    *{("customers", "id"), ("customers", "attributes"), ("list_members", "customer")},
    *{("deferred", "key"), ("deferred", "trigger_data")},
    *{("inputs", "customer"), ("inputs", "id"), ("inputs", "data")},
    *{("pulls", "after")},
}
"""Every column that holds something of a customer."""

NOT_PERSONAL = {
    "meta": "settings",
    "journeys": "the host's words",
    "versions": "the host's words",
    "transitions": "states",
    "policies": "the host's words",
    "flags": "the host's words",
    "holds": "the host's words",
    "suppressions": "keyed hashes",
    "paths": "steps and outcomes",
    "exports": "sums",
    "counters": "sums, by the host's words and by mailbox domain",
    "openings": "sums, by the host's words and by mailbox domain",
    "arms": "the host's words",
    "refusals": "sums",
    "customers.tenant": "the host's word",
    "list_members.tenant": "the host's word",
    "list_members.list": "the host's word",
    "inputs.tenant": "the host's word",
    "inputs.kind": "what it is",
    "inputs.type": "the host's word",
    "inputs.outcome": "what became of it",
    "enrollments.status": "what became of it",
    "enrollments.reason": "the host's word",
    "enrollments.awaits": "the host's word",
    "moves.steps": "steps and outcomes",
    "messages.step": "the host's word",
    "messages.channel": "the host's word",
    "messages.template": "the host's word",
    "messages.status": "what became of it",
    "messages.token": "a worker and a number",
    "messages.flags": "what happened to it, and when",
    "messages.domain": "the mailbox domain stays, for statistics",
    "last_refusals.reason": "why it was",
    "pulls.origin": "as `after`, and only during a pull",
}
"""Tables and columns of text that are not about a person, or that stay, each with the reason."""


OF_RUN = "enrollment IN (SELECT serial FROM enrollments WHERE customer = (SELECT number FROM customers WHERE id = ?))"

OF = {
    **dict.fromkeys(("enrollments", "last_refusals"), "customer = (SELECT number FROM customers WHERE id = ?)"),
    **dict.fromkeys(("moves", "messages"), OF_RUN),
}
"""The rows about a customer."""


def texts(host: Host) -> dict[tuple[str, str], list[str]]:
    """Return all texts of the store, by table and column."""
    found: dict[tuple[str, str], list[str]] = {}
    for (table,) in host.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        for _, column, kind, *_ in host.rows(f"PRAGMA table_info({table})"):
            if kind == "TEXT":
                values = host.rows(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
                found[table, column] = [text for (text,) in values]
    return found


def marked(host: Host) -> set[tuple[str, str]]:
    """Return the columns that hold a marker."""
    return {place for place, values in texts(host).items() if any(MARK in value for value in values)}


def live(host: Host) -> list[str]:
    """Let a customer leave a marker in every column; return the markers, each with a name of its own."""
    engine = host.engine
    host.deploy(
        Send("hello", channel="EMAIL", template="t", data={"to": "{{ name }}"}),
        Wait("reply", event="said", timeout="20 days"),
        Wait("rest", "20 days"),
        reentry=Reentry.always(key="event.cart"),
        run_criteria=field("event.asked").ne("no"),
    )
    by_cart = Reentry.always(key="event.cart")
    host.deploy(End("e"), id="full", trigger=Trigger("full"), limits=Limits(per_day=1), reentry=by_cart)
    host.deploy(End("e"), id="refusing", trigger=Trigger("refused"), run_criteria=field("event.asked").eq("yes"))
    host.deploy(End("e"), id="pulling", trigger=Trigger.every("1 day", list="news", size=1))
    host.put(START, WHO, name=f"{MARK}-name", lists=["news"])
    host.put(START, "zoe", lists=["news"])
    host.feed("go", START, WHO, cart=f"{MARK}-cart", note=f"{MARK}-note", asked=f"{MARK}-compared")
    host.feed("full", START, "bob", cart="b")
    host.feed("full", START, WHO, cart=f"{MARK}-queued", note=f"{MARK}-waiting")
    host.feed("refused", START, WHO, asked=f"{MARK}-refused")
    host.tick()
    (message,) = host.claim(channels="EMAIL")
    engine.nack(message, at=START, error=f"{MARK}-mailbox is full")
    host.feed("said", "1 hour", WHO, cart=f"{MARK}-cart", word=f"{MARK}-word")
    host.tick("1 hour")
    host.feed("later", "9 days", WHO, word=f"{MARK}-pending")
    engine.feed(host_event(f"{MARK}-event-id"))
    host.tick("2 hours")
    names = "who name cart note compared queued waiting refused mailbox word pending event-id"
    return [f"{MARK}-{name}" for name in names.split()]


def host_event(name: str) -> Event:
    """Return an event with an id."""
    return Event("seen", customer=WHO, at=after("2 hours"), id=name)


@pytest.fixture(params=STORES)
def host(request: pytest.FixtureRequest) -> Host:
    """Return a host on each store."""
    return Host(open_engine(request.param, grace=None))


def test_every_column_with_a_marker_is_exported_and_forgotten(host: Host) -> None:
    """One list of places serves both: what is in none of them holds no marker, and each of them does (R86)."""
    markers = live(host)
    assert marked(host) == PLACES
    told = json.dumps(host.engine.export_customer(WHO))
    assert [each for each in markers if each not in told] == []
    host.engine.forget(WHO, at=after("3 hours"))
    assert marked(host) == set()
    assert host.engine.audit() == []


def test_every_column_of_text_is_known_to_be_personal_or_not(tmp_path: Path) -> None:
    """A new column has to be put into one of the two lists: whoever adds it decides whether it is forgotten."""
    with open_engine(str(tmp_path / "x.db")) as engine:
        known = {place for place in texts(Host(engine)) if place[0] not in NOT_PERSONAL}
    assert {f"{table}.{column}" for table, column in known - PLACES} == {name for name in NOT_PERSONAL if "." in name}


def test_a_marker_in_every_personal_column_of_a_row_is_removed(tmp_path: Path) -> None:
    """Whatever stands in the columns of the list, exported as it stands and gone afterwards."""
    path = tmp_path / "x.db"
    with open_engine(str(path)) as engine:
        host = Host(engine)
        live(host)
        assert isinstance(engine.store, SQLiteStore)
        assert engine.store.connection is not None
        for table, columns in PERSONAL.items():
            for column in columns:
                text = f"{MARK}.{table}.{column}"
                value = text if column == "key" else json.dumps({"entry": {"x": text}})
                engine.store.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {OF[table]}", (value, WHO))
        told = json.dumps(engine.export_customer(WHO))
        assert [name for table in PERSONAL for name in PERSONAL[table] if f"{MARK}.{table}.{name}" not in told] == []
        engine.forget(WHO, at=after("3 hours"))
        assert marked(host) == set()


@pytest.mark.parametrize("who", ["ann", "bob", "cid"])
def test_a_pull_goes_on_where_it_was_when_the_one_asked_last_is_forgotten(host: Host, who: str) -> None:
    """The id in the place of the pull gives way to the one before it; the next to be asked stays the next (R27)."""
    names = ["ann", "bob", "cid", "dan"]
    other = Host(host.engine.tenant("other"))
    for each in (host, other):
        each.deploy(End("e"), id="j", trigger=Trigger.every("1 day", list="news", size=1))
        for name in names:
            each.put(START, name, lists=["news"])
    days = names.index(who)
    host.tick(f"{days} days")
    host.engine.forget(who, at=after(f"{days} days 1 hour"))
    host.tick(f"{days + 1} days")
    newest = host.engine.enrollments("j", descending=True)[0].customer
    assert newest == names[days + 1]
    assert other.engine.enrollments("j", descending=True)[0].customer == names[days + 1]
    assert host.rows("SELECT after FROM pulls ORDER BY journey") == [(newest,), (newest,)]
    assert host.engine.audit() == []
