"""Calibration: past weeks are forecast from what was known then, and the truth lies in the bands as it should."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from journeyflow import Engine, Event, InvalidInput, Journey, MemoryStore, Send, Trigger, Wait
from journeyflow.analysis import calibration
from journeyflow.analysis.calibrating import _begun
from journeyflow.questions.history import inputs_between
from journeyflow.stores.sqlite import SQLiteStore
from tests.analysis.test_forecasting import JOURNEY, START, lived


@pytest.fixture(scope="module")
def engine():
    """Live for three weeks, once."""
    with lived(MemoryStore(), days=21) as engine:
        yield engine


def test_the_truth_lies_in_the_bands_about_as_often_as_it_should(engine):
    """Life as it was fitted: well over half of all figures are in their bands, which ask for four fifths."""
    found = calibration(engine, times=2, span="4 days", replications=4, until=START + timedelta(days=21))
    assert len(found.figures) > 15
    assert found.share is not None
    assert 0.6 <= found.share <= 1
    assert set(found.shares) == {"messages", "messages a day", "entered", "ended"}
    weeks = {each.at for each in found.figures}
    assert weeks == {START + timedelta(days=days) for days in (13, 17)}
    truth = sum(each.truth for each in found.figures if each.figure == "entered")
    entered = [each.entered_at for each in engine.enrollments(take=None)]
    assert truth == sum(START + timedelta(days=13) < at <= START + timedelta(days=21) for at in entered)


def test_a_calibration_is_the_same_side_by_side(engine):
    """An executor runs the replications of each forecast."""
    asked: dict[str, Any] = {"times": 2, "span": "1 day", "replications": 2, "until": START + timedelta(days=9)}
    with ThreadPoolExecutor(2) as threads:
        assert calibration(engine, **asked, executor=threads) == calibration(engine, **asked)


def test_the_replay_is_the_past(engine):
    """At the end of a replay everything is as the store has it: enrollments, messages, and what became of them."""
    with engine.store.reader() as reader, Engine(_begun(reader), grace=None, max_jump=None) as past:
        with past.store.transaction() as transaction:
            transaction.commit(inputs_between(reader, 0, 10**18))
        past.tick(START + timedelta(days=21))
        with past.store.reader() as replayed:
            for table in ("enrollments", "messages", "customers"):
                sql = f"SELECT * FROM {table} ORDER BY 1, 2"
                others = {"messages": {10, 11, 12, 13}}.get(table, set())
                assert told(replayed.rows(sql), others) == told(reader.rows(sql), others), table


def told(rows, others):
    """Return rows without some columns."""
    return [[cell for place, cell in enumerate(row) if place not in others] for row in rows]


def test_a_change_of_life_lies_outside_the_bands():
    """Where five times as many came in the last week as ever before, that is seen."""
    with lived(MemoryStore(), days=5) as engine:
        late = START + timedelta(days=6)
        engine.feed([Event("member.created", customer=f"x{n}", at=late + timedelta(minutes=n + 1)) for n in range(500)])
        engine.tick(late + timedelta(days=3))
        found = calibration(engine, times=1, span="3 days", until=late + timedelta(days=3), replications=4)
    (entered,) = [each for each in found.figures if each.figure == "entered"]
    assert entered.truth >= 500
    assert not entered.held
    assert "!" in str(found)
    assert repr(found).startswith("Calibration(")
    assert any(row["held"] is False for row in found.to_dicts())


def test_the_file_is_not_touched(tmp_path):
    """Byte for byte it is what it was; both stores are calibrated alike."""
    path = tmp_path / "live.db"
    lived(SQLiteStore(path, synchronous="NORMAL", nonce="n"), days=4).close()
    before = path.read_bytes()
    with Engine(path) as engine:
        found = calibration(engine, times=1, span="1 day", replications=2)
    assert path.read_bytes() == before
    with lived(MemoryStore(nonce="n"), days=4) as engine:
        assert calibration(engine, times=1, span="1 day", replications=2) == found


def test_a_past_that_is_not_in_the_inputs_is_refused(engine):
    """Pauses, pulls and pruned history are named; so are numbers that cannot be."""
    with pytest.raises(ValueError, match="times must be 1 or more"):
        calibration(engine, times=0)
    with pytest.raises(InvalidInput, match="there is no history"):
        calibration(engine, times=1, until=START)
    with Engine(MemoryStore(), grace=None) as other:
        other.deploy(JOURNEY, at=START)
        other.pause("welcome", at=START)
        pulling = Journey(id="p", trigger=Trigger.every("1 day"), steps=[Send("s", channel="SMS", template="t")])
        other.deploy(pulling, at=START)
        with pytest.raises(InvalidInput, match="journey 'welcome' was paused") as raised:
            calibration(other)
        assert "journey 'p' pulls customers" in str(raised.value)
    with Engine(MemoryStore(), grace=None) as pruned:
        pruned.deploy(Journey(id="j", trigger=Trigger("go"), steps=[Wait("w", "1 day")]), at=START)
        pruned.feed(Event("go", customer="c", at=START))
        pruned.tick(datetime(2026, 5, 1, tzinfo=UTC))
        pruned.prune(before=datetime(2026, 4, 1, tzinfo=UTC))
        with pytest.raises(InvalidInput, match="history was pruned"):
            calibration(pruned)
