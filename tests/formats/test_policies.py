"""The policy file: strict JSON that reads back what was written, every fault with its place (R31)."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Cap, InvalidInput, Policies, QuietHours
from journeyflow.formats.policies import dumps_policies, loads_policies, policies_to_dict
from journeyflow.testing import policies

FULL = Policies(
    timezone="Europe/Paris",
    caps=[Cap(3, per="day", channel="EMAIL", over="defer"), Cap(None, per="week"), Cap(0, within="36 hours")],
    quiet=[QuietHours("22:00", "08:00"), QuietHours("00:00", "24:00", weekdays="SUN", channel="SMS")],
)


def test_what_a_file_looks_like():
    """What equals its default is left out; a cap that is off says null."""
    assert policies_to_dict(FULL) == {
        "format": 1,
        "timezone": "Europe/Paris",
        "caps": [
            {"count": 3, "per": "day", "channel": "EMAIL", "over": "defer"},
            {"count": None, "per": "week"},
            {"count": 0, "within": "36 hours"},
        ],
        "quiet": [
            {"start": "22:00", "end": "08:00"},
            {"start": "00:00", "end": "24:00", "weekdays": ["SUN"], "channel": "SMS"},
        ],
    }
    assert loads_policies(dumps_policies(FULL)) == FULL


@given(policies())
def test_what_is_written_reads_back(some):
    """Equal policies, from indented and from compact text."""
    assert loads_policies(dumps_policies(some)) == loads_policies(dumps_policies(some, indent=None)) == some


def test_null_counts_as_absent():
    """But for the count of a cap, where it says that the cap is off."""
    text = """{"format": 1, "timezone": null, "quiet": null,
               "caps": [{"count": null, "per": "day", "within": null, "channel": null}]}"""
    assert loads_policies(text) == Policies(caps=[Cap(None, per="day")])


def test_every_fault_is_told_at_once():
    """With its place in the file and what was meant."""
    value = {
        "formt": 1,
        "timezone": "Mars",
        "caps": [
            {"per": "day", "chanel": "SMS", "\ud800": 1},
            7,
            {"count": "3", "per": "day"},
            {"count": 1, "within": 5},
        ],
        "quiet": [{"start": "22:00"}, {"start": "9", "end": "10:00"}, {"start": 9, "end": "10:00", "weekdays": 5}],
    }
    with pytest.raises(InvalidInput) as raised:
        loads_policies(json.dumps(value))
    assert list(raised.value.faults) == [
        "format: missing",
        "formt: unknown key 'formt' (did you mean 'format'?)",
        "caps[0].chanel: unknown key 'chanel' (did you mean 'channel'?)",
        "caps[0].\\ud800: unknown key '\\ud800'; known are channel, count, over, per, within",
        "caps[0].count: missing",
        "caps[1]: expected an object, not int 7",
        "caps[2].count: must be 0 or more, or None for no cap, not str '3'",
        "caps[3].within: int 5 is not a duration such as '24 hours' or '7 days'",
        "quiet[0].end: missing",
        "quiet[1]: '9' is not a local time such as '09:00' or '17:30:00'",
        "quiet[2]: 5 names no weekday; use for example 'MON-FRI' or ['SAT', 'SUN']",
        "timezone: 'Mars' is not an IANA time zone such as 'Europe/Paris'",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "this is not JSON"),
        ("[" * 100_000, "the file is nested deeper than"),
        (
            '{"format": 1, "format": 1}',
            "format: the key 'format' stands twice in one object",
        ),
        ("[]", "the file: expected an object, not list"),
        ('{"format": 2, "cap": 1}', "format: expected 1, not int 2; a newer journeyflow may read it"),
        ('{"format": true}', "format: expected 1, not bool True"),
        ('{"format": 1, "caps": {}}', "caps: expected a list, not dict"),
        ('{"format": 1, "caps": [{"count": 1, "per": ["day"]}]}', "caps[0].per: must be 'day'"),
        ('{"format": 1, "caps": [{"count": 1, "per": "day", "over": {}}]}', "caps[0].over: must be 'skip'"),
        ('{"format": 1, "timezone": 5}', "timezone: 5 is not an IANA time zone"),
        ('{"format": 1, "caps": [{"count": 1, "per": "day", "channel": []}]}', "caps[0].channel: must be text"),
    ],
)
def test_what_is_no_policy_file(text, fault):
    """One exception type, whatever the text is."""
    with pytest.raises(InvalidInput) as raised:
        loads_policies(text)
    assert raised.value.faults[0].startswith(fault)


KEYS = st.sampled_from(["format", "caps", "quiet", "count", "per", "start", "end", "weekdays"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@given(ANYTHING)
def test_any_json_is_read_or_refused(value):
    """No other exception comes out."""
    with suppress(InvalidInput):
        assert isinstance(loads_policies(json.dumps(value)), Policies)


@pytest.mark.parametrize(
    ("retries", "fault"),
    [
        ({"EMAIL": {"delays": ["soon"]}}, "retries.EMAIL.delays[0]: must be a length of time"),
        ({"EMAIL": {}}, "retries.EMAIL.delays: missing"),
        ({"EMAIL": {"delays": 5}}, "retries.EMAIL.delays: expected a list, not int 5"),
        (["EMAIL"], "retries: expected an object, not list"),
    ],
)
def test_faults_of_retries_are_named_with_their_place(retries, fault):
    """R71: each with the channel, as in Python."""
    with pytest.raises(InvalidInput) as caught:
        loads_policies(json.dumps({"format": 1, "retries": retries}))
    assert str(caught.value).startswith(f"invalid input: {fault}")
