"""The calls about actions: replace them, publish them, list those that send emails and those who are at one."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from journeyflow import End, InvalidJourney, Journey
from journeyflow.answers import JourneyStats, PeopleStats, SendInfo, StepStats
from journeyflow.definition.continuations import with_options
from journeyflow.formats.octeth.criteria import EMAILS, OWNER
from journeyflow.formats.octeth.keys import is_true
from journeyflow.formats.octeth.past_criteria import OF_JOURNEYS
from journeyflow.formats.octeth.reading import ActionRow, read_actions
from journeyflow.formats.octeth.triggers import EMAIL
from journeyflow.formats.octeth.writing import WrittenAction, write_actions
from journeyflow.services.octeth import checks, shapes
from journeyflow.services.octeth.context import ACTION_NUMBER, AskedFor, CallRefused, Context

# --- numbers and ids --------------------------------------------------------------------------------------------------


@frozen
class Renaming:
    """How numbers of Octeth become ids of the engine, or back: of an action, of one that a rule names, of a journey."""

    action: Callable[[Any], Any]
    mentioned: Callable[[Any], Any]
    journey: Callable[[Any], Any]


def renumbered(actions: Any, naming: Renaming) -> Any:  # noqa: ANN401 any JSON
    """Return actions with all numbers in them replaced; every action has an ActionID, malformed values stay."""
    if not isinstance(actions, list):
        return actions
    return [_renamed(each, naming) if isinstance(each, dict) else each for each in actions]


def _renamed(value: dict[str, Any], naming: Renaming) -> dict[str, Any]:
    found: dict[str, Any] = {"ActionID": None} if "actionid" not in map(str.lower, map(str, value)) else {}
    for key, each in {**found, **value}.items():
        change = _CHANGES.get(str(key).lower())
        found[key] = each if change is None else change(each, naming)
    return found


def _parameters(value: Any, naming: Renaming) -> Any:  # noqa: ANN401 any JSON
    if not isinstance(value, dict):
        return value
    changes = {key: _CHANGES.get(str(key).lower()) for key in value}
    return {key: each if (change := changes[key]) is None else change(each, naming) for key, each in value.items()}


def _lists(value: Any, naming: Renaming) -> Any:  # noqa: ANN401 any JSON
    return {name: renumbered(each, naming) for name, each in value.items()} if isinstance(value, dict) else value


def _targets(value: Any, naming: Renaming) -> Any:  # noqa: ANN401 any JSON
    return [naming.journey(each) for each in value] if isinstance(value, list) else naming.journey(value)


def _criteria(value: Any, naming: Renaming) -> Any:  # noqa: ANN401 any JSON
    if isinstance(value, list):
        return [_criteria(each, naming) for each in value]
    if not isinstance(value, dict):
        return value
    kind, operator = (str(value.get(key)).lower() for key in ("type", "operator"))
    if kind == "journeys" and operator in OF_JOURNEYS:
        return {**value, "value": naming.journey(value.get("value"))}
    if kind in {"journeys", EMAILS}:
        owner = {OWNER: naming.journey(value[OWNER])} if OWNER in value else {}
        return {**value, **owner, "value": naming.mentioned(value.get("value"))}
    return value


_CHANGES: Mapping[str, Callable[[Any, Renaming], Any]] = {
    "actionid": lambda value, naming: naming.action(value),
    "targetjourneyid": _targets,
    "actionparameters": _parameters,
    "actions": _lists,
    "criteria": _criteria,
}


def _number(value: Any) -> int | None:  # noqa: ANN401 any JSON
    """Return a value as a number, if it is one."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 64 bits


# --- actions in answers -----------------------------------------------------------------------------------------------


def action_objects(context: Context, journey: Journey, emails: JourneyStats | None) -> list[dict[str, Any]]:
    """Return the actions of a journey as a call and a version show them, lists inside Decisions included."""
    published = {each.id for each in context.engine.steps(journey.id) if each.published}
    numbers = context.action_numbers(journey)
    told = context.engine.stats(journey.id, at=context.now) if context.old else emails
    stats = {} if told is None else told.by_step

    def shown(actions: Sequence[WrittenAction]) -> list[dict[str, Any]]:
        rows = []
        for each in actions:
            lists = {name: shown(inner) for name, inner in each.lists.items()}
            number = numbers[each.step.id] if context.old else str(numbers[each.step.id])
            keys = {
                "ActionID": number if each.first else None,
                "OrderNo": each.order,
                "Action": each.action,
                "ActionParameters": _parameters(each.parameters, naming),
                **({"Actions": lists} if lists else {}),
                "Notes": each.step.notes,
                "Published": each.step.id in published,
            }
            row = {**_in_call(context, keys), **_figures(context, each, stats.get(each.step.id))}
            rows.append({key: row[key] for key in _ORDER if key in row})
        return rows

    naming = Renaming(str, lambda step: numbers.get(str(step), step), lambda name: _target(context, name))
    return shown(write_actions(journey))


