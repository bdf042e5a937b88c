"""Answers that are rows: as dictionaries, as a data frame, and as a table in a notebook."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import attrs

from journeyflow.basics.frames import frame_of
from journeyflow.basics.showing import counted, in_words
from journeyflow.errors import brief

Item = TypeVar("Item")

LONGEST_REPR = 1_500
"""Characters up to which a tuple of answers shows all of them."""

SHOWN = 100
"""How many rows a notebook shows of an answer; `to_dicts` has them all."""


class Picture(Protocol):
    """What a notebook shows above the rows: a `Diagram`, of which this room knows no more."""

    @property
    def svg(self) -> str:
        """Return the picture as SVG."""
        ...


def _same(value: object) -> object:
    return value


def as_values(
    value: object,
    simple: Callable[[object], object] = _same,
    derived: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> object:
    """Return a value made of dictionaries, lists and simple values: records become dictionaries of their fields.

    `simple` is applied to every value that is none of these; `derived` names further properties of records, by the name
    of their class.

    >>> as_values({1: (2, None)}), as_values([1, 2], str)
    ({'1': [2, None]}, ['1', '2'])
    """
    kind = type(value)
    if attrs.has(kind):
        names = (*attrs.fields_dict(kind), *derived.get(kind.__name__, ()))
        return {name: as_values(getattr(value, name), simple, derived) for name in names}
    if isinstance(value, Mapping):
        return {str(key): as_values(inner, simple, derived) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [as_values(inner, simple, derived) for inner in value]
    return simple(str(value) if isinstance(value, Exception) else value)


def _short(value: object) -> str | float | None:
    """Return a value as a cell of a notebook shows it: without fractions of a second, or the insides of insides.

    >>> _short({"yes": 2, "no": 1}), _short([{"a": 1}]), _short(datetime(2026, 1, 5, 9)), _short(0.123456)
    ('yes 2, no 1', '1 entry', '2026-01-05 09:00:00', 0.1235)
    >>> _short({"sent": {"count": 1}, "opened": {"count": 3}}), _short({"attempts": 1, "error": ""})
    ('sent, opened', 'attempts 1')
    """
    if isinstance(value, Mapping):
        return ", ".join(_entry(key, inner) for key, inner in value.items() if inner is not None and inner != "")
    if isinstance(value, list):
        plain = not any(isinstance(inner, dict | list) for inner in value)
        return ", ".join(map(str, value)) if plain else counted(len(value), "entry", "entries")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return in_words(value // timedelta(microseconds=1))
    if value is None or isinstance(value, int):
        return value
    return round(value, 4) if isinstance(value, float) else str(value)


def _entry(key: str, value: object) -> str:
    return key if isinstance(value, dict | list) else f"{key} {_short(value)}"


WHOSE = ("id", "journey", "customer", "run", "step", "channel")
"""The fields that say what an answer is about."""


def called(kind: type, many: int = 1) -> str:
    """Return what answers of a class are called, one or many of them.

    >>> called(RowTuple), called(RowTuple, 3)
    ('row tuple', 'row tuples')
    """
    word = re.sub("(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower().removesuffix(" info")
    return word if many == 1 else f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"


class Rows:
    """An answer that can be read as rows; what it consists of is one row, unless it says otherwise."""

    __slots__ = ()

    def _rows(self) -> Iterator[object]:
        """Yield the records that are the rows."""
        yield self

    def to_dicts(self) -> list[dict[str, object]]:
        """Return the rows as dictionaries of plain values; instants are in UTC."""
        return [dict(found) for each in self._rows() if isinstance(found := as_values(each), dict)]

    def to_pandas(self) -> Any:  # noqa: ANN401 pandas is not a dependency
        """Return the rows as a data frame; raises MissingExtra without pandas."""
        return frame_of(self.to_dicts())

    def _pictures(self) -> Iterator[Picture]:
        """Yield the pictures that a notebook shows above the table."""
        return iter(())

    def _caption(self) -> str:
        """Return in words what a notebook shows: the first line of the answer's text, else its kind and whose it is."""
        if type(self).__str__ is not object.__str__:
            return str(self).partition("\n")[0]
        named = [(name, getattr(self, name, None)) for name in WHOSE]
        whose = [f"{name} {value}" for name, value in named if isinstance(value, str | int) and value != ""]
        return ": ".join(filter(None, (called(type(self)).capitalize(), ", ".join(whose))))

    def _remarks(self) -> Iterator[str]:
        """Yield what a notebook says below the title."""
        return iter(())

    def _told(self) -> list[dict[str, object]]:
        """Return the rows that a notebook shows: those of `to_dicts`, unless there are others easier to read."""
        return self.to_dicts()

    def _repr_svg_(self) -> str | None:
        """Return the first picture of the answer, for a notebook; None if it has none."""
        return next((each.svg for each in self._pictures()), None)

    def _repr_html_(self) -> str:
        """Return the pictures and the first rows as a table, for a notebook; one row stands upright, a field a line."""
        from journeyflow.basics.html_tables import PlainTable, cell, html_table  # noqa: PLC0415 likewise
        from journeyflow.basics.markup import element  # noqa: PLC0415 few look at tables

        rows = self._told()
        lines = "".join(element("p", cell(line)) for line in (self._caption(), *self._remarks()) if line)
        drawn = "".join(each.svg for each in self._pictures())
        if not rows:
            return lines + drawn + element("p", "There is nothing to show.")
        told = [{name: _short(value) for name, value in row.items()} for row in rows[:SHOWN]]
        header = list(dict.fromkeys(name for row in told for name, value in row.items() if value not in {None, ""}))
        if len(rows) == 1:
            shown = PlainTable(("field", "value"), [(name, told[0][name]) for name in header])
        else:
            shown = PlainTable(header, [[row.get(name) for name in header] for row in told])
        more = element("p", f"{SHOWN:,} of {len(rows):,} rows are shown") if len(rows) > SHOWN else ""
        return lines + drawn + html_table(shown) + more


class RowTuple(tuple[Item, ...], Rows):
    """A tuple of answers that can be read as rows.

    >>> RowTuple((1, 2)) == (1, 2), RowTuple(range(10_000))
    (True, <10,000 answers, the first 0>)
    """

    __slots__ = ()

    def _rows(self) -> Iterator[object]:
        return iter(self)

    def _caption(self) -> str:
        return counted(f"{len(self):,}", *(called(type(self[0]), many) for many in (1, 2))) if self else ""

    def __repr__(self) -> str:
        """Return all of them, or how many there are if that would be too long to read."""
        text = super().__repr__()
        return text if len(text) <= LONGEST_REPR else f"<{len(self):,} answers, the first {brief(self[0])}>"
