"""Asking a PostgreSQL connection within a transaction of one tenant, or of all."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, RawCursor

from journeyflow.stores.postgres.columns import COLUMN_TYPES, columns_of
from journeyflow.stores.rows import Row

Bindings = Mapping[str, object]

BoundStatement = tuple[str, Bindings]
"""A statement and its parameters."""

FoundRows = list[Row]

_NAMED = re.compile(r"""%\((\w+)\)s | "[^"]*" """, re.VERBOSE)
"""A parameter, or a quoted name, which may look like one."""


@lru_cache(maxsize=1_000)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with places for its parameters, as the server takes it, and their names in this order.

    >>> numbered("SELECT %(a)s, %(b)s, %(a)s")
    ('SELECT $1, $2, $1', ('a', 'b'))
    """
    places = dict[str, int]()

    def put(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}" if found[1] else found[0]

    return _NAMED.sub(put, sql), tuple(places)


def run_statement(connection: Connection, sql: str, parameters: Bindings) -> RawCursor[Row]:
    """Run a statement; within a pipeline, what it says is not waited for."""
    text, names = numbered(sql)
    return RawCursor(connection).execute(text, [parameters[name] for name in names])


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Send statements without a round trip for each.

    The first error is raised; the driver would log those that follow from it as a warning.
    """
    with ExitStack() as sending:
        sending.enter_context(connection.pipeline())
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                sending.close()
            raise


def at_once(connection: Connection, *statements: BoundStatement) -> list[FoundRows]:
    """Return the rows of some statements, in one round trip."""
    with pipelined(connection):
        cursors = [run_statement(connection, *each) for each in statements]
    return [each.fetchall() if each.description is not None else [] for each in cursors]


# --- several questions in one statement -------------------------------------------------------------------------------


class RowQuestion(NamedTuple):
    """A question, with the type of each column of its answer, n for a number and t for a text."""

    sql: str
    shape: str


BoundQuestion = tuple[RowQuestion, Bindings]
"""A question and its parameters."""


def asking_for(table: str, columns: str, rest: str) -> RowQuestion:
    """Return the question for columns of a table, and what else it says.

    >>> asking_for("pulls", "journey, after", "WHERE at < 5")
    RowQuestion(sql='SELECT journey, after FROM pulls WHERE at < 5', shape='nt')
    """
    return RowQuestion(f"SELECT {columns} FROM {table} {rest}", shape_of(table, columns))


def shape_of(table: str, columns: str) -> str:
    """Return the types of columns."""
    types = COLUMN_TYPES[table]
    return "".join("n" if types[name] == "bigint" else "t" for name in columns_of(columns))


def about_keys(question: RowQuestion, keys: Collection[Any], **parameters: object) -> BoundQuestion | None:
    """Return a question about some keys; None, which is not asked, about none."""
    return (question, {"keys": sorted(keys), **parameters}) if keys else None


class _Stack(NamedTuple):
    """One statement for several questions: each row says which of them it answers, and `takes` reads it."""

    sql: str
    takes: Sequence[Callable[[Row], Row]]


@lru_cache(maxsize=200)
def _stacked(questions: tuple[RowQuestion, ...]) -> _Stack:
    """Return the statement for several questions: numbers stand before texts in its rows, and NULL where none is.

    >>> stack = _stacked((RowQuestion("SELECT a, %(b)s", "nt"), RowQuestion("SELECT c", "n")))
    >>> stack.sql
    'SELECT 0, c0, c1 FROM (SELECT a, %(b_0)s) q (c0, c1) UNION ALL SELECT 1, c0, NULL::text FROM (SELECT c) q (c0)'
    >>> stack.takes[0]((0, 5, "x")), stack.takes[1]((1, 5, None))
    ((5, 'x'), (5,))
    """
    widths = {kind: max(question.shape.count(kind) for question in questions) for kind in "nt"}
    parts, takes = list[str](), list[Callable[[Row], Row]]()
    for part, question in enumerate(questions):
        free = {"n": count(1), "t": count(1 + widths["n"])}
        places = {next(free[kind]): column for column, kind in enumerate(question.shape)}
        nothing = ["", *["NULL::bigint"] * widths["n"], *["NULL::text"] * widths["t"]]
        chosen = [f"c{places[place]}" if place in places else nothing[place] for place in range(1, len(nothing))]
        names = ", ".join(f"c{column}" for column in range(len(question.shape)))
        sql = re.sub(r"%\((\w+)\)s", rf"%(\1_{part})s", question.sql)
        parts.append(f"SELECT {', '.join([str(part), *chosen])} FROM ({sql}) q ({names})")
        takes.append(_taking(sorted(places, key=places.__getitem__)))
    return _Stack(" UNION ALL ".join(parts), takes)


def _taking(places: list[int]) -> Callable[[Row], Row]:
    """Return what reads some places of a row, also if it is one."""
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


class Asker:
    """Questions of the store itself; `tenant` is whose rows it looks at, None for those of all.

    `write` is whether the transaction may change what it reads.
    """

    def __init__(self, connection: Connection, tenant: str | None, *, write: bool) -> None:
        """Ask a connection."""
        self.connection, self._tenant = connection, tenant
        self.lock = " FOR UPDATE" if write else ""
        """What a question for messages ends with: a claim that has some of them is waited for."""

    def mine(self, table: str = "") -> str:
        """Return the condition that a row of a table is the tenant's."""
        return "" if self._tenant is None else f" AND {table}tenant = %(tenant)s"

    def held(self, question: RowQuestion) -> RowQuestion:
        """Return a question for messages that nobody else changes from then on."""
        return question._replace(sql=question.sql + self.lock)

    def rows(self, sql: str, parameters: Bindings | None = None) -> FoundRows:
        """Return the rows of a question."""
        found: FoundRows = run_statement(
            self.connection, sql, {"tenant": self._tenant, **(parameters or {})}
        ).fetchall()
        return found

    def of(self, sql: str, keys: Collection[Any], **parameters: object) -> FoundRows:
        """Return the rows of a question about some keys; nobody is asked about none."""
        return self.rows(sql, {"keys": sorted(keys), **parameters}) if keys else []

    def together(self, *questions: BoundQuestion | None) -> list[FoundRows]:
        """Return the rows of questions of which none needs the answer of another, with one statement.

        The rows of each are in the order that it asks for.
        """
        asked = [each for each in questions if each is not None]
        if not asked:
            return [[] for _ in questions]
        if len(asked) == 1:
            (question, parameters), found = asked[0], list[FoundRows]()
            found.append(self.rows(question.sql, parameters))
        else:
            found = self._stacked(asked)
        answers = iter(found)
        return [[] if each is None else next(answers) for each in questions]

    def _stacked(self, questions: Sequence[BoundQuestion]) -> list[FoundRows]:
        stack = _stacked(tuple(question for question, _ in questions))
        bound: dict[str, object] = {}
        for part, (_, parameters) in enumerate(questions):
            bound |= {f"{name}_{part}": value for name, value in parameters.items()}
            bound[f"tenant_{part}"] = self._tenant
        found: list[FoundRows] = [[] for _ in questions]
        for row in self.rows(stack.sql, bound):
            part = row[0]
            found[part].append(stack.takes[part](row))
        return found
