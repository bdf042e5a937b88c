"""Rulings: what a document leaves open, what is done, and the test that shows it."""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Ruling(NamedTuple):
    """What a document leaves open, what is done, and the name of a test that shows it."""

    opened: str
    ruled: str
    shown: str


def names_of_tests(paths: Iterable[Path]) -> set[str]:
    """Return the names of the tests of modules."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return {each.name for tree in trees for each in tree.body if isinstance(each, ast.FunctionDef)}
