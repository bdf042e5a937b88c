"""Cells and lines of CSV files, as spreadsheets and Python itself read them back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow.formats.cells import FORMULAS, csv_text, safe_cell, write_csv

TEXTS = st.text(st.sampled_from("a,;\"'\r\n\t =+-@\u2028\x00\u0661".replace("\x00", "")), max_size=6)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
def test_what_is_written_is_read_back(rows):
    """Line ends of every kind inside a cell stay inside it, on every version of Python."""
    text = io.StringIO()
    assert write_csv(text, ["a", "b"], rows, exact=True) == len(rows)
    assert list(csv.reader(io.StringIO(text.getvalue(), newline=""))) == [["a", "b"], *rows]


@pytest.mark.parametrize("first", FORMULAS)
def test_no_cell_begins_like_a_formula(first):
    """Neither a text of one character nor one after a line end that was not quoted."""
    for value in (first, f"{first}1+1"):
        assert safe_cell(value) == f"'{value}"
        assert next(csv.reader(io.StringIO(csv_text([value], []), newline=""))) == [f"'{value}"]
    rows = list(csv.reader(io.StringIO(csv_text(["n"], [[f"x\r{first}1"]]), newline="")))
    assert rows == [["n"], [f"x\r{first}1"]]
