"""Seldom needed: exports, forgetting, pruning, giving space back, another nonce."""

import json
import re

from journeyflow import Engine
from journeyflow.cli.shared import Bar
from tests.cli.shell import call


def test_tables_and_customers_are_exported(folder, monkeypatch):
    """Tables go into files, one customer to standard output as JSON; on a terminal a bar shows how far it is."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "=c2", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-01-01T00:00:00Z").exit_code == 0
    result = call("export", path, "--to", folder / "out")
    assert result.stdout.splitlines()[1:] == ["enrollments     2", "visits          4", "messages        2",
                                              f"Files are in {folder / 'out'}"]  # fmt: skip
    assert "'=c2" in (folder / "out/visits.csv").read_text()
    result = call("export", path, "--to", folder / "out", "--table", "messages", "--format", "ndjson", "--json")
    assert json.loads(result.stdout) == {"messages": 2}
    assert json.loads((folder / "out/messages.ndjson").read_text().splitlines()[0])["customer"] == "=c2"
    told = json.loads(call("export", path, "--customer", "c1").stdout)
    assert (told["customer"], told["messages"][0]["step"]) == ("c1", "hello")
    assert call("export", path, "--customer", "nobody").exit_code == 1
    assert call("export", path).exit_code == 2
    shown = []
    monkeypatch.setattr(Bar, "__call__", lambda _, *each: shown.append(each))
    assert call("export", path, "--to", folder / "out", "--table", "visits", "--exact").exit_code == 0
    assert shown[-1] == ("export", 2, 2)
    assert "\ndefault,thanks,=c2" in (folder / "out/visits.csv").read_text()


def test_people_are_forgotten_and_space_is_given_back(folder):
    """The database is without a person afterwards; somebody unknown is a fault (R86)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "c2", *at).exit_code == 0
    result = call("forget", path, "c1", "--at", "2026-01-01T12:00:00Z", "--json")
    assert json.loads(result.stdout) == {"forgotten": 1, "ended": 1}
    result = call("forget", path, "c2", "--at", "2026-01-01T12:00:00Z", "--keep-free-space")
    assert result.stdout == "1 forgotten; enrollments that ended: 1\n"
    result = call("forget", path, "c1", "--at", "2026-01-01T12:00:00Z")
    assert (result.exit_code, "customer 'c1'" in result.stderr) == (1, True)
    sizes = json.loads(call("vacuum", path, "--json").stdout)
    assert 0 < sizes["after"] <= sizes["before"]


def test_a_restored_backup_gets_a_new_nonce(folder):
    """Given or drawn, it begins the ids of new messages; one that was used before is a fault (R70)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert json.loads(call("renew-nonce", path, "--nonce", "k4", "--json").stdout) == {"nonce": "k4"}
    assert call("enroll", path, "thanks", "c1", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-01-01T00:00:00Z").exit_code == 0
    with Engine(path) as engine:
        assert [message.id for message in engine.messages().items] == ["k4-1-1"]
    result = call("renew-nonce", path, "--nonce", "k4")
    assert (result.exit_code, "'k4' was used before" in result.stderr) == (1, True)
    assert re.fullmatch("the ids of new messages begin with [0-9a-f]{10}\n", call("renew-nonce", path).stdout)


def test_history_is_pruned(folder, monkeypatch):
    """The dry run says what the prune then does; statistics stay, and a bar shows how far it is (R86)."""
    path, at = folder / "run.db", ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    assert call("enroll", path, "thanks", "c1", "c2", *at).exit_code == 0
    assert call("tick", path, "--now", "2026-03-01T00:00:00Z").exit_code == 0
    assert call("claim", path, "worker", "--at", "2026-03-01T00:00:00Z").exit_code == 0
    assert call("forget", path, "c1", "--at", "2026-03-01T00:00:00Z").exit_code == 0
    asked = ("stats", path, "thanks", "--at", "2026-04-01T00:00:00Z", "--json")
    before = call(*asked).stdout
    shown = []
    monkeypatch.setattr(Bar, "__call__", lambda _, *each: shown.append(each))
    result = call("prune", path, "--before", "2027-01-01T00:00:00Z", "--dry-run")
    assert result.stdout.splitlines()[-1] == "nothing was changed"
    would = json.loads(call("prune", path, "--before", "2027-01-01T00:00:00Z", "--dry-run", "--json").stdout)
    assert shown[-1] == ("prune", 4, 4)
    done = json.loads(call("prune", path, "--before", "2027-01-01T00:00:00Z", "--all-tenants", "--json").stdout)
    assert done == {**would, "dry_run": False}
    assert done["inputs"] == 2
    assert call(*asked).stdout == before
    result = call("prune", path, "--before", "2027-01-01T00:00:00Z", "--journey", "nothing")
    assert (result.exit_code, "no journey 'nothing'" in result.stderr) == (1, True)
