"""Reading the objects of Octeth: names in any case, numbers and flags also as text."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from journeyflow.basics.values import describe
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, Rule
from journeyflow.formats.json_parts import JsonObject, PartReader, ReadPart

TRUE = frozenset({"1", "true", "yes", "on"})
"""The words for true, in any case; everything else is false (F117)."""


def is_true(value: object) -> bool:
    """Return whether a value is one of the words for true.

    >>> [is_true(value) for value in (True, 1, "Yes", "true", 2, "foo", "", None)]
    [True, True, True, True, False, False, False, False]
    """
    return str(value).lower() in TRUE if isinstance(value, bool | int | str) else False


class ActionReader(PartReader):
    """A reader of the actions of a journey; names of keys are read in any case (F110)."""

    hints: ClassVar[Mapping[str, str]] = {}

    def __init__(self, journey: str = "") -> None:
        """Begin to read; `journey` is the id of the journey, or nothing if it is not known."""
        super().__init__()
        self.journey = journey

    def fields(self, value: object, path: str, known: Mapping[str, ReadPart], *needed: str) -> dict[str, Any]:
        """Read the keys of an object by their names in any case; see `PartReader.fields`."""
        names = {name.lower(): name for name in known}
        if isinstance(value, dict):
            self.doubled(value, path)
            value = {names.get(str(key).lower(), key): inner for key, inner in value.items()}
        return super().fields(value, path, known, *needed)


def read_whole(reader: PartReader, value: object, path: str) -> int | None:
    """Read a whole number from 0 up, also as text."""
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    reader.fault("type", path, f"expected a whole number from 0 up, not {describe(value)}")
    return None


def read_name(reader: PartReader, value: object, path: str) -> str | None:
    """Read a number or a text as the name of something."""
    if isinstance(value, str) or type(value) is int:
        return str(value)
    reader.fault("type", path, f"expected a number, not {describe(value)}")
    return None


def read_names(reader: PartReader, value: object, path: str) -> list[str | None] | None:
    """Read a number, or a list of numbers, as names."""
    many = value if isinstance(value, list) else [value]
    return [read_name(reader, each, f"{path}[{n}]" if many is value else path) for n, each in enumerate(many)]


def flag(_: PartReader, value: object, __: str) -> bool:
    """Read a flag; what is none of the words for true is false."""
    return is_true(value)


def word(*words: str) -> ReadPart:
    """Return a reader of one of several words, in any case."""
    known = {each.lower(): each for each in words}

    def one(reader: PartReader, value: object, path: str) -> object:
        found = known.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            reader.fault("word", path, f"expected one of {', '.join(words)}, not {describe(value)}")
        return found

    return one


def name_as_number(name: str) -> int | str:
    """Return a name as a number if it is written as one.

    >>> name_as_number("12"), name_as_number("welcome"), name_as_number("")
    (12, 'welcome', 0)
    """
    return int(name or 0) if name.isascii() and (name.isdigit() or not name) else name


# --- attributes -------------------------------------------------------------------------------------------------------

_FIELD = "CustomField"


def attribute_of(field: str) -> str:
    """Return the attribute of a custom field, by number, or of a field of subscribers.

    >>> attribute_of("10"), attribute_of("CustomField:10"), attribute_of("EmailAddress"), attribute_of("BounceType")
    ('CustomField10', 'CustomField10', 'email', 'BounceType')
    """
    if field.lower() in {"email", "emailaddress"}:
        return "email"
    number = field.removeprefix(f"{_FIELD}:")
    return f"{_FIELD}{number}" if number.isascii() and number.isdigit() else field


def field_of(name: str) -> str:
    """Return the field of an attribute, the number of a custom field.

    >>> field_of("CustomField10"), field_of("email"), field_of("BounceType")
    ('10', 'EmailAddress', 'BounceType')
    """
    number = name.removeprefix(_FIELD)
    return number if number != name and number.isdigit() else {"email": "EmailAddress"}.get(name, name)


# --- groups of rules --------------------------------------------------------------------------------------------------


def joined_by(rules: Sequence[Rule], many: type[AllOf | AnyOf]) -> Rule:
    """Join rules; one of them needs no joining."""
    return rules[0] if len(rules) == 1 else many(rules)


def members(rule: Rule | None, group: type[AllOf | AnyOf]) -> Sequence[Rule]:
    """Return the members of a group, or a rule that is none as the only one."""
    if rule is None:
        return ()
    return rule.rules if isinstance(rule, group) else (rule,)


def comparing(rule: Rule) -> FieldRule | None:
    """Return a rule if it compares with a value."""
    return rule if isinstance(rule, FieldRule) and rule.value_of is None else None


def present(**keys: object) -> JsonObject:
    """Return the keys that have a value."""
    return {key: value for key, value in keys.items() if value is not None}
