"""The calls about journeys: create, read, list, change, delete, enable, disable, copy."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from journeyflow import Change, Conflict, End, Engine, InvalidJourney, Journey, Limits, Send, Trigger, Update
from journeyflow.answers import JourneyInfo, JourneyStats
from journeyflow.definition.continuations import with_options
from journeyflow.definition.steps import Step
from journeyflow.formats.octeth.keys import ActionReader, attribute_of
from journeyflow.formats.octeth.reading import run_criteria
from journeyflow.formats.octeth.triggers import EMAIL, MANUAL, TRIGGERS, make_trigger, read_criteria
from journeyflow.services.octeth import checks, shapes
from journeyflow.services.octeth.actions import action_objects
from journeyflow.services.octeth.context import AskedFor, CallRefused, Context

SINCE = {"2023": 6, "2024": 10}
"""How many of the triggers, Manual included, a version has; later ones have all."""

# --- triggers ---------------------------------------------------------------------------------------------------------

_TARGETS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("ListSubscription", "ListUnsubscription"), ("list", "list")),
    **dict.fromkeys(("EmailOpen", "EmailConversion", "EmailLinkClick"), ("email", "email")),
    **dict.fromkeys(("Tag", "UnTag"), ("value", "tag")),
    "CustomFieldValueChanged": ("field", "field"),
    "RevenueHit": ("revenue", ""),
    "JourneyCompleted": ("journey", "journey"),
}
"""What a trigger is narrowed by: how its faults are called, and the kind of resource."""

_ORDER = (MANUAL, "ListSubscription", "ListUnsubscription", "EmailOpen", "EmailConversion", "EmailLinkClick",
          *(name for name in TRIGGERS if TRIGGERS[name].website))  # fmt: skip
"""The triggers of 2024; the first six are those of 2023."""


def _known(version: str) -> Sequence[str]:
    return _ORDER[: SINCE[version]] if version in SINCE else (MANUAL, *TRIGGERS)


def trigger_of(context: Context, given: AskedFor) -> Trigger:
    """Return the trigger that a call asks for; refuse one that cannot be (F201)."""
    known = {name.lower(): name for name in _known(context.version)}
    name = known.get(str(given.get("Trigger", MANUAL)).lower())
    if name is None:
        raise CallRefused("trigger")
    if name == MANUAL:
        return Trigger(manual=True)
    kind = TRIGGERS[name]
    criteria = _criteria(given.get("Trigger_Criteria"), required=kind.website)
    target = (
        "0" if kind.parameter is None else _target(context, *_TARGETS[name], given.get(f"Trigger_{kind.parameter}"))
    )
    return make_trigger(name, target, criteria)


def _criteria(value: object, *, required: bool) -> list[dict[str, Any]]:
    """Read criteria; refuse those that cannot be, and their absence where there must be one."""
    reader = ActionReader()
    found = [] if value is None else read_criteria(reader, value, "")
    if reader.faults or (required and not found):
        raise CallRefused("trigger", details=[str(each) for each in reader.faults])
    return list(found)


def _target(context: Context, what: str, kind: str, value: object) -> str:
    """Return the name of what a trigger is narrowed by; "0" is any."""
    if value is None or value == "":
        if what in {"list", "email", "revenue"}:
            raise CallRefused(f"{what}-missing")
        raise CallRefused(f"{what}-invalid")
    if what == "revenue":
        return _amount(value)
    try:
        number = checks.PARAMETER_KINDS["whole"].read(value)
    except ValueError:
        raise CallRefused(f"{what}-invalid") from None
    if number == 0 and what != "journey":
        return "0"
    if what == "journey":
        return context.journey(number, "journey-unknown").id
    if context.directory.resource(kind, context.tenant, number) is None:
        raise CallRefused(f"{what}-unknown")
    return str(number)


def _amount(value: object) -> str:
    try:
        amount = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= 1e9:  # noqa: PLR2004 what an amount of revenue can be
        raise CallRefused("revenue-invalid")
    return str(value)


def _options(context: Context, given: AskedFor, journey: Journey) -> dict[str, Any]:
    """Return the options of a journey that a call changes; those that are absent stay."""
    changed: dict[str, Any] = {}
    if "Name" in given:
        changed["name"] = given["Name"]
    if "Notes" in given:
        changed["notes"] = given["Notes"]
    asked = given if "Trigger" in given else {**_asked(context, journey), **given}
    if any(name.startswith("Trigger") for name in given) and asked["Trigger"] != _UNSAID:
        changed["trigger"] = trigger_of(context, asked)
    if "Run_Criteria" in given:
        operator = str(given.get("Run_Criteria_Operator", "and")).lower()
        changed["run_criteria"] = run_criteria(_criteria(given["Run_Criteria"], required=False), operator)
    limits = {"per_hour": given.get("Rate_Limit_Per_Hour"), "per_day": given.get("Rate_Limit_Per_Day")}
    if said := {name: count for name, count in limits.items() if count is not None}:
        changed["limits"] = evolve(journey.limits, **said)
    return changed


_UNSAID = ""
"""Stands for a trigger that has no parameters, or that Octeth does not have: it stays as it is."""


def _asked(context: Context, journey: Journey) -> dict[str, Any]:
    """Return the trigger of a journey as the parameters of a request that asks for it."""
    name, parameters = shapes.numbered_trigger(context, journey)
    if name == MANUAL:
        return {"Trigger": _UNSAID}
    return {"Trigger": name, **{f"Trigger_{key}": value for key, value in parameters.items()}}


# --- creating and reading ---------------------------------------------------------------------------------------------


def create(context: Context, given: AskedFor) -> dict[str, Any]:
    """Create a journey, Disabled and without actions (F85)."""
    blank = Journey(id="-", steps=[End("end")], reentry="always", limits=Limits())
    options = _options(context, {"Trigger": MANUAL, **given}, blank)
    info = _published(context, blank, {"id": context.new_id(), **options})
    return {"JourneyID": info.number, "Journey": shapes.journey_object(context, info)}


def _published(context: Context, journey: Journey, options: Mapping[str, Any]) -> JourneyInfo:
    """Publish a journey with some options changed, in its place if it has one; refuse criteria that cannot be."""
    try:
        changed = evolve(journey, **options)
    except InvalidJourney as error:
        raise CallRefused("trigger", details=[str(each) for each in error.problems]) from error
    before = journey if changed.id == journey.id else None
    context.engine.publish(changed, at=context.now, rollback=True, replacing=before)
    return context.engine.journey(changed.id)


def get(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return a journey with its actions and figures (F86, F168 to F174)."""
    info = context.journey(given["JourneyID"])
    definition = context.engine.definition(info.id)
    step, days = context.send(definition, given.get("EmailID")), context.window(given)
    domain = given.get("ISP")
    emails = context.of_emails(context.engine.stats, info.id, step=step, domain=domain, **days)
    unfiltered = emails if step is None and domain is None else context.of_emails(context.engine.stats, info.id, **days)
    whole = context.engine.stats(info.id, at=context.now) if given.get("IncludeActivityCounters") else None
    journey = shapes.journey_object(context, info, definition)
    actions = action_objects(context, definition, unfiltered)
    if context.version == "2023":
        return {"Journey": journey, "Actions": actions}
    sends = any(isinstance(each, Send) and each.channel == EMAIL for each in definition.steps)
    stats = shapes.journey_stats(context, info, unfiltered if sends or context.old else None, whole=whole)
    if emails is not unfiltered:
        filtered = None if emails is None else emails.messages
        stats["AggregatedEmailActions"] = shapes.eleven(filtered, filtered=True)
    if context.old:
        return {"Journey": {**journey, "JourneyStats": stats}, "Actions": actions}
    return {**journey, "Actions": actions, "JourneyStats": stats}


