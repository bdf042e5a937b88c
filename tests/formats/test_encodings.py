"""Files of hosts as they are: encodings, kinds, arrays."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from journeyflow import InvalidInput
from journeyflow.formats import FileOptions, read_customers, read_events
from journeyflow.formats import csv_rows as tables_module
from journeyflow.formats import objects as objects_module
from tests.formats.test_files import customers, events_of_bytes, refusal

GERMAN = "customer;name;betrag\nc1;Jürg;1,5\n"

READ = [("c1", {"name": "Jürg", "betrag": 1.5})]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (GERMAN.encode("utf-8-sig"), {}),
        (b"sep=;\r\n" + GERMAN.encode(), {}),
        (GERMAN.encode("utf-8-sig"), {"delimiter": ";"}),
        (GERMAN.encode("utf-8-sig"), {"delimiter": ";", "encoding": "utf-8"}),
        (GERMAN.encode("cp1252"), {"encoding": "cp1252"}),
        (GERMAN.replace(";", "\t").encode("cp1252"), {"encoding": "cp1252"}),
        (GERMAN.encode("utf-16"), {}),
        (GERMAN.encode("utf-32"), {"encoding": "utf-32-be"}),
        (b"\xff\xfe" + GERMAN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (b"\xff\xfe" + GERMAN.replace(";", "\t").encode("utf-16-le"), {}),
        (GERMAN.encode("utf-16-be"), {"delimiter": ";"}),
        (GERMAN.replace(";", "\t").encode("utf-16"), {"delimiter": "tab", "decimal_comma": True}),
    ],
)
def test_exports_of_spreadsheets_are_read_with_two_options(data, options):
    """UTF-8 with a mark, the code page of Windows, UTF-16 with tabs."""
    assert customers(data, **options) == (READ, [])


def test_the_refusal_of_a_spreadsheet_names_the_options():
    """Where the sign that was named is wrong, and if the file is not UTF-8 either both at once."""
    encoding = "; name its encoding, for Excel perhaps encoding='cp1252' (--encoding cp1252 in the shell)"
    other = "the stream: the cells are separated by ';'; name the sign: delimiter=';' (--delimiter ';' in the shell)"
    assert refusal("customer;name\n", delimiter=",") == other
    assert refusal(GERMAN.encode("cp1252"), delimiter=",") == f"{other}, and it is not UTF-8{encoding}"
    assert refusal("customer;größe\n".encode("cp1252"), delimiter=",") == f"{other}, and it is not UTF-8{encoding}"
    assert refusal("sep=,\ncustomer;name\n") == other
    assert "(--delimiter 'tab' in the shell)" in refusal("customer\tname\n", delimiter=";")
    assert "delimiter=','" in refusal("customer,name\n", delimiter=";")
    assert "did you mean 'customer;name'?" in refusal('"customer;name"\n')
    assert "the header has no column 'customer'" in refusal("Kunde;name\n")
    broken = "contains a lone surrogate, which is not valid text: the file is not utf-8"
    assert refusal("customer,größe\n".encode("cp1252")) == f"the stream: the header {broken}{encoding}"
    _, (bad,) = customers("customer,name\nc1,Jürg\n".encode("cp1252"))
    assert str(bad) == f"line 2: name: {broken}{encoding}"
    _, (bad,) = customers('{"customer": "c1", "name": "Jürg"}\n'.encode("cp1252"))
    assert str(bad) == f"line 1: {broken}{encoding}"


LOCAL = "at;type;customer;größe\n01.02.2026;kauf;c1;1,5\n2026-03-01 10:00;kauf;c1;1,5\n"


def test_an_export_in_local_times_needs_its_encoding_and_its_zone():
    """The refusal without them names these two and no other, whether the header is read or a line."""
    done = events_of_bytes(LOCAL.encode("cp1252"), encoding="cp1252", timezone="Europe/Paris")
    assert [(event.at, dict(event.data)) for event in done[0]] == [
        (datetime(2026, 3, 1, 9, tzinfo=UTC), {"größe": 1.5})
    ]
    local = LOCAL.replace("01.02.2026;kauf;c1;1,5\n", "")
    with pytest.raises(InvalidInput) as error:
        events_of_bytes(local.encode("cp1252"))
    header, first = error.value.faults
    assert "the header contains a lone surrogate" in header
    assert "encoding='cp1252' (--encoding cp1252 in the shell)" in header
    assert "has no offset" in first
    assert "timezone='Europe/Paris' (--timezone Europe/Paris in the shell)" in first
    _, (bad,) = events_of_bytes(local.replace("größe", "size").replace("kauf", "käuf").encode("cp1252"))
    assert ("(--encoding cp1252 in the shell)" in bad.reason, "(--timezone Europe" in bad.reason) == (True, True)
    assert "delimiter" not in f"{header}{first}{bad}"
    for rows in ("", '2026-03-01 10:00;kauf;c1;"1\n', ";kauf;c1;\n", "2026-03-01T10:00:00Z;kauf;c1;1\n"):
        with pytest.raises(InvalidInput, match="the header contains a lone surrogate") as error:
            events_of_bytes(f"at;type;customer;größe\n{rows}".encode("cp1252"))
        assert len(error.value.faults) == 1


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("customer;first, last\nc1;Ann, Lee\n", {"first, last": "Ann, Lee"}),
        ("customer,a;b;c\nc1,Ann\n", {"a;b;c": "Ann"}),
        ('customer|"a;b,c\td"\nc1|Ann\n', {"a;b,c\td": "Ann"}),
        ('\r\n\r\n"two\r\nlines";customer\r\nAnn;c1\r\n', {"two\r\nlines": "Ann"}),
        ("sep=:\ncustomer:name\nc1:Ann\n", {"name": "Ann"}),
        ('"sep=;"\ncustomer;name\nc1;Ann\n', {"name": "Ann"}),
    ],
)
def test_the_header_shows_the_sign_with_which_it_has_its_columns(data, found):
    """Another sign in a name is part of it; a line for spreadsheets states the sign."""
    assert customers(data) == ([("c1", found)], [])
    mapped = customers(data.replace("customer", "Kunde"), columns={"Kunde": "customer"})
    assert mapped == ([("c1", found)], [])
    assert customers(data.replace("customer", " customer "), trim=True) == ([("c1", found)], [])


def test_a_column_alone_is_one_whatever_its_cells_hold():
    """A cell with a comma and no quotes is told; it is not a row of two cells, and no other sign separates cells."""
    found, bad = customers('customer\nc1\n"a,b"\na,b\na;b\n')
    assert [name for name, _ in found] == ["c1", "a,b", "a;b"]
    assert [str(line) for line in bad] == ["line 4: has 2 cells, the header has 1"]


def test_rows_with_another_sign_than_the_header_are_told():
    """They would be customers with strange names and nothing else; a caller who names the sign gets them."""
    data = "customer;name\nc1,Ann\nc2;Bob\nc3\n"
    found, bad = customers(data)
    assert [name for name, _ in found] == ["c2", "c3"]
    assert [str(line) for line in bad] == ["line 2: is separated by ',', and the header by ';'"]
    found, bad = customers(data, delimiter=";")
    assert ([name for name, _ in found], bad) == (["c1,Ann", "c2", "c3"], [])


def test_a_header_that_never_ends_costs_no_file(monkeypatch):
    """The search for its end is bounded, and NUL in it is not a trace."""
    data = '"customer;name\n' + "c1;Ann\n" * 1_000
    assert "the header cannot be read: lines 1 to 1001: this is not CSV" in refusal(data)
    monkeypatch.setattr(tables_module, "CSV_FIELD_LIMIT", 10)
    assert "this is not CSV: field larger than field limit (10)" in refusal("customer,a-long-name\n")
    monkeypatch.undo()
    customers("customer\n")  # the limit is that of the process


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "latin-1"])
def test_a_mark_of_another_encoding_than_the_one_that_was_named_is_told(encoding):
    """Letters would be read as others, without a word."""
    fault = f"the stream: its first bytes are the mark of utf-8, not {encoding}; leave the encoding out (--encoding)"
    assert refusal(GERMAN.encode("utf-8-sig"), encoding=encoding) == fault
    assert refusal(b'\xef\xbb\xbf{"customer": "c1"}', encoding=encoding) == fault


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04...", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "an old Excel workbook"),
        (b"\x1f\x8b\x08", "compressed with gzip; unpack it first"),
        (b"PAR1\x15", "a Parquet file"),
        (b"SQLite format 3\x00", "an SQLite database"),
    ],
)
def test_files_of_another_kind_are_refused_with_the_remedy(data, what):
    """People give the workbook itself."""
    assert refusal(data).startswith(f"the stream: this is {what}")


def test_text_that_breaks_off_in_a_character_ends_the_reading():
    """What came before is kept; an encoding that the file does not have at all refuses it."""
    _, (bad,) = customers("customer\nc1\n".encode("utf-16")[:-1])
    assert "from here on this is not utf-16 text" in bad.reason
    assert "this is not utf-16 text" in refusal("customer\n", encoding="utf-16")


def test_a_stream_of_text_is_refused():
    """Bytes are needed, because the encoding is found out here."""
    with pytest.raises(TypeError, match="open for reading bytes"):
        list(read_customers(io.StringIO("customer\n"), bad=print))  # type: ignore[arg-type]  # that is the mistake


def test_the_stream_of_a_caller_stays_open():
    """And is read from where it stands; its name is used in messages."""
    stream = io.BytesIO(b"xxcustomer\nc1\n")
    stream.seek(2)
    assert [name for name, _ in read_customers(stream, bad=print)] == ["c1"]
    assert not stream.closed


def test_options_are_checked_at_once():
    """Every fault in one error; an unknown option is one of Python's own."""
    wrong: dict[str, Any] = {
        "delimiter": ";;", "encoding": "hex", "timezone": "Mars", "columns": [1], "list_separator": "",
        "decimal_comma": 1, "trim": None,
    }  # fmt: skip
    with pytest.raises(InvalidInput) as error:
        FileOptions(**wrong)
    assert [fault.split(":")[0] for fault in error.value.faults] == [
        "delimiter", "list_separator", "encoding", "timezone", "columns", "decimal_comma", "trim",
    ]  # fmt: skip
    with pytest.raises(TypeError, match=r"unknown option 'delimeter' \(did you mean 'delimiter'\?\)"):
        read_events("x.csv", bad=print, delimeter=";")  # type: ignore[call-arg]  # that is the mistake


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_an_array_is_read_as_lines_are(monkeypatch, indent, chunk):
    """Whatever its layout, however it is cut; the content decides, not the suffix."""
    monkeypatch.setattr(objects_module, "CHUNK", chunk)
    rows = [{"customer": f"c{n}", "a": [n, {"b": "ü\n]},{"}], "n": n * 111} for n in range(20)]
    found, bad = customers(" \r\n" + json.dumps(rows, indent=indent) + "\n")
    assert [{"customer": name, **attributes} for name, attributes in found] == rows
    assert bad == []


