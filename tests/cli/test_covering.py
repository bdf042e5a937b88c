"""The command `coverage`."""

import json
from datetime import UTC, datetime

from click.testing import CliRunner

from journeyflow import Engine, Event, Journey, Trigger, Wait
from journeyflow.cli import main
from journeyflow.formats import dumps_journey

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_database_says_what_was_taken_and_a_bound_can_fail(tmp_path):
    """As text, as JSON, for the days and the journey files given; exit status 1 below the bound."""
    db, file = str(tmp_path / "x.db"), tmp_path / "j.json"
    journey = Journey("j", trigger=Trigger("go"), reentry="always", steps=[Wait("w", event="paid", timeout="1 day")])
    file.write_text(dumps_journey(journey))
    with Engine(db) as engine:
        engine.deploy(journey, at=START)
        engine.feed(Event("go", customer="ann", at=START))
        engine.tick(START)
    run = CliRunner().invoke
    text = run(main, ["coverage", db])
    assert text.output.splitlines()[:2] == ["j: 1 of 5 ways taken, 20%", "  never: outcome w event"]
    assert json.loads(run(main, ["coverage", db, str(file), "--json"]).output)[0]["times"] == 1
    assert "0 of 5" in run(main, ["coverage", db, "--since", "2026-01-02"]).output
    below = run(main, ["coverage", db, "--fail-under", "50"])
    assert below.exit_code == 1
    assert "20% of the ways were taken, fewer than 50%" in below.output