_ORDER = (
    *("ActionID", "OrderNo", "Action", "ActionParameters", "Actions", "Notes", "CompletedRuns", "Published"),
    *("Stats", "DailyStats", "Revenue", "DaysRevenue"),
)
"""The keys of an action as the documents order them."""


def _target(context: Context, name: object) -> int:
    """Return the number of another journey; 0 for none."""
    return shapes.journey_number(context, str(name)) if name else 0


_SHOWN: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("journey.get", "2023"): ("ActionID", "OrderNo", "Action", "ActionParameters", "Actions"),
    ("journey.actions.update", "2023"): ("ActionID", "OrderNo", "Action", "ActionParameters", "Actions"),
    ("journey.get", "2024"): ("ActionID", "OrderNo", "Action", "ActionParameters", "Actions", "Published"),
    ("journey.actions.update", "2024"): ("ActionID", "OrderNo", "Action", "ActionParameters", "Actions", "Notes"),
    ("journey.actions.update", ""): ("ActionID", "Action", "ActionParameters", "Actions"),
}
"""The keys of an action by call and version; "" is every version since 2025. Other calls show all of them."""


def _in_call(context: Context, keys: dict[str, Any]) -> dict[str, Any]:
    wanted = _SHOWN.get((context.operation.command, context.version if context.old else ""))
    return {key: value for key, value in keys.items() if wanted is None or key in wanted}


_OF_EMAILS = {
    "EmailSent": "SendCount",
    "EmailOpened": "OpenCount",
    "EmailClicked": "ClickCount",
    "EmailConverted": "ConversionCount",
    "EmailUnsubscribed": "UnsubscribeCount",
    "EmailBounced": "BounceCount",
    "EmailSpamComplaint": "SpamComplaintCount",
}
"""The figures of a SendEmail in 2024 (F162)."""


def _figures(context: Context, action: WrittenAction, found: StepStats | None) -> dict[str, Any]:
    """Return the figures of an action (F58, F65, F158 to F162, F256)."""
    sends = action.action == "SendEmail"
    if context.old and found is not None:
        return _old_figures(context, found, sends=sends)
    if not sends or context.operation.command != "journey.get":
        return {}
    messages, daily = (None, ()) if found is None else (found.messages, found.daily)
    stats = shapes.of_action(messages)
    return {
        "Stats": stats,
        "DailyStats": shapes.days_of(daily),
        "Revenue": stats["TotalRevenue"],
        "DaysRevenue": shapes.revenue_of(daily),
    }


def _old_figures(context: Context, found: StepStats, *, sends: bool) -> dict[str, Any]:
    """Return the figures of an action in 2023 and 2024, over all time."""
    people = found.people or PeopleStats(0, 0, 0, 0, 0, 0)
    stats: dict[str, Any] = {"ActiveSubscribers": str(people.active), "TotalSubscribers": str(people.total)}
    if context.version == "2023":
        return {"Stats": stats}
    runs = people.completed + people.skipped
    if sends:
        counts = shapes.counters(found.lifetime)
        stats |= {name: counts[of] for name, of in _OF_EMAILS.items()}
    return {"CompletedRuns": runs if context.operation.command == "journey.get" else str(runs), "Stats": stats}


# --- replacing --------------------------------------------------------------------------------------------------------


def update(context: Context, given: AskedFor) -> dict[str, Any]:
    """Replace the actions of a journey; those that are not in the list are removed (F109, F63, F64)."""
    info = context.journey(given["JourneyID"])
    definition = context.engine.definition(info.id)
    try:
        steps, rows, _ = read_actions(renumbered(given["Actions"], _asked(context, definition)), info.id)
        changed = _kept(definition, evolve(definition, steps=steps or [End("end")]))
        hidden = _hidden(context, info.id, rows)
        context.engine.publish(changed, at=context.now, rollback=True, unpublished=hidden, replacing=definition)
    except InvalidJourney as error:
        raise CallRefused("actions", details=[str(each) for each in error.problems]) from error
    actions = action_objects(context, context.engine.definition(info.id), None)
    if context.version == "2023":
        return {"Journey": info.number, "Actions": actions}
    if context.version == "2024":
        return {"JourneyID": info.number, "Actions": actions}
    return {"JourneyID": str(info.number), "JourneyName": info.name, "Actions": actions}


def _kept(before: Journey, after: Journey) -> Journey:
    """Return a changed journey whose actions keep what the host has put to them, and their names."""
    known = {step.id: {"name": step.name, "meta": step.meta} for step in before.steps}
    return evolve(after, steps=[with_options(step, known.get(step.id, {})) for step in after.steps])


