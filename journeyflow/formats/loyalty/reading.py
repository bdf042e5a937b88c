"""Reading the journeys of the loyalty platform: strictly, with every fault reported at once, with its place."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from journeyflow.basics.moments import Duration
from journeyflow.basics.values import describe
from journeyflow.definition.entry import Trigger
from journeyflow.definition.graph import END
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.rules.changes import Change, is_last_message
from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, Rule
from journeyflow.definition.steps import Arm, Condition, End, Send, Split, Step, Update, Wait
from journeyflow.errors import ERROR, InvalidJourney, Problem
from journeyflow.formats.parts import (
    TOO_DEEP,
    UNNAMED,
    UNREAD,
    JsonObject,
    PartReader,
    ReadPart,
    list_of,
    parsed_by,
    part_of,
    too_deep,
)
from journeyflow.formats.port import Loss, make_journey

# --- the keys, and how each is read -----------------------------------------------------------------------------------

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


_TEXT = PartReader.text

_CONDITION = part_of(
    _comparison, {"field": _TEXT, "operator": _TEXT, "value": PartReader.anything}, "field", "operator"
)

_CONDITIONS = list_of(_CONDITION)

_SPLIT = part_of(_said, {"percentage": PartReader.number, "nextStepId": _TEXT}, "percentage")

_UPDATE = part_of(Change, {"field": _TEXT, "action": _TEXT, "value": PartReader.anything}, "field", "action")

_CONFIGS: Mapping[str, tuple[Mapping[str, ReadPart], tuple[str, ...]]] = {
    "TRIGGER": ({"eventType": _TEXT, "conditions": _CONDITIONS}, ()),
    "SEND": ({"channel": _TEXT, "templateId": _TEXT}, ("channel", "templateId")),
    "WAIT": ({"duration": parsed_by(read_duration, "duration")}, ("duration",)),
    "CONDITION": ({"combinator": _one_of(("AND", "OR"), "combinator"), "rules": _CONDITIONS}, ("rules",)),
    "SPLIT": ({"splits": list_of(_SPLIT)}, ("splits",)),
    "UPDATE": ({"updates": list_of(_UPDATE)}, ("updates",)),
    "END": ({}, ()),
}
"""The keys of `config` by type of step, and those that are required."""

_POINTERS = ("nextStepId", "nextStepYesId", "nextStepNoId")

_HAS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("TRIGGER", "SEND", "WAIT", "SPLIT", "UPDATE"), ("nextStepId",)),
    "CONDITION": _POINTERS,
    "END": (),
}
"""The pointers by type of step."""


_STEP_RECORDED = (
    "journeyId", "tenantId", "createdBy", "createdAt", "updatedAt",
    "totalEntered", "totalEnrolled", "totalActive", "totalCompleted", "totalExited", "totalFailed", "activeEnrollments",
)  # fmt: skip
"""The keys of a step that record its history and are no part of its definition."""


def _keys(of: str) -> dict[str, ReadPart]:
    """Return the keys of a type of step, each with the function that reads it."""
    known, needed = _CONFIGS[of]
    pointers = {name: _TEXT if name in _HAS[of] else _misplaced for name in _POINTERS}
    plain = dict.fromkeys(("id", "type", "name"), _TEXT)
    recorded = dict.fromkeys(_STEP_RECORDED, PartReader.anything)
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
        return {**_said(**reader.fields({"id": value.get("id")}, path, {"id": _TEXT})), "type": "END"}
    return {"config": {}, **_said(**reader.fields(value, path, _STEPS[of], *_NEEDED[of]))}


_RECORDED = (
    "totalEnrolled", "totalCompleted", "totalExited", "totalFailed", "activeEnrollments", "stepsCount", "enrollments",
    "_count",
    "activatedAt", "pausedAt", "resumedAt", "archivedAt", "createdBy", "createdAt", "updatedAt",
)  # fmt: skip
"""The keys of a journey that record its history and are no part of its definition."""

_STATE = _one_of(("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"), "status")

_LIST = list_of(_step)


def _steps(reader: PartReader, value: object, path: str) -> object:
    """Read the steps: a list, or the answer of the platform to a request for them."""
    return _LIST(reader, value["data"] if isinstance(value, dict) and value.keys() == {"data"} else value, path)


_DOCUMENT: Mapping[str, ReadPart] = {
    **dict.fromkeys(("id", "tenantId", "name", "description", "timezone", "triggerType"), _TEXT),
    **dict.fromkeys(_RECORDED, PartReader.anything),
    "status": _STATE,
    "triggerConfig": part_of(_said, {"conditions": _CONDITIONS}),
    "allowReentry": PartReader.boolean,
    "steps": _steps,
}
"""The keys of a journey."""

# --- reading ----------------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """One step of the file: its position, its keys, its id (made up if it has none)."""

    place: int
    keys: JsonObject
    id: str

    @property
    def path(self) -> str:
        return f"steps[{self.place}]"

    @property
    def is_trigger(self) -> bool:
        return bool(self.keys["type"] == "TRIGGER")


class _Said(NamedTuple):
    """A part of the entry, which can be given in two places: the path of one of them, and the value there."""

    path: str
    what: Any


_WRAPPED = frozenset({"data", "journey"})
"""The keys that answers of the platform put around a journey; `meta` may stand beside them."""


def unwrapped(value: object) -> object:
    """Return a journey without what the platform's answers put around it, also as the one member of a list.

    >>> unwrapped({"data": [{"id": "j"}]}), unwrapped({"journey": {"id": "j"}}), unwrapped([1, 2])
    ({'id': 'j'}, {'id': 'j'}, [1, 2])
    """
    while True:
        if isinstance(value, dict) and len(found := _WRAPPED & value.keys()) == 1 == len(value.keys() - {"meta"}):
            value = value[next(iter(found))]
        elif isinstance(value, list) and len(value) == 1 and not is_step(value[0]):
            value = value[0]
        else:
            return value


def is_step(value: object) -> bool:
    """Return whether a JSON value looks like a step of the platform, and not like a journey."""
    return isinstance(value, Mapping) and "type" in value and "steps" not in value and "triggerType" not in value


def _one(value: object) -> object:
    """Return the one journey of a file. Raises InvalidJourney for several, and for steps alone."""
    found = unwrapped(value)
    if isinstance(found, list) and found:
        what, remedy = f"these are {len(found)} journeys", "write each into a file of its own"
        if is_step(found[0]):
            what, remedy = "these are steps alone", 'put them under "steps" of a journey with "id" and "triggerType"'
        raise InvalidJourney(UNREAD, [Problem("many", ERROR, "", f"{what}; {remedy}")])
    return found


def read(value: object) -> tuple[Journey, list[Loss]]:
    """Read a journey of the platform; return it with the losses.

    An answer of the platform is read as the journey that it holds; places are those in that journey. Raises
    InvalidJourney with every fault, each with its place.

    >>> document = {"id": "hi", "triggerType": "joined", "status": "DRAFT", "steps": [{"id": "bye", "type": "END"}]}
    >>> journey, losses = read(document)
    >>> journey, [loss.path for loss in losses]
    (Journey('hi', trigger 'joined', 1 step: bye), ['status'])
    """
    if too_deep(value):
        raise InvalidJourney(UNREAD, [TOO_DEEP])
    reader = PartReader()
    document = reader.fields(_one(value), "", _DOCUMENT)
    rows = _rows(document.get("steps", ()))
    triggers = [row for row in rows if row.is_trigger]
    steps = _from_entry(_numbered([row for row in rows if not row.is_trigger]), triggers)
    event, conditions = _entry(reader, document, triggers)
    name = document.get("id") or _slug(document.get("name", ""))
    _check(reader, rows, steps, name)
    options: JsonObject = {
        **{key: document[key] for key in ("name", "description", "timezone") if key in document},
        "id": name or "-",
        "tenant": document.get("tenantId"),
        "trigger": Trigger(event.what, where=_rule(conditions.what or (), AllOf)),
        "reentry": "always" if document.get("allowReentry") else "never",
        "steps": _native(steps, END if any(_pointers(rows)) else None),
    }
    order = [row.place for row in steps]
    journey = make_journey(
        name or UNNAMED, options, reader.faults, lambda path: _place(path, order, event.path, conditions.path)
    )
    lost = [*_document_losses(document, name), *_row_losses(rows), *_any_message(conditions, steps)]
    return journey, [*lost, *_unreached(journey, steps)]


def _rows(steps: Sequence[JsonObject | None]) -> list[_Row]:
    """Name the steps that could be read; one without id after its number, the TRIGGER not counted."""
    rows: list[_Row] = []
    number = 0
    for place, keys in enumerate(steps):
        number += keys is None or keys["type"] != "TRIGGER"
        if keys is not None:
            rows.append(_Row(place, keys, keys.get("id") or ("" if keys["type"] == "TRIGGER" else f"step_{number}")))
    return rows


def _from_entry(steps: list[_Row], triggers: Sequence[_Row]) -> list[_Row]:
    """Return the steps with the one at which the journey starts moved to the front."""
    pointed = [row.keys["nextStepId"] for row in triggers[:1] if "nextStepId" in row.keys]
    begins = pointed or ([] if _all_numbered(steps) else _beginning(steps))
    return [row for row in steps if row.id in begins] + [row for row in steps if row.id not in begins]


def _numbered(steps: list[_Row]) -> list[_Row]:
    """Return the steps in the order of their numbers, if each has one."""
    return sorted(steps, key=lambda row: int(row.keys["stepNumber"])) if _all_numbered(steps) else steps


def _all_numbered(steps: Sequence[_Row]) -> bool:
    return all("stepNumber" in row.keys for row in steps)


def _beginning(steps: Sequence[_Row]) -> list[str]:
    """Return the id of the step to which none leads and which leads to all others, if there is such a step."""
    ways: dict[str, list[str]] = {row.id: [] for row in steps}
    for row, _, target in _pointers(steps):
        ways[row.id].append(target)
    led_to = {target for targets in ways.values() for target in targets}
    begins = [name for name in ways if name not in led_to]
    reached, left = set[str](), [*begins]
    while left and len(begins) == 1:
        name = left.pop()
        left += [] if name in reached else ways.get(name, [])
        reached.add(name)
    return begins if reached >= ways.keys() else []


def _entry(reader: PartReader, document: JsonObject, triggers: Sequence[_Row]) -> tuple[_Said, _Said]:
    """Put together what the journey and its TRIGGER say of the entry: the event, and the conditions."""
    configs = [(row.path, row.keys["config"]) for row in triggers]
    events = [_Said("triggerType", document.get("triggerType"))]
    events += [_Said(f"{path}.config.eventType", config.get("eventType")) for path, config in configs]
    conditions = [_Said("triggerConfig.conditions", document.get("triggerConfig", {}).get("conditions"))]
    conditions += [_Said(f"{path}.config.conditions", config.get("conditions")) for path, config in configs]
    event = _agreed(reader, events)
    if event.what is None and not _at_fault(reader, *(each.path for each in events)):
        reader.fault("missing", "triggerType", "missing; write the type of the event that starts the journey")
    for row in triggers[1:]:
        reader.fault("trigger", row.path, f"a journey has one TRIGGER; the other is {triggers[0].path}")
    return event, _agreed(reader, conditions)


def _at_fault(reader: PartReader, *places: str) -> bool:
    """Return whether the whole file, or one of some places, could not be read."""
    at = {"", *places}
    return any(fault.path in at for fault in reader.faults)


def _agreed(reader: PartReader, places: Sequence[_Said]) -> _Said:
    """Return the first value given, noting a fault at each place that gives another value."""
    said = [each for each in places if each.what is not None] or [places[0]]
    for each in said[1:]:
        if each.what != said[0].what:
            reader.fault("trigger", each.path, f"says something else than {said[0].path}; leave one of them out")
    return said[0]


def _check(reader: PartReader, rows: Sequence[_Row], steps: Sequence[_Row], name: str) -> None:
    """Note the faults that concern several parts of the file."""
    if not name and not _at_fault(reader, "id"):
        reader.fault("missing", "id", "missing; write an id, or a name to make one of")
    numbered = [row for row in rows if "stepNumber" in row.keys]
    some = not _all_numbered(steps)
    in_order = numbered if some else sorted(numbered, key=lambda row: int(row.keys["stepNumber"]))
    for one, other in pairwise(in_order):
        before = one.keys["stepNumber"]
        if other.keys["stepNumber"] <= before:
            remedy = "number every step, or none" if some else "give each step a number of its own"
            sentence = f"does not come after the {before} of {one.path}; {remedy}"
            reader.fault("step-number", f"{other.path}.stepNumber", sentence)
    first = {row.id: row.path for row in reversed(rows)}
    for row in rows:
        if first[row.id] != row.path:
            reader.fault("duplicate", f"{row.path}.id", f"two steps are named {row.id!r}; the other is {first[row.id]}")
    known = {row.id for row in steps}
    for row, place, target in _pointers(rows):
        if target not in known and (target == END or row.is_trigger):
            sentence = f"step {row.id!r} continues at unknown step {target!r}{reader.suggest(target, known)}"
            reader.fault("dangling", f"{row.path}.{place}", sentence)


def _pointers(rows: Sequence[_Row]) -> Iterator[tuple[_Row, str, str]]:
    """Yield every pointer of the file: the step, the place in it, its target."""
    for row in rows:
        yield from ((row, name, row.keys[name]) for name in _POINTERS if name in row.keys)
        for position, part in enumerate(row.keys.get("config", {}).get("splits", ())):
            if "nextStepId" in part:
                yield row, f"config.splits[{position}].nextStepId", part["nextStepId"]


def _slug(name: str) -> str:
    """Return an id made from a name.

    >>> _slug("New Member Onboarding!")
    'new-member-onboarding'
    """
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


# --- what is read, as steps -------------------------------------------------------------------------------------------


def _native(steps: Sequence[_Row], absent: str | None) -> list[Step]:
    """Return the steps; `absent` is the target of a missing pointer, None for the step that follows."""
    return [_MAKE[row.keys["type"]](row.id, row.keys, absent) for row in steps]


def _make_send(name: str, keys: JsonObject, absent: str | None) -> Step:
    config = keys["config"]
    said = {"channel": config.get("channel"), "template": config.get("templateId")}
    return Send(name, name=keys.get("name", ""), next=keys.get("nextStepId", absent), **said)


def _make_wait(name: str, keys: JsonObject, absent: str | None) -> Step:
    duration = keys["config"].get("duration")
    return Wait(name, duration, name=keys.get("name", ""), next=keys.get("nextStepId", absent))


def _make_condition(name: str, keys: JsonObject, absent: str | None) -> Step:
    config, otherwise = keys["config"], keys.get("nextStepId", absent)
    rule = _rule(config.get("rules", ()), AnyOf if config.get("combinator") == "OR" else AllOf)
    yes, no = keys.get("nextStepYesId", otherwise), keys.get("nextStepNoId", otherwise)
    return Condition(name, rule, yes=yes, no=no, name=keys.get("name", ""), next=keys.get("nextStepId"))


def _make_split(name: str, keys: JsonObject, absent: str | None) -> Step:
    otherwise = keys.get("nextStepId", absent)
    arms = [Arm(each.get("percentage"), each.get("nextStepId", otherwise)) for each in keys["config"].get("splits", ())]
    return Split(name, *arms, name=keys.get("name", ""), next=keys.get("nextStepId"))


def _make_update(name: str, keys: JsonObject, absent: str | None) -> Step:
    changes = keys["config"].get("updates", ())
    return Update(name, *changes, name=keys.get("name", ""), next=keys.get("nextStepId", absent))


def _make_end(name: str, keys: JsonObject, _: str | None) -> Step:
    return End(name, name=keys.get("name", ""))


_MAKE: Mapping[str, Callable[[str, JsonObject, str | None], Step]] = {
    "SEND": _make_send,
    "WAIT": _make_wait,
    "CONDITION": _make_condition,
    "SPLIT": _make_split,
    "UPDATE": _make_update,
    "END": _make_end,
}


def _rule(conditions: Sequence[FieldRule], many: type[AllOf | AnyOf]) -> Rule | None:
    """Join conditions; one of them needs no joining."""
    return many(conditions) if len(conditions) > 1 else next(iter(conditions), None)


_STEP = re.compile(r"steps\[(\d+)\]")

_WORDS = tuple(
    (re.compile(native), word)
    for native, word in (
        (r"^\.branches\[0\]\.when\.(all|any)", ".config.rules"),
        (r"^\.branches\[0\]\.when\.", ".config.rules[0]."),
        (r"^\.branches\[0\]\.when$", ".config.rules"),
        (r"^\.branches\[0\]\.next$", ".nextStepYesId"),
        (r"^\.else$", ".nextStepNoId"),
        (r"^\.arms", ".config.splits"),
        (r"^\.changes", ".config.updates"),
        (r"^\.(channel|duration)$", r".config.\1"),
        (r"^\.template$", ".config.templateId"),
        (r"\.next$", ".nextStepId"),
        (r"\.op$", ".operator"),
    )
)
"""Patterns of paths inside a native step, with the paths in this file."""


def _place(path: str, order: Sequence[int], event: str, conditions: str) -> str:
    """Return the path in this file for a path in the native file."""
    if path.startswith("trigger.where"):
        rest = path.removeprefix("trigger.where").removeprefix(".all")
        return conditions + re.sub(r"\.op$", ".operator", f"[0]{rest}" if rest.startswith(".") else rest)
    match = _STEP.match(path)
    if not match:
        return {"trigger": event, "trigger.event": event, "tenant": "tenantId"}.get(path, path)
    rest = path[match.end() :]
    for native, word in _WORDS:
        rest = native.sub(word, rest)
    return f"steps[{order[int(match[1])]}]{rest}"


# --- what reading loses -----------------------------------------------------------------------------------------------


def _document_losses(document: JsonObject, name: str) -> Iterator[Loss]:
    for key in document:
        if key in _RECORDED:
            yield Loss(key, "is no part of a definition")
    if "status" in document:
        said = "" if document["status"] == "ACTIVE" else f"; deploy leaves one that is {document['status']} a draft"
        yield Loss("status", f"the state of a journey is the engine's{said}")
    if "id" not in document:
        yield Loss("id", f"absent; the journey is named {name!r} after its name")


def _row_losses(rows: Sequence[_Row]) -> Iterator[Loss]:
    for key in _STEP_RECORDED:
        having = [row for row in rows if key in row.keys]
        if having:
            more = f", here and in {len(having) - 1} more" if len(having) > 1 else ""
            yield Loss(f"{having[0].path}.{key}", f"is no part of a definition{more}")
    for row in rows:
        if row.is_trigger:
            if row.keys.keys() & {"id", "name"}:
                yield Loss(row.path, "the TRIGGER becomes the trigger of the journey, which has no id and no name")
        elif "id" not in row.keys:
            yield Loss(f"{row.path}.id", f"absent; the step is named {row.id!r}")


def _unreached(journey: Journey, steps: Sequence[_Row]) -> Iterator[Loss]:
    """Yield a loss for each step that no path leads to: it is kept, and nobody will ever be there."""
    places = {f"steps[{n}]": row.path for n, row in enumerate(steps)}  # an END that is implied has none
    for each in problems(journey):
        if each.code == "unreachable" and each.path in places:
            yield Loss(places[each.path], f"{each.message}; nobody will be there")


def _any_message(conditions: _Said, steps: Sequence[_Row]) -> Iterator[Loss]:
    """Yield a loss for each use of a field that messages of any journey set (F79)."""
    places = [conditions, *(_Said(f"{row.path}.config.rules", row.keys["config"].get("rules")) for row in steps)]
    for path, rules in places:
        for position, each in enumerate(rules or ()):
            if is_last_message(each.field):
                sentence = f"{each.field!r} tells of any message; message.<step>.opened and its like of this journey's"
                yield Loss(f"{path}[{position}].field", sentence)
