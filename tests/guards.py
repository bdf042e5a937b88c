"""What the source of the package must not hold: each guard names what it finds of it in the parts of a module."""

import ast
import re
import sys

from journeyflow.stores.schema import TABLE_NAMES
from journeyflow.stores.views import VIEWS
from tests.source import HOLE, PACKAGE, imports_in, modules, names_of, texts

PURE = frozenset(
    {"bisect", "calendar", "collections", "contextlib", "csv", "datetime", "decimal", "difflib", "functools",
     "hashlib", "heapq", "html", "itertools", "json", "keyword", "marshal", "math", "operator", "re", "statistics",
     "types", "typing", "unicodedata", "zoneinfo"}
)  # fmt: skip
"""Standard modules that compute and reach nothing outside: what the core may import."""

LOADERS = frozenset({"importlib", "importlib.machinery", "importlib.util", "pkgutil", "runpy"})
CALLS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"})
CLOCKS = frozenset({"now", "today", "utcnow"})
CLOCKS_IN_SQL = ("current_timestamp", "current_date", "current_time", "'now'")

Parts = list[ast.AST]
"""Every part of a module."""


def loaders(parts: Parts) -> set[str]:
    """Name what could import a module that no import statement names."""
    names = {node.id for node in parts if isinstance(node, ast.Name)}
    names |= {node.attr for node in parts if isinstance(node, ast.Attribute)}
    return {each.name for each in imports_in(parts)} & LOADERS | names & {"__import__", "import_module"}


def outside(parts: Parts) -> set[str]:
    """Name what reaches outside of a computation: standard modules, and functions that are always there."""
    roots = {each.name.partition(".")[0] for each in imports_in(parts)} & sys.stdlib_module_names
    used = {node.id for node in parts if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return roots - PURE | used & CALLS


def relative(parts: Parts) -> set[str]:
    """Name what is imported from a place that is counted from here, which no other guard follows."""
    return {"." * node.level for node in parts if isinstance(node, ast.ImportFrom) and node.level}


def borrowed(parts: Parts) -> set[str]:
    """Name what is taken from a module of ours that has it from another one."""
    found: set[str] = set()
    bound: dict[str, str] = {}
    for node in parts:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
            source = (node.module or "").removeprefix(PACKAGE).removeprefix(".")
            inner = {each.asname or each.name: f"{source}.{each.name}".removeprefix(".") for each in node.names}
            bound |= {name: module for name, module in inner.items() if module in modules()}
            found |= {f"{source}: {each.name}" for each in node.names if each.name not in names_of(source)}
    for node in parts:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            source = bound[node.value.id]
            found |= {f"{source}: {node.attr}"} - {f"{source}: {name}" for name in names_of(source)}
    return found


VIEW_NAMES = tuple(re.findall(r"CREATE VIEW (\w+)", VIEWS))
TABLE = rf"({'|'.join((*TABLE_NAMES, *VIEW_NAMES, HOLE))})"
KIND = r"(TEMP\w*\s+|UNIQUE\s+|VIRTUAL\s+)*(TABLE|INDEX|VIEW|TRIGGER|SCHEMA|SEQUENCE)"

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM\b|INSERT\s+(OR\s+\w+\s+)?INTO\b|REPLACE\s+INTO\b|UPDATE\s+\S+\s+SET\b"
    rf"|DELETE\s+FROM\b|TRUNCATE\s+\w|(CREATE|DROP|ALTER)\s+{KIND}\b|PRAGMA\s+\S"
    r"|WITH\s+(RECURSIVE\s+)?\S+\s+AS\s+(NOT\s+)?(MATERIALIZED\s*)?\()|^\s*(SELECT|VACUUM)\b",
    re.DOTALL,
)
"""A statement in capitals, about whatever table."""

LOWER_SQL = re.compile(
    rf"\b((select\s.+\sfrom|insert\s+(or\s+\w+\s+)?into|replace\s+into|delete\s+from)\s+{TABLE}"
    rf"|update\s+{TABLE}\s+set|(create|drop|alter)\s+{KIND}\s+(if\s|{TABLE})|pragma\s+\w+\s*[=(])",
    re.DOTALL | re.IGNORECASE,
)
"""A statement in any letters about a table of ours, or one that is put in: without it, words as in prose."""


def sql(parts: Parts) -> set[str]:
    """Return the texts that are statements of SQL, put together or not."""
    return {text for text in texts(parts) if SQL.search(text) or LOWER_SQL.search(text)}


def clocks(parts: Parts) -> set[str]:
    """Name what asks what time it is."""
    called = {id(node.func) for node in parts if isinstance(node, ast.Call)}
    found = {
        f"{node.attr} in line {node.lineno}"
        for node in parts
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
        if id(node) in called or (isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"})
    }
    return found | {word for word in CLOCKS_IN_SQL for text in texts(parts) if word in text.lower()}
