"""The kinds of action of Octeth in one table: the parameters of each, and the step that it is (F66 to F76, F210 on)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from attrs import evolve, frozen

from journeyflow.basics.hours import Window
from journeyflow.definition.continuations import with_options
from journeyflow.definition.rules.attribute_changes import Change
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import AllOf, AnyOf
from journeyflow.definition.steps import Branch, Condition, Send, Step, Update, Wait
from journeyflow.formats.json_parts import JsonObject, PartReader, ReadPart, list_of, part_of
from journeyflow.formats.octeth.criteria import read_groups, yes_no
from journeyflow.formats.octeth.keys import (
    attribute_of,
    field_of,
    flag,
    joined_by,
    read_name,
    read_names,
    read_whole,
    word,
)
from journeyflow.formats.octeth.triggers import EMAIL

SMS, WEBHOOK, DEBUG = "SMS", "WEBHOOK", "DEBUG"

UNITS = ("seconds", "minutes", "hours", "days")

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# --- merge tags -------------------------------------------------------------------------------------------------------

_TAG = re.compile(r"\{\{\s*(Subscriber|CustomField):(\w+)\s*\}\}")
_TEMPLATE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")


def from_merge_tags(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a value with Octeth's merge tags as templates.

    >>> from_merge_tags("Hi {{ Subscriber:EmailAddress }}, {{ CustomField:7 }}")
    'Hi {{ email }}, {{ CustomField7 }}'
    """
    return _texts(value, lambda text: _TAG.sub(lambda tag: f"{{{{ {attribute_of(tag[2])} }}}}", text))


