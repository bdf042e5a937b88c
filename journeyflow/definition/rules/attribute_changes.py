"""Changes of a customer's attributes: as data, their application, and the events that they emit (R39, R50).

Attributes are plain dicts that are never modified in place: every function here returns new ones.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping
from itertools import accumulate
from json import JSONEncoder

from attrs import field as attrs_field
from attrs import frozen

from journeyflow.basics.values import (
    INTEGER_MAX,
    INTEGER_MIN,
    Attributes,
    describe,
    freeze,
    is_blank,
    value_faults,
)
from journeyflow.basics.words import CONSENT, MEMBERS
from journeyflow.definition.rules import conditions as rules
from journeyflow.definition.rules.attribute_checks import NO_BLANK, RESERVED, shape_faults
from journeyflow.definition.rules.operators import as_number
from journeyflow.definition.rules.templates import template_problems
from journeyflow.definition.rules.value_paths import path_fault, read_path
from journeyflow.errors import ERROR, Problem, did_you_mean, quoted

Emitted = tuple[str, dict[str, object]]
"""An event that a change of a customer emits: its type and its data."""

NESTED = (list, dict)
"""The types of stored values that hold others: a tuple is asked in a third of the time of a union."""


class WrongType(Exception):
    """A change does not fit the present value; the Update then changes nothing (R39)."""


@frozen
class Change:
    """One change of an attribute: `set`, `unset`, `add`, `remove`, `increment` or `append` (R39).

    `field` is the name of the attribute, dotted for a name inside an object. `value` may contain templates such as
    `{{ event.amount }}`, rendered when the change is made; `unset` takes none.
    """

    field: str
    action: str
    value: object = attrs_field(default=None, converter=freeze, hash=False)

    def __str__(self) -> str:
        """Return the change in words."""
        return f"{self.action} {self.field}" + ("" if self.value is None else f" {self.value!r}")


class Field(rules.FieldPath):
    """A field that can be compared, with the methods of `FieldPath`, and changed.

    >>> print(field("purchases").increment())
    increment purchases 1
    """

    __slots__ = ()

    def set(self, value: object) -> Change:
        """Set the field to a value."""
        return Change(self.path, "set", value)

    def unset(self) -> Change:
        """Remove the field."""
        return Change(self.path, "unset")

    def add(self, value: object) -> Change:
        """Add a member to a list, unless it is there already."""
        return Change(self.path, "add", value)

    def remove(self, value: object) -> Change:
        """Remove a member from a list, every time that it occurs."""
        return Change(self.path, "remove", value)

    def increment(self, value: object = 1) -> Change:
        """Add a number, or a text that compares as one (R62), such as "12.50"; a missing value counts as 0."""
        return Change(self.path, "increment", value)

    def append(self, value: object) -> Change:
        """Add a member at the end of a list, even if it is there already."""
        return Change(self.path, "append", value)


def field(path: str) -> Field:
    """Return the field with this path, to compare it in a rule or to change it in an Update.

    >>> field("plan").eq("paid"), field("plan").set("paid")
    (FieldRule(field='plan', op='eq', value='paid'), Change(field='plan', action='set', value='paid'))
    """
    return Field(path)


tag = Field("tags")
"""The customer's tags: `tag.add("vip")`, `tag.remove("vip")`, `tag.contains("vip")`."""

# --- actions ------------------------------------------------------------------------------------------------------


_in_order = JSONEncoder(sort_keys=True, check_circular=False).encode


def _same(left: object, right: object) -> bool:
    """Return whether two JSON values are the same: true and 1 are not, and names in an object have no order."""
    return left == right and _in_order(left) == _in_order(right)


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise WrongType


def _set(_: object, value: object) -> object:
    return value


def _unset(_: object, _value: object) -> object:
    return None


def _add(old: object, value: object) -> object:
    members = _list(old)
    return members if members and any(_same(member, value) for member in members) else [*members, value]


def _remove(old: object, value: object) -> object:
    if old is None:
        return None
    return [member for member in _list(old) if not _same(member, value)]


def _append(old: object, value: object) -> object:
    return [*_list(old), value]


