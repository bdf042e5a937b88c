"""Records to rows and back, by name: one declaration for each kind of record says how its fields stand in a table.

Column lists, writers and readers follow from the fields of the record itself, so a new field of a run, a message or an
input is a field of the record and a column of the schema, and nothing here. What has to be said here is the exception:
another name of the column, a value that is not stored as it is, and what never changes once it is written.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from attrs import frozen

from journeyflow.basics.values import dumps, loads
from journeyflow.records.rows import NO_FLAGS, Deferred, Input, Move, Post, Round, Run, make_move, make_run

Record = TypeVar("Record", bound=tuple[Any, ...])
Turn = Callable[[Any], Any]
Row = tuple[Any, ...]


@frozen(eq=False)
class RowForm(Generic[Record]):
    """How a record stands in a table.

    `fields` are those of the record, in order. `columns` are the columns that have another name than their field;
    `write` and `read` turn the values that are not stored as they are.
    """

    of: type[Record]
    fields: tuple[str, ...]
    columns: Mapping[str, str]
    write: Mapping[str, Turn]
    read: Mapping[str, Turn]

    def names(self, fields: Collection[str] | None = None, table: str = "") -> str:
        """Name the columns of some fields, or of all, with commas between."""
        return ", ".join(f"{table}{column}" for column in self.each(fields))

    def each(self, fields: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the columns of some fields, or of all."""
        return tuple(self.columns.get(name, name) for name in fields or self.fields)

    def without(self, *fields: str) -> tuple[str, ...]:
        """Return the fields but these, as `writer` wants them: first those that are not stored as they are."""
        return tuple(
            sorted((name for name in self.fields if name not in fields), key=lambda name: name not in self.write)
        )

    def writer(self, fields: Sequence[str]) -> Callable[[Record], Row]:
        """Return a function that writes some fields of a record as a row; those not stored as they are come first."""
        turned = tuple((self.fields.index(name), self.write[name]) for name in fields if name in self.write)
        write: Callable[[Record], Row] = itemgetter(*map(self.fields.index, fields[len(turned) :]))
        for place, turn in reversed(turned):
            write = _behind(place, turn, write)
        return write

    def reader(self) -> Callable[[Sequence[Any]], Record]:
        """Return a function that reads a record from a row that is, or begins with, all its fields."""
        width, of, make = len(self.fields), self.of, tuple.__new__
        turned = tuple((place, self.read[name]) for place, name in enumerate(self.fields) if name in self.read)

        def read(row: Sequence[Any]) -> Record:
            row = row[:width]
            for place, turn in turned:
                value = row[place]
                other = turn(value)
                if other is not value:  # as a rule nothing is there: the row stays the one it is
                    row = (*row[:place], other, *row[place + 1 :])
            return make(of, row)

        return read


def _behind(place: int, turn: Turn, write: Callable[[Record], Row]) -> Callable[[Record], Row]:
    """Return a function that writes a value that is not stored as it is, and after it the rest of a row."""
    return lambda record: (turn(record[place]), *write(record))


def question_marks(columns: str) -> str:
    """Write as many question marks as there are columns.

    >>> question_marks("a, b, c")
    '?, ?, ?'
    """
    return ", ".join("?" * (columns.count(",") + 1))


def text_or_none(value: object) -> str | None:
    """Write a value as JSON text, nothing for an empty one.

    >>> text_or_none({}), text_or_none({"a": 1})
    (None, '{"a":1}')
    """
    return dumps(value) if value else None


def read_move(row: tuple[Any, ...]) -> Move:
    """Return a row of (enrollment, visit, at, path) as a move, without the compared values.

    >>> read_move((7, 1, 0, '[["hello", "COMPLETED", "queued"]]')).path
    (('hello', 'COMPLETED', 'queued'),)
    """
    serial, visit, at, path = row
    return make_move((serial, visit, at, tuple(map(tuple, loads(path))), {}))


def read_flags(text: str | None) -> Mapping[str, tuple[int, int]]:
    """Read what was reported about a message.

    >>> dict(read_flags('{"opened":[5,2]}')), dict(read_flags(None))
    ({'opened': (5, 2)}, {})
    """
    return {kind: (first, count) for kind, (first, count) in loads(text).items()} if text else NO_FLAGS


