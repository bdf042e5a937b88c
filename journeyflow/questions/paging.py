"""Pages of long lists: which part is wanted, in which order, and the cursor that leads on from it (R84)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, overload

from attrs import frozen

from journeyflow.basics.answer_rows import Rows, called
from journeyflow.basics.moments import from_micros
from journeyflow.basics.soundness import sound
from journeyflow.basics.values import BINARY, INTEGER_MAX, describe, dumps, text_fault, value_faults
from journeyflow.errors import MISSING, WRONG, Fault, InvalidInput, NotFound, did_you_mean, quoted

MAX_TAKE = 10_000
"""Rows in one page: enough for any screen, and a bound on what one question holds in memory unless it asks for all."""

Item = TypeVar("Item")

Cursor = int | str
"""Where a page ended: a number in a list sorted by order of entry, else text. It is opaque, to be passed as `after`."""


class Listed(Rows, Sequence[Item]):
    """A part of a list: a sequence of its items, with the cursor that leads on from it."""

    __slots__ = ()
    items: tuple[Item, ...]
    cursor: Cursor | None

    def _rows(self) -> Iterator[object]:
        return iter(self.items)

    def _named(self, many: int) -> str:
        """Return what the items are called if there are `many` of them."""
        return called(type(self.items[0]), many) if self.items else "entries"

    @property
    def more(self) -> bool:
        """Whether the list goes on after this part."""
        return self.cursor is not None

    def __len__(self) -> int:
        """Return how many items the part holds."""
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items of the part."""
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        """Return an item by its position, or several as a tuple."""
        return self.items[index]


@frozen(repr=False)
class Page(Listed[Item]):
    """A page of a list, and a sequence of its items (R84).

    `items` are those of this page, `total` counts the whole list. `skip` and `take` are what was asked for; a `take` of
    None asked for everything. `cursor` leads to the next page as `after`; it is None on the last page.

    >>> page = Page(("ann", "bob"), total=8365, skip=0, take=2, cursor=2)
    >>> page, list(page), page.more
    (Page(2 of 8,365), ['ann', 'bob'], True)
    """

    items: tuple[Item, ...]
    total: int
    skip: int
    take: int | None
    cursor: Cursor | None = None

    def _caption(self) -> str:
        return f"{len(self.items):,} of {self.total:,} {self._named(self.total)}"

    def __repr__(self) -> str:
        """Return how many items of how many the page holds."""
        return f"Page({len(self.items):,} of {self.total:,})"


@frozen(repr=False)
class Latest(Listed[Item]):
    """The newest of a list, newest first: `items`, and the `cursor` that leads to older ones, None if there are none.

    It costs what it holds, so the list is not counted. Where little of what is looked at matches, it may hold fewer
    items than were asked for, or none, and still lead on.

    >>> Latest(("bob", "ann"), cursor=7)
    Latest(2, and older)
    """

    items: tuple[Item, ...]
    cursor: Cursor | None = None

    def _caption(self) -> str:
        return f"The newest {len(self.items):,} {self._named(len(self.items))}{', there are older ones' * self.more}"

    def __repr__(self) -> str:
        """Return how many items there are, and whether there may be older ones."""
        return f"Latest({len(self.items):,}{', and older' if self.more else ''})"


