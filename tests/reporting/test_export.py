"""Tables as CSV and NDJSON files, and everything of one customer."""

import csv
import json
import tracemalloc
from datetime import timedelta

import pytest

from journeyflow import (
    Condition,
    End,
    Engine,
    Event,
    InvalidInput,
    Journey,
    MemoryStore,
    NotFound,
    Reentry,
    Send,
    Trigger,
    Wait,
    field,
)
from journeyflow.formats.cells import FORMULAS, safe_cell
from journeyflow.questions.dossier import dossier
from journeyflow.questions.export_tables import EVERYBODY, EXPORT_TABLES, IN_ORDER
from journeyflow.records.changes import Changes
from journeyflow.reporting import export_tables
from journeyflow.stores.sqlite import SQLiteStore
from journeyflow.testing import conformance
from tests.samples import START, STORES, Host, after, open_engine

STEPS = (
    Send("hello", channel="EMAIL", template="t", data={"name": "{{ name }}"}),
    Condition("rich", field("plan").eq("gold"), yes=[Wait("long", "9 days")]),
    Wait("reply", event="said", timeout="3 days"),
)


@pytest.fixture(params=STORES)
def host(request):
    """Give a host on each store, with three people of whom one is of another tenant."""
    with open_engine(request.param, grace=None, max_jump=None) as engine:
        told = Host(engine)
        told.deploy(*STEPS, reentry=Reentry.always())
        told.put(START, "ann", name="Ann", plan="free")
        for customer in ("cid", "ann", "=bob"):
            told.feed("go", START, customer, note=customer)
        other = engine.tenant("other")
        other.deploy(told.engine.definition("j"), at=START)
        other.feed(Event("go", customer="ann", at=START))
        told.tick()
        told.feed("said", "1 hour", "ann", word="yes")
        told.tick("1 hour")
        yield told


def read_csv(path):
    """Read a CSV file as rows."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def read_ndjson(path):
    """Read an NDJSON file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- tables ---------------------------------------------------------------------------------------------------------


def test_rows_come_by_tenant_journey_customer_run_and_visit(host, tmp_path):
    """Every enrollment, visit and message has its row, in a total order, with ISO instants, empty where none."""
    assert export_tables(host.engine.store, tmp_path) == {"enrollments": 4, "visits": 13, "messages": 4}
    rows = read_csv(tmp_path / "enrollments.csv")
    assert rows[0] == [*EXPORT_TABLES["enrollments"].columns, "key"]
    assert [(row[0], row[3], row[5]) for row in rows[1:]] == [
        ("default", "'=bob", "ACTIVE"),
        ("default", "ann", "COMPLETED"),
        ("default", "cid", "ACTIVE"),
        ("other", "ann", "ACTIVE"),
    ]
    assert rows[2][7:] == ["2026-01-05T08:00:00.000000Z", "2026-01-05T09:00:00.000000Z", ""]
    assert rows[1][8] == ""
    visits = read_csv(tmp_path / "visits.csv")[1:]
    assert [row[5] for row in visits if row[0] == "default" and row[2] == "ann"] == ["hello", "rich", "reply", "end"]
    assert [int(row[4]) for row in visits] == [1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 1, 2, 3]


def test_ndjson_says_the_same(host, tmp_path):
    """One object per line, numbers as numbers, null where there is nothing, nothing quoted."""
    export_tables(host.engine.store, tmp_path)
    counts = export_tables(host.engine.store, tmp_path, format="ndjson")
    for name, table in EXPORT_TABLES.items():
        lines, rows = read_ndjson(tmp_path / f"{name}.ndjson"), read_csv(tmp_path / f"{name}.csv")[1:]
        assert len(lines) == len(rows) == counts[name]
        texts = [["" if value is None else str(safe_cell(value)) for value in line.values()] for line in lines]
        assert texts == rows
        assert {tuple(line) for line in lines} == {(*table.columns, *table.added)}
    assert read_ndjson(tmp_path / "enrollments.ndjson")[0]["ended_at"] is None


def test_messages_have_their_ids_and_runs_their_keys(host, tmp_path):
    """R22, R70: after the columns of a back-test, which are fixed; `bare` files have those alone."""
    engine = host.engine
    engine.renew_nonce("later")
    steps = [Send("paid", channel="EMAIL", template="t")]
    host.deploy(*steps, id="carts", trigger=Trigger("cart"), reentry=Reentry.restart(key="event.cart"))
    host.say("cart", "1 hour", "ann", cart="=1")
    export_tables(engine.store, tmp_path, exact=True)
    found = {name: read_csv(tmp_path / f"{name}.csv") for name in EXPORT_TABLES}
    assert [rows[0][-1] for rows in found.values()] == ["key"] * 3
    for rows in found.values():
        assert {row[-1] for row in rows[1:]} == {"", "=1"}
        assert {row[1] for row in rows[1:] if row[-1]} == {"carts"}
    assert found["messages"][0][-2] == "id"
    ids = {row[-2] for row in found["messages"][1:] if row[0] == "default"}
    assert ids == {each.id for each in engine.messages().items}
    assert {name.partition("-")[0] for name in ids} == {"memory", "later"}
    export_tables(engine.store, tmp_path, exact=True, bare=True)
    for name, table in EXPORT_TABLES.items():
        width = len(table.columns)
        assert read_csv(tmp_path / f"{name}.csv") == [row[:width] for row in found[name]]


