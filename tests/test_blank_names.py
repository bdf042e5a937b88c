"""Names that nobody can see are refused wherever a name can be given (R38, R50)."""

from datetime import UTC, datetime
from json import dumps

import pytest

from journeyflow import (
    Cap,
    Change,
    Engine,
    Event,
    InvalidInput,
    InvalidJourney,
    Journey,
    MemoryStore,
    Policies,
    Send,
    Trigger,
    Update,
    Wait,
    tag,
)
from journeyflow.basics.values import id_fault
from journeyflow.formats import BadLine, from_dict, loads_policies, read_events
from tests.samples import START

BLANK = [" ", "\t\n", "\u00a0", "\u200b", "\ufeff\u2060", "\u00ad", "\u3164", "\u2800", "\x07", "\ufe0f", "\U000e0020"]
SEEN = ["a", " a ", "\u200bé", "👍", "❤\ufe0f", "漢", "-", "\ue000"]


@pytest.mark.parametrize("name", BLANK)
def test_a_name_without_a_visible_character_is_no_id(name):
    """Blanks, controls, spaces of no width and fillers; it is shown escaped."""
    assert id_fault(name) == f"must not be blank: {name!a} has no visible character"


@pytest.mark.parametrize("name", SEEN)
def test_a_name_with_a_visible_character_is_one(name):
    """Whatever stands around it."""
    assert id_fault(name) is None


def journey(*steps):
    """Make a journey of steps."""
    return Journey(id="j", trigger=Trigger("go"), steps=[*steps, Wait("w", "1 day")])


@pytest.mark.parametrize("name", ["  ", "\u200b"])
@pytest.mark.parametrize(
    "give",
    [
        lambda _, name: Event(name, customer="c", at=START),
        lambda _, name: Event("go", customer=name, at=START),
        lambda _, name: Event("go", customer="c", at=START, id=name),
        lambda _, name: Event("tag.added", customer="c", at=START, data={"tag": name}),
        lambda _, name: Event("list.subscribed", customer="c", at=START, data={"list": name}),
        lambda engine, name: engine.put_customer(name, {}, at=START),
        lambda engine, name: engine.put_customer("c", {"tags": ["a", name]}, at=START),
        lambda engine, name: engine.put_customer("c", {"lists": [name]}, at=START),
        lambda engine, name: engine.put_customer("c", {"consent": {name: True}}, at=START),
        lambda engine, name: engine.tenant(name),
        lambda engine, name: engine.claim(name, at=START),
        lambda _, name: Engine(MemoryStore(), channels={name: print}),
        lambda _, name: journey(Send("s", channel=name, template="t")),
        lambda _, name: journey(Send("s", channel="EMAIL", template=name)),
        lambda _, name: journey(Wait(name, "1 day")),
        lambda _, name: journey(Update("u", tag.add(name))),
        lambda _, name: journey(Update("u", Change("lists", "set", ["a", name]))),
        lambda _, name: Journey(id=name, trigger=Trigger("go"), steps=[Wait("w", "1 day")]),
        lambda _, name: Journey(id="j", trigger=Trigger(name), steps=[Wait("w", "1 day")]),
        lambda _, name: Policies(caps=[Cap(1, per="day", channel=name)]),
        lambda _, name: loads_policies(dumps({"format": 1, "caps": [{"count": 1, "per": "day", "channel": name}]})),
        lambda _, name: from_dict(
            {
                "format": 1,
                "id": "j",
                "trigger": {"event": "go"},
                "steps": [{"kind": "send", "id": "s", "channel": name, "template": "t"}],
            }
        ),
    ],
)
def test_such_a_name_is_refused_wherever_it_is_given(give, name):
    """Calls, journeys, policies and their files."""
    with Engine(MemoryStore()) as engine, pytest.raises((InvalidInput, InvalidJourney), match="blank"):
        give(engine, name)


def test_such_a_name_in_a_file_of_events_is_told_with_its_line(tmp_path):
    """As every fault of a line is."""
    path = tmp_path / "e.ndjson"
    path.write_text('{"at": "2026-01-01T00:00:00Z", "type": "tag.added", "customer": "c", "data": {"tag": " "}}\n')
    bad: list[BadLine] = []
    assert list(read_events(path, bad=bad.append)) == []
    assert [str(line) for line in bad] == ["line 1: data.tag: must not be blank"]


def test_a_template_that_makes_a_blank_tag_changes_nothing():
    """The Update does not fit then, as with any other value that is not a tag (R39)."""
    with Engine(MemoryStore()) as engine:
        engine.deploy(journey(Update("u", tag.add("{{ trigger.tag }}"))), at=START)
        engine.feed(Event("go", customer="c", at=datetime(2027, 1, 1, tzinfo=UTC), data={"tag": "\u200b"}))
        engine.tick(datetime(2027, 1, 1, tzinfo=UTC), allow_jump=True)
        assert "tags" not in engine.customer("c").attributes
