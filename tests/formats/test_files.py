"""Files as people have them: other separators, encodings, zones and names, stray quotes, arrays, streams."""

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import InvalidInput
from journeyflow.definition.rules.operators import as_number
from journeyflow.formats import BadLine, FileCounts, read_customers, read_events
from journeyflow.formats import csv_rows as tables_module
from journeyflow.formats.files import size_of


def customers(data, **options):
    """Read customers of bytes or text: (pairs, bad lines)."""
    bad: list[BadLine] = []
    raw = data if isinstance(data, bytes) else data.encode()
    return list(read_customers(io.BytesIO(raw), bad=bad.append, **options)), bad


def events(data, **options):
    """Read events of text: (events, bad lines)."""
    return events_of_bytes(data.encode(), **options)


def events_of_bytes(data, **options):
    """Read events of bytes: (events, bad lines)."""
    bad: list[BadLine] = []
    return list(read_events(io.BytesIO(data), bad=bad.append, **options)), bad


def refusal(data, **options):
    """Return the one sentence with which a customer file is refused."""
    with pytest.raises(InvalidInput) as error:
        customers(data, **options)
    (fault,) = error.value.faults
    return fault


# --- quotes -----------------------------------------------------------------------------------------------------------


def a_file(**lines):
    """Return a CSV file of 1,000 customers, with some lines replaced, by their number."""
    rows = ["customer,name,city", *(f"c{n},Ann,Rome" for n in range(2, 1_002))]
    for number, line in lines.items():
        rows[int(number[1:]) - 1] = line
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("far", "why"),
    [
        ('c902,"Zoe, B",Rome', "',' expected after '\"'"),
        ('c902,Zoe 5",Rome', "a quoted cell holds lines that are rows"),
        ("c902,Zoe,Rome", "unexpected end of data"),
    ],
)
def test_a_stray_quote_costs_its_own_line(far, why):
    """It names the line where it opens and how far it goes; the lines that it would swallow are read."""
    found, bad = customers(a_file(_12='c12,"Ann,Rome', _902=far))
    assert [name for name, _ in found] == [f"c{n}" for n in range(2, 1_002) if n != 12]
    last = 1_001 if "end" in why else 902
    assert [(line.number, line.lines) for line in bad] == [(12, 1)]
    place = f"a quote opens here, and goes on to line {last}; not taken: line 12"
    assert bad[0].reason == f"this is not CSV: {why} ({place})"


REASON = "this is not CSV: ',' expected after '\"'"


def test_what_lies_between_whole_rows_is_told_as_a_span_with_its_lines():
    """Pieces of a broken record are not rows: only a line with as many cells as the header is one by itself."""
    found, bad = customers('customer,name,city\nc1,"a\nb\nc"x,Rome\nc2,Ann,Rome\n')
    assert [name for name, _ in found] == ["c2"]
    assert [str(line) for line in bad] == [
        f"lines 2 to 4: {REASON} (a quote opens here, and goes on to line 4; not taken: lines 2 to 4)"
    ]
    found, bad = customers('customer,name,city\nc1,"a\nc2,Ann,Rome\nb\nc3,"x,Rome\n')
    assert [name for name, _ in found] == ["c2"]
    assert [str(line) for line in bad] == [
        f"line 2: {REASON} (a quote opens here, and goes on to line 5; not taken: line 2, lines 4 to 5)",
        f"lines 4 to 5: {REASON}",
    ]


def test_a_cell_of_many_lines_is_a_cell():
    """Lines inside quotes that are not rows are text, also when there are many; doubled quotes are quotes."""
    text = 'one\ntwo, three\r\n\r\nfour\nfive "six"'
    found, bad = customers('customer,name,city\nc1,"' + text.replace('"', '""') + '",Rome\nc2,Ann,Rome\n')
    assert (found[0][1]["name"], len(found), bad) == (text, 2, [])