def test_a_fault_in_an_array_costs_its_object():
    """Reading goes on at the next line that begins as the first object did, not at one inside another."""
    data = (
        '[\n  {"customer": "c1"},\n  {\n    "customer": "c2" "a": [\n    {"customer": "x"}]},\n  {"customer": "c3"}\n]'
    )
    found, bad = customers(data)
    assert [name for name, _ in found] == ["c1", "c3"]
    assert [str(line) for line in bad] == ["lines 3 to 5: this is not JSON: expected a comma"]


@pytest.mark.parametrize(
    ("data", "taken", "told"),
    [
        ("[]", [], []),
        ("[ ]\n", [], []),
        ("[", [], ["line 1: this is not JSON: expected a value"]),
        ('[{"customer":"a"}', ["a"], ["line 1: this is not JSON: expected , or ] after an object"]),
        ('[{"customer":"a"} {"customer":"b"}]', ["a"], ["line 1: this is not JSON: expected , or ] after an object"]),
        ('[{"customer":"a"},]', ["a"], ["line 1: this is not JSON: expected a value"]),
        ('[{"customer":"a"}]\nx', ["a"], ["line 2: this is not JSON: text stands after the end of the array"]),
        ('[1,\n{"customer":"a"}]', ["a"], ["line 1: expected an object, not int 1"]),
        ('[{"a":1,"a":2},\n{"customer":"a"}]', ["a"], ["line 1: this is not JSON: the key 'a' stands twice"]),
        ("[" * 100_000, [], ["line 1: this is not JSON: it is nested too deep"]),
        ('[{"customer":"a"},\n{"customer', ["a"], ["line 2: this is not JSON: Unterminated string starting at"]),
    ],
)
def test_arrays_that_are_none(data, taken, told):
    """Each fault is told with its line."""
    found, bad = customers(data)
    assert [name for name, _ in found] == taken
    assert [str(line)[: len(words)] for line, words in zip(bad, told, strict=True)] == told


def test_zero_width_marks_before_json_are_blank():
    """A mark in the middle of joined files is not a fault of a line."""
    found, bad = customers('\ufeff{"customer": "a"}\n\ufeff\n{"customer": "b"}\n')
    assert (len(found), bad) == (2, [])
