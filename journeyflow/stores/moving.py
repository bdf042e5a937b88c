"""Moving a store to another place: from a file to a server, back, or to another one of the same kind.

Ids of messages are made of numbers, and receivers know messages by their ids, so every row is copied as it is, and the
copy goes on counting where its original was. What is copied, and in which order, follows from the schema.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from hashlib import sha256
from itertools import islice, zip_longest
from types import ModuleType

from attrs import evolve, frozen

from journeyflow.basics.values import dumps, loads
from journeyflow.errors import CorruptDatabase, StorageError
from journeyflow.records.suppression import KEY
from journeyflow.stores.addresses import is_address
from journeyflow.stores.audit import audit_faults
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.receiving import MOVED, NOTE, SETTINGS, Receiver
from journeyflow.stores.rows import Row
from journeyflow.stores.schema import TABLES, columns_of, primary_key

BATCH = 2_000
"""How many rows are copied in one transaction."""

StorePlace = str | os.PathLike[str]

CopyProgress = Callable[[str, int, int], object]
"""What is called with a phase, how many rows are done, and of how many."""


@frozen
class StoreCopy:
    """What was copied: the number of rows by table, all equal in both stores; and whether a copy was resumed."""

    rows: Mapping[str, int]
    resumed: bool


@frozen
class CopyNote:
    """How far a copy is: the key of the last row that was copied, its table, and a fingerprint of the source."""

    source: str
    table: str = MOVED[0]
    after: tuple[int | str, ...] = ()

    def text(self) -> str:
        """Return the note as the setting of the unfinished copy has it."""
        return dumps([self.source, self.table, [*self.after]])

    @classmethod
    def of(cls, text: str) -> "CopyNote":
        """Read a note."""
        source, table, after = loads(text)
        return cls(source, table, tuple(after))


def copy_store(source: StorePlace, destination: StorePlace, progress: CopyProgress = lambda *_: None) -> StoreCopy:
    """Copy everything in a store to another place, and check that both are equal.

    Each place is the path of a file or the address of a database. The source is read in one view, so that it may be in
    use, although what happens meanwhile is not copied; it is not changed. The destination must be new or empty, or what
    an interrupted copy of the same store left: then the copy goes on there. It cannot be opened until all is done.
    `progress(phase, done, of)` is called after each batch of rows; the phases are "copy" and "compare".

    Raises StorageError with a remedy for a source that is not a store, or is the destination itself; for a destination
    that has rows; where a row differs in the end; and what opening the stores raises. Raises CorruptDatabase if the
    audit of the source, or of the copy, finds anything.
    """
    with ExitStack() as opened:
        kind = _kind(source)
        store = opened.enter_context(closing(kind.source(_place(source))))
        view = opened.enter_context(store.reader())
        _refuse_faults(view, store.path)
        settings = dict(view.rows(SETTINGS))
        receiver = opened.enter_context(closing(_receiver(destination)))
        note, resumed = _begun(receiver, settings)
        sizes = {table: view.rows(f"SELECT count(*) FROM {table}")[0][0] for table in MOVED}
        _copy(view, receiver, note, sizes, progress)
        receiver.settle(settings, kind.used(view))
        with receiver.reader() as other:
            _compare(view, other, receiver.path, sizes, progress)
            _refuse_faults(other, receiver.path)
        receiver.finish()
    return StoreCopy(sizes, resumed)


def _kind(place: StorePlace) -> ModuleType:
    """Return the module that knows how stores at such a place are copied."""
    if is_address(place):  # pragma: no cover - where the extra is installed
        from journeyflow.stores.postgres import receiving  # noqa: PLC0415 imports psycopg, an extra

        return receiving
    from journeyflow.stores.sqlite import receiving as of_files  # noqa: PLC0415 imports sqlite3; for files only

    return of_files


def _place(place: StorePlace) -> str:
    return str(os.fspath(place))


def _receiver(place: StorePlace) -> Receiver:
    kind = _kind(place)
    made: Receiver = (kind.PostgresReceiver if is_address(place) else kind.SQLiteReceiver)(_place(place))
    return made


def _refuse_faults(reader: SqlReader, path: str) -> None:
    """Raise CorruptDatabase if the audit finds anything."""
    if (fault := next(audit_faults(reader), None)) is not None:
        raise CorruptDatabase(path, fault, "see journeyflow audit, or copy from a backup")


def _begun(receiver: Receiver, settings: Mapping[str, str]) -> tuple[CopyNote, bool]:
    """Return how far the copy is, and whether it was begun before; begin it otherwise. Raises StorageError."""
    known = receiver.settings()
    mine = _fingerprint(settings)
    if NOTE in known:
        note = CopyNote.of(known[NOTE])
        if note.source != mine:
            what = "here is an unfinished copy of another store, or one that another version of journeyflow began"
            raise StorageError(receiver.path, what, "name another place, or remove the copy")
        return note, True
    if _fingerprint(known) == mine:
        what = "here is the store itself that is to be copied, or a finished copy of it"
        raise StorageError(receiver.path, what, "name another place")
    note = CopyNote(mine)
    receiver.begin(note.text())
    return note, False


def _fingerprint(settings: Mapping[str, str]) -> str:
    """Return what a store and its copies have in common, and no other; also which tables it has."""
    drawn = [settings.get(name) for name in ("nonce", KEY)]
    return sha256(dumps([*drawn, TABLES]).encode()).hexdigest()[:16]


def _copy(
    view: SqlReader, receiver: Receiver, note: CopyNote, sizes: Mapping[str, int], progress: CopyProgress
) -> None:
    """Copy the rows after those that are there."""
    place, of = MOVED.index(note.table), sum(sizes.values())
    done = sum(sizes[table] for table in MOVED[:place])
    for table in MOVED[place:]:
        key = _key_of(table)
        for rows in _batches(_rows(view, table, note.after if table == note.table else ())):
            later = evolve(note, table=table, after=key(rows[-1]))
            receiver.add(table, rows, note.text(), later.text())
            note, done = later, done + len(rows)
            progress("copy", done, of)


def _rows(view: SqlReader, table: str, after: tuple[int | str, ...] = ()) -> Iterator[Row]:
    """Yield the rows of a table in order of its key, those after a key if one is given."""
    key = primary_key(table)
    where = f"WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
    return view.stream(f"SELECT {columns_of(table)} FROM {table} {where} ORDER BY {key}", after)


def _key_of(table: str) -> Callable[[Row], tuple[int | str, ...]]:
    """Return the function that takes the key from a row of a table."""
    names = columns_of(table).split(", ")
    places = [names.index(name) for name in primary_key(table).split(", ")]
    return lambda row: tuple(row[place] for place in places)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _compare(view: SqlReader, other: SqlReader, path: str, sizes: Mapping[str, int], progress: CopyProgress) -> None:
    """Raise StorageError at the first row that is not the same in both stores."""
    done, of = 0, sum(sizes.values())
    for table in MOVED:
        key = _key_of(table)
        for one, same in zip_longest(_rows(view, table), _rows(other, table)):
            if one != same:
                raise _unequal(path, table, key(one or same))
        done += sizes[table]
        progress("compare", done, of)
    if view.rows(SETTINGS) != other.rows(SETTINGS):
        raise _unequal(path, "meta", ())


def _unequal(path: str, table: str, key: tuple[int | str, ...]) -> StorageError:
    row = f", row {', '.join(map(str, key))}" if key else ""
    what = f"table {table}{row} is not as in the source"
    return StorageError(path, what, "remove the copy and copy again; the source may have gone on after an interruption")
