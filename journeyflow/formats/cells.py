"""Cells of CSV files that people open in a spreadsheet."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may take for a formula."""


def cell(value: object) -> object:
    """Write a value so that no spreadsheet takes it for a formula; numbers stay numbers.

    >>> cell("=1+1"), cell("-5"), cell(-5), cell("a=b")
    ("'=1+1", "'-5", -5, 'a=b')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