def test_a_quote_in_a_wide_file_does_not_cost_time(monkeypatch):
    """A record is read up to a bound, and each of its lines once more: many strays cost what one does."""
    monkeypatch.setattr(tables_module, "CSV_FIELD_LIMIT", 1_000)
    lines = ['a",b,"c', "c1,Ann"] * 400
    found, bad = customers("customer,name\n" + "\n".join(lines))
    assert len(found) == 400
    assert sum(line.lines for line in bad) == 400


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('"customer,name\nc1,Ann\n', "lines 1 to 2: this is not CSV: unexpected end of data (a quote opens here, and"),
        ('"cust"omer,name\nc1,Ann\n', "line 1: this is not CSV: ',' expected after '\"'"),
    ],
)
def test_a_header_that_is_no_csv_is_told_as_any_line(data, reason):
    """The first line is read by the same code as all others."""
    assert refusal(data).startswith(f"the stream: the header cannot be read: {reason}")


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r", "a", "1", ";", '""', "\x00", " "]), max_size=40).map("".join))
def test_each_line_is_taken_bad_or_blank(text):
    """Whatever a file holds, reading it ends, and no line is told twice."""
    found, bad = customers("customer,x\n" + text)
    told = [n for line in bad for n in range(line.number, line.number + line.lines)]
    assert len(told) == len(set(told))
    assert len(found) + len(told) <= len(text) + 1


# --- rows and headers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_are_line_ends(end):
    """Lines are counted in each of them; blank lines and lines of separators are not rows."""
    found, bad = customers(end.join(["", "customer,name", "c1,Ann", "", ",", "c2, Bob", "c3,Cy"]))
    assert [name for name, _ in found] == ["c1", "c3"]
    assert [line.number for line in bad] == [6]


def test_separators_at_the_end_of_lines_are_no_columns():
    """Spreadsheets write them; a value under no name is a fault."""
    found, bad = customers("customer;name;;\nc1;Ann;;\nc2;Bob;;;;\nc3;Cy;;x\n", delimiter=";")
    assert found == [("c1", {"name": "Ann"}), ("c2", {"name": "Bob"})]
    assert [str(line) for line in bad] == ["line 4: has 4 cells, the header has 2"]
    _, bad = customers("customer,,name\nc1,x,Ann\n")
    assert [str(line) for line in bad] == ["line 2: a cell: 'x' stands in a column without a name"]


def test_blanks_around_a_cell_are_told_or_removed():
    """A value that looks like another one is a fault; `trim` mends it, in the header too."""
    data = "customer,name\nc1, Ann\nc2\u200b,Bob\nc3,\u00a0\nc4,a b\n"
    found, bad = customers(data)
    assert found == [("c4", {"name": "a b"})]
    told = "begins or ends with blanks; remove them, or read with trim=True (--trim in the shell)"
    assert [line.reason for line in bad] == [
        f"name: ' Ann' {told}",
        f"customer: 'c2\\u200b' {told}",
        f"name: '\\xa0' {told}",
    ]
    assert customers(data, trim=True) == (
        [("c1", {"name": "Ann"}), ("c2", {"name": "Bob"}), ("c3", {}), ("c4", {"name": "a b"})],
        [],
    )
    assert refusal("customer, name\n") == f"the stream: the header: ' name' {told}"
    assert customers("customer, name\nc1, Ann\n", trim=True)[0] == [("c1", {"name": "Ann"})]


