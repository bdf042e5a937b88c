"""Changes of a customer's attributes: as data, applied, merged, and told as events (R39, R50)."""

import copy
import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.basics.values import INTEGER_MAX, INTEGER_MIN, MAX_DEPTH, thaw, value_faults
from journeyflow.definition.rules.attribute_changes import (
    ACTIONS,
    Change,
    WrongType,
    apply_changes,
    change_problems,
    events_between,
    field,
    is_last_message,
    merge,
    tag,
    write_path,
)
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.definition.rules.value_paths import read_path

names = st.sampled_from(["a", "b", "c", "a.b", "lastName", "lastEmailSentAt"])
inner_names = st.sampled_from(["x", "y", "x.y"])
texts = st.sampled_from(["", "u", "v", "1"])
scalars = st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5]) | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(inner_names, inner, max_size=2), max_leaves=5
)
member_lists = st.lists(st.sampled_from(["vip", "new", "old"]), max_size=3)
consents = st.dictionaries(st.sampled_from(["EMAIL", "SMS", "a.b"]), st.booleans(), max_size=3)


@st.composite
def attributes(draw, *, some=json_values):
    """Draw attributes as a customer may have them."""
    drawn = draw(st.dictionaries(names, some, max_size=4))
    for name, values in (("tags", member_lists), ("lists", member_lists), ("consent", consents)):
        if draw(st.booleans()):
            drawn[name] = draw(values)
    return drawn


@st.composite
def puts(draw):
    """Draw what a host may put: like attributes, but None takes a value away."""
    drawn = draw(attributes(some=st.none() | json_values))
    for name in ("tags", "lists", "consent"):
        if draw(st.integers(0, 4)) == 0:
            drawn[name] = None
    if drawn.get("consent") and draw(st.booleans()):
        drawn["consent"] = dict.fromkeys(drawn["consent"])
    return drawn


changes = st.one_of(
    st.tuples(
        names | st.sampled_from(["a.x", "a.x.y", "tags", "consent.EMAIL", "consent"]), st.just("set"), json_values
    ),
    st.tuples(names | st.sampled_from(["a.x", "tags", "consent.EMAIL", "consent"]), st.just("unset"), st.none()),
    st.tuples(
        st.sampled_from(["tags", "lists", "a", "a.x"]), st.sampled_from(["add", "remove", "append"]), json_values
    ),
    st.tuples(st.sampled_from(["a", "b", "a.x", "tags"]), st.just("increment"), scalars),
)


def written(value):
    """Write a value as text that is equal exactly for equal JSON values."""
    return json.dumps(value, sort_keys=True)


def differences(old, new):
    """List, by brute force over all top-level names, the events that tell of the way from old to new."""
    found = []
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if name in {"tags", "lists"}:
            joined, left, key = {
                "tags": ("tag.added", "tag.removed", "tag"),
                "lists": ("list.subscribed", "list.unsubscribed", "list"),
            }[name]
            found += [(left, {key: member}) for member in set(before or []) - set(after or [])]
            found += [(joined, {key: member}) for member in set(after or []) - set(before or [])]
        elif name == "consent":
            for channel in (before or {}).keys() | (after or {}).keys():
                was, now = (before or {}).get(channel), (after or {}).get(channel)
                if was is not now:
                    found.append(("field.changed", {"field": f"consent.{channel}", "old": was, "new": now}))
        elif written(before) != written(after):
            found.append(("field.changed", {"field": name, "old": before, "new": after}))
    return sorted(map(written, found))


def changed(change, **values):
    """Apply one change and give the new attributes."""
    return apply_changes([(change.field, change.action, thaw(change.value))], values)[0]


# --- the actions ------------------------------------------------------------------------------------------------------


