"""Scripts that deliver: claim, ack and nack from the shell; lists of messages; runs that are put back."""

import json
from datetime import UTC, datetime

import pytest

from journeyflow import Engine, Event, Journey, Send, Trigger, Update, Wait, field
from tests.cli.shell import call

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
AT = ("--at", "2026-01-01T00:00:00Z")
THANKS = Journey(
    "thanks",
    trigger=Trigger("buy"),
    steps=[
        Send("hello", channel="EMAIL", template="t"),
        Send("ping", channel="SMS", template="p"),
        Wait("w", "1 day"),
        Update("u", field("lists").set("{{ wanted }}")),
    ],
)


@pytest.fixture
def db(tmp_path):
    """Give a database with two people in a journey, and their four messages."""
    path = tmp_path / "run.db"
    with Engine(path) as engine:
        engine.deploy(THANKS, at=NEW_YEAR)
        for name in ("ann", "bob"):
            engine.put_customer(name, {"wanted": [f"l{n}" for n in range(150)]}, at=NEW_YEAR)
            engine.feed(Event("buy", customer=name, at=NEW_YEAR))
        engine.tick(NEW_YEAR)
    return path


def claimed(db, *arguments):
    """Claim as JSON."""
    return json.loads(call("claim", db, "w", *AT, "--json", *arguments).stdout)


def test_a_script_claims_and_acknowledges(db):
    """R71: JSON for machines, a table for people; what is leased is nobody else's; ids are enough for an ack."""
    mails = claimed(db, "--channel", "EMAIL")
    assert [(each["customer"], each["template"], each["status"]) for each in mails] == [
        ("ann", "t", "CLAIMED"),
        ("bob", "t", "CLAIMED"),
    ]
    shown = call("claim", db, "v", *AT, "--limit", 1)
    assert "v.1" in shown.stdout
    assert mails[0]["id"] not in shown.stdout
    assert json.loads(call("ack", db, mails[0]["id"], *AT, "--json").stdout) == {"taken": 1, "sent_already": []}
    result = call("ack", db, *(each["id"] for each in mails), *AT)
    assert result.stdout == "2 to be SENT by the next tick\n"
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    listed = call("messages", db, "thanks", "--status", "SENT").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:3]] == [each["id"] for each in mails]
    assert "sent 1" in listed[1]
    assert listed[-1] == "1 to 2 of 2"


def test_what_was_given_up_is_queued_again_from_the_shell(db):
    """R71: at once with --permanent; listed by its error; queued again by message or by what messages share."""
    for each in claimed(db):
        token = [each["id"], each["token"], "--error", "550 no such user", "--permanent"]
        assert call("nack", db, *token, *AT).exit_code == 0
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    listed = call("messages", db, "--error", "550", "--status", "FAILED").stdout
    assert listed.count("550 no such user") == 4
    named = json.loads(call("messages", db, "--json").stdout)["items"]
    assert {each["error"] for each in named} == {"550 no such user"}
    result = call("requeue", db, named[0]["id"], *AT)
    assert (result.exit_code, result.stdout) == (0, "1 message to be queued again by the next tick\n")
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    assert json.loads(call("requeue", db, "--error", "550", "--json", *AT).stdout) == {"taken": 3}
    assert call("requeue", db, "gone-1-1", *AT).stderr == "Error: no message 'gone-1-1'\n"
    assert "give either messages, or what they share" in call("requeue", db, *AT).stderr
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    assert "FAILED" not in call("messages", db).stdout


def test_a_channel_is_held_and_released_from_the_shell(db):
    """R71: shown with the instant; claims leave it out."""
    assert call("held-channels", db).stdout == "no channel is held\n"
    assert call("hold-channel", db, "EMAIL", *AT).stdout == "EMAIL is held since 2026-01-01 00:00:00\n"
    assert [*json.loads(call("held-channels", db, "--json").stdout)] == ["EMAIL"]
    assert "EMAIL    2026-01-01 00:00:00" in call("held-channels", db).stdout
    assert {each["channel"] for each in claimed(db)} == {"SMS"}
    assert call("release-channel", db, "EMAIL", *AT).stdout == "EMAIL is not held\n"
    assert {each["channel"] for each in claimed(db)} == {"EMAIL"}
    assert "channel: " in call("hold-channel", db, "", *AT).stderr
    wrong = call("hold-channel", db, "EMIAL", *AT)
    assert wrong.stdout == "EMIAL is held since 2026-01-01 00:00:00\n"
    assert wrong.stderr == "no journey sends through 'EMIAL' (did you mean 'EMAIL'?)\n"


def test_a_channel_that_no_journey_sends_through_is_told_where_nothing_is_found(db):
    """An empty list of a misspelled channel says why; one of a right channel says nothing."""
    hint = "no journey sends through 'email' (did you mean 'EMAIL'?)\n"
    for command in (("messages", db), ("claim", db, "w", *AT), ("requeue", db, *AT)):
        assert call(*command, "--channel", "email").stderr == hint
    assert not call("requeue", db, *AT, "--channel", "EMAIL").stderr
    assert not call("messages", db, "--channel", "EMAIL").stderr
    call("hold-channel", db, "EMAIL", *AT)
    assert call("release-channel", db, "email", *AT).stderr == "'email' was not held (did you mean 'EMAIL'?)\n"


