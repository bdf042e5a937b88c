"""Reading the journeys of the loyalty platform: strictly, with every fault reported at once, with its place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from journeyflow.definition.entry import Trigger
from journeyflow.definition.graph import END
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.rules.attribute_changes import is_last_message
from journeyflow.definition.rules.conditions import AllOf
from journeyflow.errors import ERROR, InvalidJourney, Problem
from journeyflow.formats.json_parts import TOO_DEEP, UNNAMED, UNREAD, JsonObject, PartReader, too_deep
from journeyflow.formats.loyalty.exits import exit_place, read_exits
from journeyflow.formats.loyalty.keys import DOCUMENT, HOST, RECORDED, STEP_RECORDED
from journeyflow.formats.loyalty.rules import SEGMENTS, in_segment
from journeyflow.formats.loyalty.step_rows import (
    StepRow,
    all_numbered,
    by_number,
    from_entry,
    joined,
    native,
    pointers,
    rows_of,
)
from journeyflow.formats.port import Loss, make_journey


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
        elif isinstance(value, list) and len(value) == 1 and not is_platform_step(value[0]):
            value = value[0]
        else:
            return value


def is_platform_step(value: object) -> bool:
    """Return whether a JSON value looks like a step of the platform, and not like a journey."""
    return isinstance(value, Mapping) and "type" in value and "steps" not in value and "triggerType" not in value


def _one(value: object) -> object:
    """Return the one journey of a file. Raises InvalidJourney for several, and for steps alone."""
    found = unwrapped(value)
    if isinstance(found, list) and found:
        what, remedy = f"these are {len(found)} journeys", "write each into a file of its own"
        if is_platform_step(found[0]):
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
    document = reader.fields(_one(value), "", {**DOCUMENT, "exitConditions": read_exits})
    exits = document.get("exitConditions", [])
    rows = rows_of(document.get("steps", ()))
    triggers = [row for row in rows if row.is_trigger]
    steps = from_entry(by_number([row for row in rows if not row.is_trigger]), triggers)
    event, conditions = _entry(reader, document, triggers)
    name = document.get("id") or _slug(document.get("name", ""))
    _check(reader, rows, steps, name)
    options: JsonObject = {
        **{key: document[key] for key in ("name", "description", "timezone") if key in document},
        "id": name or "-",
        "tenant": document.get("tenantId"),
        "trigger": Trigger(event.what, where=joined(conditions.what or (), AllOf)),
        "run_criteria": in_segment(document["segmentId"]) if "segmentId" in document else None,
        "exits": [each.exit for each in exits],
        "meta": {HOST: host} if (host := _of_host(document, triggers)) else {},
        "reentry": "always" if document.get("allowReentry") else "never",
        "steps": native(steps, END if any(pointers(rows)) else None),
    }
    order = [row.place for row in steps]

    def place(path: str) -> str:
        return exit_place(path, exits) or _place(path, order, event.path, conditions.path)

    journey = make_journey(name or UNNAMED, options, reader.faults, place)
    lost = [*_document_losses(document, name), *_row_losses(rows), *_any_message(conditions, steps)]
    return journey, [*lost, *_unreached(journey, steps)]


def _of_host(document: JsonObject, triggers: Sequence[StepRow]) -> JsonObject:
    """Return what is kept for the host, who alone knows what it means: who made the journey, the source of events."""
    configs = [document.get("triggerConfig", {}), *(row.keys["config"] for row in triggers)]
    sources = [config["source"] for config in configs if "source" in config]
    said = {"createdBy": document.get("createdBy"), "source": next(iter(sources), None)}
    return {key: value for key, value in said.items() if value is not None}


def _entry(reader: PartReader, document: JsonObject, triggers: Sequence[StepRow]) -> tuple[_Said, _Said]:
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


def _check(reader: PartReader, rows: Sequence[StepRow], steps: Sequence[StepRow], name: str) -> None:
    """Note the faults that concern several parts of the file."""
    if not name and not _at_fault(reader, "id"):
        reader.fault("missing", "id", "missing; write an id, or a name to make one of")
    having = [row for row in rows if "stepNumber" in row.keys]
    some = not all_numbered(steps)
    in_order = having if some else sorted(having, key=lambda row: int(row.keys["stepNumber"]))
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
    for row, place, target in pointers(rows):
        if target not in known and (target == END or row.is_trigger):
            sentence = f"step {row.id!r} continues at unknown step {target!r}{reader.suggest(target, known)}"
            reader.fault("dangling", f"{row.path}.{place}", sentence)


def _slug(name: str) -> str:
    """Return an id made from a name.

    >>> _slug("New Member Onboarding!")
    'new-member-onboarding'
    """
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


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


_KEYS = {"tenant": "tenantId", "run_criteria": "segmentId"}
"""The keys of this file for those of the native file."""


def _place(path: str, order: Sequence[int], event: str, conditions: str) -> str:
    """Return the path in this file for a path in the native file."""
    if path.startswith("trigger.where"):
        rest = path.removeprefix("trigger.where").removeprefix(".all")
        return conditions + re.sub(r"\.op$", ".operator", f"[0]{rest}" if rest.startswith(".") else rest)
    match = _STEP.match(path)
    if not match:
        return {**_KEYS, "trigger": event}.get(path.partition(".")[0], path)
    rest = path[match.end() :]
    for pattern, word in _WORDS:
        rest = pattern.sub(word, rest)
    return f"steps[{order[int(match[1])]}]{rest}"


# --- what reading loses -----------------------------------------------------------------------------------------------


def _document_losses(document: JsonObject, name: str) -> Iterator[Loss]:
    for key in document:
        if key in RECORDED:
            yield Loss(key, "is not part of a definition")
    if "segmentId" in document:
        sentence = f"read as members of {document['segmentId']!r} in the attribute {SEGMENTS!r}, which the host keeps"
        yield Loss("segmentId", sentence)
    for path, holder in (("createdBy", document), ("triggerConfig.source", document.get("triggerConfig", {}))):
        if path.rpartition(".")[2] in holder:
            yield Loss(path, "kept in meta: nothing here asks for it")
    if "status" in document:
        said = "" if document["status"] == "ACTIVE" else f"; deploy leaves one that is {document['status']} a draft"
        yield Loss("status", f"the state of a journey is the engine's{said}")
    if "id" not in document:
        yield Loss("id", f"absent; the journey is named {name!r} after its name")


def _row_losses(rows: Sequence[StepRow]) -> Iterator[Loss]:
    for key in STEP_RECORDED:
        having = [row for row in rows if key in row.keys]
        if having:
            more = f", here and in {len(having) - 1} more" if len(having) > 1 else ""
            yield Loss(f"{having[0].path}.{key}", f"is not part of a definition{more}")
    for row in rows:
        if row.is_trigger:
            if "source" in row.keys["config"]:
                yield Loss(f"{row.path}.config.source", "kept in meta: nothing here asks for it")
            if row.keys.keys() & {"id", "name"}:
                yield Loss(row.path, "the TRIGGER becomes the trigger of the journey, which has no id and no name")
        elif "id" not in row.keys:
            yield Loss(f"{row.path}.id", f"absent; the step is named {row.id!r}")


def _unreached(journey: Journey, steps: Sequence[StepRow]) -> Iterator[Loss]:
    """Yield a loss for each step that no path leads to: it is kept, and nobody will ever be there."""
    places = {f"steps[{n}]": row.path for n, row in enumerate(steps)}  # an END that is implied has none
    for each in problems(journey):
        if each.code == "unreachable" and each.path in places:
            yield Loss(places[each.path], f"{each.message}; nobody will be there")


def _any_message(conditions: _Said, steps: Sequence[StepRow]) -> Iterator[Loss]:
    """Yield a loss for each use of a field that messages of any journey set (F79)."""
    places = [conditions, *(_Said(f"{row.path}.config.rules", row.keys["config"].get("rules")) for row in steps)]
    for path, rules in places:
        for position, each in enumerate(rules or ()):
            if is_last_message(each.field):
                sentence = f"{each.field!r} is about any message; message.<step>.opened and its like of this journey's"
                yield Loss(f"{path}[{position}].field", sentence)
