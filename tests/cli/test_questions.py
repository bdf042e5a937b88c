"""Questions from the shell: tables for people, JSON for machines."""

import json
from datetime import UTC, datetime

import pytest

from journeyflow import Engine, Event, Journey, Limits, Send, Trigger, Wait
from tests.cli.shell import call

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
THANKS = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day")],
)


@pytest.fixture
def db(tmp_path):
    """Give a database with three people in a journey; two opened its mail, one of them twice."""
    path = tmp_path / "run.db"
    with Engine(path) as engine:
        engine.deploy(THANKS, at=NEW_YEAR)
        for name in ("ann", "bob", "cid"):
            engine.put_customer(name, {"email": f"{name}@example.com"}, at=NEW_YEAR)
            engine.feed(Event("buy", customer=name, at=NEW_YEAR))
        engine.tick(NEW_YEAR)
        ids = [message.id for message in engine.messages().items]
        for name, place in (("ann", 0), ("bob", 1), ("ann", 0)):
            engine.feed(Event("message.opened", customer=name, at=NEW_YEAR, data={"message": ids[place]}))
        engine.tick(NEW_YEAR)
    return path


def test_people_at_a_step_from_the_shell(db):
    """Who was there and what they did: filtered, sorted, page by page."""
    result = call(
        "people", db, "thanks", "hello", "--did", "opened", "--take", 1, "--field", "email", "--order", "email"
    )
    assert result.stdout.splitlines() == [
        "customer  run  status     outcome  entered              left                 stays  did        email",
        (
            "ann         1  COMPLETED  queued   2026-01-01 00:00:00  2026-01-01 00:00:00      1  opened 2x "
            " ann@example.com"
        ),
        "1 to 1 of 2",
        """more: --after '["ann@example.com",1]'""",
    ]
    more = ("--order", "email", "--after", '["ann@example.com",1]', "--json")
    page = json.loads(call("people", db, "thanks", "hello", "--did", "opened", *more).stdout)
    assert [each["customer"] for each in page["items"]] == ["bob"]
    assert page["items"][0]["did"]["opened"]["first_at"] == "2026-01-01T00:00:00+00:00"


def test_people_are_filtered_from_the_shell(db):
    """What they did and did not do, all of it or any; who is there now; what cannot be asked."""
    asked = ("--did", "clicked", "--did-not", "opened", "--any", "--descending")
    assert call("people", db, "thanks", "hello", *asked).stdout.splitlines()[1].startswith("cid")
    assert call("people", db, "thanks", "hello", *asked[:4]).stdout.endswith("none of 0\n")
    assert call("people", db, "thanks", "w", "--now", "--skip", 9).stdout.endswith("none of 3\n")
    result = call("people", db, "thanks", "w", "--did", "opened")
    assert (result.exit_code, "step 'w' sends nothing" in result.stderr) == (1, True)


def test_enrollments_from_the_shell(db):
    """Filtered by status and step, sorted, with attributes; page by page."""
    asked = ("--status", "ACTIVE", "--status", "EXITED", "--step", "w", "--order", "customer", "--descending")
    result = call("enrollments", db, "thanks", *asked, "--take", 2, "--skip", 1, "--field", "email")
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["bob", "ann"]
    assert lines[1].endswith("bob@example.com")
    assert lines[3:] == ["2 to 3 of 3"]
    assert call("enrollments", db, "--take", 2).stdout.splitlines()[3:] == ["1 to 2 of 3", "more: --after 2"]
    assert call("enrollments", db, "--take", "all").stdout.splitlines()[4:] == ["1 to 3 of 3"]
    assert "'some' is not a valid integer" in call("enrollments", db, "--take", "some").stderr
    assert call("enrollments", db, "--take", 1, "--after", 2).stdout.splitlines()[1].split()[1] == "cid"
    assert "did you mean 'ACTIVE'" in call("enrollments", db, "--status", "ACTVE").stderr