def test_every_action_is_a_method_of_a_field():
    """R39: set, unset, add, remove, increment, append."""
    made = [
        field("a").set(1),
        field("a").unset(),
        field("a").add(1),
        field("a").remove(1),
        field("a").increment(),
        field("a").append(1),
    ]
    assert [change.action for change in made] == list(ACTIONS)
    assert made[4] == Change("a", "increment", 1)
    assert tag.add("vip") == Change("tags", "add", "vip")
    assert field("a").eq(1) == FieldRule("a", "eq", 1)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (field("a").set("x"), {}, {"a": "x"}),
        (field("a").set([1, {"b": [2]}]), {"a": 5}, {"a": [1, {"b": [2]}]}),
        (field("a").unset(), {"a": 5, "b": 1}, {"b": 1}),
        (field("a").unset(), {"b": 1}, {"b": 1}),
        (tag.add("vip"), {}, {"tags": ["vip"]}),
        (tag.add("vip"), {"tags": ["new"]}, {"tags": ["new", "vip"]}),
        (tag.add("vip"), {"tags": ["vip", "new"]}, {"tags": ["vip", "new"]}),
        (field("a").add(True), {"a": [1]}, {"a": [1, True]}),
        (field("a").add({"y": 1, "x": 2}), {"a": [{"x": 2, "y": 1}]}, {"a": [{"x": 2, "y": 1}]}),
        (tag.remove("vip"), {"tags": ["vip", "new", "vip"]}, {"tags": ["new"]}),
        (tag.remove("vip"), {"tags": ["vip"]}, {"tags": []}),
        (tag.remove("vip"), {}, {}),
        (field("a").remove(1), {"a": [True, 1, 1.0]}, {"a": [True, 1.0]}),
        (field("a").append("x"), {"a": ["x"]}, {"a": ["x", "x"]}),
        (field("a").append("x"), {}, {"a": ["x"]}),
        (field("a").increment(), {}, {"a": 1}),
        (field("a").increment(2), {"a": 1}, {"a": 3}),
        (field("a").increment(-0.5), {"a": 1}, {"a": 0.5}),
        (field("a").increment("12.50"), {"a": 1}, {"a": 13.5}),
        (field("a").increment(1), {"a": INTEGER_MAX - 1}, {"a": INTEGER_MAX}),
    ],
)
@pytest.mark.rows(75, 82, 217)
def test_an_action_by_example(change, before, after):
    """R39: lists behave as sets in insertion order under add and remove; true, 1 and 1.0 are different members."""
    assert written(changed(change, **before)) == written(after)


@pytest.mark.parametrize(
    ("change", "before"),
    [
        (tag.add("vip"), {"tags": "vip"}),
        (tag.add(5), {}),
        (tag.append(["vip"]), {}),
        (tag.set("vip"), {}),
        (field("lists").set({"a": 1}), {}),
        (field("consent").set(True), {}),
        (field("consent.EMAIL").set("yes"), {}),
        (field("consent.EMAIL.x").set(True), {}),
        (tag.remove("vip"), {"tags": {"vip": 1}}),
        (field("a").append(1), {"a": 1}),
        (field("a").increment(), {"a": "1"}),
        (field("a").increment(), {"a": True}),
        (field("a").increment(), {"a": [1]}),
        (field("a").increment("1e"), {"a": 1}),
        (field("a").increment(True), {"a": 1}),
        (field("a").increment([1]), {}),
        (field("a").increment(), {"a": INTEGER_MAX}),
        (field("a").increment(-1), {"a": INTEGER_MIN}),
        (field("a").increment(1e308), {"a": 1.7e308}),
        (field("a.b").set(1), {"a": 5}),
        (field("a.b").set(1), {"a": [1]}),
        (field("a.b.c").set(1), {"a": {"b": "x"}}),
    ],
)
def test_a_wrong_type_changes_nothing(change, before):
    """R39: the whole Update is refused, also what fitted before it; nothing that was given is written to."""
    given_ = copy.deepcopy(before)
    with pytest.raises(WrongType):
        apply_changes([("fits", "set", 1), (change.field, change.action, thaw(change.value))], given_)
    assert given_ == before


@given(st.lists(changes, max_size=5), attributes())
def test_changes_are_applied_in_order_and_told_once(some, before):
    """R39, R50: nothing is changed in place; one event per changed attribute or member, none where nothing changed."""
    kept = copy.deepcopy(before)
    try:
        after, events = apply_changes(some, before)
    except WrongType:
        return
    finally:
        assert written(before) == written(kept)
    replayed = before
    for each in some:
        replayed = apply_changes([each], replayed)[0]
    assert written(replayed) == written(after)
    told = [
        data["field"] if kind == "field.changed" else (kind.partition(".")[0], next(iter(data.values())))
        for kind, data in events
    ]
    assert len(set(told)) == len(told)
    for kind, data in events:
        if kind == "field.changed":
            assert written(data["old"]) != written(data["new"])
            assert written(data["old"]) == written(read_path(before, str(data["field"])))
            assert written(data["new"]) == written(read_path(after, str(data["field"])))