def _written(memory: object) -> str | None:
    return None if memory is None else dumps(memory)


def _loaded(text: str | None) -> object:
    return None if text is None else loads(text)


def _is_true(value: object) -> bool:
    return value == 1


def _truths(of: type[tuple[Any, ...]]) -> dict[str, Turn]:
    """Return how those fields of a record are read that are true or false: they are stored as 1 or 0."""
    return {name: _is_true for name, kind in of.__annotations__.items() if kind is bool}


class Seen(NamedTuple):
    """What rules see of a message, as a row; what was reported about it is read when it is asked for."""

    serial: int
    n: int
    step: str
    at: int
    nonce: int
    told: str | None

    @property
    def flags(self) -> Mapping[str, tuple[int, int]]:
        """What was reported about it."""
        return read_flags(self.told) if self.told else NO_FLAGS


# --- the declarations -------------------------------------------------------------------------------------------------

# a run's `softened` is read as it is stored: there are millions of runs, and nothing asks for more than its truth
INPUT_FORM = RowForm(Input, Input._fields, {"text": "data"}, {}, {})
RUN_FORM = RowForm(
    Run, Run._fields, {"number": "run", "trigger": "trigger_data"}, {"memory": _written}, {"memory": _loaded}
)
POST_FORM = RowForm(
    Post,
    Post._fields,
    {"serial": "enrollment"},
    {"flags": text_or_none},
    {**_truths(Post), "flags": read_flags},
)
SEEN_FORM = RowForm(Seen, Seen._fields, {"serial": "enrollment", "told": "flags"}, {}, {})
DEFERRED_FORM = RowForm(Deferred, Deferred._fields, {"trigger": "trigger_data"}, {}, {})
ROUND_FORM = RowForm(Round, Round._fields, {}, {}, _truths(Round))

OF_RUN = RUN_FORM.without("serial", "customer")
"""What may be the same for many new runs: all but whose they are."""
NOW_OF_RUN = RUN_FORM.without(
    *("serial", "customer", "journey", "version", "number", "entered_at", "trigger", "key"),
)
"""What can change of a run."""
OF_POST = POST_FORM.without("serial")
"""What may be the same for many new messages: all but whose they are."""
NOW_OF_POST = POST_FORM.without(
    *("serial", "n", "step", "channel", "template", "data", "at", "expires_at", "cancel_on_exit", "nonce"),
)
"""What can change of a message."""

RUN_ROW, POST_ROW, SEEN_ROW, INPUT_ROW = RUN_FORM.names(), POST_FORM.names(), SEEN_FORM.names(), INPUT_FORM.names()
DEFERRED_ROW, ROUND_ROW = DEFERRED_FORM.names(), ROUND_FORM.names()
"""The columns of a whole record, as its reader takes them."""

unnumbered_input = INPUT_FORM.writer(INPUT_FORM.without("seq"))
new_run, changed_run = RUN_FORM.writer((*OF_RUN, "serial", "customer")), RUN_FORM.writer((*NOW_OF_RUN, "serial"))
new_post, changed_post = POST_FORM.writer((*OF_POST, "serial")), POST_FORM.writer((*NOW_OF_POST, "serial", "n"))
read_run, read_post, read_input = RUN_FORM.reader(), POST_FORM.reader(), INPUT_FORM.reader()
read_deferred: Callable[[Row], Deferred] = Deferred._make
read_round = ROUND_FORM.reader()

read_seen: Callable[[Row], Seen] = partial(tuple.__new__, Seen)
"""Read what rules see of a message from a row of just that."""

memory_in: Callable[[Row], str | None] = itemgetter(RUN_FORM.fields.index("memory"))
"""Return what a run remembers, as its row holds it."""


def read_runs(rows: Collection[Row]) -> list[Run]:
    """Read runs from rows of just that; without a call for each where none remembers anything."""
    return list(map(make_run if {*map(memory_in, rows)} <= {None} else read_run, rows))


MAX_PATHS: Final = 1_000
"""Interned paths per version; beyond it a move spells its path out. A journey of twenty steps has a few dozen."""

MAX_INTERNED: Final = 100
"""Visits in an interned path; longer ones are met once and would only fill the table."""

MOVE_COLUMNS = "visit, at, path, steps, seen"
"""A move as it is written: its path is a number, or spelled out."""
