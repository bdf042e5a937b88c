"""Reading the journeys of Octeth: strictly, with every fault reported at once, with its place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from attrs import define, field

from journeyflow.basics.values import describe
from journeyflow.definition.continuations import with_options
from journeyflow.definition.entry import Limits, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.rules.conditions import AllOf, AnyOf, Rule
from journeyflow.definition.steps import End, Step
from journeyflow.errors import InvalidJourney, did_you_mean
from journeyflow.formats.json_parts import (
    TOO_DEEP,
    UNNAMED,
    UNREAD,
    JsonObject,
    PartReader,
    ReadPart,
    part_of,
    too_deep,
)
from journeyflow.formats.octeth.actions import ACTION_KINDS, ReadAction
from journeyflow.formats.octeth.keys import ActionReader, flag, joined_by, read_name, read_whole, word
from journeyflow.formats.octeth.triggers import MANUAL, TRIGGERS, make_trigger, read_criteria, rules_of
from journeyflow.formats.port import Loss, make_journey

_TEXT, _ANY = PartReader.text, PartReader.anything

RECORDED = ("OrderNo", "CompletedRuns", "Stats", "DailyStats", "Revenue", "DaysRevenue", "ParentActionID")
"""The keys of an action that record its history or its place."""

_OF_ACTIONS: Mapping[str, ReadPart] = {
    "ActionID": read_name,
    "Action": _TEXT,
    "Published": flag,
    "Notes": _TEXT,
    "Actions": _ANY,
    **dict.fromkeys(RECORDED, _ANY),
}


class ActionRow(NamedTuple):
    """One action that was read: the id of its step, its place, and its Published flag, None where it has none."""

    id: str
    path: str
    published: bool | None


@define
class _Actions:
    """A list of actions while it is read, with the lists inside it."""

    reader: ActionReader
    rows: list[ActionRow] = field(factory=list)
    losses: list[Loss] = field(factory=list)

    def steps(self, value: object, path: str) -> list[Step]:
        """Read a list of actions."""
        if not isinstance(value, list):
            self.reader.fault("type", path, f"expected a list, not {describe(value)}")
            return []
        found = [self.step(each, f"{path}[{n}]") for n, each in enumerate(value)]
        return [each for each in found if each is not None]

    def step(self, value: object, path: str) -> Step | None:
        """Read one action, its parameters flat or under ActionParameters."""
        if not isinstance(value, dict):
            self.reader.fault("type", path, f"expected an object, not {describe(value)}")
            return None
        self.reader.doubled(value, path)
        value = _flat(value)
        name = next((inner for key, inner in value.items() if str(key).lower() == "action"), None)
        known = {each.lower(): each for each in ACTION_KINDS}
        action = known.get(name.lower()) if isinstance(name, str) else None
        if action is None:
            hint = did_you_mean(name, ACTION_KINDS) or f"; known are {', '.join(ACTION_KINDS)}"
            self.reader.fault("kind", f"{path}.Action", f"unknown action {describe(name)}{hint}")
            return None
        kind = ACTION_KINDS[action]
        before = len(self.reader.faults)
        keys = self.reader.fields(value, path, {**_OF_ACTIONS, **kind.keys}, *kind.needed)
        row = ActionRow(keys.get("ActionID") or f"action_{len(self.rows) + 1}", path, keys.get("Published"))
        self.rows.append(row)
        self.losses += self._lost(keys, action, path)
        lists = self._lists(keys, kind.lists, path)
        if len(self.reader.faults) > before and not lists.keys() & {name for name in kind.lists if lists[name]}:
            return None
        found = ReadAction(
            row.id, {key: keys.get(key) for key in kind.keys if key in keys}, lists.get, self.reader, path
        )
        return with_options(kind.make(found), {"notes": keys.get("Notes") or ""})

    def _lists(self, keys: JsonObject, names: Sequence[str], path: str) -> dict[str, list[Step] | None]:
        """Read the lists of the answers of an action."""
        inner = keys.get("Actions")
        if inner is None or inner == []:
            return dict.fromkeys(names)
        known: Mapping[str, ReadPart] = {name: lambda _, value, where: self.steps(value, where) for name in names}
        read = self.reader.fields(inner, f"{path}.Actions", known)
        return {name: read.get(name) or None for name in names}

    def _lost(self, keys: JsonObject, action: str, path: str) -> Iterator[Loss]:
        yield from (Loss(f"{path}.{key}", "is not part of a definition") for key in RECORDED if key in keys)
        if "Published" in keys:
            yield Loss(f"{path}.Published", "whether a step is published is the engine's: set it there")
        if action == "YesNo":
            yield Loss(f"{path}.Action", "read as a Decision, which asks the same")


def _flat(value: JsonObject) -> JsonObject:
    """Return an action with its parameters beside its other keys."""
    inner = next((each for key, each in value.items() if str(key).lower() == "actionparameters"), None)
    if inner and not isinstance(inner, dict):
        return value  # the unknown key is a fault
    return {**(inner or {}), **{key: each for key, each in value.items() if str(key).lower() != "actionparameters"}}


def read_actions(value: object, journey: str) -> tuple[list[Step], list[ActionRow], list[Loss]]:
    """Read the actions of a journey; return the steps, with lists inside, every action in order, and the losses.

    Raises InvalidJourney with every fault.

    >>> steps, rows, losses = read_actions(
    ...     [{"ActionID": 1, "Action": "Wait", "WaitUnit": "days", "WaitAmount": 3}], "5"
    ... )
    >>> steps, rows[0].published
    ([Wait('1', '3 days')], None)
    """
    reader = ActionReader(journey)
    read = _Actions(reader)
    steps = read.steps(value, "Actions")
    if reader.faults:
        raise InvalidJourney(UNREAD, reader.faults)
    return steps, read.rows, read.losses


# --- journeys ---------------------------------------------------------------------------------------------------------

_CALL = ("Command", "SessionID", "APIKey", "AdminAPIKey")
"""What a request says besides: it is not part of a journey."""

_HISTORY = ("RelUserID", "Status", "CreatedAt", "UpdatedAt", "JourneyStats")

_PARAMETERS: Mapping[str, ReadPart] = {
    "ListID": read_name,
    "EmailID": read_name,
    "Value": read_name,
    "Criteria": read_criteria,
}


def _parameters(reader: PartReader, value: object, path: str) -> JsonObject | None:
    """Read TriggerParameters: an object, or an empty list for none."""
    return {} if value in ([], "[]") else part_of(lambda **keys: keys, _PARAMETERS)(reader, value, path)


_DOCUMENT: Mapping[str, ReadPart] = {
    **dict.fromkeys((*_CALL, *_HISTORY, "Actions"), _ANY),
    "JourneyID": read_name,
    "JourneyName": _TEXT,
    "Name": _TEXT,
    "Notes": _TEXT,
    "Trigger": word(MANUAL, *TRIGGERS),
    "TriggerParameters": _parameters,
    **{f"Trigger_{name}": read for name, read in _PARAMETERS.items()},
    "Run_Criteria": read_criteria,
    "Run_Criteria_Operator": word("and", "or"),
    "Rate_Limit_Per_Hour": read_whole,
    "Rate_Limit_Per_Day": read_whole,
}


def read(value: object) -> tuple[Journey, list[Loss]]:
    """Read a journey of Octeth; return it with the losses.

    Raises InvalidJourney with every fault, each with its place in the file.

    >>> journey, losses = read({"JourneyID": 5, "Actions": [{"Action": "ExitThisJourney"}], "Status": "Enabled"})
    >>> journey, [loss.path for loss in losses]
    (Journey('5', manual, 2 steps: action_1, end), ['Status', 'Actions[0].ActionID'])
    """
    if too_deep(value):
        raise InvalidJourney(UNREAD, [TOO_DEEP])
    reader = ActionReader()
    document = reader.fields(_unwrapped(value), "", _DOCUMENT)
    name = document.get("JourneyName") or document.get("Name") or ""
    reader.journey = key = document.get("JourneyID") or re.sub(r"[\W_]+", "-", name.lower()).strip("-")
    actions = _Actions(reader)
    steps = actions.steps(document.get("Actions", []), "Actions")
    if not key and not any(each.path in {"", "JourneyID"} for each in reader.faults):
        reader.fault("missing", "JourneyID", "missing; write a number, or a name to make an id of")
    options: JsonObject = {
        "id": key or "-",
        "name": name,
        "notes": document.get("Notes") or "",
        "trigger": _trigger(reader, document),
        "run_criteria": run_criteria(document.get("Run_Criteria", ()), document.get("Run_Criteria_Operator", "and")),
        "limits": Limits(
            per_hour=document.get("Rate_Limit_Per_Hour", 0), per_day=document.get("Rate_Limit_Per_Day", 0)
        ),
        "reentry": "always",
        "steps": steps or [End("end")],
    }
    paths = [row.path for row in actions.rows]
    journey = make_journey(key or UNNAMED, options, reader.faults, lambda path: place(path, paths))
    lost = [Loss(each, "is not part of a definition") for each in _HISTORY if each in document]
    if not document.get("JourneyID"):
        lost.append(Loss("JourneyID", f"absent; the journey is named {key!r} after its name"))
    made_up = [
        Loss(f"{row.path}.ActionID", f"absent; the step is named {row.id!r}")
        for row in actions.rows
        if row.id.startswith("action_")
    ]
    return journey, [*lost, *made_up, *actions.losses]


def _unwrapped(value: object) -> object:
    """Return what `journey.get` of 2023 and 2024 answers with the keys of its `Journey` beside its actions."""
    if not isinstance(value, dict) or not isinstance(value.get("Journey"), dict):
        return value
    return {**value["Journey"], **{key: each for key, each in value.items() if key != "Journey"}}


def _trigger(reader: PartReader, document: JsonObject) -> Trigger:
    """Return the trigger of a document, its parameters in either spelling."""
    name = document.get("Trigger") or MANUAL
    asked = {**{key.removeprefix("Trigger_"): document[key] for key in document if key.startswith("Trigger_")}}
    asked = {**asked, **(document.get("TriggerParameters") or {})}
    parameter = None if name == MANUAL else TRIGGERS[name].parameter
    target = asked.get(parameter or "", "0")
    try:
        return make_trigger(name, target, asked.get("Criteria") or ())
    except ValueError:
        reader.fault("trigger", f"Trigger_{parameter}", f"expected an amount, not {describe(target)}")
    return Trigger(manual=True)


def run_criteria(criteria: Sequence[JsonObject | None], operator: str) -> Rule | None:
    """Return run criteria as a rule about the customer; None for none.

    >>> print(run_criteria([{"Property": "EmailAddress", "Operator": "is set"}], "and"))
    email is not null
    """
    rules = rules_of(criteria, "")
    return joined_by(rules, AnyOf if operator == "or" else AllOf) if rules else None


_STEP = re.compile(r"steps\[(\d+)\]")


def place(path: str, paths: Sequence[str]) -> str:
    """Return the path in this file for a path in the native file.

    >>> place("steps[0].duration", ["Actions[0]"]), place("steps[1]", ["Actions[0]"]), place("name", [])
    ('Actions[0].duration', 'Actions', 'JourneyName')
    """
    match = _STEP.match(path)
    if match:
        number = int(match[1])
        return f"{paths[number]}{path[match.end() :]}" if number < len(paths) else "Actions"
    root = path.partition(".")[0].partition("[")[0]
    return {
        "id": "JourneyID",
        "name": "JourneyName",
        "notes": "Notes",
        "steps": "Actions",
        "trigger": "Trigger",
        "run_criteria": "Run_Criteria",
        "limits": "Rate_Limit_Per_Hour",
    }.get(root, path)
