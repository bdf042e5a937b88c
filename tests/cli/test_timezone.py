"""Local times in the shell: `--timezone` shows and reads instants in a zone; without it they are in UTC."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from journeyflow import Engine, Event, Journey, Limits, Send, Trigger, Wait
from journeyflow.basics.showing import SHOWN_IN
from journeyflow.cli.main import main

START = datetime(2026, 7, 1, 9, tzinfo=UTC)

PARIS = ("--timezone", "Europe/Paris")


def call(*arguments):
    """Call the command line."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def db(tmp_path):
    """Return a database with somebody inside a journey and somebody who waits for a slot."""
    path = tmp_path / "run.db"
    hello, rest = Send("hello", channel="EMAIL", template="t"), Wait("rest", "1 day")
    with Engine(path) as engine:
        engine.deploy(Journey(id="j", trigger=Trigger("go"), steps=[hello, rest], limits=Limits(per_hour=1)), at=START)
        for name in ("ann", "bob"):
            engine.feed(Event("go", customer=name, at=START))
        engine.feed(Event("go", customer="ann", at=START.replace(minute=1)))
        engine.tick(START.replace(minute=2))
    return path


SHOWING = {
    "enrollments": ("enrollments", "j"),
    "people": ("people", "j", "hello"),
    "deferred": ("deferred",),
    "refused": ("refused",),
    "explain": ("explain", "j", "ann"),
    "why-not": ("why-not", "j", "ann", "--at", "2026-07-01T09:30:00Z"),
    "why-not in a queue": ("why-not", "j", "bob", "--at", "2026-07-01T09:30:00Z"),
    "timeline": ("timeline", "ann"),
    "at": ("at", "j", "ann", "2026-07-01T09:00:00Z"),
    "messages": ("messages",),
    "versions": ("versions", "j"),
    "stats": ("stats", "j", "--at", "2026-07-01T09:30:00Z"),
}
"""Commands whose text shows instants of the first of July."""


@pytest.mark.parametrize("name", SHOWING)
def test_a_command_shows_instants_in_a_zone(db, name):
    """Two hours later on the clock in the Paris of summer, also inside sentences; nothing else is changed by it."""
    command, *rest = SHOWING[name]
    local = call(command, db, *rest, *PARIS).stdout
    plain = call(command, db, *rest).stdout
    moved = local.replace("Europe/Paris", "UTC")
    for day, hour in (("2026-07-01", 9), ("2026-07-01", 10), ("2026-07-02", 9)):
        assert f"{day} {hour:02}:" not in moved
        moved = moved.replace(f"{day} {hour + 2:02}:", f"{day} {hour:02}:")
    assert moved == plain != local


def test_a_tick_names_the_zone_of_the_next_work(db):
    """An instant that stands alone in a sentence has its zone beside it."""
    tick = ("tick", db, "--now", "2026-07-01T09:30:00Z")
    assert "next work at 2026-07-01 12:00:00 Europe/Paris" in call(*tick, *PARIS).stdout
    assert "next work at 2026-07-01 10:00:00 UTC" in call(*tick).stdout


def test_json_has_the_offset_of_the_zone(db):
    """The instant is the same for a program; without the option it is in UTC."""
    local = json.loads(call("enrollments", db, "j", "--json", *PARIS).stdout)["items"][0]["entered_at"]
    plain = json.loads(call("enrollments", db, "j", "--json").stdout)["items"][0]["entered_at"]
    assert (local, plain) == ("2026-07-01T11:00:00+02:00", "2026-07-01T09:00:00+00:00")


def test_instants_without_an_offset_are_of_the_zone(db):
    """Those with one keep it; without the option they are refused as before."""
    for text in ("2026-07-01T11:00:00", "2026-07-01 11:00", "2026-07-01T09:00:00Z"):
        result = call("at", db, "j", "ann", text, *PARIS)
        assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "ann in j, run 1: ACTIVE, at rest")
    assert call("at", db, "j", "ann", "2026-07-01T10:59:00", *PARIS).exit_code == 1
    assert "has no offset" in call("at", db, "j", "ann", "2026-07-01T11:00:00").stderr
    assert call("at", db, "j", "ann", "soon", *PARIS).exit_code == 2


def test_a_zone_that_is_none_is_wrong_usage(db):
    """The name is checked before anything is done."""
    result = call("tick", db, "--timezone", "Paris")
    assert result.exit_code == 2
    assert "Paris" in result.stderr


def test_the_zone_ends_with_the_command(db):
    """What the same process shows afterwards is in UTC again, also when the command failed."""
    call("timeline", db, "ann", *PARIS)
    call("timeline", db, "nobody", *PARIS)
    call("at", db, "j", "ann", "soon", *PARIS)
    assert SHOWN_IN.get() is None
    assert "2026-07-01 09:00:00" in call("timeline", db, "ann").stdout