def test_one_tenant_and_one_table(host, tmp_path):
    """What is not asked for is not written (R91)."""
    assert export_tables(host.engine.store, tmp_path / "a" / "b", tables=["messages"], tenant="other") == {
        "messages": 1
    }
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["messages.csv"]


def test_exact_cells_stay_as_they_are(host, tmp_path):
    """Where exact data matter nothing is put in front of a cell."""
    export_tables(host.engine.store, tmp_path, exact=True)
    assert read_csv(tmp_path / "enrollments.csv")[1][3] == "=bob"


@pytest.mark.parametrize("first", FORMULAS)
def test_no_cell_is_a_formula(first):
    """Whatever a spreadsheet may run begins with an apostrophe."""
    assert safe_cell(f"{first}cmd()") == f"'{first}cmd()"


def test_what_cannot_be_exported_is_refused_at_once(host, tmp_path):
    """All faults are told, and nothing is written."""
    with pytest.raises(InvalidInput, match=r"'people' is none of .*\n.*format: must be 'csv' or 'ndjson', not 'xml'"):
        export_tables(host.engine.store, tmp_path / "out", tables=["people"], format="xml")  # type: ignore[arg-type]  # no format
    assert not (tmp_path / "out").exists()


def test_progress_is_told_enrollment_by_enrollment(host, tmp_path):
    """It goes up to its end, also where enrollments have no rows."""
    told = []
    export_tables(host.engine.store, tmp_path, lambda *each: told.append(each), tables=["visits", "messages"])
    assert told == sorted(told)
    assert set(told) == {(done, 8) for done in range(1, 9)}


def test_rows_of_several_journeys_come_journey_by_journey(tmp_path):
    """The key of every file is tenant, journey, customer, run (and n), as text and as numbers."""
    with Engine(MemoryStore()) as engine:
        for name in ("b", "a", "a-b"):
            engine.deploy(
                Journey(id=name, trigger=Trigger("go"), reentry=Reentry.always(), steps=[End("done")]), at=START
            )
        for hour, customer in enumerate(["c2", "c10", *["c1"] * 31]):
            engine.feed(Event("go", customer=customer, at=START + timedelta(hours=hour)))
        engine.tick(START + timedelta(days=2))
        export_tables(engine.store, tmp_path, exact=True)
    keys = [(row[0], row[1], row[3], int(row[4])) for row in read_csv(tmp_path / "enrollments.csv")[1:]]
    assert keys == sorted(keys)
    assert len(keys) == 99
    visits = [(*row[:3], int(row[3]), int(row[4])) for row in read_csv(tmp_path / "visits.csv")[1:]]
    assert visits == sorted(visits)


def test_an_export_sees_one_instant(tmp_path):
    """What another connection writes meanwhile is in none of the files."""
    path = tmp_path / "journeys.db"
    with Engine(path, grace=None) as engine, Engine(path, grace=None) as other:
        told = Host(engine)
        told.deploy(*STEPS)
        told.say("go", START, "ann")

        def meanwhile(_done: int, _of: int) -> None:
            Host(other).say("go", "1 minute", f"c{_done}")

        assert export_tables(engine.store, tmp_path, meanwhile) == {"enrollments": 1, "visits": 3, "messages": 1}


@pytest.mark.parametrize("table", EXPORT_TABLES)
def test_only_the_rows_of_a_few_enrollments_are_sorted(table):
    """What is asked about at once is found by its keys and sorted; nothing grows with the number of people."""
    with MemoryStore().reader() as reader:
        plan = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {EXPORT_TABLES[table].sql}", ("[]",))]
    assert {step for step in plan if step.startswith("SCAN")} == {"SCAN s VIRTUAL TABLE INDEX 1:"}  # parts of JSON
    assert [step for step in plan if "TEMP B-TREE" in step] == ["USE TEMP B-TREE FOR ORDER BY"]


@pytest.mark.parametrize("whose", ["", "WHERE c.tenant = 't'"])
def test_people_come_in_the_order_of_an_index(whose):
    """Only the runs of one person are sorted while all are walked through, and the index alone is read."""
    with MemoryStore().reader() as reader:
        plan = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {EVERYBODY} {whose} {IN_ORDER}")]
    assert ["COVERING INDEX" in step for step in plan] == [True, True, False]
    assert plan[2] == "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"