def test_a_script_gives_back_under_its_token(db):
    """R71: another token is refused at once, and an unknown message not found."""
    first = claimed(db)[0]
    result = call("nack", db, first["id"], "old.1", *AT)
    assert result.exit_code == 1
    assert f"message '{first['id']}' is CLAIMED, under the lease '{first['token']}', not 'old.1'" in result.stderr
    assert call("nack", db, first["id"], first["token"], "--error", "no route", *AT).exit_code == 0
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    rows = json.loads(call("messages", db, "--take", 1, "--json").stdout)
    assert (rows["items"][0]["status"], rows["items"][0]["attempts"]) == ("QUEUED", 1)
    result = call("nack", db, "gone-1-1", "w.1", *AT)
    assert (result.exit_code, result.stderr) == (1, "Error: no message 'gone-1-1'\n")
    assert call("ack", db, first["id"], "gone-1-1", *AT).stderr == "Error: no message 'gone-1-1'\n"
    assert "lease must lead forward" in call("claim", db, "w", "--lease", "0 minutes", *AT).stderr


def test_a_script_releases_under_its_token(db):
    """R71: the attempt does not count; under another token nothing is given back."""
    first = claimed(db)[0]
    assert call("release", db, first["id"], "old.1").stdout == "not under this lease any more\n"
    assert json.loads(call("release", db, first["id"], first["token"], "--json").stdout) == {"released": 1}
    assert [each["attempts"] for each in claimed(db)] == [1]


def test_messages_are_listed_page_by_page(db):
    """R84: the cursor that is printed leads on."""
    first = call("messages", db, "--take", 3).stdout.splitlines()
    cursor = first[-1].removeprefix("more: --after ")
    rest = call("messages", db, "--take", 3, "--after", cursor).stdout.splitlines()
    assert len(first) == 6
    assert len(rest) == 3
    assert "none of 0" in call("messages", db, "--status", "FAILED").stdout


def test_unmatched_events_are_listed(db, tmp_path):
    """R52: a provider's report about messages of another database."""
    (tmp_path / "e.csv").write_text(
        "at,type,customer,message\n2026-01-01T00:00:00Z,message.opened,ann,other-1-1\n"
        "2026-01-01T00:00:00Z,message.opened,ann,other-1-2\n"
    )
    call("feed", db, tmp_path / "e.csv")
    assert "unmatched      2" in call("tick", db, "--now", "2026-01-01T00:00:00Z").stdout
    first = call("unmatched", db, "--take", 1).stdout
    assert "message.opened  ann       other-1-1" in first
    cursor = first.splitlines()[-1].removeprefix("more: --after ")
    assert "other-1-2" in call("unmatched", db, "--after", cursor).stdout
    with Engine(db) as engine:
        engine.ack("other-1-3", at=datetime(2026, 1, 1, tzinfo=UTC))
        engine.tick(datetime(2026, 1, 1, tzinfo=UTC))
    last = call("unmatched", db, "--skip", 2).stdout.splitlines()[1]
    assert last.split() == ["2026-01-01", "00:00:00", "ack", "other-1-3"]
    page = json.loads(call("unmatched", db, "--json").stdout)
    assert (page["total"], page["items"][2]) == (
        3,
        {"type": "ack", "message": "other-1-3", "at": "2026-01-01T00:00:00+00:00", "error": ""},
    )


def test_runs_that_failed_are_put_back(db):
    """R43: the newest runs of customers in a journey."""
    call("tick", db, "--now", "2026-01-03T00:00:00Z")
    with Engine(db) as engine:
        engine.put_customers({"ann": {"wanted": ["a"]}, "bob": {"wanted": ["b"]}}, at=datetime(2026, 1, 3, tzinfo=UTC))
    result = call("retry", db, "thanks", "ann", "bob", "--at", "2026-01-03T00:00:00Z")
    assert result.stdout == "noted for 2 customers; the next tick puts back whose newest run has failed\n"
    call("tick", db, "--now", "2026-01-03T00:00:00Z")
    rows = json.loads(call("enrollments", db, "thanks", "--json").stdout)["items"]
    assert [row["status"] for row in rows] == ["COMPLETED", "COMPLETED"]


def test_an_answer_that_changes_nothing_says_so(db):
    """R71: a nack of what nobody has claimed is refused, and an ack of what is SENT names it."""
    first, second = claimed(db)[:2]
    call("ack", db, first["id"], *AT)
    call("tick", db, "--now", "2026-01-01T00:00:00Z")
    result = call("nack", db, first["id"], first["token"], *AT)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"message '{first['id']}' is SENT, under no lease, not '{first['token']}'" in result.stderr
    assert call("ack", db, first["id"], second["id"], *AT).stdout == (
        f"1 to be SENT by the next tick; SENT already: {first['id']}\n"
    )
    assert "duplicates      1" in call("tick", db, "--now", "2026-01-01T00:00:00Z").stdout
