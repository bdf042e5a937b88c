"""Event and customer files: what is read, what is refused, and that nothing else is lost."""

import json
from datetime import UTC, datetime

import pytest

from journeyflow import InvalidInput
from journeyflow.formats import BadLine, read_customers, read_events


def events_of(path, text, encoding="utf-8"):
    """Write a file and read it as events: (events, bad lines)."""
    path.write_text(text, encoding=encoding, errors="surrogateescape")
    bad: list[BadLine] = []
    return list(read_events(path, bad=bad.append)), bad


def customers_of(path, text):
    """Write a file and read it as customers: (pairs, bad lines)."""
    path.write_text(text, encoding="utf-8")
    bad: list[BadLine] = []
    return list(read_customers(path, bad=bad.append)), bad


def test_a_csv_row_is_an_event_and_its_further_columns_are_data(tmp_path):
    """Numbers, true and false are read as such, an empty cell is absent, ids stay text."""
    text = "at,type,customer,id,amount,cds,vip,note,code,blank\n2026-01-01T10:00:00Z,buy,c1,77,29.5,3,true,hello,007,\n"
    (event,), bad = events_of(tmp_path / "e.csv", text)
    assert (event.type, event.customer, event.id) == ("buy", "c1", "77")
    assert event.at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert dict(event.data) == {"amount": 29.5, "cds": 3, "vip": True, "note": "hello", "code": "007"}
    assert bad == []


def test_columns_may_stand_in_any_order_and_a_byte_order_mark_is_no_harm(tmp_path):
    """A file saved by a spreadsheet reads like any other."""
    (event,), bad = events_of(tmp_path / "e.csv", "customer,at,type\nc1,2026-01-01T10:00:00+02:00,buy\n", "utf-8-sig")
    assert event.at == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert bad == []


def test_an_ndjson_line_is_an_event_and_an_object_under_data_is_data(tmp_path):
    """Further keys and the object under "data" together are the data; blank lines are passed over."""
    lines = [
        {"at": "2026-01-01T00:00:00Z", "type": "buy", "customer": "c1", "data": {"a": 1}, "b": [2]},
        {"at": "2026-01-02T00:00:00Z", "type": "buy", "customer": "c2", "id": "x", "data": 5},
    ]
    events, bad = events_of(tmp_path / "e.ndjson", "\n\n".join(map(json.dumps, lines)))
    assert [dict(event.data) for event in events] == [{"a": 1, "b": (2,)}, {"data": 5}]
    assert events[1].id == "x"
    assert bad == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-01-01,buy,c1,1", "line 3: '2026-01-01' has no offset"),
        ("soon,buy,c1,1", "line 3: 'soon' is not an ISO 8601 instant"),
        (",buy,c1,1", "line 3: at: the cell is empty; each line needs one"),
        ("2026-01-01T00:00:00Z,,c1,1", "line 3: type: the cell is empty; each line needs one"),
        ("2026-01-01T00:00:00Z,buy,,1", "line 3: customer: the cell is empty; each line needs one"),
        ("2026-01-01T00:00:00Z,buy,c1,1,2,3", "line 3: has 6 cells, the header has 4"),
        ("2026-01-01T00:00:00Z,buy,c1,9999999999999999999", "line 3: data.amount: the integer needs more than 64 bits"),
        ("2026-01-01T00:00:00Z,buy,c\udcff1,1", "line 3: customer: contains a lone surrogate"),
        ('2026-01-01T00:00:00Z,buy,"c1"x,1', "line 3: this is not CSV"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason_and_the_others_are_read(tmp_path, row, reason):
    """A fault of one line is told and costs that line alone (F107 in spirit: partial success)."""
    good = "2026-01-01T00:00:00Z,buy,c1,1"
    events, bad = events_of(tmp_path / "e.csv", f"at,type,customer,amount\n{good}\n{row}\n{good}\n")
    assert len(events) == 2
    assert [str(line)[: len(reason)] for line in bad] == [reason]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "this is not JSON"),
        ("[1]", "expected an object, not list [1]"),
        ('{"at": "x", "at": "y"}', "this is not JSON: the key 'at' stands twice"),
        ('{"at": NaN}', "this is not JSON: NaN is not a JSON number"),
        ('{"at": 5, "type": "buy", "customer": "c1"}', "at: must be an ISO 8601 instant, not int 5"),
        (
            '{"at": "2026-01-01T00:00:00Z", "type": 1, "customer": true}',
            "type: must be text, not int 1; customer: must",
        ),
        ("[" * 100_000, "this is not JSON"),
    ],
)
def test_a_bad_ndjson_line_is_named_and_the_others_are_read(tmp_path, line, reason):
    """Wrong JSON, wrong shapes and coercions are refused line by line."""
    good = json.dumps({"at": "2026-01-01T00:00:00Z", "type": "buy", "customer": "c1"})
    events, bad = events_of(tmp_path / "e.ndjson", f"{good}\n{line}\n{good}\n")
    assert len(events) == 2
    assert [(each.number, each.reason[: len(reason)]) for each in bad] == [(2, reason)]


def test_a_header_without_a_needed_column_refuses_the_whole_file(tmp_path):
    """All missing and double columns are told at once, with the nearest name."""
    with pytest.raises(InvalidInput) as raised:
        events_of(tmp_path / "e.csv", "when,typ,customer,x,x\n")
    assert [fault.split(": ", 1)[1] for fault in raised.value.faults] == [
        "the header has no column 'at'",
        "the header has no column 'type' (did you mean 'typ'?)",
        "the header has the column 'x' twice",
    ]


def test_an_empty_file_has_no_header(tmp_path):
    """An empty file is refused like one without columns."""
    with pytest.raises(InvalidInput, match="there is no header; the first line names columns, here at, type, customer"):
        events_of(tmp_path / "e.csv", "")


def test_blank_lines_of_a_csv_are_passed_over(tmp_path):
    """A trailing blank line is not a row."""
    events, bad = events_of(tmp_path / "e.csv", "at,type,customer\n\n2026-01-01T00:00:00Z,buy,c1\n\n")
    assert (len(events), bad) == (1, [])


def test_customers_are_ids_with_attributes(tmp_path):
    """A customer file has `customer` and attributes, in CSV or NDJSON; reserved attributes are checked (R50)."""
    pairs, bad = customers_of(tmp_path / "c.csv", "customer,name,age\nc1,Ann,41\n,Bob,5\n")
    assert pairs == [("c1", {"name": "Ann", "age": 41})]
    assert bad == [BadLine(3, "customer: the cell is empty; each line needs one")]
    pairs, bad = customers_of(
        tmp_path / "c.ndjson", '{"customer": "c1", "tags": ["a"]}\n{"customer": "c2", "tags": 1}\n'
    )
    assert pairs == [("c1", {"tags": ["a"]})]
    assert [line.reason for line in bad] == ["tags: must be a list of texts, not int 1"]


def test_progress_is_told_in_bytes_up_to_the_size_of_the_file(tmp_path):
    """Long reading tells how far it is; the last word is the size of the file."""
    path = tmp_path / "e.csv"
    path.write_text("at,type,customer\n" + "2026-01-01T00:00:00Z,buy,c1\n" * 2_500)
    told: list[int] = []
    assert sum(1 for _ in read_events(path, bad=print, progress=told.append)) == 2_500
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