def steps_of_an_export(journeys, people, tmp_path, *, tenant):
    """Count what SQLite does, in its own steps, while people who are in one journey each are exported."""
    with Engine(MemoryStore(), grace=None, max_jump=None) as engine:
        for n in range(journeys):
            engine.deploy(
                Journey(id=f"j{n}", trigger=Trigger("go", where=field("n").eq(n)), steps=[End("done")]), at=START
            )
        engine.feed(Event("go", customer=f"c{n}", at=START, data={"n": n % journeys}) for n in range(people))
        engine.tick(START)
        done = 0

        def count():
            nonlocal done
            done += 1

        with engine.store.reader() as reader:
            reader._connection.set_progress_handler(count, 1)  # type: ignore[attr-defined]  # no part of the protocol
        assert export_tables(engine.store, tmp_path, tenant=tenant)["visits"] == people
        with engine.store.reader() as reader:
            reader._connection.set_progress_handler(None, 1)  # type: ignore[attr-defined]  # likewise
        return done


@pytest.mark.unmeasured
@pytest.mark.parametrize("tenant", [None, "default"])
def test_the_cost_follows_the_rows_whatever_journeys_there_are(tenant, tmp_path):
    """The same people in a hundred journeys cost as much as in one."""
    one, many = (steps_of_an_export(count, 500, tmp_path, tenant=tenant) for count in (1, 100))
    assert many < 1.1 * one


@pytest.mark.unmeasured
def test_memory_does_not_grow_with_the_rows(tmp_path):
    """Ten times the people take no more memory in Python."""
    peaks = []
    for count in (300, 3_000):
        store = SQLiteStore(tmp_path / f"{count}.db")
        people = tuple[tuple[int, str, str, dict[str, object]], ...](
            (number, "t", f"c{number:05}", {}) for number in range(1, count + 1)
        )
        runs = tuple(conformance.run(number, number) for number in range(1, count + 1))
        moves = tuple(conformance.entry(number) for number in range(1, count + 1))
        conformance.write(store, conformance.CATALOG, Changes(customers=people), Changes(runs=runs, moves=moves))
        tracemalloc.start()
        assert export_tables(store, tmp_path)["visits"] == 2 * count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        store.close()
    assert peaks[1] < 1.5 * peaks[0]


# --- one customer -----------------------------------------------------------------------------------------------------


def test_a_customer_gets_everything_that_is_kept(host):
    """Attributes, runs with visits, compared values, messages, refusals, all that was told: ready for JSON (R86)."""
    (message, *_) = host.engine.messages(customer="ann").items
    host.engine.feed(Event("message.opened", customer="ann", at=after("2 hours"), data={"message": message.id}))
    host.feed("later", "9 days", "ann", x=1)
    host.tick("2 hours")
    told = json.loads(json.dumps(host.engine.export_customer("ann")))
    assert (told["tenant"], told["customer"], told["attributes"]["name"]) == ("default", "ann", "Ann")
    (run,) = told["enrollments"]
    assert (run["journey"], run["status"], run["trigger"]) == ("j", "COMPLETED", {"note": "ann"})
    assert [visit["step"] for visit in run["visits"]] == ["hello", "rich", "reply", "end"]
    assert "free" in json.dumps(run["compared"])
    (sent,) = told["messages"]
    assert (sent["id"], sent["data"]) == (message.id, {"name": "Ann"})
    assert sent["happened"] == {"opened": {"first": "2026-01-05T10:00:00.000000Z", "count": 1}}
    assert [(each["kind"], each["type"], each["outcome"]) for each in told["told"]] == [
        ("put", "put", "handled"),
        ("event", "go", "handled"),
        ("event", "said", "handled"),
        ("event", "message.opened", "handled"),
        ("event", "later", "pending"),
    ]


def test_refusals_are_told_too(host):
    """The last refusal of each journey, with the values compared (R21)."""
    host.deploy(Wait("rest", "1 day"), id="vip", run_criteria=field("plan").eq("gold"))
    host.say("go", "2 hours", "ann")
    (refusal,) = host.engine.export_customer("ann")["refusals"]
    assert (refusal["journey"], refusal["reason"]) == ("vip", "run criteria")
    assert "free" in json.dumps(refusal["compared"])


def test_of_nobody_there_is_nothing(host):
    """Somebody unknown, of another tenant or forgotten is not found; who only waits in the inbox is (R84, R91)."""
    host.feed("go", "9 days", "eve")
    assert host.engine.export_customer("eve")["told"][0]["outcome"] == "pending"
    assert host.engine.export_customer("eve")["enrollments"] == []
    with pytest.raises(NotFound, match="customer 'nobody'"):
        host.engine.export_customer("nobody")
    with host.engine.store.reader() as reader:
        assert dossier(reader, "third", "ann") is None


def test_the_forgotten_are_not_told_of():
    """After forgetting there is nothing to export, and the tables name nobody (R86)."""
    with open_engine("sqlite", grace=None) as engine:
        told = Host(engine)
        told.deploy(*STEPS)
        told.say("go", START, "ann")
        engine.forget("ann", at=START + timedelta(hours=1))
        with pytest.raises(NotFound):
            engine.export_customer("ann")
