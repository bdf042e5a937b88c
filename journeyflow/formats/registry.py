"""The dialects of journey files: recognized by their shape, read and written with a list of losses."""

from collections.abc import Mapping

from journeyflow.basics.values import describe
from journeyflow.definition.journey import Journey
from journeyflow.errors import ERROR, InvalidJourney, Problem
from journeyflow.formats import loyalty, octeth
from journeyflow.formats.json_parts import UNREAD, parse_json
from journeyflow.formats.native import FORMAT, to_dict
from journeyflow.formats.native_reading import from_dict
from journeyflow.formats.port import Dialect, Loss, has_steps_with

__all__ = ["DIALECTS", "Dialect", "Loss", "is_draft", "loads_any", "recognise"]

DIALECTS: Mapping[str, Dialect] = {
    each.name: each
    for each in (
        Dialect(
            "native",
            recognise=lambda value: "format" in value or has_steps_with(value, "kind"),
            read=lambda value: (from_dict(value), []),
            write=lambda journey: (to_dict(journey), []),
            named=lambda name: {"format": FORMAT, "id": name},
        ),
        loyalty.DIALECT,
        octeth.DIALECT,
    )
}
"""Every dialect by its name, in the order in which they are tried on a file."""


def recognise(value: object) -> str:
    """Return the name of the dialect of a JSON value, by its shape. Raises InvalidJourney if it is not a known dialect.

    >>> recognise({"format": 1, "steps": []}), recognise({"triggerType": "scl.member.created"})
    ('native', 'loyalty')
    """
    known = [each.name for each in DIALECTS.values() if isinstance(value, Mapping) and each.recognise(value)]
    if isinstance(value, list) and loyalty.DIALECT.recognise(value):
        known = [loyalty.DIALECT.name]
    if known:
        return known[0]
    sentence = (
        'expected an object with "format", or in another dialect with "triggerType" (loyalty) or "Actions" (octeth), '
        f"not {describe(value)}"
    )
    raise InvalidJourney(UNREAD, [Problem("dialect", ERROR, "", sentence)])


def loads_any(text: str) -> tuple[Journey, list[Loss]]:
    """Read the text of a journey file in any dialect; return the journey and what was lost.

    Raises InvalidJourney with every fault, each with its place in the file.

    >>> loads_any('{"id": "hi", "triggerType": "joined", "steps": [{"id": "bye", "type": "END"}]}')
    (Journey('hi', trigger 'joined', 1 step: bye), [])
    """
    value = parse_json(text)
    return DIALECTS[recognise(value)].read(value)


def is_draft(text: str) -> bool:
    """Return whether the text of a journey file, which can be read, says of its journey that it does not run.

    >>> is_draft('{"id": "hi", "triggerType": "joined", "status": "PAUSED"}'), is_draft('{"triggerType": "joined"}')
    (True, False)
    """
    value = parse_json(text)
    return DIALECTS[recognise(value)].is_draft(value)
