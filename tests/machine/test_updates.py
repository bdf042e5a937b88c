"""Updates: their changes, and the events that follow from them (R39, R50, R53)."""

import pytest

from journeyflow import (
    Condition,
    End,
    Trigger,
    Update,
    Wait,
    field,
    tag,
)
from journeyflow.basics.words import COMPLETED, FAILED
from tests.samples import START, mail


@pytest.mark.rows(82)
def test_an_update_makes_all_its_changes_in_order(host):
    """set, unset, add, remove, increment, append, in order (R39)."""
    host.put(START, old=1, tags=["a", "b"], log=["x"])
    host.deploy(
        Update(
            "u",
            field("plan").set("trial"),
            field("old").unset(),
            tag.add("c"),
            tag.add("a"),
            tag.remove("b"),
            field("n").increment(),
            field("n").increment(2.5),
            field("log").append("x"),
            field("address.city").set("Durban"),
            field("both").set({"a": [1]}),
        )
    )
    host.say("go")
    assert host.path() == ["u", "end"]
    assert host.attributes() == {
        "tags": ["a", "c"],
        "log": ["x", "x"],
        "plan": "trial",
        "n": 3.5,
        "address": {"city": "Durban"},
        "both": {"a": [1]},
    }


@pytest.mark.parametrize(
    "change",
    [
        field("name").increment(),
        field("name").add("x"),
        field("name").append("x"),
        field("name.first").set("Ann"),
        field("tags").set("vip"),
        field("consent").set("yes"),
        field("big").increment(1),
        field("n").increment("{{ name }}"),
    ],
)
def test_a_wrong_type_changes_nothing(quick, change):
    """A wrong type changes nothing, outcome "type" (R39): not even the changes that fit."""
    before = {"name": "Ann", "tags": ["a"], "big": 2**63 - 1, "n": 1}
    quick.put(START, **before)
    quick.deploy(Update("u", field("plan").set("paid"), change), mail())
    quick.say("go")
    assert quick.path() == ["u type", "hello queued", "end"]
    assert quick.attributes() == before


@pytest.mark.rows(211)
def test_updates_take_templates(host):
    """A value that is one token keeps its type; missing = "" (R39)."""
    host.put(START, n=3, tags=["a", "b"])
    host.deploy(
        Wait("reply", event="order"),
        Update(
            "u",
            field("copy").set("{{ n }}"),
            field("text").set("no. {{ n }} of {{ wait.reply.sku }}"),
            field("list").set("{{ tags }}"),
            field("none").set("{{ nobody }}"),
            tag.add("{{ wait.reply.sku }}"),
            field("n").increment("{{ wait.reply.amount }}"),
        ),
    )
    host.say("go")
    host.say("order", "1 hour", sku="s-1", amount=4)
    assert host.attributes() == {
        "n": 7,
        "tags": ["a", "b", "s-1"],
        "copy": 3,
        "text": "no. 3 of s-1",
        "list": ["a", "b"],
        "none": "",
    }


def test_an_update_tells_each_changed_attribute_as_one_event(host):
    """All changes are applied, then one event per changed attribute or member is emitted (R39, R50)."""
    host.put(START, same="x")
    host.deploy(
        Update(
            "u", field("n").increment(), field("n").increment(), field("same").set("x"), tag.add("vip"), tag.add("new")
        )
    )
    host.tick()
    host.deploy(
        mail(data={"f": "{{ trigger.field }}", "old": "{{ trigger.old }}", "new": "{{ trigger.new }}"}),
        id="fields",
        trigger=Trigger("field.changed"),
        reentry="always",
    )
    host.deploy(mail(data={"tag": "{{ trigger.tag }}"}), id="tags", trigger=Trigger("tag.added"), reentry="always")
    host.say("go")
    assert [each.data for each in host.engine.messages("fields").items] == [{"f": "n", "old": "", "new": 2}]
    assert [each.data for each in host.engine.messages("tags").items] == [{"tag": "vip"}, {"tag": "new"}]


def test_the_emitted_events_come_after_the_move(quick):
    """Events the engine emits wait in a queue until the root item has passed its stages (R7): both runs see both."""
    quick.deploy(Update("u", field("a").set(1), field("b").set(2)))
    quick.deploy(
        Condition("both", field("customer.a").eq(1) & field("customer.b").eq(2)),
        id="watch",
        trigger=Trigger("field.changed"),
    )
    quick.say("go")
    assert quick.path(journey="watch")[0] == "both yes"


def test_a_run_emits_at_most_a_hundred_events_per_root_item(quick):
    """The run FAILs at the visit that would go past 100, before emitting (R53)."""
    quick.deploy(
        Update("fifty", *(tag.add(f"a{n}") for n in range(50))),
        Update("more", *(tag.add(f"b{n}") for n in range(50))),
        Update("last", tag.add("c")),
    )
    quick.say("go")
    assert quick.path() == ["fifty", "more", "last FAILED"]
    assert quick.status() == (FAILED, "event loop")
    assert len(quick.attributes()["tags"]) == 100


def test_the_end_counts_among_the_events(quick):
    """journey.completed is an emitted event too (R53)."""
    quick.deploy(Update("hundred", *(tag.add(f"a{n}") for n in range(100))), End("done"))
    quick.say("go")
    assert quick.path() == ["hundred", "done FAILED"]
    assert quick.status() == (FAILED, "event loop")


def test_the_bound_of_events_counts_per_root_item(quick):
    """Another root item begins at 0 (R53)."""
    quick.deploy(
        Update("one", *(tag.add(f"a{n}") for n in range(60))),
        Wait("rest", "1 hour"),
        Update("two", *(tag.add(f"b{n}") for n in range(60))),
    )
    quick.say("go")
    quick.tick("1 day")
    assert quick.status() == (COMPLETED, "")
