"""The objects in answers of Octeth: which keys they have in which call and version (F2 on, F150 on, F256 on)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from journeyflow import Journey, NotFound
from journeyflow.answers import DayStats, JourneyInfo, JourneyStats, MessageStats
from journeyflow.formats.octeth.triggers import write_trigger
from journeyflow.services.octeth.context import NO_MESSAGES, Context

# --- values -----------------------------------------------------------------------------------------------------------


def instant(at: datetime | None) -> str | None:
    """Return an instant as Octeth writes it, in UTC.

    >>> instant(datetime(2025, 1, 15, 10, 30, tzinfo=UTC)), instant(None)
    ('2025-01-15 10:30:00', None)
    """
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def currency(cents: int) -> float:
    """Return an amount in units of the currency (F161).

    >>> currency(12345), currency(0)
    (123.45, 0.0)
    """
    return round(cents / 100, 2)


def rate_or_zero(value: float | None) -> float:
    """Return a proportion with four decimals, 0 for one that is not known (F186).

    >>> rate_or_zero(0.50551), rate_or_zero(None)
    (0.5055, 0.0)
    """
    return round(value or 0.0, 4)


# --- journeys ---------------------------------------------------------------------------------------------------------

_ALL = (
    "JourneyID",
    "RelUserID",
    "JourneyName",
    "Trigger",
    "TriggerParameters",
    "Status",
    "Notes",
    "CreatedAt",
    "UpdatedAt",
)

_WITHOUT_NOTES = tuple(key for key in _ALL if key != "Notes")

OLD_KEYS: Mapping[str, tuple[str, ...]] = {
    "journey.enable": _WITHOUT_NOTES,
    "journey.disable": _WITHOUT_NOTES,
    "subscriber.journey.list": _WITHOUT_NOTES,
}
"""The keys of a Journey in 2023 and 2024 by command, where it does not have all."""

_FLAT = ("JourneyID", "JourneyName", "Trigger", "TriggerParameters", "Status", "Notes")

NEW_KEYS: Mapping[str, tuple[str, ...]] = {
    "journey.create": ("JourneyID", "JourneyName", "Trigger", "Status", "Notes", "CreatedAt", "UpdatedAt"),
    "journey.clone": _FLAT,
    "journey.get": _FLAT,
    "journey.list": ("JourneyID", "JourneyName", "Trigger", "TriggerParameters", "Status"),
    "journey.update": (*_FLAT, "UpdatedAt"),
    "journey.enable": ("JourneyID", "JourneyName", "Trigger", "Status", "UpdatedAt"),
    "journey.disable": ("JourneyID", "JourneyName", "Trigger", "Status", "UpdatedAt"),
    "subscriber.journey.list": _WITHOUT_NOTES,
}
"""The keys of a Journey since 2025 by command (F264)."""


def journey_object(context: Context, info: JourneyInfo, definition: Journey | None = None) -> dict[str, Any]:
    """Return a Journey with the keys that it has in a call and a version."""
    journey = context.engine.definition(info.id) if definition is None else definition
    trigger, parameters = numbered_trigger(context, journey)
    command = context.operation.command
    values: dict[str, Any] = {
        "JourneyID": str(info.number),
        "RelUserID": "" if context.user is None else str(context.user.id),
        "JourneyName": info.name,
        "Trigger": trigger,
        "TriggerParameters": parameters or [],
        "Status": "Enabled" if info.enabled else "Disabled",
        "Notes": info.notes,
        "CreatedAt": instant(info.created_at),
        "UpdatedAt": instant(info.updated_at),
    }
    if command == "subscriber.journey.list":
        target = next(iter(parameters.values()), None)
        values["Trigger"] = trigger if isinstance(target, list | None) else f"{trigger}:{target}"
    if command == "subscriber.journey.list" or (command == "journey.list" and context.old):
        values["TriggerParameters"] = json.dumps(parameters or [], separators=(",", ":"))
    keys = OLD_KEYS.get(command, _ALL) if context.old else NEW_KEYS[command]
    return {key: values[key] for key in keys}


def journey_objects(context: Context, infos: Sequence[JourneyInfo]) -> Iterator[tuple[JourneyInfo, dict[str, Any]]]:
    """Yield journeys with their objects; one that is deleted meanwhile is left out."""
    definitions = context.engine.definitions()
    context.numbers |= {each.id: each.number for each in infos}
    for info in infos:
        if info.id in definitions:
            yield info, journey_object(context, info, definitions[info.id])


def numbered_trigger(context: Context, journey: Journey) -> tuple[str, dict[str, Any]]:
    """Return the trigger of a journey and its parameters, another journey by its number."""
    trigger, parameters = write_trigger(journey.trigger)
    if trigger == "JourneyCompleted" and parameters["Value"]:
        parameters["Value"] = journey_number(context, str(parameters["Value"]))
    return trigger, parameters


def journey_number(context: Context, name: str) -> int:
    """Return the number of a journey by its id; 0 for one that is not there any more."""
    if name in context.numbers:
        return context.numbers[name]
    try:
        return context.engine.journey(name).number
    except NotFound:
        return 0


# --- figures of messages ----------------------------------------------------------------------------------------------

COUNTERS: Mapping[str, str] = {
    "SendCount": "sent",
    "OpenCount": "opened",
    "ClickCount": "clicked",
    "ConversionCount": "converted",
    "BrowserViewCount": "browser_viewed",
    "ForwardCount": "forwarded",
    "UnsubscribeCount": "unsubscribed",
    "BounceCount": "bounced",
    "SpamComplaintCount": "complained",
}
"""The nine counters (F153)."""

UNTOLD = ("ConversionCount", "BrowserViewCount", "ForwardCount")
"""The counters that are 0 under a filter, because Octeth does not know them then (F173)."""

OF_ACTIONS = (
    "SendCount",
    "DeliveryCount",
    "OpenCount",
    "ClickCount",
    "BounceCount",
    "UnsubscribeCount",
    "SpamComplaintCount",
)

OF_DAYS = ("SendCount", "OpenCount", "ClickCount")

_EACH = {**COUNTERS, "DeliveryCount": "delivered"}


def counters(messages: MessageStats | None, names: Iterable[str] = COUNTERS) -> dict[str, Any]:
    """Return counters of messages by their names in Octeth; each counts messages, not events."""
    found = messages or NO_MESSAGES
    return {name: getattr(found, _EACH[name]).unique for name in names}


def eleven(messages: MessageStats | None, *, filtered: bool = False) -> dict[str, Any]:
    """Return the eleven keys of AggregatedEmailActions (F154, F173)."""
    found = {**counters(messages, _EACH), "TotalRevenue": currency((messages or NO_MESSAGES).revenue)}
    return {**found, **(dict.fromkeys(UNTOLD, 0) if filtered else {})}


def of_action(messages: MessageStats | None) -> dict[str, Any]:
    """Return the eight figures of a SendEmail action (F178)."""
    return {**counters(messages, OF_ACTIONS), "TotalRevenue": currency((messages or NO_MESSAGES).revenue)}


def days_of(daily: Sequence[DayStats], names: Iterable[str] = OF_DAYS) -> list[dict[str, Any]]:
    """Return a row per day, ascending, days without anything included (F179, F180)."""
    chosen = tuple(names)
    return _rows(daily, lambda found: {**counters(found, chosen), "TotalRevenue": currency(found.revenue)})


def revenue_of(daily: Sequence[DayStats]) -> list[dict[str, Any]]:
    """Return the revenue of each day, ascending (F159)."""
    return _rows(daily, lambda found: {"Amount": currency(found.revenue)})


def _rows(daily: Sequence[DayStats], shown: Callable[[MessageStats], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per day; most days are quiet and share one object of figures, which is shown once."""
    figures = {id(day.messages): day.messages for day in daily}
    rows = {key: shown(found or NO_MESSAGES) for key, found in figures.items()}
    return [{"Date": _iso(day.date), **rows[id(day.messages)]} for day in daily]