def test_a_life_is_told_from_the_shell(db):
    """A line for each moment, or a part of them; JSON with their data."""
    lines = call("timeline", db, "ann").stdout.splitlines()
    assert lines[0] == "ann"
    assert lines[2:5] == [
        "  2026-01-01 00:00:00             event buy",
        "  2026-01-01 00:00:00             event message.opened: message = '" + _first_id(db) + "'",
        "  2026-01-01 00:00:00             event message.opened: message = '" + _first_id(db) + "'",
    ]
    assert lines[5] == "  2026-01-01 00:00:00  thanks #1  enters, version 1"
    asked = ("--since", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z", "--take", 1, "--json")
    life = json.loads(call("timeline", db, "ann", *asked).stdout)
    assert (life["customer"], life["more"], life["moments"][0]["text"]) == ("ann", True, "w: waits")
    assert "no customer 'nobody'" in call("timeline", db, "nobody").stderr


def _first_id(db):
    with Engine(db) as engine:
        return engine.messages().items[0].id


def test_the_past_is_shown_from_the_shell(db):
    """How a run stood at an instant: where it was and what lay behind it; JSON with all of it."""
    call("tick", db, "--now", "2026-01-02T00:00:00Z")
    assert call("at", db, "thanks", "ann", "2026-01-01T12:00:00Z").stdout.splitlines() == [
        "ann in thanks, run 1: ACTIVE, at w",
        "n  step   status     outcome  entered              left",
        "1  hello  COMPLETED  queued   2026-01-01 00:00:00  2026-01-01 00:00:00",
        "2  w      ACTIVE              2026-01-01 00:00:00",
    ]
    found = json.loads(call("at", db, "thanks", "ann", "2026-01-02T00:00:00Z", "--run", 1, "--json").stdout)
    assert (found["status"], found["step"], len(found["visits"])) == ("COMPLETED", None, 3)
    assert "no enrollment 'thanks/ann at 2025" in call("at", db, "thanks", "ann", "2025-01-01T00:00:00Z").stderr


def test_why_somebody_is_not_in_a_journey_from_the_shell(db):
    """The reason with what was compared, and whether the same would enter at an instant; JSON with all of it."""
    assert call("why-not", db, "thanks", "nobody", "--at", "2026-01-01T12:00:00Z").stdout.splitlines() == [
        "unknown customer: nothing was ever reported about this customer",
        "  an event 'buy' without data at 2026-01-01 12:00:00: would enter",
    ]
    found = json.loads(call("why-not", db, "thanks", "ann", "--json").stdout)
    assert (found["reason"], found["told"], found["against"]) == ("", "run 1 entered and is inside", "already inside")
    assert "no journey 'thnks' (did you mean 'thanks'?)" in call("why-not", db, "thnks", "ann").stderr


def test_who_waits_for_a_slot_from_the_shell(tmp_path):
    """R23: in the order in which they will be let in, page by page, as a table or as JSON."""
    path = tmp_path / "run.db"
    calm = Journey(id="calm", trigger=Trigger("buy"), limits=Limits(per_hour=1), steps=THANKS.steps)
    with Engine(path) as engine:
        engine.deploy(calm, at=NEW_YEAR)
        engine.feed(
            Event("buy", customer=name, at=NEW_YEAR, data={"n": n}) for n, name in enumerate(["ann", "bob", "cid"])
        )
        engine.tick(NEW_YEAR)
    assert call("deferred", path, "calm", "--take", 1).stdout.splitlines() == [
        "journey  customer  key  since                data",
        'calm     bob            2026-01-01 00:00:00  {"n":1}',
        "1 to 1 of 2",
        "more: --after '[\"calm\",1767225600000000,1]'",
    ]
    for place in (("--skip", 1), ("--after", '["calm",1767225600000000,1]')):
        page = json.loads(call("deferred", path, *place, "--json").stdout)
        assert ([each["customer"] for each in page["items"]], page["total"]) == (["cid"], 2)
    assert call("deferred", path, "--customer", "ann").stdout.endswith("none of 0\n")
    assert call("deferred", path, "clam").exit_code == 1


def test_journeys_in_pages_from_the_shell(db):
    """All of them, or a page with its place in the whole (R84)."""
    with Engine(db) as engine:
        engine.clone("thanks", "again", at=NEW_YEAR)
    assert [each["id"] for each in json.loads(call("journeys", db, "--json").stdout)] == ["again", "thanks"]
    lines = call("journeys", db, "--take", 1, "--order", "created").stdout.splitlines()
    assert (lines[1].partition(" ")[0], lines[2]) == ("thanks", "1 to 1 of 2")
    cursor = lines[3].removeprefix("more: --after '").removesuffix("'")
    page = json.loads(call("journeys", db, "--take", 1, "--order", "created", "--after", cursor, "--json").stdout)
    assert ([each["id"] for each in page["items"]], page["total"]) == (["again"], 2)
    assert call("journeys", db, "--take", 0).exit_code == 1


def test_refusals_from_the_shell(db):
    """R21: how many by reason, and who it was last; as tables or as JSON."""
    with Engine(db) as engine:
        for hour in (1, 2):
            engine.feed(Event("buy", customer="ann", at=NEW_YEAR.replace(hour=hour), data={"sku": "x"}))
        engine.tick(NEW_YEAR.replace(hour=3))
    assert call("refusals", db).stdout.splitlines() == [
        "journey  reason          refusals  last of customers",
        "thanks   already inside         2                  1",
    ]
    assert call("refused", db, "thanks", "--reason", "already inside").stdout.splitlines() == [
        "journey  customer  reason          at                   compared",
        "thanks   ann       already inside  2026-01-01 02:00:00",
        "1 to 1 of 1",
    ]
    assert json.loads(call("refusals", db, "thanks", "--json").stdout)[0]["count"] == 2
    assert json.loads(call("refused", db, "--customer", "bob", "--json").stdout)["total"] == 0
    assert call("refusals", db, "thnks").exit_code == 1


def test_dates_that_no_journey_can_read_are_listed(tmp_path):
    """Customer, attribute and value, as JSON too (R61)."""
    db = tmp_path / "run.db"
    birthday = Journey(id="b", trigger=Trigger("go"), steps=[Wait("day", field="birthday", on_missing="end")])
    with Engine(db) as engine:
        engine.deploy(birthday, at=NEW_YEAR)
        engine.put_customer("ann", {"birthday": "soon"}, at=NEW_YEAR)
        engine.put_customer("bob", {"birthday": 5}, at=NEW_YEAR)
    assert "unreadable      2" in call("tick", db, "--now", "2026-01-01T00:00:00Z").stdout
    first = call("unreadable", db, "--take", 1).stdout
    assert 'ann       birthday   "soon"' in first
    assert "bob" not in first
    [item] = json.loads(call("unreadable", db, "--skip", 1, "--json").stdout)["items"]
    assert item == {"tenant": "default", "customer": "bob", "attribute": "birthday", "value": 5}