@given(st.lists(changes.filter(lambda change: "." not in change[0]), max_size=5), attributes())
def test_changes_of_whole_attributes_are_told_completely(some, before):
    """R50: exactly the events that a comparison of everything before with everything after finds."""
    try:
        after, events = apply_changes(some, before)
    except WrongType:
        return
    assert sorted(map(written, events)) == differences(before, after)


def test_all_changes_are_applied_before_anything_is_told():
    """R39: what comes and goes within one Update is not an event; the order is that of the first mention."""
    some = [("b", "set", 1), ("tags", "add", "x"), ("b", "set", 2), ("tags", "remove", "x"), ("a", "increment", 1)]
    assert apply_changes(some, {"b": 2}) == (
        {"b": 2, "tags": [], "a": 1},
        [("field.changed", {"field": "a", "old": None, "new": 1})],
    )


def test_an_object_and_a_name_inside_it_are_one_change():
    """R50: exactly one event; that of the outer name tells of both."""
    some = [("a.x", "set", 1), ("a", "set", {"y": 2}), ("a.z", "set", 3)]
    assert apply_changes(some, {})[1] == [("field.changed", {"field": "a", "old": None, "new": {"y": 2, "z": 3}})]
    some = [("consent", "set", {"EMAIL": True}), ("consent.EMAIL", "set", False)]
    assert apply_changes(some, {})[1] == [("field.changed", {"field": "consent.EMAIL", "old": None, "new": False})]


def test_a_name_with_a_dot_of_its_own_is_another_attribute():
    """R59: "a.b" beside "a" is told on its own."""
    after, events = apply_changes([("a", "set", 1), ("a.b", "set", 2)], {"a.b": 1, "a": 0})
    assert after == {"a.b": 2, "a": 1}
    assert [data["field"] for _, data in events] == ["a", "a.b"]


def test_a_template_cannot_nest_a_value_into_itself_without_end():
    """B5: what would be deeper than a host may put changes nothing, so that every stored value can be read."""
    now: dict[str, object] = {"a": 1}
    for _ in range(MAX_DEPTH - 1):
        now = apply_changes([("a", "set", [now["a"]])], now)[0]
    assert list(value_faults(now)) == []
    with pytest.raises(WrongType):
        apply_changes([("a", "set", [now["a"]])], now)
    with pytest.raises(WrongType):
        apply_changes([("b", "append", {"x": now["a"]})], now)


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": {"c": 1}, "d.e": 2}),
        ("a.b.c", 1),
        ("a.d.e", 2),
        ("a.b.c.d", None),
        ("a.x.y", None),
        ("x", None),
        ("p.q", 3),
        ("p.q.r", None),
        ("n", None),
        ("n.m", None),
        ("t.x", None),
    ],
)
def test_a_dotted_name_leads_into_objects(path, value):
    """R59: a name that holds a dot itself is found first; what is not an object has nothing inside."""
    known = {"a": {"b": {"c": 1}, "d.e": 2}, "p.q": 3, "p": {"q": 4}, "n": None, "t": ["x"]}
    assert read_path(known, path) == value


@given(
    st.dictionaries(names, json_values, max_size=3),
    st.sampled_from(["a", "b.x", "a.x", "a.b", "a.x.y", "q.r.s"]),
    json_values,
)
def test_what_is_written_is_read_back_and_nothing_else_changes(before, path, value):
    """R39: for a dotted name, objects on the way are made; what is in the way and no object is a wrong type."""
    kept = copy.deepcopy(before)
    try:
        after = write_path(before, path, value)
    except WrongType:
        assert not isinstance(read_path(before, path.rpartition(".")[0]), dict)
        return
    assert before == kept
    assert written(read_path(after, path)) == written(value)
    root = path if path in before else path.partition(".")[0]
    assert {name: inner for name, inner in after.items() if name != root} == {
        name: inner for name, inner in before.items() if name != root
    }
    assert read_path(write_path(after, path, None), path) is None


