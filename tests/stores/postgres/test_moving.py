"""A store is moved from a file to a server, between servers, and back; every row as it is, and counting goes on."""

import random
import signal
import sqlite3
from contextlib import closing
from multiprocessing import get_context

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, Event
from journeyflow.errors import ForeignDatabase, NewerSchema, StorageError
from journeyflow.stores import moving
from journeyflow.stores.addresses import open_store
from journeyflow.stores.moving import copy_store
from journeyflow.stores.postgres.address import Address
from journeyflow.stores.postgres.schema import RANGE
from journeyflow.stores.sqlite.store import SQLiteStore
from journeyflow.testing.running import DUMPED
from tests.cases import long
from tests.stores.lived import LATER, OWN, TENANTS, kill, live, opened, rows, went_on


def rows_of(place):
    """Return all rows of a place."""
    with closing(open_store(place)) as store:
        return rows(store)


def dump(place):
    """Return the dump by key of a place."""
    with closing(open_store(place)) as store, store.reader() as reader:
        return {name: reader.rows(sql) for name, sql in DUMPED.items()}


def tenants(address):
    """Return the range and the counts of each tenant."""
    where = Address.of(address)
    with psycopg.connect(where.server) as connection:
        found = connection.execute(f'SELECT * FROM "{where.schema}".tenants ORDER BY tenant').fetchall()
    return {tenant: row for tenant, *row in found}


def test_there_and_back(file, addresses, tmp_path):
    """The dump by key and every row are equal in all three, and both audits find nothing."""
    address = addresses()
    assert sum(copy_store(file, address).rows.values()) > 500
    assert rows_of(address) == rows_of(file)
    assert dump(address) == dump(file)
    copy_store(address, tmp_path / "back.db")
    assert rows_of(tmp_path / "back.db") == rows_of(file)
    for place in (address, tmp_path / "back.db"):
        with Engine(place) as engine:
            assert engine.audit() == []


def test_all_go_on_alike(file, addresses, tmp_path):
    """A file, a server, a server that the server was copied to, and a file again: with the same messages."""
    first, second = addresses(), addresses()
    copy_store(file, first)
    copy_store(first, second)
    copy_store(second, tmp_path / "back.db")
    assert tenants(second) == tenants(first)
    wanted = went_on(file)
    assert wanted[1] == []
    for place in (first, second, tmp_path / "back.db"):
        assert went_on(place) == wanted
    assert tenants(second) == tenants(first)


def test_one_tenant_goes_on_with_the_same_numbers(tmp_path, addresses):
    """And so with the same ids of messages, from where the last ones are gone (R70)."""
    path, address = tmp_path / "one.db", addresses()
    with opened(path) as engine:
        live(engine, 2)
        for name in TENANTS[1:]:
            mine = engine.tenant(name)
            for journey in mine.journeys(take=None):
                if journey.status != "ARCHIVED":
                    mine.archive(journey.id, at=LATER)
                mine.purge(journey.id)
    copy_store(path, address)
    ids = []
    for place in (path, address):
        with opened(place) as engine:
            engine.feed([Event("member.created", customer=name, at=LATER) for name in ("ann", "bob")])
            engine.tick(LATER)
            ids.append(sorted(message.id for message in engine.messages(take=None)))
    first = min(tenants(address).values())[0]
    assert first == 0
    assert len({*ids[0]}) == len({*ids[1]}) == len(ids[0]) == len(ids[1])


def test_numbers_of_all_ranges_stay_taken(file, addresses, tmp_path):
    """What tenants were given on one server is given to nobody on the next, whoever has which range there (R92)."""
    first, second = addresses(), addresses()
    copy_store(file, first)
    went_on(first)
    with Engine(first) as engine:
        engine.tenant("new").put_customer("ann", {}, at=LATER)
        engine.tick(LATER)
    copy_store(first, tmp_path / "between.db")
    copy_store(tmp_path / "between.db", second)
    assert went_on(second, [*TENANTS, "new", "newer"])[1] == []
    found = tenants(second)
    assert len({row[0] for row in found.values()}) == len(found) == 5
    assert found["newer"][0] > max(serial >> RANGE for serial, *_ in rows_of(first)["customers"])


def test_inputs_stay_in_their_order(addresses, tmp_path):
    """Those that wait on a server, those told to the file between, and those told to the next server (R10)."""
    names = "zoo", "art"
    places = addresses(), tmp_path / "between.db", addresses()
    for number, place in enumerate(places):
        if number:
            copy_store(places[number - 1], place)
        with Engine(place) as engine:
            for name in names:
                engine.tenant(name).put_customer("ann", {"told": number, f"told {number}": True}, at=LATER)
    with Engine(places[-1]) as engine:
        engine.tick(LATER)
        found = [engine.tenant(name).customer("ann").attributes for name in names]
        assert found == [{"told": 2, "told 0": True, "told 1": True, "told 2": True}] * 2
        assert engine.audit() == []


def test_an_empty_store_is_copied(addresses, tmp_path):
    """There and back; it has one range from the start, in which all count."""
    SQLiteStore(tmp_path / "empty.db").close()
    address = addresses()
    assert sum(copy_store(tmp_path / "empty.db", address).rows.values()) == 0
    assert {tenant: row[0] for tenant, row in tenants(address).items()} == {"default": 0}
    assert sum(copy_store(address, tmp_path / "back.db").rows.values()) == 0
    with opened(address) as engine:
        for name in TENANTS:
            mine = engine.tenant(name)
            mine.deploy(OWN[1], at=LATER)
            mine.feed(Event("member.created", customer=who, at=LATER) for who in ("ann", "bob"))
        engine.tick(LATER)
        ids = [message.id for name in TENANTS for message in engine.tenant(name).messages(take=None)]
        assert len(ids) == len({*ids}) == 2 * len(TENANTS)
        assert engine.audit() == []


