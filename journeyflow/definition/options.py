"""How the options of a definition are converted and shown.

A converter leaves a value that it cannot read as it is, so that `validation` can report it together with every other
problem (R13).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from attrs import NOTHING, Attribute, fields

from journeyflow.basics.durations import Duration
from journeyflow.basics.hours import Until
from journeyflow.basics.moments import from_micros, parse_instant, to_micros
from journeyflow.basics.values import freeze
from journeyflow.errors import MAX_BRIEF, brief, shortened


def as_duration(value: object) -> Duration | None:
    """Read a length of time; any other value stays as it is.

    >>> as_duration("3 days"), as_duration("soon")
    (Duration('3 days'), 'soon')
    """
    try:
        return None if value is None else Duration.parse(value)
    except ValueError:
        return cast("Duration", value)


def as_every(value: object) -> str | None:
    """Read a length of time as its text, "year" for anniversaries; any other value stays as it is.

    >>> as_every("P1M"), as_every("year"), as_every("soon")
    ('1 month', 'year', 'soon')
    """
    length = as_duration(value)
    return str(length) if isinstance(length, Duration) else cast("str | None", value)


def as_until(value: object) -> Until | None:
    """Read a local opening; any other value stays as it is.

    >>> as_until("MON-FRI 09:00"), as_until("25:00")
    (Until('MON-FRI 09:00'), '25:00')
    """
    try:
        return None if value is None else Until.parse(value)
    except ValueError:
        return cast("Until", value)


def as_instant(value: object) -> datetime | None:
    """Read an instant, a datetime or ISO text with an offset, as a datetime in UTC; any other value stays as it is.

    >>> as_instant("2026-01-31T10:00:00+01:00")
    datetime.datetime(2026, 1, 31, 9, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return None if value is None else read_at(value)
    except (TypeError, ValueError):
        return cast("datetime", value)


def read_at(value: object) -> datetime:
    """Read an instant from ISO text or a datetime, as a datetime in UTC. Raises TypeError or ValueError.

    >>> read_at("1970-01-01T00:00:00Z").timestamp()
    0.0
    """
    micros = parse_instant(value) if isinstance(value, str) else to_micros(cast("datetime", value))
    return from_micros(micros)


def as_parts(value: object) -> Any:  # noqa: ANN401 a tuple of the caller's parts, or what was given instead
    """Return a list of parts as a tuple; a value that is not a list stays as it is.

    >>> as_parts([1, 2]), as_parts("no list")
    ((1, 2), 'no list')
    """
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else value


def as_data(value: object) -> Mapping[str, object]:
    """Return an immutable copy of data; validation reports a value that is not an object.

    >>> as_data({"items": [1, 2]})
    {'items': (1, 2)}
    """
    return cast("Mapping[str, object]", freeze(value))


# --- percentages ------------------------------------------------------------------------------------------------------


def hundredths(percentage: object) -> int | None:
    """Read a percentage of at most two decimals from 0 to 100 as a whole number of hundredths, else None.

    >>> hundredths(12.5), hundredths(33.333), hundredths(True)
    (1250, None, None)
    """
    if isinstance(percentage, bool) or not isinstance(percentage, int | float | Decimal):
        return None
    if not _in_percent(percentage):
        return None
    exact = percentage if isinstance(percentage, Decimal) else Decimal(repr(float(percentage)))
    share = round(exact * 100)
    return share if Decimal(share) / 100 == exact else None


def _in_percent(number: float | Decimal) -> bool:
    """Return whether a number is from 0 to 100; a NaN of either type is not."""
    comparable = not isinstance(number, Decimal) or number.is_finite()
    return comparable and 0 <= number <= 100  # noqa: PLR2004 a hundred percent


def whole_or_decimal(number: float) -> float:
    """Return a number as an int where it is whole.

    >>> whole_or_decimal(50.0), whole_or_decimal(12.5)
    (50, 12.5)
    """
    return int(number) if number == int(number) else number


def as_percentage(value: object) -> float:
    """Return a percentage in one form, so that arms with 50, 50.0 and Decimal(50) are equal and can be written."""
    share = hundredths(value)
    return cast("float", value) if share is None else whole_or_decimal(share / 100)


# --- how they look ----------------------------------------------------------------------------------------------------


def options_given(made: Any) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:  # noqa: ANN401 any value made by attrs
    """Return the options by which a value can be made again, as (name, value): positional ones, then named ones.

    Those that have their defaults are left out where they may be.
    """
    given = [(each, getattr(made, each.name)) for each in fields(type(made)) if each.init]
    positional = [pair for pair in given if not pair[0].kw_only]
    while positional and positional[-1][1] == default_of(positional[-1][0]):
        positional.pop()
    named = [(each.name, value) for each, value in given if each.kw_only and value != default_of(each)]
    return [(each.name, value) for each, value in positional], named


class Shown:
    """A mixin with a repr that is the call that makes the object, without options that have their default."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the call: positional options up to the last given, then named ones that differ from their default."""
        positional, named = options_given(self)
        parts = [shown for name, value in positional for shown in _positional(name, value)]
        parts += [f"{name}={brief(_text(value))}" for name, value in named]
        return f"{type(self).__name__}({', '.join(parts)})"


def _positional(name: str, value: object) -> list[str]:
    """Return the repr of a positional option; arms and changes are separate arguments."""
    return [_each(cast("Iterable[object]", value))] if name in {"arms", "changes"} else [brief(_text(value))]


def _each(values: Iterable[object]) -> str:
    return shortened(", ".join(map(brief, values)), 2 * MAX_BRIEF)


def _text(value: object) -> object:
    """Return a length of time or an opening as text, also inside a tuple; any other value as it is."""
    if isinstance(value, tuple):
        return tuple(map(_text, value))
    return str(value) if isinstance(value, Duration | Until) else value


def default_of(each: "Attribute[Any]") -> object:
    """Return the default of an option; NOTHING if it has none."""
    default: Any = each.default
    return default.factory() if default is not NOTHING and hasattr(default, "factory") else default