def _increment(old: object, value: object) -> object:
    start = 0 if old is None else old
    if isinstance(start, str):
        raise WrongType
    left, right = as_number(start), as_number(value)
    if left is None or right is None:
        raise WrongType
    total = left + right
    fits = INTEGER_MIN <= total <= INTEGER_MAX if isinstance(total, int) else abs(total) < float("inf")
    if not fits:
        raise WrongType
    return total


ACTIONS: dict[str, Callable[[object, object], object]] = {
    "set": _set,
    "unset": _unset,
    "add": _add,
    "remove": _remove,
    "increment": _increment,
    "append": _append,
}

# --- applying -----------------------------------------------------------------------------------------------------


def write_path(attributes: Attributes, path: str, value: object) -> Attributes:
    """Return attributes with one value set, or removed if it is None; objects on the path are created as needed.

    Raises WrongType if the path leads through a value that is not an object.

    >>> write_path({"a": 1}, "address.city", "Durban")
    {'a': 1, 'address': {'city': 'Durban'}}
    """
    if "." in path and path not in attributes:
        name, _, rest = path.partition(".")
        inner = attributes.get(name)
        if inner is not None and not isinstance(inner, dict):
            raise WrongType
        if inner is None and value is None:
            return attributes
        path, value = name, write_path(inner or {}, rest, value)
    if value is None:
        return {key: kept for key, kept in attributes.items() if key != path}
    return {**attributes, path: value}


def apply_changes(
    changes: Iterable[tuple[str, str, object]], attributes: Attributes
) -> tuple[Attributes, list[Emitted]]:
    """Return attributes after changes (field, action, value), made in order, and the events that they emit (R39).

    Raises WrongType, with nothing changed, if one of them does not fit.

    >>> apply_changes([("tags", "add", "vip"), ("n", "increment", 2)], {"n": 1})
    ({'n': 3, 'tags': ['vip']}, [('tag.added', {'tag': 'vip'}), ('field.changed', {'field': 'n', 'old': 1, 'new': 3})])
    """
    changed = attributes
    names: dict[str, None] = {}
    for name, action, value in changes:
        changed = write_path(changed, name, ACTIONS[action](read_path(changed, name), value))
        names[name] = None
        root = name.partition(".")[0] if "." in name else name
        if root in RESERVED and shape_faults(root, changed.get(root)):
            raise WrongType
        if isinstance(value, NESTED) and any(value_faults(changed)):  # templates can nest a value into itself
            raise WrongType
    outermost = names if len(names) == 1 else _outermost(names.keys(), attributes)
    return changed, events_between(attributes, changed, outermost)


def _outermost(names: KeysView[str], attributes: Attributes) -> list[str]:
    """Return the names without those inside another one of them, whose event covers both."""
    return [name for name in names if name in attributes or names.isdisjoint(_around(name))]


def _around(path: str) -> Iterator[str]:
    """Yield the paths of the values that a path leads through."""
    return accumulate(path.split(".")[:-1], "{}.{}".format)


def merge(
    attributes: Attributes, put: Mapping[str, object], *, replace: bool, only_missing: bool = False
) -> tuple[Attributes, list[Emitted]]:
    """Return attributes merged with those that a host puts, and the events that this emits (R50).

    Top-level names are replaced, consent is merged by channel, and None removes a name. With `replace`, names that are
    not given are removed too, except consent, tags, lists and the last-message instants (R52). With `only_missing`,
    names and channels that are there stay as they are.

    >>> merge({"a": 1, "b": 2}, {"a": None, "c": 3}, replace=False)[0]
    {'b': 2, 'c': 3}
    >>> merge(
    ...     {"a": 1, "consent": {"SMS": False}},
    ...     {"a": 2, "consent": {"SMS": True, "EMAIL": True}},
    ...     replace=False,
    ...     only_missing=True,
    ... )[0]
    {'a': 1, 'consent': {'SMS': False, 'EMAIL': True}}
    """
    if only_missing:
        put = _lacking(attributes, put)
    changed: Attributes = dict(attributes)
    names: dict[str, None] = {}
    if replace:
        for name in attributes:
            if name not in put and name != CONSENT and name not in MEMBERS and not is_last_message(name):
                del changed[name]
                names[name] = None
    for name, value in put.items():
        names[name] = None
        merged = value
        if name == CONSENT and isinstance(value, Mapping):
            before = changed.get(CONSENT)
            both = {**(before if isinstance(before, dict) else {}), **value}
            merged = {channel: given for channel, given in both.items() if given is not None} or None
        if merged is None:
            changed.pop(name, None)
        else:
            changed[name] = merged
    return changed, events_between(attributes, changed, names)