_iso = lru_cache(4_096)(date.isoformat)
"""Writes a date; cached, because an answer has the same few for every action."""


# --- figures of journeys ----------------------------------------------------------------------------------------------


def journey_stats(
    context: Context,
    info: JourneyInfo,
    emails: JourneyStats | None,
    *,
    filtered: bool = False,
    whole: JourneyStats | None = None,
) -> dict[str, Any]:
    """Return the JourneyStats of a journey in a call and a version; `whole` adds the counters of activity (F163).

    `emails` are the figures of its emails, None if it sends none.
    """
    found: dict[str, Any] = {"ActiveSubscribers": info.active, "TotalSubscribers": info.enrolled}
    if context.old:
        return (
            {**found, **_old_stats(context, emails)}
            if context.operation.command == "journey.get"
            else _texts(found, context)
        )
    messages, daily = (None, ()) if emails is None else (emails.messages, emails.daily)
    found |= {
        "AggregatedEmailActions": {} if emails is None else eleven(messages, filtered=filtered),
        "AggregatedDaysEmailActions": days_of(daily, _EACH),
        "TotalRevenue": 0 if messages is None else currency(messages.revenue),
        "DaysRevenue": revenue_of(daily),
    }
    if whole is not None:
        found |= {
            "LastTriggeredAt": instant(whole.last_triggered_at),
            "LastActivityAt": instant(whole.last_activity_at),
            "TotalEnrolledLifetime": 0 if whole.people is None else whole.people.lifetime or 0,
        }
    return found


def _texts(found: Mapping[str, int], context: Context) -> dict[str, Any]:
    """Return the figures of the list of 2023 and 2024."""
    texts: dict[str, Any] = {name: str(count) for name, count in found.items()}
    more: dict[str, Any] = (
        {"AggregatedEmailActions": [], "AggregatedLast30DaysEmailActions": []} if context.version == "2024" else {}
    )
    return {**texts, **more}


def _old_stats(_: Context, emails: JourneyStats | None) -> dict[str, Any]:
    """Return the figures of journey.get in 2024: of all time, and of the last 30 days, the newest first (F155)."""
    daily = () if emails is None else emails.daily[-30:]
    rows = {day.date.isoformat(): counters(day.messages) for day in reversed(daily)}
    return {
        "AggregatedEmailActionStats": counters(None if emails is None else emails.messages),
        "AggregatedLast30DaysEmailActions": [rows] if rows else [],
    }
