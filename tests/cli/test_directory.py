"""The command that shows and fills the directory of the HTTP services."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from journeyflow.basics.moments import to_micros
from journeyflow.cli import main
from journeyflow.services.directory import Caller, SQLiteDirectory, User

DOCUMENT = {
    "users": [{"id": 1, "tenant": "acme", "name": "Ann"}],
    "lists": [{"id": 10, "tenant": "acme"}],
    "subscribers": [{"list": 10, "id": 1, "tenant": "acme", "email": "ann@example.com"}],
}


@pytest.fixture
def file(tmp_path):
    """Give a directory with one user."""
    (tmp_path / "all.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    path = tmp_path / "directory.db"
    done = call(path, "--load", tmp_path / "all.json")
    assert "loaded: users: 1" in done.stdout
    return path


def call(*arguments, status=0):
    """Run the command."""
    done = CliRunner().invoke(main, ["directory", *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done


def test_it_shows_what_is_there(file, tmp_path):
    """Users in a table, everything else as counts; a missing file is made."""
    shown = call(file).stdout
    assert "1  acme" in shown
    assert "users: 1, secrets: 0, lists: 1, tags: 0" in shown
    told = json.loads(call(file, "--json").stdout)
    assert told["users"] == [{"id": 1, "tenant": "acme", "name": "Ann"}]
    assert told["counts"]["subscribers"] == 1
    assert "no users" in call(tmp_path / "new.db").stdout


def test_it_gives_out_keys_and_takes_them_back(file):
    """A key is printed once; it may be one that clients have, end at an instant, and permit less."""
    key = json.loads(call(file, "--add-key", 1, "--permit", "Campaign.Create", "--json").stdout)["secret"]
    call(file, "--add-session", 1, "--secret", "open sesame", "--expires", "2026-01-01T00:00:00Z")
    admin = call(file, "--add-admin-key").stdout.partition("admin: ")[2].split("\n")[0]
    end = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
    with SQLiteDirectory(file) as opened:
        assert opened.caller(key, "key", end) == Caller(User(1, "acme", "Ann"), frozenset({"Campaign.Create"}))
        assert opened.caller("open sesame", "session", end - 1) is not None
        assert opened.caller("open sesame", "session", end) is None
        assert opened.caller(admin, "admin", 0) is not None
    assert "revoked: 1 secret" in call(file, "--revoke", key).stdout
    with SQLiteDirectory(file) as opened:
        assert opened.caller(key, "key", 0) is None


def test_what_cannot_be_is_told(file, tmp_path):
    """Faults of a file with their places, an unknown user, two keys at once."""
    wrong = tmp_path / "wrong.json"
    for text, words in (
        ('{"users": [{"id": 0}]}', "users[0]: tenant is missing"),
        ("{", "this is not JSON"),
        ("[]", "expected an object"),
    ):
        wrong.write_text(text, encoding="utf-8")
        assert f"{wrong}: {words}" in call(file, "--load", wrong, status=1).stderr
    wrong.write_bytes(b"\xff")
    assert str(wrong) in call(file, "--load", wrong, status=1).stderr
    assert "no user 9" in call(file, "--add-key", 9, status=1).stderr
    assert "one key or session at a time" in call(file, "--add-key", 1, "--add-admin-key", status=2).stderr