def test_taking_away_makes_nothing():
    """R39: unset of something inside an object that is not there leaves the attributes as they are."""
    assert write_path({"a": 1}, "b.c.d", None) == {"a": 1}
    assert write_path({"b": {"c": 1, "d": 2}}, "b.c", None) == {"b": {"d": 2}}
    assert write_path({"b": {"c": 1}}, "b.c", None) == {"b": {}}


# --- merging ----------------------------------------------------------------------------------------------------------


@given(attributes(), puts(), st.booleans())
def test_a_merge_by_the_rule(before, put, replace):
    """R50: top-level names, consent per channel, None unsets; replace keeps consent, tags, lists and R52's names."""
    kept, given_ = copy.deepcopy(before), copy.deepcopy(put)
    after, events = merge(before, put, replace=replace)
    assert (before, put) == (kept, given_)
    for name in before.keys() | put.keys() | after.keys():
        stays = not replace or name in {"tags", "lists", "consent", "lastEmailSentAt"}
        expected = put[name] if name in put else before.get(name) if stays else None
        if name == "consent" and put.get(name) is not None:
            channels = {**before.get(name, {}), **put[name]}
            expected = {channel: value for channel, value in channels.items() if value is not None} or None
        assert written(after.get(name)) == written(expected)
    assert None not in after.values()
    assert sorted(map(written, events)) == differences(before, after)


@given(attributes(), puts())
def test_what_is_lacking_by_the_rule(before, put):
    """R50: names that the customer has stay, and channels of consent; all else is said as it was put."""
    kept, given_ = copy.deepcopy(before), copy.deepcopy(put)
    after, _ = merge(before, put, replace=False, only_missing=True)
    assert (before, put) == (kept, given_)
    for name in before.keys() | put.keys() | after.keys():
        expected = before[name] if name in before else put.get(name)
        if name == "consent" and put.get(name) is not None:
            channels = {**put[name], **before.get(name, {})}
            expected = {channel: value for channel, value in channels.items() if value is not None} or None
        assert written(after.get(name)) == written(expected)


@given(attributes(), st.booleans())
def test_putting_what_is_there_changes_nothing(before, replace):
    """R50: no event; an object whose names stand in another order is the same object."""
    again = json.loads(written(before))
    assert merge(before, again, replace=replace)[1] == []


def test_true_one_and_one_point_zero_are_different_values():
    """R50, R62: the type is part of the value."""
    for old, new in ((True, 1), (1, 1.0), ([True], [1]), ({"x": 0}, {"x": False})):
        ((kind, data),) = merge({"a": old}, {"a": new}, replace=False)[1]
        assert (kind, data["old"] is old, data["new"] is new) == ("field.changed", True, True)


def test_consent_is_merged_per_channel():
    """R50, R54: a channel that is not named stays; None takes one away, or all; no channel left, no attribute."""
    before: dict[str, object] = {"consent": {"EMAIL": True, "SMS": False}}
    assert merge(before, {"consent": {"SMS": True}}, replace=False)[0] == {"consent": {"EMAIL": True, "SMS": True}}
    assert merge(before, {"consent": {"SMS": None}}, replace=True)[0] == {"consent": {"EMAIL": True}}
    assert merge(before, {"consent": {"EMAIL": None, "SMS": None}}, replace=False)[0] == {}
    after, events = merge(before, {"consent": None}, replace=False)
    assert after == {}
    assert events == [
        ("field.changed", {"field": "consent.EMAIL", "old": True, "new": None}),
        ("field.changed", {"field": "consent.SMS", "old": False, "new": None}),
    ]