def list_(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return all journeys, with their figures unless SkipStats says otherwise (F88, F163, F167)."""
    days = context.window(given, "StatsStartDate", "StatsEndDate")
    engine = context.engine
    infos = [each for each in engine.journeys(order="created") if each.status != "ARCHIVED"]
    told = not given.get("SkipStats")
    emails = _by_id(context.of_emails(engine.all_stats, **days) or ()) if told else {}
    sending = {each.journey for each in engine.sends(disabled=True, unpublished=True)}
    whole = _by_id(engine.all_stats(at=context.now)) if told and given.get("IncludeActivityCounters") else {}
    rows = []
    for info, row in shapes.journey_objects(context, infos):
        if told:
            figures = emails.get(info.id) if info.id in sending else None
            row["JourneyStats"] = shapes.journey_stats(context, info, figures, whole=whole.get(info.id))
        rows.append(row)
    return {"Journeys": rows}


def _by_id(stats: Sequence[JourneyStats]) -> dict[str, JourneyStats]:
    return {each.journey: each for each in stats}


# --- changing ---------------------------------------------------------------------------------------------------------


def update(context: Context, given: AskedFor) -> dict[str, Any]:
    """Change a journey; subscribers inside go on in the version that they are in (F92)."""
    info = context.journey(given["JourneyID"])
    definition = context.engine.definition(info.id)
    options = _options(context, given, definition)
    changed = _published(context, definition, options) if options else info
    return {"Journey": shapes.journey_object(context, changed)}


def delete(context: Context, given: AskedFor) -> dict[str, Any]:
    """Delete a journey with everything about it (F94, F225)."""
    info = context.journey(given["JourneyID"])
    context.engine.remove(info.id, at=context.now)
    return {"JourneyID": str(info.number) if context.old else info.number}


def enable(context: Context, given: AskedFor) -> dict[str, Any]:
    """Enable a Disabled journey (F97)."""
    return _switched(context, given, context.engine.enable)


def disable(context: Context, given: AskedFor) -> dict[str, Any]:
    """Disable an Enabled journey: subscribers stay where they are until it is enabled again (F98, F224)."""
    return _switched(context, given, context.engine.disable)


def _switched(context: Context, given: AskedFor, switch: Any) -> dict[str, Any]:  # noqa: ANN401 a method of the engine
    info = context.journey(given["JourneyID"])
    try:
        switched = switch(info.id, at=context.now)
    except Conflict:
        raise CallRefused("state") from None
    return {"Journey": shapes.journey_object(context, switched)}


# --- copies -----------------------------------------------------------------------------------------------------------


def clone(context: Context, given: AskedFor) -> dict[str, Any]:
    """Make a Disabled copy of a journey (F103)."""
    info = context.journey(given["JourneyID"])
    made = context.engine.clone(info.id, context.new_id(), at=context.now, name=given["NewJourneyName"])
    definition = context.engine.definition(made.id)
    return {"Journey": shapes.journey_object(context, made), "Actions": action_objects(context, definition, None)}


RESET: Mapping[str, str] = {"list": "TargetListID", "tag": "TargetTagID", "journey": "TargetJourneyID"}
"""How Octeth calls what a copy for another user loses, by the kind of resource."""

OF_DATA = ("SenderDomainID", "gateway_id")
"""The parameters of messages that name a resource of the user."""


def copy_to_user(context: Context, given: AskedFor) -> dict[str, Any]:
    """Copy a journey for another user: emails are copied, other resources reset, the trigger is Manual (F105)."""
    source, target = (context.directory.user(given[name]) for name in ("SourceUserID", "TargetUserID"))
    if source is None or target is None:
        raise CallRefused("source" if source is None else "target")
    there = _for_user(context, target)
    info = _for_user(context, source).find_journey(given["JourneyID"])
    if info is None:
        raise CallRefused("journey")
    emails: dict[int, int] = {}

    def template(name: str) -> str:
        copied = (
            context.directory.copy_resource("email", source.tenant, int(name), target.tenant)
            if name.isdigit()
            else None
        )
        if copied is not None:
            emails[int(name)] = copied
        return str(copied or 0)

    name = given.get("NewJourneyName") or f"Copy of {info.name}"
    copied = context.engine.tenant(source.tenant).copy_to(
        *(target.tenant, info.id),
        at=context.now,
        to=there.new_id(),
        name=name,
        templates=template,
        data=lambda place, value: place if place in OF_DATA and value else None,
    )
    reset = {RESET.get(each.kind, each.kind): None for each in copied.reset}
    if _without_fields(context, there.engine, copied.journey):
        reset["TargetCustomFieldID"] = None
    return {
        "Success": True,
        "JourneyID": there.engine.journey(copied.journey).number,
        "EmailsCopied": [{"SourceEmailID": old, "NewEmailID": new} for old, new in emails.items()],
        "ResourcesReset": sorted(reset),
    }


def _for_user(context: Context, user: Any) -> Context:  # noqa: ANN401 a user of the directory
    return Context(
        context.engine.tenant(user.tenant), context.directory, context.operation, context.version, context.now, user
    )


def _without_fields(context: Context, engine: Engine, journey: str) -> bool:
    """Reset the custom fields that a copy changes; return whether there were any."""
    definition = engine.definition(journey)
    steps = [_reset(each) if isinstance(each, Update) else each for each in definition.steps]
    reset = [new.id for new, old in zip(steps, definition.steps, strict=True) if new != old]
    if reset:
        hidden = [each.id for each in engine.steps(journey) if not each.published]
        changed = evolve(definition, steps=steps)
        engine.publish(changed, at=context.now, rollback=True, unpublished=[*hidden, *reset])
    return bool(reset)


def _reset(step: Update) -> Step:
    """Return an Update with the custom fields that it changes reset to 0."""
    none = attribute_of("0")
    changes = [
        evolve(each, field=none) if isinstance(each, Change) and _is_field(each) else each for each in step.changes
    ]
    return with_options(step, {"changes": changes})


def _is_field(change: Change) -> bool:
    return change.field.startswith("CustomField")