def test_columns_get_other_names():
    """In CSV and in JSON; a name that the header does not have is a fault, and so are two for one."""
    names = {"Kunde": "customer", "Ort": "city"}
    assert customers("Kunde,Ort\nc1,Rome\n", columns=names)[0] == [("c1", {"city": "Rome"})]
    assert customers('{"Kunde": "c1", "Ort": "Rome"}', columns=names)[0] == [("c1", {"city": "Rome"})]
    assert refusal("Kunde,Orte\n", columns=names) == (
        "the stream: the header has no column 'Ort' to map (did you mean 'Orte'?)"
    )
    assert refusal("Kunde,city,Ort\n", columns=names) == "the stream: the header has the column 'city' twice"
    _, bad = customers('{"Kunde": "c1", "customer": "c2"}', columns=names)
    assert [str(line) for line in bad] == ["line 1: two of its keys are mapped to one name"]
    assert refusal("Kunde,Ort\n") == (
        "the stream: the header has no column 'customer'; if another column has it, map that: "
        "columns={'X': 'customer'} (--map X=customer in the shell)"
    )


# --- cells ------------------------------------------------------------------------------------------------------------


def values(cells, **options):
    """Read cells of one column."""
    sign = {"tab": "\t"}.get(name := options.get("delimiter", ","), name)
    lines = [f"c{n}{sign}{cell}" for n, cell in enumerate(cells)]
    found, bad = customers("\n".join([f"customer{sign}x", *lines]), **options)
    assert bad == []
    return [attributes["x"] for _, attributes in found]


def test_a_cell_is_a_number_in_its_canonical_spelling_alone():
    """Codes and versions that only look like numbers stay what they are: 0e12 and 0e99 are two orders."""
    numbers = ["0", "7", "-5", "29.5", "-0.25", "0.00001", "9223372036854775807", "48.85661400000001"]
    assert values(numbers) == [0, 7, -5, 29.5, -0.25, 0.00001, 2**63 - 1, 48.85661400000001]
    texts = [
        *("1e3", "0e12", "0e99", "1.10", "1.00", "007", "-0", "+1", "00", ".5", "5.", "1_000", "0x1", "NaN", "inf"),
        *("0.1234567890123456789", "12345678901234567890", "\u0663", "True", "1-2"),
    ]
    assert values(texts) == texts


@given(st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(2**63), 2**63 - 1))
def test_what_is_a_number_loses_no_digit(number):
    """A number that is read has the value that was written."""
    text = format(Decimal(repr(number)), "f")
    (got,) = values([text])
    assert got == text or Decimal(repr(got)) == Decimal(text)


@pytest.mark.parametrize(
    ("options", "cells", "expected"),
    [
        ({"delimiter": ";"}, ["1,5", "2.5", "1,234", "0.125", "1234.567"], [1.5, 2.5, 1.234, 0.125, 1234.567]),
        ({"delimiter": ";"}, ["1.234,5", "1.234.567"], ["1234.5", "1.234.567"]),
        ({"delimiter": "tab"}, ["1,5", "2.5", "1,234", "0.125", "1.234,5"], [1.5, 2.5, 1.234, 0.125, "1234.5"]),
        ({"delimiter": ";", "decimal_comma": False}, ["1,5", "2.5", "1,234"], ["1,5", 2.5, "1,234"]),
        ({"delimiter": ";", "decimal_comma": False}, ["1.234", "1234.567", "1.234,5"], [1.234, 1234.567, "1.234,5"]),
        ({"delimiter": "|"}, ["1,5", "2.5", "1,234", "1.234", "1.234,5"], ["1,5", 2.5, "1,234", 1.234, "1.234,5"]),
    ],
)
def test_the_comma_may_be_decimal(options, cells, expected):
    """With semicolons it is; what may be thousands is a fault until the caller decides."""
    assert values(cells, **options) == expected


@pytest.mark.parametrize("delimiter", [";", "|"])
def test_where_the_comma_is_decimal_a_point_separates_thousands(delimiter):
    """1.200 is 1200 as 1.200,50 is 1200.50; what is not a group of three stays text if no rule reads it as a number."""
    cells = ["1.200", "12.000", "-1.200.000", "1.200,5", "1.200,50", "0,5", "0,1234567890123456789"]
    found = values(cells, delimiter=delimiter, decimal_comma=True)
    assert found == [1200, 12000, -1200000, 1200.5, "1200.50", 0.5, "0.1234567890123456789"]
    texts = ["31.12.2024", "1.2.3", "1.2,5", "v1.2", "1.", ".5", "0.120.000"]
    assert values(texts, delimiter=delimiter, decimal_comma=True) == texts
    assert [as_number(text) for text in texts] == [None] * len(texts)


