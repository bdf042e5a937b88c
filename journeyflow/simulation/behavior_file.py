"""The behavior file: what people do in a simulation, as strict JSON; every fault is reported at once with its place.

The keys are those of `Behavior`. A distribution is an object with its name as the only key, such as
`{"around": ["2 hours", 1.5]}` for a delay and `{"lognormal": [2000, 0.5]}` for a number.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from journeyflow.basics.values import describe
from journeyflow.errors import InvalidInput, quoted
from journeyflow.formats.json_parts import PartReader, ReadPart, format_number, list_of, parse, parsed_by
from journeyflow.formats.options import NativeReader
from journeyflow.simulation.background import Background, Lift
from journeyflow.simulation.behavior import REACTION_KINDS, Behavior, Chance, When
from journeyflow.simulation.draws import Beta, Choice, Delay, Key, LogNormal, Normal, Uniform, micros_of

FORMAT: Final = 1
"""The format number of behavior files."""

DELAYS: Final[Mapping[str, Callable[..., Delay]]] = {
    "fixed": Delay.fixed,
    "between": Delay.between,
    "exponential": Delay.exponential,
    "around": Delay.around,
    "among": lambda *sample: Delay.among(sample),
}
"""The distributions of a delay, by their names in a file."""


def _whole(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *numbers: make(*numbers, whole=True)


NUMBERS: Final[Mapping[str, Callable[..., Any]]] = {
    "uniform": _whole(Uniform),
    "normal": _whole(Normal),
    "lognormal": _whole(LogNormal),
    "choice": lambda *values: Choice(values),
}
"""The distributions of a value, by their names in a file; numbers are whole."""


def loads_behavior(text: str) -> Behavior:
    """Read a behavior from the text of a behavior file. Raises InvalidInput with every fault, each with its place.

    >>> loads_behavior('{"format": 1, "opened": 0.4, "when": [{"channel": "SMS", "opened": 0.9}]}').opened.probability
    0.4
    >>> loads_behavior('{"format": 1, "opend": 0.4}')
    Traceback (most recent call last):
    ...
    journeyflow.errors.InvalidInput: invalid input: opend: unknown key 'opend' (did you mean 'opened'?)
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise InvalidInput([str(error)]) from None
    reader = NativeReader()
    said = reader.fields(value, "", _FILE, "format")
    said.pop("format", None)
    if reader.faults:
        raise InvalidInput([f"{fault.path or 'the file'}: {fault.message}" for fault in reader.faults])
    try:
        return Behavior(**said)
    except ValueError as error:
        raise InvalidInput([str(error)]) from None


def distribution_of(known: Mapping[str, Callable[..., Any]]) -> ReadPart:
    """Return a reader of distributions: an object with one of the known names, and the list of its numbers."""
    readers = {name: parsed_by(_called(name, make), "distribution") for name, make in known.items()}

    def distribution(reader: PartReader, value: object, path: str) -> object:
        if isinstance(value, dict) and len(value) == 1:
            return next(iter(reader.fields(value, path, readers).values()), None)
        reader.fault("type", path, f"expected an object with one of the keys {', '.join(known)}")
        return None

    return distribution


def _called(name: str, make: Callable[..., Any]) -> Callable[[object], Any]:
    """Return a function that makes a distribution of one number, or of a list of them."""

    def called(numbers: object) -> object:
        try:
            return make(*(numbers if isinstance(numbers, list) else [numbers]))
        except TypeError:
            msg = f"{name} cannot be made of {quoted(numbers)}"
            raise ValueError(msg) from None

    return called


def _made(make: Callable[..., Any], known: Mapping[str, ReadPart], *needed: str) -> ReadPart:
    """Return a reader of objects that checks what is made of them; an object with a fault is left out."""

    def part(reader: PartReader, value: object, path: str) -> object:
        before = len(reader.faults)
        said = reader.fields(value, path, known, *needed)
        if len(reader.faults) > before:
            return None
        try:
            return make(**said)
        except (TypeError, ValueError) as error:
            reader.fault("part", path, str(error))
            return None

    return part


def _chance(reader: PartReader, value: object, path: str) -> object:
    """Read a probability, or an object of a probability and a delay."""
    if isinstance(value, dict):
        return _CHANCE(reader, value, path)
    return _CHANCE(reader, {"probability": value}, path)


def _arm(reader: PartReader, value: object, path: str) -> object:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value):  # noqa: PLR2004 a pair
        return tuple(value)
    reader.fault("type", path, f"expected the id of a Split and a label, not {describe(value)}")
    return None


def _data(reader: PartReader, value: object, path: str) -> object:
    """Read the data of a background event: distributions are objects, all else are values."""
    if not isinstance(value, dict):
        reader.fault("type", path, f"expected an object, not {describe(value)}")
        return None
    readers = {name: _DATA if isinstance(each, dict) else _ANY for name, each in value.items()}
    return reader.fields(value, path, readers)


def _dropout(reader: PartReader, value: object, path: str) -> object:
    """Read a probability, or a Beta where customers differ."""
    return _BETA(reader, value, path) if isinstance(value, dict) else _NUMBER(reader, value, path)


_ANY, _TEXT, _NUMBER = PartReader.anything, PartReader.text, PartReader.number
_DISTRIBUTION = distribution_of(NUMBERS)
_DATA = distribution_of({**NUMBERS, "key": Key})
_BETA = distribution_of({"beta": Beta})
_CHANCE = _made(Chance, {"probability": _NUMBER, "delay": distribution_of(DELAYS)}, "probability")
_KINDS: Mapping[str, ReadPart] = dict.fromkeys(REACTION_KINDS, _chance)
_MESSAGES: Mapping[str, ReadPart] = dict.fromkeys(("channel", "template"), _TEXT)
_WHEN: Mapping[str, ReadPart] = {
    **_KINDS,
    **_MESSAGES,
    "journey": _TEXT,
    "step": _TEXT,
    "arm": _arm,
    "who": NativeReader.rule,
}
_LIFT = {**_MESSAGES, "factor": _NUMBER, "within": _TEXT}
_BACKGROUND = {
    "event": _TEXT,
    "every": _TEXT,
    "data": _data,
    "spread": _NUMBER,
    "dropout": _dropout,
    "lifts": list_of(_made(Lift, _LIFT, "factor", "within")),
}
_FILE: Mapping[str, ReadPart] = {
    **_KINDS,
    "format": format_number(FORMAT),
    "revenue": _DISTRIBUTION,
    "when": list_of(_made(When, _WHEN)),
    "background": list_of(_made(Background, _BACKGROUND, "event", "every")),
    "soonest": parsed_by(micros_of, "duration"),
}
"""The keys of a behavior file, each with what reads it."""
