"""The calls on many journeys: each has a result of its own, and a failure does not stop the rest (F106 to F108)."""

from collections.abc import Sequence
from typing import Any, Literal

from journeyflow.services.octeth.context import AskedFor, Context


def delete(context: Context, given: AskedFor) -> dict[str, Any]:
    """Delete journeys; those that are not there are passed over (F96)."""
    _ids, names = _known(context, given["Journeys"])
    if names:
        context.engine.bulk("remove", list(names), at=context.now)
    return {"Success": True, "ErrorCode": 0, "ErrorText": ""}


def enable(context: Context, given: AskedFor) -> dict[str, Any]:
    """Enable journeys (F106)."""
    return _switch(context, given, "enable")


def disable(context: Context, given: AskedFor) -> dict[str, Any]:
    """Disable journeys (F106)."""
    return _switch(context, given, "disable")


def clone(context: Context, given: AskedFor) -> dict[str, Any]:
    """Make a Disabled copy of each journey (F104)."""
    numbers, names = _known(context, given["JourneyIDs"])
    suffix = f" {given.get('NameSuffix', '(copy)').lstrip()}"
    copies = context.engine.bulk("clone", list(names), at=context.now, suffix=suffix).clones if names else {}
    made = {names[name]: context.engine.journey(copy).number for name, copy in copies.items()}
    clones = [{"SourceJourneyID": source, "NewJourneyID": new} for source, new in made.items()]
    return {**_outcome(numbers, made), "ClonedJourneys": clones}


def _known(context: Context, numbers: Sequence[int]) -> tuple[Sequence[int], dict[str, int]]:
    """Return the numbers that a call names, and those of journeys by the journey's id."""
    found = {number: context.find_journey(number) for number in numbers}
    return numbers, {info.id: number for number, info in found.items() if info is not None}


def _switch(context: Context, given: AskedFor, call: Literal["enable", "disable"]) -> dict[str, Any]:
    numbers, names = _known(context, given["JourneyIDs"])
    done = context.engine.bulk(call, list(names), at=context.now).processed if names else ()
    return _outcome(numbers, [names[name] for name in done])


def _outcome(numbers: Sequence[int], done: Any) -> dict[str, Any]:  # noqa: ANN401 numbers in any collection
    return {
        "Success": True,
        "ProcessedJourneyIDs": [each for each in numbers if each in done],
        "FailedJourneyIDs": [each for each in numbers if each not in done],
    }