@pytest.mark.parametrize(
    ("options", "cells", "reason"),
    [
        (
            {"decimal_comma": True},
            ["1.2", "1.20", "0.500", "1200.000", "007.125", "-2.5", "1.5e3"],
            "has a point where",
        ),
        ({}, ["1.234", "-12.000", "100.500"], "may be thousands or decimals"),
    ],
)
def test_a_point_that_would_make_another_number_is_a_fault_of_its_line(options, cells, reason):
    """Neither customers nor events take it, and the remedy is named."""
    lines = "\n".join(f"c1;{cell}" for cell in cells)
    found, bad = customers(f"customer;x\n{lines}\n", delimiter=";", **options)
    assert (found, len(bad)) == ([], len(cells))
    assert all(f"x: {cell!r} {reason}" in each.reason for cell, each in zip(cells, bad, strict=True))
    assert all("--decimal-point" in each.reason for each in bad)
    told: list[BadLine] = []
    lines = "".join(f"2026-03-02T08:00:00Z;order;c1;{cell}\n" for cell in cells)
    text = f"at;type;customer;x\n{lines}".encode()
    assert not list(read_events(io.BytesIO(text), bad=told.append, delimiter=";", **options))
    assert [each.reason for each in told] == [each.reason for each in bad]


def test_lists_tags_and_consent_are_read_with_a_separator():
    """Without it they are refused with the remedy; columns of channels need none."""
    data = "customer,tags,lists,consent,consent.SMS\nc1,a|b,news,EMAIL|PUSH=false,true\nc2,,,,false\n"
    assert customers(data, list_separator="|") == (
        [
            ("c1", {"tags": ["a", "b"], "lists": ["news"], "consent": {"EMAIL": True, "PUSH": False, "SMS": True}}),
            ("c2", {"consent": {"SMS": False}}),
        ],
        [],
    )
    _, (told,) = customers(data)
    assert told.reason.startswith("tags: 'a|b' holds perhaps several; name what separates them, such as list_separator")
    _, bad = customers(
        "customer,tags,consent,consent.SMS\nc1,a||b,,\nc2,a| b,,\nc3,,EMAIL=yes,\nc4,,A|A,\nc5,,,no\n",
        list_separator="|",
    )
    assert [(line.number, line.reason.split(":")[0]) for line in bad] == [
        (2, "tags"), (3, "tags"), (4, "consent"), (5, "consent"), (6, "consent.SMS"),
    ]  # fmt: skip


# --- instants ---------------------------------------------------------------------------------------------------------


def test_instants_without_an_offset_are_in_the_zone_of_the_file():
    """A date is its first moment; an instant with an offset is what it says."""
    at = ["2026-03-01 10:00", "2026-07-01", "2026-07-01T00:00:00Z"]
    found, bad = events("at,type,customer\n" + "".join(f"{each},buy,c1\n" for each in at), timezone="Europe/Paris")
    assert [event.at for event in found] == [
        datetime(2026, 3, 1, 9, tzinfo=UTC),
        datetime(2026, 6, 30, 22, tzinfo=UTC),
        datetime(2026, 7, 1, tzinfo=UTC),
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("at", "remedy"),
    [
        ("12/31/2024 10:00", "day and month may be confused; in a spreadsheet, format the column as yyyy-mm-dd"),
        ("31.12.2024", "day and month may be confused; in a spreadsheet, format the column as yyyy-mm-dd"),
        ("2024/12/31", "the date needs hyphens"),
        ("45657.375", "this is the number of a day in a spreadsheet"),
        ("1735603200000", "this is a count of seconds or milliseconds"),
        ("2024-12-31 10:00", "or name the zone of the file, such as timezone='Europe/Paris' (--timezone Europe/Paris"),
    ],
)
def test_other_instants_are_refused_with_the_remedy(at, remedy):
    """Nobody guesses which number is the month."""
    _, (bad,) = events(f"at,type,customer\n{at},buy,c1\n")
    assert remedy in bad.reason