def test_replacing_takes_away_what_is_not_named_in_a_stable_order():
    """R50, R90: events of what went first, then of what was put, each in its own order."""
    before = {"z": 1, "tags": ["x"], "a": 2, "lastSmsClickAt": "t", "consent": {"EMAIL": True}, "lastName": "Doe"}
    after, events = merge(before, {"b": 1, "a": 3, "tags": []}, replace=True)
    assert after == {"tags": [], "a": 3, "lastSmsClickAt": "t", "consent": {"EMAIL": True}, "b": 1}
    assert [data.get("field", data.get("tag")) for _, data in events] == ["z", "lastName", "b", "a", "x"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("lastEmailSentAt", True),
        ("lastSmsOpenAt", True),
        ("lastWebPushClickAt", True),
        ("lastName", False),
        ("lastEmailReadAt", False),
        ("EmailSentAt", False),
    ],
)
def test_the_last_message_instants_are_known_by_name(name, answer):
    """R52."""
    assert is_last_message(name) is answer


def test_members_that_are_no_text_are_not_told():
    """R50: tags and lists hold text; whatever else a foreign file held there has no event."""
    assert events_between({"tags": "vip"}, {"tags": ["a", 5, "a"]}, ["tags"]) == [("tag.added", {"tag": "a"})]
    assert events_between({"consent": 5}, {"consent": {"EMAIL": True}}, ["consent"]) == [
        ("field.changed", {"field": "consent.EMAIL", "old": None, "new": True})
    ]


# --- what may be wrong with a change ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (field("a.b").set("{{ event.x }}"), []),
        (field("a").unset(), []),
        ("a", [("change", "at", "expected a change such as tag.add('vip'), not str 'a'")]),
        (Change("", "set", 1), [("field", "at.field", "the field path must not be empty")]),
        (
            Change("a", "incremnt", 1),
            [("action", "at.action", "unknown action 'incremnt' (did you mean 'increment'?)")],
        ),
        (Change("a", "~", 1), [("action", "at.action", f"unknown action '~'; known are {', '.join(ACTIONS)}")]),
        (
            Change("a", cast("str", ["~"]), 1),
            [("action", "at.action", f"unknown action ['~']; known are {', '.join(ACTIONS)}")],
        ),
        (Change("a", "set"), [("value", "at.value", "action set needs a value")]),
        (Change("a", "unset", 1), [("value", "at.value", "action unset takes no value")]),
        (Change("a", "set", [2**63]), [("value", "at", "value[0]: the integer needs more than 64 bits")]),
        (Change("a", "set", "{{ }}"), [("template", "at.value", "{{  }}: the path must not be empty")]),
    ],
)
def test_problems_of_a_change(change, found):
    """R13: each with its place."""
    assert [(problem.code, problem.path, problem.message) for problem in change_problems(change, "at")] == found


def test_problems_of_a_change_are_told_all_at_once():
    """R13: field, action, value and templates."""
    change = Change("a..b", "sett", ["{{ .x }}", float("nan")])
    assert [problem.code for problem in change_problems(change, "at")] == ["field", "action", "value", "template"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (field("a").set(["x"]), "set a ('x',)"),
        (field("a").unset(), "unset a"),
        (field("a").increment(0), "increment a 0"),
    ],
)
def test_a_change_is_written_in_words(change, text):
    """Shown in outlines and explanations."""
    assert str(change) == text


def test_a_change_is_a_value():
    """R12: equal changes are equal whatever list type was written, and hold no list that could grow."""
    assert field("a").set([1, [2]]) == field("a").set((1, (2,)))
    assert thaw(field("a").set([1, [2]]).value) == [1, [2]]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("items.0.price", 5),
        ("items.1.price", 7),
        ("items.01.price", 7),
        ("items.1", {"price": 7}),
        ("items.2", None),
        ("items.-1", None),
        ("items.x", None),
        ("items.1.price.0", None),
        ("items.1.0", None),
        ("items.\u0661", None),
        ("items." + "9" * 5_000, None),
        ("grid.1.0", "c"),
        ("text.0", None),
        ("numbered.0", "named"),
    ],
)
@pytest.mark.parametrize("several", [list, tuple])
def test_a_member_of_a_list_is_read_by_its_number(path, value, several):
    """R59: from 0; a name in an object may be a number too, and a text has no members."""
    items, grid = several([{"price": 5}, {"price": 7}]), several([several(["a"]), several(["c"])])
    assert read_path({"items": items, "grid": grid, "text": "abc", "numbered": {"0": "named"}}, path) == value