@pytest.mark.parametrize("after", [1, 9])
def test_a_copy_that_was_killed_goes_on(after, file, addresses, tmp_path):
    """It is not a store until all is done, and no row is copied a second time."""
    address = addresses()
    process = get_context("spawn").Process(target=kill, args=(file, address, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    for attempt in (Engine, lambda place: copy_store(place, tmp_path / "third.db")):
        with pytest.raises(StorageError, match="unfinished copy of another store; run journeyflow copy again"):
            attempt(address)
    assert copy_store(file, address).resumed
    assert rows_of(address) == rows_of(file)


def test_two_copies_to_one_place_do_not_mix(file, addresses, monkeypatch):
    """Whoever finds that another one goes on gives way."""
    monkeypatch.setattr(moving, "BATCH", 30)
    address, told = addresses(), []

    def progress(*each):
        told.append(each)
        if len(told) == 3:
            assert copy_store(file, address).resumed

    with pytest.raises(StorageError, match="another process copies to here too; wait"):
        copy_store(file, address, progress)
    assert rows_of(address) == rows_of(file)


def test_places_are_refused(file, addresses):
    """Each with what to do, and unchanged."""
    full, missing, foreign = addresses(), addresses(), addresses()
    with opened(full) as engine:
        engine.put_customer("ann", {}, at=LATER)
    where = Address.of(foreign)
    with psycopg.connect(where.server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{where.schema}" CREATE TABLE t (x int)')
    for source, destination, kind, said in (
        (file, full, StorageError, "there are rows here already"),
        (full, full, StorageError, "the store itself that is to be copied"),
        (file, foreign, ForeignDatabase, "not those of journeyflow"),
        (foreign, missing, ForeignDatabase, "not those of journeyflow"),
        (missing, full, StorageError, "nothing to copy here; name the schema of a store"),
    ):
        with pytest.raises(kind, match=said):
            copy_store(source, destination)
    with opened(full) as engine:
        assert engine.tick(LATER).inputs == 1


class Stopped(Exception):
    """What ends a copy in the middle."""


class Statements:
    """Counts the statements of both drivers; one of them is not run."""

    def __init__(self, monkeypatch):
        """Count those of every connection that is made from now on."""
        self.came, self.at, self.error = 0, 0, Stopped
        execute, connect, come = psycopg.Cursor.execute, sqlite3.connect, self._come

        def counted(cursor, *arguments, **named):
            try:
                come(psycopg.OperationalError("the server hung up"))
            except psycopg.OperationalError:
                cursor.connection.close()
                raise
            return execute(cursor, *arguments, **named)

        class Counted(sqlite3.Connection):
            def execute(self, *arguments):
                come(sqlite3.OperationalError("disk I/O error"))
                return super().execute(*arguments)

            def executemany(self, *arguments):
                come(sqlite3.OperationalError("disk I/O error"))
                return super().executemany(*arguments)

        monkeypatch.setattr(psycopg.Cursor, "execute", counted)
        monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Counted))

    def _come(self, fault):
        self.came += 1
        if self.came == self.at:
            raise Stopped if self.error is Stopped else fault


@pytest.fixture
def statements(monkeypatch):
    """Return what counts statements."""
    return Statements(monkeypatch)


@pytest.fixture(params=["to a server", "to a file"])
def way(request, addresses, tmp_path):
    """Return where a few rows are, and a function that names a new place of the other kind."""
    path, address = tmp_path / "small.db", addresses()
    with opened(path) as engine:
        for name in TENANTS:
            engine.tenant(name).put_customer("ann", {"plan": "free"}, at=LATER)
        engine.tick(LATER)
    if request.param == "to a server":
        return path, addresses
    copy_store(path, address)
    files = (tmp_path / f"copy{n}.db" for n in range(1_000))
    return address, lambda: next(files)


@pytest.mark.parametrize("error", [Stopped, StorageError], ids=["an interrupt", "a fault"])
def test_a_copy_goes_on_from_every_statement(way, statements, error):
    """Wherever it ends, the place is not a store or a whole one, and the same command makes it whole (R90).

    What a driver raises is an error of the store.
    """
    source, new = way
    statements.came = 0
    copy_store(source, new())
    places = range(1, statements.came + 1)
    for place in places if long() else random.Random(7).sample(places, 3):
        to = new()
        statements.came, statements.at, statements.error = 0, place, error
        with pytest.raises(error):
            copy_store(source, to)
        statements.at = 0
        try:
            copy_store(source, to)
        except StorageError as told:
            assert "a finished copy of it" in str(told)  # noqa: PT017 only the last statements leave a whole one
        assert rows_of(to) == rows_of(source)


def test_a_newer_schema_and_another_stores_copy_are_refused(file, addresses, tmp_path):
    """With a sentence, and nothing is done to them."""
    newer, begun = addresses(), addresses()
    open_store(newer).close()
    where = Address.of(newer)
    with psycopg.connect(where.server, autocommit=True) as connection:
        connection.execute(f"UPDATE {where.schema}.layout SET version = 99")
    for source, destination in ((file, newer), (newer, tmp_path / "copy.db")):
        with pytest.raises(NewerSchema, match=r"version 99.*upgrade journeyflow"):
            copy_store(source, destination)
    assert not (tmp_path / "copy.db").exists()

    def stop(*_):
        raise Stopped

    with pytest.raises(Stopped):
        copy_store(file, begun, stop)
    open_store(tmp_path / "other.db").close()
    with pytest.raises(StorageError, match="unfinished copy of another store, or one that another version"):
        copy_store(tmp_path / "other.db", begun)
    assert copy_store(file, begun).resumed
