"""The policies of a tenant: set from a file, and shown."""

import json

from tests.cli.shell import call


def test_policies_are_set_from_a_file_and_shown(db, tmp_path):
    """R31: for people as a table, for machines as a policy file that can be set again; of one tenant."""
    assert call("policies", db).stdout == "no policies\n"
    file = tmp_path / "policies.json"
    file.write_text(
        """{"format": 1, "timezone": "Europe/Paris",
            "caps": [{"count": 3, "per": "day", "channel": "EMAIL", "over": "defer"},
                     {"count": 5, "within": "7 days"}, {"count": null, "per": "week"}],
            "quiet": [{"start": "22:00", "end": "08:00"},
                      {"start": "00:00", "end": "24:00", "weekdays": ["SAT", "SUN"], "channel": "SMS"}]}"""
    )
    shown = call("policies", db, file, "--at", "2026-01-05T08:00:00Z")
    assert shown.exit_code == 0, shown.output
    assert [line.split("  ") for line in shown.stdout.splitlines()][1:] == [
        ["cap", "   EMAIL", "     at most 3 per day, else deferred"],
        ["cap", "   all channels", "at most 5 within 7 days, else skipped"],
        ["cap", "   all channels", "off"],
        ["quiet", " all channels", "22:00 to 08:00, every day"],
        ["quiet", " SMS", "", "   00:00 to 24:00, SAT,SUN"],
        ["zone", "  Europe/Paris", "for customers without a zone of their own"],
    ] or shown.stdout
    as_json = call("policies", db, "--json").stdout
    assert json.loads(as_json) == json.loads(file.read_text())
    assert call("policies", db, "--at", "2026-01-05T07:59:59Z").stdout == "no policies\n"
    assert call("policies", db, "--tenant", "other").stdout == "no policies\n"


def test_a_policy_file_that_cannot_be_read_is_told_with_its_name(db, tmp_path):
    """Every fault on a line of its own, exit status 1, nothing set."""
    file = tmp_path / "policies.json"
    file.write_text('{"format": 1, "caps": [{"count": -1, "per": "days"}]}')
    result = call("policies", db, file)
    assert result.exit_code == 1
    assert f"{file}: caps[0].count: must be 0 or more" in result.stderr
    assert f"{file}: caps[0].per: must be 'day', 'week' or 'month'" in result.stderr
    file.write_bytes(b"\xff\xfe")
    assert "this is not UTF-8 text" in call("policies", db, file).stderr
    assert call("policies", db).stdout == "no policies\n"
