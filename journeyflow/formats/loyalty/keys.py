"""The keys of the platform's documents, and how each is read: every fault is noted with its place."""

import re
from collections.abc import Mapping, Sequence

from journeyflow.basics.durations import Duration
from journeyflow.basics.values import describe
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.conditions import FieldRule
from journeyflow.formats.json_parts import JsonObject, PartReader, ReadPart, list_of, parsed_by, part_of

_LENGTH = re.compile(r"\d{1,12} (minute|hour|day|week)s?", re.ASCII)


def read_duration(value: object) -> Duration:
    """Read a length of time in one of the four units of the platform. Raises ValueError for anything else.

    >>> read_duration("1 week")
    Duration('7 days')
    """
    if isinstance(value, str) and _LENGTH.fullmatch(value):
        return Duration.parse(value)
    msg = f"expected a duration such as '30 minutes', '2 hours', '3 days' or '1 week', not {describe(value)}"
    raise ValueError(msg)


def _one_of(words: Sequence[str], code: str) -> ReadPart:
    """Return a reader of one of several words; `code` is the code of its faults."""

    def word(reader: PartReader, value: object, path: str) -> object:
        if value in words:
            return value
        hint = (reader.suggest(value, words) if isinstance(value, str) else "") or f"; known are {', '.join(words)}"
        what = "missing" if value is None else f"unknown {path.rpartition('.')[2]} {describe(value)}"
        reader.fault(code, path, f"{what}{hint}")
        return None

    return word


def _number(reader: PartReader, value: object, path: str) -> object:
    """Read the number of a step, a whole number from 1 up."""
    if type(value) is int and value > 0:
        return value
    reader.fault("step-number", path, f"expected a whole number from 1 up, not {describe(value)}")
    return None


def _misplaced(reader: PartReader, _: object, path: str) -> None:
    """Note a fault for a pointer that a type of step does not have."""
    reader.fault("pointer", path, f"a step of this type has no {path.rpartition('.')[2]}")


def _said(**keys: object) -> JsonObject:
    """Keep the keys that could be read."""
    return {key: value for key, value in keys.items() if value is not None}


def _comparison(field: str, operator: str, value: object = None) -> FieldRule:
    return FieldRule(field, operator, value)


TEXT = PartReader.text

COMPARISON = part_of(_comparison, {"field": TEXT, "operator": TEXT, "value": PartReader.anything}, "field", "operator")

CONDITIONS = list_of(COMPARISON)

COMBINED: Mapping[str, ReadPart] = {"combinator": _one_of(("AND", "OR"), "combinator"), "rules": CONDITIONS}
"""The keys of a group of comparisons."""

_SPLIT = part_of(_said, {"percentage": PartReader.number, "nextStepId": TEXT}, "percentage")

_UPDATE = part_of(Change, {"field": TEXT, "action": TEXT, "value": PartReader.anything}, "field", "action")

_CONFIGS: Mapping[str, tuple[Mapping[str, ReadPart], tuple[str, ...]]] = {
    "TRIGGER": ({"eventType": TEXT, "conditions": CONDITIONS, "source": PartReader.anything}, ()),
    "SEND": ({"channel": TEXT, "templateId": TEXT}, ("channel", "templateId")),
    "WAIT": ({"duration": parsed_by(read_duration, "duration")}, ("duration",)),
    "CONDITION": (COMBINED, ("rules",)),
    "SPLIT": ({"splits": list_of(_SPLIT)}, ("splits",)),
    "UPDATE": ({"updates": list_of(_UPDATE)}, ("updates",)),
    "END": ({}, ()),
}
"""The keys of `config` by type of step, and those that are required."""

POINTERS = ("nextStepId", "nextStepYesId", "nextStepNoId")

_HAS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(_CONFIGS, ("nextStepId",)),
    "CONDITION": POINTERS,
    "END": (),
}
"""The pointers by type of step."""


STEP_RECORDED = (
    "journeyId", "tenantId", "createdBy", "createdAt", "updatedAt",
    "totalEntered", "totalEnrolled", "totalActive", "totalCompleted", "totalExited", "totalFailed", "activeEnrollments",
)  # fmt: skip
"""The keys of a step that record its history and are not part of its definition."""


def _keys(of: str) -> dict[str, ReadPart]:
    """Return the keys of a type of step, each with the function that reads it."""
    known, needed = _CONFIGS[of]
    pointers = {name: TEXT if name in _HAS[of] else _misplaced for name in POINTERS}
    plain = dict.fromkeys(("id", "type", "name"), TEXT)
    recorded = dict.fromkeys(STEP_RECORDED, PartReader.anything)
    return {**plain, **recorded, "stepNumber": _number, "config": part_of(_said, known, *needed), **pointers}


_STEPS = {of: _keys(of) for of in _CONFIGS}

_NEEDED = {of: ("config",) if needed else () for of, (_, needed) in _CONFIGS.items()}


def _step(reader: PartReader, value: object, path: str) -> JsonObject | None:
    """Read a step by its type; one of unknown type is kept as an END, so that others may lead there."""
    if not isinstance(value, dict):
        reader.fault("type", path, f"expected an object, not {describe(value)}")
        return None
    of = _one_of(tuple(_CONFIGS), "kind")(reader, value.get("type"), f"{path}.type")
    if of is None:
        return {**_said(**reader.fields({"id": value.get("id")}, path, {"id": TEXT})), "type": "END"}
    return {"config": {}, **_said(**reader.fields(value, path, _STEPS[of], *_NEEDED[of]))}


HOST = "loyalty"
"""The name in `Journey.meta` under which is kept what only the host understands."""

OF_HOST = ("createdBy", "source")
"""What is kept so: who made a journey, and the source of the events that start it."""

RECORDED = (
    "totalEnrolled", "totalCompleted", "totalExited", "totalFailed", "activeEnrollments", "stepsCount", "enrollments",
    "_count",
    "activatedAt", "pausedAt", "resumedAt", "archivedAt", "createdAt", "updatedAt",
)  # fmt: skip
"""The keys of a journey that record its history and are not part of its definition."""

_STATE = _one_of(("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"), "status")

_LIST = list_of(_step)


def _steps(reader: PartReader, value: object, path: str) -> object:
    """Read the steps: a list, or the answer of the platform to a request for them."""
    return _LIST(reader, value["data"] if isinstance(value, dict) and value.keys() == {"data"} else value, path)


DOCUMENT: Mapping[str, ReadPart] = {
    **dict.fromkeys(("id", "tenantId", "name", "description", "timezone", "triggerType"), TEXT),
    **dict.fromkeys(RECORDED, PartReader.anything),
    "status": _STATE,
    "triggerConfig": part_of(_said, {"conditions": CONDITIONS, "source": PartReader.anything}),
    "createdBy": PartReader.anything,
    "segmentId": TEXT,
    "allowReentry": PartReader.boolean,
    "steps": _steps,
}
"""The keys of a journey."""