def to_merge_tags(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a value with templates that name an attribute as Octeth's merge tags.

    >>> to_merge_tags("Hi {{ email }}, {{ CustomField7 }}")
    'Hi {{ Subscriber:EmailAddress }}, {{ CustomField:7 }}'
    """

    def tag(template: re.Match[str]) -> str:
        field = field_of(template[1])
        return f"{{{{ {'CustomField' if field.isdigit() else 'Subscriber'}:{field} }}}}"

    return _texts(value, lambda text: _TEMPLATE.sub(tag, text))


def _texts(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 any JSON
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _texts(inner, change) for key, inner in value.items()}
    return [_texts(inner, change) for inner in value] if isinstance(value, Sequence) else value


# --- what each kind is ------------------------------------------------------------------------------------------------

Nested = Callable[[str], Sequence[Step] | None]
"""A function from the name of an answer, such as "True", to the steps of its list; None for an empty list."""


@frozen
class ReadAction:
    """What was read of one action: its id, its parameters, its nested lists; and the reader, with the place."""

    id: str
    keys: JsonObject
    nested: Nested
    reader: PartReader
    path: str


def _wait(found: ReadAction) -> Step:
    keys = found.keys
    duration = f"{keys.get('WaitAmount')} {keys.get('WaitUnit')}" if {"WaitAmount", "WaitUnit"} <= keys.keys() else None
    hours = _Hours(keys.get("AllowedDays") or DAYS, keys.get("DontSendBefore"), keys.get("DontSendAfter"), "19:00")
    return Wait(found.id, duration, window=_window(found, hours) if keys.get("TimeConstraintEnabled") else None)


class _Hours(NamedTuple):
    """The hours that an action names, with the end that is usual."""

    days: object
    start: str | None
    end: str | None
    usual_end: str
    zone: str | None = None


def _window(found: ReadAction, hours: _Hours) -> Window | None:
    """Return the hours that an action names."""
    days = [str(each).strip()[:3] for each in hours.days] if isinstance(hours.days, list | tuple) else hours.days
    try:
        return Window(days, hours.start or "09:00", hours.end or hours.usual_end, timezone=hours.zone)
    except ValueError as error:
        found.reader.fault("window", found.path, str(error))
    return None


def _sending(channel: str, *, transactional: bool = False) -> Callable[[ReadAction], Step]:
    """Return the maker of a Send that hands all parameters to a channel."""

    def make(found: ReadAction) -> Step:
        data = {key: value for key, value in found.keys.items() if value is not None}
        return Send(
            found.id,
            channel=channel,
            template=channel.lower(),
            data=from_merge_tags(data),
            transactional=transactional,
        )

    return make


def _email(found: ReadAction) -> Step:
    data = {key: value for key, value in found.keys.items() if key != "EmailID" and value is not None}
    return Send(found.id, channel=EMAIL, template=found.keys.get("EmailID") or "0", data=from_merge_tags(data))


def _sms(found: ReadAction) -> Step:
    keys = {key: value for key, value in found.keys.items() if not key.startswith("delivery_window")}
    send = _sending(SMS)(evolve(found, keys=keys))
    named = found.keys.get("delivery_window") or {}
    if not found.keys.get("delivery_window_enabled"):
        return send
    zone = named.get("timezone") or "UTC"
    hours = _Hours(named.get("days") or DAYS[:5], named.get("start_time"), named.get("end_time"), "18:00", zone)
    return with_options(send, {"window": _window(found, hours)})


def _member(field: str, action: str, parameter: str) -> Callable[[ReadAction], Step]:
    """Return the maker of an Update of the lists or the tags."""
    return lambda found: Update(found.id, Change(field, action, _reference(found.keys.get(parameter))))


def _reference(name: object) -> object:
    """Return the name of a resource; 0 is none, which somebody has still to choose."""
    return "" if name == "0" else name


def _chain(action: str, parameter: str | None = None) -> Callable[[ReadAction], Step]:
    """Return the maker of an Update about journeys, or about the customer as a whole."""
    return lambda found: Update(found.id, Chain(action, found.keys.get(parameter) or () if parameter else ()))


def _field(found: ReadAction) -> Step:
    value = from_merge_tags(found.keys.get("NewCustomFieldValue", ""))
    return Update(found.id, Change(attribute_of(found.keys.get("TargetCustomFieldID") or "0"), "set", value))


def _decision(found: ReadAction) -> Step:
    rules, grouped = found.keys.get("Criteria") or ([], False)
    many = AnyOf if grouped or found.keys.get("CriteriaOperator") == "or" else AllOf
    rule = joined_by(rules, many) if rules else AllOf(())
    return Condition(found.id, branches=[Branch(rule, found.nested("True"))], otherwise=found.nested("False"))


def _yes_no(found: ReadAction) -> Step:
    rule = yes_no(found.reader, found.keys, found.path)
    return Condition(found.id, branches=[Branch(rule, found.nested("Yes"))], otherwise=found.nested("No"))


# --- the table --------------------------------------------------------------------------------------------------------

_TEXT, _ANY = PartReader.text, PartReader.anything


@frozen
class ActionKind:
    """One kind of action: its parameters, each with its reader, those that are required, and what makes the step."""

    keys: Mapping[str, ReadPart]
    needed: tuple[str, ...]
    make: Callable[[ReadAction], Step]
    lists: tuple[str, ...] = ()


def _one(parameter: str, make: Callable[[ReadAction], Step], read: ReadPart = read_name) -> ActionKind:
    return ActionKind({parameter: read}, (parameter,), make)


_HOURS = {"timezone": _TEXT, "start_time": _TEXT, "end_time": _TEXT, "days": _ANY}

_SMS_KEYS: Mapping[str, ReadPart] = {
    "message": _TEXT,
    "gateway_id": read_name,
    "sender_id": read_name,
    "skip_if_no_phone": flag,
    "max_retry_attempts": read_whole,
    "priority": word("normal", "high"),
    "delivery_window_enabled": flag,
    "delivery_window": part_of(lambda **keys: keys, _HOURS),
    "include_link": flag,
    "link_url": _TEXT,
    "link_expiry_hours": read_whole,
}

_WAIT_KEYS: Mapping[str, ReadPart] = {
    "WaitUnit": word(*UNITS),
    "WaitAmount": read_whole,
    "TimeConstraintEnabled": flag,
    "DontSendBefore": _TEXT,
    "DontSendAfter": _TEXT,
    "AllowedDays": _ANY,
}

_PERSON = part_of(lambda **keys: keys, {"Name": _TEXT, "Email": _TEXT})

_CONTENT = (
    *("EmailName", "ContentType", "Mode", "FetchURL", "FetchPlainURL", "Subject", "PlainContent", "HTMLContent"),
    *("ExtraContent1", "ExtraContent2", "ImageEmbedding", "PreHeaderText", "Options"),
)

_EMAIL_KEYS: Mapping[str, ReadPart] = {
    "EmailID": read_name,
    "SenderDomainID": read_name,
    "From": _PERSON,
    "ReplyTo": _PERSON,
    "CC": list_of(_PERSON),
    "BCC": list_of(_PERSON),
    "Email": part_of(lambda **keys: keys, dict.fromkeys(_CONTENT, _ANY)),
}

ID_KEYS = frozenset({"EmailID", "SenderDomainID", "gateway_id", "TargetListID", "TargetTagID", "TargetCustomFieldID"})
"""The parameters that are numbers where they are written."""

_WEBHOOK_KEYS: Mapping[str, ReadPart] = {
    "WebhookURL": _TEXT,
    **dict.fromkeys(("WebhookSecurity", "WebhookBody", "WebhookHeaders"), _ANY),
}

_YES_NO_KEYS: Mapping[str, ReadPart] = {
    "CriteriaLeft": _TEXT,
    "CriteriaOperator": _TEXT,
    "CriteriaRight": _ANY,
    "CriteriaOption": _ANY,
}

ACTION_KINDS: Mapping[str, ActionKind] = {
    "Wait": ActionKind(_WAIT_KEYS, ("WaitUnit", "WaitAmount"), _wait),
    "SendEmail": ActionKind(_EMAIL_KEYS, ("EmailID",), _email),
    "SendSMS": ActionKind(_SMS_KEYS, ("message",), _sms),
    "Webhook": ActionKind(_WEBHOOK_KEYS, ("WebhookURL",), _sending(WEBHOOK, transactional=True)),
    "Debug": ActionKind({"SleepSeconds": read_whole, "DebugMessage": _TEXT}, (), _sending(DEBUG, transactional=True)),
    "Subscribe": _one("TargetListID", _member("lists", "add", "TargetListID")),
    "Unsubscribe": _one("TargetListID", _member("lists", "remove", "TargetListID")),
    "AddTag": _one("TargetTagID", _member("tags", "add", "TargetTagID")),
    "RemoveTag": _one("TargetTagID", _member("tags", "remove", "TargetTagID")),
    "UpdateCustomFieldValue": ActionKind(
        {"TargetCustomFieldID": read_name, "NewCustomFieldValue": _ANY}, ("TargetCustomFieldID",), _field
    ),
    "StartJourney": _one("TargetJourneyID", _chain("enroll", "TargetJourneyID"), read_names),
    "ExitJourney": _one("TargetJourneyID", _chain("exit", "TargetJourneyID"), read_names),
    "ExitThisJourney": ActionKind({}, (), _chain("exit_this")),
    "ExitAllOtherJourneys": ActionKind({}, (), _chain("exit_others")),
    "ExitAllJourneys": ActionKind({}, (), _chain("exit_all")),
    "DeleteSubscriber": ActionKind({}, (), _chain("forget")),
    "Decision": ActionKind(
        {"CriteriaOperator": word("and", "or"), "Criteria": read_groups}, (), _decision, ("True", "False")
    ),
    "YesNo": ActionKind(_YES_NO_KEYS, ("CriteriaLeft", "CriteriaOperator"), _yes_no, ("Yes", "No")),
}
"""Every kind of action."""
