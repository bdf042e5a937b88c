"""The steps of a document in their order, and the steps of a journey that they are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from journeyflow.definition.rules.conditions import AllOf, AnyOf, FieldRule, Rule
from journeyflow.definition.steps import Arm, Condition, End, Send, Split, Step, Update, Wait
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.loyalty.keys import POINTERS


class StepRow(NamedTuple):
    """One step of the file: its position, its keys, its id (made up if it has none)."""

    place: int
    keys: JsonObject
    id: str

    @property
    def path(self) -> str:
        """The place of the step in the file."""
        return f"steps[{self.place}]"

    @property
    def is_trigger(self) -> bool:
        """Whether it is the entry, and no step of the journey."""
        return bool(self.keys["type"] == "TRIGGER")


def rows_of(steps: Sequence[JsonObject | None]) -> list[StepRow]:
    """Name the steps that could be read; one without id after its number, the TRIGGER not counted."""
    rows: list[StepRow] = []
    number = 0
    for place, keys in enumerate(steps):
        number += keys is None or keys["type"] != "TRIGGER"
        if keys is not None:
            rows.append(StepRow(place, keys, keys.get("id") or ("" if keys["type"] == "TRIGGER" else f"step_{number}")))
    return rows


def from_entry(steps: list[StepRow], triggers: Sequence[StepRow]) -> list[StepRow]:
    """Return the steps with the one at which the journey starts moved to the front."""
    pointed = [row.keys["nextStepId"] for row in triggers[:1] if "nextStepId" in row.keys]
    begins = pointed or ([] if all_numbered(steps) else _beginning(steps))
    return [row for row in steps if row.id in begins] + [row for row in steps if row.id not in begins]


def by_number(steps: list[StepRow]) -> list[StepRow]:
    """Return the steps in the order of their numbers, if each has one."""
    return sorted(steps, key=lambda row: int(row.keys["stepNumber"])) if all_numbered(steps) else steps


def all_numbered(steps: Sequence[StepRow]) -> bool:
    """Return whether each step has a number."""
    return all("stepNumber" in row.keys for row in steps)


def _beginning(steps: Sequence[StepRow]) -> list[str]:
    """Return the id of the step to which none leads and which leads to all others, if there is such a step."""
    ways: dict[str, list[str]] = {row.id: [] for row in steps}
    for row, _, target in pointers(steps):
        ways[row.id].append(target)
    led_to = {target for targets in ways.values() for target in targets}
    begins = [name for name in ways if name not in led_to]
    reached, left = set[str](), [*begins]
    while left and len(begins) == 1:
        name = left.pop()
        left += [] if name in reached else ways.get(name, [])
        reached.add(name)
    return begins if reached >= ways.keys() else []


def pointers(rows: Sequence[StepRow]) -> Iterator[tuple[StepRow, str, str]]:
    """Yield every pointer of the file: the step, the place in it, its target."""
    for row in rows:
        yield from ((row, name, row.keys[name]) for name in POINTERS if name in row.keys)
        for position, part in enumerate(row.keys.get("config", {}).get("splits", ())):
            if "nextStepId" in part:
                yield row, f"config.splits[{position}].nextStepId", part["nextStepId"]


# --- as steps of a journey -------------------------------------------------------------------------------------------


def native(steps: Sequence[StepRow], absent: str | None) -> list[Step]:
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
    rule = joined(config.get("rules", ()), AnyOf if config.get("combinator") == "OR" else AllOf)
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


def joined(conditions: Sequence[FieldRule], many: type[AllOf | AnyOf]) -> Rule | None:
    """Join conditions; one of them needs no joining."""
    return many(conditions) if len(conditions) > 1 else next(iter(conditions), None)