@frozen
class Slice:
    """Which part of a list is wanted: in which order, from which place on, how much; a `take` of None is all of it."""

    order: str = ""
    descending: bool = False
    skip: int = 0
    take: int | None = 25
    after: Cursor | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the whole list is wanted: then its length is that of what was found, and need not be counted."""
        return self.take is None and not self.skip and self.after is None

    @property
    def bounds(self) -> dict[str, object]:
        """The parameters of `LIMIT :take OFFSET :skip`: one row more than a page holds shows whether there are more."""
        return {"take": -1 if self.take is None else self.take + 1, "skip": self.skip}

    def page(
        self,
        rows: Sequence[tuple[Any, ...]],
        total: int,
        read: Callable[[tuple[Any, ...]], Item],
        place: Callable[[tuple[Any, ...]], Cursor],
    ) -> Page[Item]:
        """Return the page of rows that were found within the bounds, given how to read a row, and its cursor."""
        kept = rows[: self.take]
        cursor = place(kept[-1]) if len(rows) > len(kept) else None
        return Page(tuple([sound(read(row)) for row in kept]), total, self.skip, self.take, cursor)


def page_faults(skip: object, take: object) -> list[str]:
    """Return the faults of `skip` and `take`; a `take` of None is everything.

    >>> page_faults(0, 0)
    ['a page has skip >= 0 and take from 1 to 10000, not skip=0, take=0']
    """
    if type(skip) is int and 0 <= skip <= INTEGER_MAX and (take is None or _is_take(take)):
        return []
    return [f"a page has skip >= 0 and take from 1 to {MAX_TAKE}, not skip={_short(skip)}, take={_short(take)}"]


def _is_take(take: object) -> bool:
    return type(take) is int and 1 <= take <= MAX_TAKE


def _short(value: object) -> str:
    """Show a number, or what was given instead, in a few words."""
    return repr(value) if type(value) is int and abs(value) <= INTEGER_MAX else describe(value)


def slice_faults(wanted: Slice, orders: Mapping[str, str] | None = None, plain: str = "") -> list[str]:
    """Return the faults of a slice; `orders` are those that exist, `plain` the one by number alone.

    >>> slice_faults(Slice("entred", after="x"), {"entered": "e.serial"}, plain="entered")
    ["order: there is no 'entred' (did you mean 'entered'?)", "after: str 'x' is not a cursor of such a page"]
    """
    found = page_faults(wanted.skip, wanted.take) + name_faults(descending=wanted.descending)
    if fault := _text_fault(wanted.order):
        found.append(f"order: {fault}")
    elif orders is not None and wanted.order not in orders:
        found.append(f"order: there is no {quoted(wanted.order)}{_remedy(wanted.order, orders)}")
    return found + cursor_faults(wanted.after, _place(wanted.after, is_plain=wanted.order == plain))


def cursor_faults(after: object, place: object) -> list[str]:
    """Return the fault of a cursor in which no place can be read; None is the beginning of a list.

    >>> cursor_faults("x", None), cursor_faults(None, None), cursor_faults(7, [7])
    (["after: str 'x' is not a cursor of such a page"], [], [])
    """
    return [] if after is None or place is not None else [f"after: {describe(after)} is not a cursor of such a page"]


def word_faults(name: str, words: Iterable[object], known: Iterable[str]) -> list[str]:
    """Return a fault for each word that is not a known one.

    >>> word_faults("status", ["ACTVE"], ["ACTIVE"])
    ["status: there is no 'ACTVE' (did you mean 'ACTIVE'?)"]
    """
    known = list(known)
    return [f"{name}: there is no {quoted(word)}{_remedy(word, known)}" for word in words if word not in known]


def _remedy(word: object, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or name all of them.

    >>> _remedy("date", ["entered", "due"])
    '; there are entered, due'
    """
    return did_you_mean(word, known) or f"; there are {', '.join(known)}"


def name_faults(*needed: str, **names: object) -> list[str]:
    """Return the faults of names, numbers and flags; None is not looked for, unless the name is in `needed`.

    Values are not converted: 5 is not "5", nor is True 1.

    >>> name_faults("journey", customer=5, journey=None, key=None)
    ['customer: must be text, not int 5', 'journey: must be text, not null']
    >>> name_faults(run=True, force=1)
    ['run: must be a whole number, not bool True', 'force: must be True or False, not int 1']
    """
    found: list[str] = []
    for name, value in names.items():
        if (value is not None or name in needed) and (fault := _FAULTS.get(name, _text_fault)(value)):
            found.append(Fault(name, fault, MISSING if value is None else WRONG))
    return found


def _number_fault(value: object) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX
    return None if fits else f"must be a whole number, not {describe(value)}"


def _text_fault(value: object) -> str | None:
    return text_fault(value) if isinstance(value, str) else f"must be text, not {describe(value)}"


