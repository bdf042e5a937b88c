"""What a call that forgot somebody owes to the medium, if its process ends before the file is rebuilt (R86)."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from journeyflow import Chain, Engine, NotFound, Update
from journeyflow.stores.sqlite import SQLiteStore
from tests.samples import START, Host, after, open_engine

WHO = "ann-secret"


class Death(BaseException):
    """The end of a process, at an instant of the test's choice."""


def die(_: object) -> None:
    """End the process."""
    raise Death


def bytes_of(path: Path) -> bytes:
    """Return all bytes of a database: the file and what lies beside it."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


@pytest.fixture(params=["ON", "OFF"], ids=["secure_delete", "no secure_delete"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a file, as builds of SQLite treat it that overwrite what is deleted, and as others do."""
    connect = sqlite3.connect

    def connected(*args: object, **options: object) -> sqlite3.Connection:
        made = connect(*args, **options)  # type: ignore[call-overload]  # as it was called
        made.execute(f"PRAGMA secure_delete = {request.param}")
        return made  # type: ignore[no-any-return]  # as above

    monkeypatch.setattr(sqlite3, "connect", connected)
    return tmp_path / "journeys.db"


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Return a function that lets the process live on; until then it dies before a file is rebuilt."""
    with monkeypatch.context() as context:
        context.setattr("journeyflow.stores.sqlite.store.rebuild", die)
        yield context.undo


def fill(engine: Engine) -> Host:
    """Leave traces of a customer, in rows and in free space."""
    host = Host(engine)
    host.deploy(Update("erase", Chain.forget()))
    for number in range(20):
        host.put(START, f"c{number}", text="x" * 50)
    host.put(START, WHO, note=f"{WHO} " * 900)
    host.tick()
    return host


def die_while_forgetting(path: Path) -> None:
    """End a process between the commit of a forget and the rebuild of the file: what it has open stays as it is."""
    engine = open_engine(str(path))
    fill(engine)
    with pytest.raises(Death):
        engine.forget(WHO, at=after("1 hour"))
    assert WHO.encode() in bytes_of(path)


def test_the_next_open_pays(path: Path, dying: Callable[[], None]) -> None:
    """The file holds nothing of the customer once an engine is open, whatever it is opened for."""
    die_while_forgetting(path)
    dying()
    with Engine(path) as engine:
        assert WHO.encode() not in bytes_of(path)
        with pytest.raises(NotFound):
            engine.forget(WHO, at=after("2 hours"))
        assert Host(engine).rows("SELECT value FROM meta WHERE name = 'traces'") == [("",)]


@pytest.mark.parametrize("call", ["tick", "forget", "archive"])
def test_the_next_call_that_works_pays(path: Path, dying: Callable[[], None], call: str) -> None:
    """Also a tick that finds nothing due, in a process that was open all the time."""
    with Engine(path) as other:
        die_while_forgetting(path)
        dying()
        if call == "tick":
            assert other.tick(after("2 hours")).inputs == 0
        elif call == "forget":
            other.forget("c7", at=after("2 hours"))
        else:
            other.archive("j", at=after("2 hours"))
        assert WHO.encode() not in bytes_of(path)
        assert other.audit() == []


def test_a_step_owes_as_a_call_does(path: Path, dying: Callable[[], None]) -> None:
    """A tick in which a step forgot somebody dies before the rebuild: the next open pays."""
    host = fill(open_engine(str(path)))
    host.feed("go", "1 hour", WHO)
    with pytest.raises(Death):
        host.tick("1 hour")
    assert WHO.encode() in bytes_of(path)
    dying()
    with Engine(path):
        assert WHO.encode() not in bytes_of(path)


def test_an_engine_that_does_not_scrub_leaves_it_to_others(path: Path, dying: Callable[[], None]) -> None:
    """`Engine(scrub=False)` opens and ticks without rebuilding; `vacuum` and any other engine do it."""
    die_while_forgetting(path)
    dying()
    with Engine(path, scrub=False) as engine:
        engine.tick(after("2 hours"))
        assert WHO.encode() in bytes_of(path)
        engine.vacuum()
        assert WHO.encode() not in bytes_of(path)


def test_a_debt_that_cannot_be_paid_stops_nothing(
    path: Path, dying: Callable[[], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While somebody reads the old file an open and a tick log it and go on; the next tick tries again."""
    monkeypatch.setattr("journeyflow.stores.sqlite.opening.READER_SECONDS", 0.01)
    die_while_forgetting(path)
    dying()
    with closing(SQLiteStore(path)) as reading, reading.reader() as reader:
        reader.rows("SELECT count(*) FROM customers")
        with Engine(path) as engine:
            host = Host(engine)
            host.put("1 hour", "bob", name="Bob")
            assert host.tick("2 hours").inputs == 1
            assert WHO.encode() in bytes_of(path)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "traces of forgotten customers are still in the file" in caplog.text
    with Engine(path):
        assert WHO.encode() not in bytes_of(path)


def test_a_note_of_another_process_is_not_taken_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who is forgotten elsewhere while this process rebuilds is still owed for."""
    with Engine(path) as engine, Engine(path) as other:
        host, rebuilt = fill(engine), SQLiteStore._scrub
        others = [die, rebuilt]

        def paying_once(store: SQLiteStore) -> None:
            """Pay what is owed already, and end before anything more is paid."""
            others.pop()(store)

        def meanwhile(store: SQLiteStore) -> None:
            """Rebuild the file; then somebody is forgotten by another process."""
            rebuilt(store)
            monkeypatch.setattr(SQLiteStore, "_scrub", paying_once)
            with pytest.raises(Death):
                other.forget("c1", at=after("2 hours"))

        monkeypatch.setattr(SQLiteStore, "_scrub", meanwhile)
        engine.forget(WHO, at=after("1 hour"))
        assert host.rows("SELECT value FROM meta WHERE name = 'traces'") == [("owed",)]