# --- what came of a file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("taken", "bad", "useless"), [(0, 0, False), (0, 1, True), (1, 1, False)])
def test_a_file_of_which_nothing_was_taken_is_useless(taken, bad, useless):
    """An empty one is not."""
    assert FileCounts("x.csv", taken, bad, 0, ()).useless == useless


def test_standard_input_has_a_name(monkeypatch):
    """Its bytes are read like those of any stream."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"name\n")))
    with pytest.raises(InvalidInput, match="standard input: the header has no column 'customer'"):
        list(read_customers(sys.stdin.buffer, bad=print))


def test_a_line_for_spreadsheets_is_passed_over():
    """Excel writes or expects `sep=;` before the header."""
    text = b"sep=;\ncustomer;name\nann;Ann\n"
    assert list(read_customers(io.BytesIO(text), bad=print, delimiter=";")) == [("ann", {"name": "Ann"})]


def test_text_with_a_decimal_comma_compares_as_a_number():
    """12,50 is not a canonical number; it becomes the text 12.50, which rules read as one (R62)."""
    text = b"customer;a;b;c\nann;12,50;1.234,00;007,5\n"
    ((_, row),) = read_customers(io.BytesIO(text), bad=print, delimiter=";")
    assert row == {"a": "12.50", "b": "1234.00", "c": "007.5"}


def test_an_empty_file_and_an_empty_cell_are_told_as_such():
    """Not as null, and not as a header that lacks columns; a line without any value is passed over."""
    for text in (b"", b"\n", b";;\n"):
        with pytest.raises(InvalidInput, match="there is no header; the first line names columns, here customer"):
            list(read_customers(io.BytesIO(text), bad=print, delimiter=";"))
    assert customers("customer,x\n,1\n,\n") == ([], [BadLine(2, "customer: the cell is empty; each line needs one")])


def test_a_key_that_is_missing_is_told_with_the_option_that_names_it():
    """Not as null, which is another fault."""
    remedy = "if another key has it, map that: columns={'X': 'customer'} (--map X=customer in the shell)"
    found, bad = customers('{"user": "c1"}\n{"customer": null}\n')
    assert (found, [each.reason for each in bad]) == (
        [],
        [f"the key 'customer' is missing; {remedy}", "customer: must be text, not null"],
    )
    assert customers('{"user": "c1"}', columns={"user": "customer"}) == ([("c1", {})], [])
    _, [only] = events('[{"when": "2026-01-01T00:00:00Z", "type": "go", "customer": "c1"}]')
    assert only.reason.startswith("the key 'at' is missing; if another key has it, map that: columns={'X': 'at'}")
    _, [only] = events('{"n": 1}')
    assert [part.partition(" is missing")[0] for part in only.reason.split("; the ")] == [
        "the key 'at'",
        "key 'type'",
        "key 'customer'",
    ]


@pytest.mark.parametrize("path", ["missing.csv", "", "a\x00b"])
def test_a_path_at_which_no_file_can_be_read_is_named(path, tmp_path, monkeypatch):
    """One error for whatever is wrong with it, before anything is read."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="name a file that can be read"):
        list(read_events(path, bad=print))


def test_the_size_of_what_cannot_be_measured_is_0(tmp_path):
    """A stream has no size, and for a path at which there is no file the reading itself raises."""
    (tmp_path / "e.csv").write_text("at\n")
    sources = (tmp_path / "e.csv", str(tmp_path / "missing.csv"), "a\x00b", io.BytesIO(b"at\n"))
    assert [size_of(source) for source in sources] == [3, 0, 0, 0]
