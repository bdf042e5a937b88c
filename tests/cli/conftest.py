"""What several tests of commands begin with."""

import pytest

from journeyflow.formats.native import dumps_journey
from tests.cli.shell import JOURNEY, call


@pytest.fixture
def folder(tmp_path):
    """Make a folder with a journey file and an event file."""
    (tmp_path / "thanks.json").write_text(dumps_journey(JOURNEY))
    (tmp_path / "events.csv").write_text("at,type,customer\n2026-01-01T00:00:00Z,buy,c1\nx,buy,c2\n")
    return tmp_path


@pytest.fixture
def db(folder):
    """Make a database with the journey deployed and one customer inside."""
    path = folder / "journeys.db"
    at = ("--at", "2026-01-01T00:00:00Z")
    assert call("deploy", path, folder / "thanks.json", *at).exit_code == 0
    (folder / "events.csv").write_text("at,type,customer\n2026-01-01T09:00:00Z,buy,c1\n")
    assert "1 event taken, 0 lines skipped" in call("feed", path, folder / "events.csv").stdout
    assert call("tick", path, "--now", "2026-01-01T09:00:00Z").exit_code == 0
    return path
