"""Back-testing: files through the engine, and what comes out."""

import csv
from datetime import UTC, datetime

import pytest

from journeyflow import Condition, Engine, InvalidInput, Journey, Send, Trigger, Wait, field
from journeyflow.simulation import backtest

EVENTS = """at,type,customer,amount
2026-01-02T00:00:00Z,buy,c2,5
2026-01-01T00:00:00Z,buy,c1,50
nonsense,buy,c1,50
2026-01-09T00:00:00Z,buy,c3,7
"""

THANKS = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[
        Send("thanks", channel="EMAIL", template="thanks"),
        Wait("rest", "3 days"),
        Condition("big", field("trigger.amount").gte(10), yes=[Send("gift", channel="EMAIL", template="gift")]),
    ],
)


@pytest.fixture
def events(tmp_path):
    """Write the event file."""
    path = tmp_path / "events.csv"
    path.write_text(EVENTS)
    return path


def table(path):
    """Read an exported table as rows."""
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("db", [None, "run.db"])
def test_the_tables_say_what_would_have_happened(tmp_path, events, db):
    """Events need not be sorted; the export is sorted by key; instants have six decimals, none is empty."""
    done = backtest(
        [THANKS],
        events=events,
        until=datetime(2026, 1, 10, tzinfo=UTC),
        db=db and tmp_path / db,
        export=tmp_path / "out",
    )
    assert (done.events, done.bad, done.entered, done.messages, done.unhandled) == (3, 1, 3, 4, 0)
    assert done.first == datetime(2026, 1, 1, tzinfo=UTC)
    assert "line 4: 'nonsense' is no ISO 8601 instant" in done.bad_lines[0]
    assert table(tmp_path / "out/enrollments.csv") == [
        ["tenant", "journey", "version", "customer", "run", "status", "reason", "entered_at", "ended_at"],
        [
            "default",
            "thanks",
            "1",
            "c1",
            "1",
            "COMPLETED",
            "",
            "2026-01-01T00:00:00.000000Z",
            "2026-01-04T00:00:00.000000Z",
        ],
        [
            "default",
            "thanks",
            "1",
            "c2",
            "1",
            "COMPLETED",
            "",
            "2026-01-02T00:00:00.000000Z",
            "2026-01-05T00:00:00.000000Z",
        ],
        ["default", "thanks", "1", "c3", "1", "ACTIVE", "", "2026-01-09T00:00:00.000000Z", ""],
    ]
    visits = table(tmp_path / "out/visits.csv")
    assert [row[2:7] + row[9:] for row in visits if row[2] == "c1"] == [
        ["c1", "1", "1", "thanks", "COMPLETED", "queued"],
        ["c1", "1", "2", "rest", "COMPLETED", "elapsed"],
        ["c1", "1", "3", "big", "COMPLETED", "yes"],
        ["c1", "1", "4", "gift", "COMPLETED", "queued"],
        ["c1", "1", "5", "end", "COMPLETED", ""],
    ]
    assert visits[-1][2:] == ["c3", "1", "2", "rest", "ACTIVE", "2026-01-09T00:00:00.000000Z", "", ""]
    assert [row[2:] for row in table(tmp_path / "out/messages.csv")][1] == [
        *("c1", "1", "1", "thanks", "EMAIL", "thanks", "2026-01-01T00:00:00.000000Z", "QUEUED"),
    ]


def test_until_defaults_to_the_last_event_and_later_events_stay_unhandled(events):
    """What lies beyond the end is counted, not run."""
    assert backtest([THANKS], events=events).until == datetime(2026, 1, 9, tzinfo=UTC)
    done = backtest([THANKS], events=events, until=datetime(2026, 1, 3, tzinfo=UTC))
    assert (done.entered, done.unhandled) == (2, 1)


def test_customers_are_known_before_the_first_event_and_trigger_nothing(tmp_path, events):
    """The attributes of a customer file are there when the first event comes; their arrival enters nobody."""
    customers = tmp_path / "customers.csv"
    customers.write_text("customer,tier\nc1,Gold\nc2,Basic\n,x\n")
    gold = Journey(id="gold", trigger=Trigger("buy", where=field("tier").eq("Gold")), steps=[Wait("w", "1 day")])
    news = Journey(id="news", trigger=Trigger("field.changed"), steps=[Wait("w", "1 day")])
    done = backtest([gold, news], events=events, customers=customers)
    assert (done.customers, done.entered, done.bad) == (2, 1, 2)


def test_the_run_is_kept_and_can_be_questioned(tmp_path, events):
    """The database is an ordinary one; a second run into it is refused."""
    path = tmp_path / "run.db"
    backtest([THANKS], events=events, db=path)
    with Engine(path) as engine:
        assert engine.enrollments("thanks").total == 3
        assert engine.audit() == []
    with pytest.raises(InvalidInput, match="exists already"):
        backtest([THANKS], events=events, db=path)


def test_a_file_without_a_readable_event_is_refused(tmp_path):
    """Nothing to run on is an error with the first reason."""
    path = tmp_path / "events.csv"
    path.write_text("at,type,customer\nx,y,z\n")
    with pytest.raises(InvalidInput, match=r"no event that could be read \(first reason: line 2"):
        backtest([THANKS], events=path)
    path.write_text("at,type,customer\n")
    with pytest.raises(InvalidInput, match=r"no event that could be read$"):
        backtest([THANKS], events=path)


def test_progress_is_told_by_phase(tmp_path, events):
    """Each phase tells how far it is, up to its end: the export by people, three in each of three tables."""
    told: dict[str, tuple[int, int]] = {}
    backtest([THANKS], events=events, export=tmp_path, progress=lambda *each: told.__setitem__(each[0], each[1:]))
    assert told == {"events": (events.stat().st_size,) * 2, "run": (3, 3), "export": (9, 9)}