def _asked(context: Context, journey: Journey) -> Renaming:
    """Return how the numbers of a request become ids; an action that the journey does not have is a new one."""
    known = {number: step for step, number in context.action_numbers(journey).items()}
    taken: set[str] = set()

    def action(value: Any) -> str:  # noqa: ANN401 any JSON
        step = known.get(_number(value) or 0)
        if step is None or step in taken:
            step = str(context.directory.reserve(ACTION_NUMBER, context.tenant, journey.id))
        taken.add(step)
        return step

    def other(value: Any) -> Any:  # noqa: ANN401 any JSON
        number = _number(value)
        found = context.find_journey(number) if number else None
        return value if found is None else found.id

    return Renaming(action, lambda value: known.get(_number(value) or 0, value), other)


def _hidden(context: Context, journey: str, rows: Sequence[ActionRow]) -> list[str]:
    """Return the steps that are unpublished: those that say so, and new ones that do not say otherwise (F223)."""
    before = {each.id: each.published for each in context.engine.steps(journey)}
    return [row.id for row in rows if not (before.get(row.id, False) if row.published is None else row.published)]


# --- publishing -------------------------------------------------------------------------------------------------------


def published(context: Context, given: AskedFor) -> dict[str, Any]:
    """Publish and unpublish actions of a journey, all of them or none (F111)."""
    info = context.journey(given["JourneyID"])
    known = context.engine.definition(info.id).index
    flags: dict[str, bool] = {}
    rows: list[tuple[int, bool]] = []
    for each in given["Actions"]:
        keys = {str(key).lower(): value for key, value in each.items()} if isinstance(each, dict) else {}
        try:
            number = checks.PARAMETER_KINDS["id"].read(keys.get("actionid"))
        except ValueError:
            raise CallRefused("action") from None
        step = context.step_of(info.id, number)
        if step is None or step not in known:
            raise CallRefused("action")
        flags[step] = is_true(keys.get("published"))
        rows.append((number, flags[step]))
    try:
        context.engine.set_published(info.id, flags, at=context.now)
    except InvalidJourney as error:
        raise CallRefused("actions", details=[str(each) for each in error.problems]) from error
    after = context.find_journey(info.number)
    if after is None:
        raise CallRefused("gone")
    if context.old:
        return {"JourneyID": info.number, "Actions": [{"ActionID": number, "Published": flag} for number, flag in rows]}
    actions = [{"ActionID": str(number), "Published": str(flag).lower()} for number, flag in rows]
    return {"JourneyID": str(info.number), "JourneyName": after.name, "Actions": actions}


# --- those that send emails -------------------------------------------------------------------------------------------


def send_emails(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return the SendEmail actions of all journeys, or of one (F112 to F117)."""
    engine, one = context.engine, None
    if "JourneyID" in given:
        one = context.find_journey(given["JourneyID"])
        if one is None:
            return {"Success": True, "Actions": []}
    disabled, hidden = bool(given.get("IncludeDisabled")), bool(given.get("IncludeUnpublished"))
    sends = engine.sends(None if one is None else one.id, disabled=disabled, unpublished=hidden)
    emails = context.directory.resources("email", context.tenant)
    infos = {each.id: each for each in engine.journeys(order="created")}
    own = _by_journey(each for each in sends if each.channel == EMAIL and each.status != "ARCHIVED")
    definitions = {name: each for name, each in engine.definitions().items() if name in own}
    numbers = context.numbers_of_actions(definitions.values())
    rows = []
    for journey in (name for name in infos if name in definitions):
        orders = orders_of(definitions[journey])
        for each in (send for send in own[journey] if (journey, send.step) in numbers):
            email = emails.get(int(each.template)) if each.template.isdigit() else None
            rows.append(
                {
                    "ActionID": numbers[journey, each.step],
                    "JourneyID": infos[journey].number,
                    "JourneyName": html.unescape(each.journey_name),
                    "EmailName": "" if email is None else email.name,
                    "Subject": "" if email is None else str(email.data.get("Subject", "")),
                    "OrderNo": orders.get(each.step, each.number),
                    "Published": each.published,
                }
            )
    return {"Success": True, "Actions": rows}


def _by_journey(sends: Iterable[SendInfo]) -> dict[str, list[SendInfo]]:
    found: dict[str, list[SendInfo]] = {}
    for each in sends:
        found.setdefault(each.journey, []).append(each)
    return found


def orders_of(journey: Journey) -> dict[str, int]:
    """Return the number of each step within its list, from 1 (F51)."""
    found: dict[str, int] = {}
    lists = [write_actions(journey)]
    while lists:
        for each in lists.pop():
            found.setdefault(each.step.id, each.order)
            lists += [list(inner) for inner in each.lists.values()]
    return found