def _flag_fault(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be True or False, not {describe(value)}"


_NUMBERS = ("run", "version", "to_version", "export", "number", "serial")

_FLAGS = (
    *("all_tenants", "customers", "descending", "disabled", "dry_run", "failed", "force", "now", "pending"),
    *("allow_jump", "only_missing", "replace", "rollback", "scrub", "unpublished"),
)

_FAULTS: Mapping[str, Callable[[object], str | None]] = {
    **dict.fromkeys(_NUMBERS, _number_fault),
    **dict.fromkeys(_FLAGS, _flag_fault),
}
"""What is not text: the check of each, by the name of the parameter."""


def word_list(value: str | Iterable[str] | None, name: str) -> list[str]:
    """Return one word or many as a list; None is the empty list. An error names the argument.

    >>> word_list("a", "status"), word_list(("a", "b"), "status"), word_list(None, "status")
    (['a'], ['a', 'b'], [])
    """
    if value is None or isinstance(value, str):
        return [] if value is None else [value]
    if isinstance(value, Iterable) and not isinstance(value, BINARY):
        return list(value)
    msg = f"{name}: expected one word or many, not {describe(value)}"
    raise TypeError(msg)


def _place(cursor: object, *, is_plain: bool) -> list[Any] | None:
    """Read a cursor: the number alone, or the value that the list is sorted by and the number."""
    if is_plain:
        return [cursor] if type(cursor) is int and abs(cursor) <= INTEGER_MAX else None
    match read_cursor(cursor):
        case [str() | int() | float() as value, number] if type(number) is int:
            return [value, number]
    return None


def read_cursor(cursor: object) -> list[Any]:
    """Return the parts of a cursor that is a list as JSON; [] for anything else, and for what cannot be stored.

    >>> read_cursor('["ann",7]'), read_cursor("7"), read_cursor("["), read_cursor(7)
    (['ann', 7], [], [], [])
    """
    try:
        place = json.loads(cursor) if isinstance(cursor, str) else None
    except (ValueError, RecursionError):
        return []
    return place if isinstance(place, list) and not any(value_faults(place)) else []


def keyset(wanted: Slice, value: str, number: str) -> tuple[str, str, dict[str, object]]:
    """Return the condition and the order of a slice in SQL, with the parameters of both.

    `value` and `number` are SQL; the number makes the order total. If both are the same, only the number is used.

    >>> keyset(Slice("entered", after=7), "e.serial", "e.serial")
    ('e.serial > :after', 'e.serial', {'take': 26, 'skip': 0, 'after': 7})
    >>> keyset(Slice("customer", descending=True, take=None), "c.id", "e.serial")
    ('TRUE', 'c.id DESC, e.serial DESC', {'take': -1, 'skip': 0})
    """
    parameters = wanted.bounds
    plain, direction, beyond = value == number, " DESC" if wanted.descending else "", "<" if wanted.descending else ">"
    order = f"{number}{direction}" if plain else f"{value}{direction}, {number}{direction}"
    if wanted.after is None:
        return "TRUE", order, parameters
    *values, parameters["after"] = _place(wanted.after, is_plain=plain) or [0]
    if plain:
        return f"{number} {beyond} :after", order, parameters
    parameters["after_value"] = values[0]
    return f"({value}, {number}) {beyond} (:after_value, :after)", order, parameters


def keyset_of_any(wanted: Slice, kind: str, number: str, text: str, row: str) -> tuple[str, str, dict[str, object]]:
    """Return what `keyset` returns for a list that is sorted by numbers and texts, whose columns are given in SQL.

    `kind` is 0 for numbers, which come first, and 1 for texts; `row` makes the order total.

    >>> keyset_of_any(Slice("age", after='["x",7]'), "k", "n", "t", "r")[0]
    '(k, n, t, r) > (:after_kind, :after_number, :after_text, :after)'
    """
    columns, parameters = (kind, number, text, row), wanted.bounds
    order = ", ".join(f"{column}{' DESC' if wanted.descending else ''}" for column in columns)
    if wanted.after is None:
        return "TRUE", order, parameters
    value, after = _place(wanted.after, is_plain=False) or ["", 0]
    of_value = (1, 0, value) if isinstance(value, str) else (0, value, "")
    names = ("after_kind", "after_number", "after_text", "after")
    beyond = f"({', '.join(columns)}) {'<' if wanted.descending else '>'} (:{', :'.join(names)})"
    return beyond, order, {**parameters, **dict(zip(names, (*of_value, after), strict=True))}


def cursor_of(value: object, number: int, *, plain: bool) -> Cursor:
    """Return the place of a row as a cursor.

    >>> cursor_of("ann@example.com", 7, plain=False), cursor_of(7, 7, plain=True)
    ('["ann@example.com",7]', 7)
    """
    return number if plain else dumps([value, number])


def refuse(faults: Sequence[str]) -> None:
    """Raise InvalidInput if a question has faults, with all of them."""
    if faults:
        raise InvalidInput(faults)


def instant_or_none(micros: int | None) -> datetime | None:
    """Return microseconds as a datetime in UTC, None as it is."""
    return None if micros is None else from_micros(micros)


def required(found: Item | None, kind: str, name: object, *, of: str | None = None) -> Item:
    """Return what was found, or raise NotFound; `of` is the journey that it would belong to."""
    if found is None:
        raise NotFound(kind, name, journey=of)
    return found