def _lacking(attributes: Attributes, put: Mapping[str, object]) -> dict[str, object]:
    """Return what a put says of names that a customer lacks, and of channels about which no consent is known."""
    new = {name: value for name, value in put.items() if name not in attributes}
    given = put.get(CONSENT)
    if CONSENT in attributes and isinstance(given, Mapping):
        known = _object(attributes[CONSENT])
        new[CONSENT] = {channel: value for channel, value in given.items() if channel not in known}
    return new


def is_last_message(name: str) -> bool:
    """Return whether a name is a last-message instant (R52): `last<Channel>SentAt`, `...OpenAt` or `...ClickAt`.

    >>> is_last_message("lastEmailOpenAt"), is_last_message("lastName")
    (True, False)
    """
    return name.startswith("last") and name.endswith(("SentAt", "OpenAt", "ClickAt"))


def events_between(old: Attributes, new: Attributes, names: Iterable[str]) -> list[Emitted]:
    """Return one event for each attribute among `names`, or each member of one, that differs (R50).

    >>> events_between({"tags": ["a"]}, {"tags": ["b"]}, ["tags"])
    [('tag.removed', {'tag': 'a'}), ('tag.added', {'tag': 'b'})]
    """
    events: list[Emitted] = []
    for name in names:
        before, after = read_path(old, name), read_path(new, name)
        if before is after:
            continue
        if name in MEMBERS:
            added, removed, member_name = MEMBERS[name]
            left, right = _members(before), _members(after)
            for member in left:
                if member not in right:
                    events.append((removed, {member_name: member}))  # noqa: PERF401 a comprehension is a call
            for member in right:
                if member not in left:
                    events.append((added, {member_name: member}))  # noqa: PERF401 likewise
        elif name == CONSENT:
            channels = dict.fromkeys([*_object(before), *_object(after)])
            events += events_between(old, new, [f"{CONSENT}.{channel}" for channel in channels])
        elif not _same(before, after):
            events.append(("field.changed", {"field": name, "old": before, "new": after}))
    return events


def _members(value: object) -> Collection[object]:
    """Return the texts in a list, each once."""
    if not value or not isinstance(value, list):
        return ()
    return {member: None for member in value if isinstance(member, str)}


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


# --- what may be wrong with a change ---------------------------------------------------------------------------------


def change_problems(change: object, where: str) -> Iterator[Problem]:
    """Yield every problem of a change with its place (R13).

    >>> [str(problem) for problem in change_problems(Change("n", "incremnt", 1), "changes[0]")]
    ["changes[0].action: unknown action 'incremnt' (did you mean 'increment'?) [action]"]
    """
    if not isinstance(change, Change):
        yield Problem("change", ERROR, where, f"expected a change such as tag.add('vip'), not {describe(change)}")
        return
    if fault := path_fault(change.field):
        yield Problem("field", ERROR, f"{where}.field", f"the field {fault}")
    if not isinstance(change.action, str) or change.action not in ACTIONS:
        hint = did_you_mean(change.action, ACTIONS) or f"; known are {', '.join(ACTIONS)}"
        yield Problem("action", ERROR, f"{where}.action", f"unknown action {quoted(change.action)}{hint}")
    elif (change.value is None) != (change.action == "unset"):
        needs = "takes no value" if change.action == "unset" else "needs a value"
        yield Problem("value", ERROR, f"{where}.value", f"action {change.action} {needs}")
    elif change.field in MEMBERS and any(
        isinstance(name, str) and name and is_blank(name)  # an empty one waits to be filled in (R18)
        for name in _each(change.value)
    ):
        yield Problem("value", ERROR, f"{where}.value", f"{change.field}: {NO_BLANK}")
    yield from (Problem("value", ERROR, where, fault) for fault in value_faults(change.value, "value"))
    yield from template_problems(change.value, f"{where}.value")


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, tuple) else (value,)
