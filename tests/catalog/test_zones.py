"""A file from a machine that knows a time zone which this one lacks (R33)."""

import zoneinfo

import pytest

from journeyflow import End, Engine, Journey, Policies, QuietHours, Send, StorageError, Window
from journeyflow.basics import moments
from journeyflow.catalog import loading
from journeyflow.errors import CorruptDatabase
from tests.samples import START

FAR = "Antarctica/Troll"


@pytest.fixture
def lacking(monkeypatch):
    """Take a time zone away from this machine."""

    def without(name):
        if name == FAR:
            raise LookupError(name)
        return known(name)

    def take_away():
        monkeypatch.setattr(moments, "ZoneInfo", without)
        moments.zone.cache_clear()
        loading._journey.cache_clear()

    known = zoneinfo.ZoneInfo
    yield take_away
    moments.zone.cache_clear()


@pytest.mark.parametrize(
    "journey",
    [
        Journey(id="far", timezone=FAR, steps=[End("done")]),
        Journey(
            id="far", steps=[Send("hi", channel="EMAIL", template="t", window=Window(None, "09:00", "17:00", FAR))]
        ),
    ],
)
def test_a_journey_in_a_zone_that_this_machine_lacks_is_named_with_the_remedy(tmp_path, lacking, journey):
    """The file is sound: what is missing is newer time zone data."""
    path = tmp_path / "journeys.db"
    with Engine(path) as engine:
        engine.deploy(journey, at=START)
    lacking()
    with pytest.raises(StorageError) as told, Engine(path) as engine:
        engine.journeys()
    assert not isinstance(told.value, CorruptDatabase)
    assert str(told.value).endswith(
        "journey 'far' is in the time zone 'Antarctica/Troll', which this machine does not know;"
        " install newer time zones: pip install -U tzdata"
    )


def test_policies_in_a_zone_that_this_machine_lacks_are_named_with_the_remedy(tmp_path, lacking):
    """Their tenant is named (R31)."""
    path = tmp_path / "journeys.db"
    with Engine(path) as engine:
        engine.set_policies(Policies(quiet=[QuietHours("22:00", "08:00")], timezone=FAR), at=START)
    lacking()
    with (
        pytest.raises(StorageError, match="tenant 'default' has policies in the time zone 'Antarctica/Troll'"),
        Engine(path) as engine,
    ):
        engine.journeys()
