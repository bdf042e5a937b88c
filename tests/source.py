"""The source of the package, as its tests read it: modules, their parts, and what they import."""

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from journeyflow.basics.collector import undisturbed

PACKAGE = "journeyflow"
ROOT = Path(__file__).resolve().parents[1]


class Import(NamedTuple):
    """One import: what, and whether it is there for the type checker alone."""

    name: str
    types_only: bool


def name_of(path: Path) -> str:
    """Name a module without the package before it."""
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def files() -> dict[str, Path]:
    """Find every module of the package."""
    return {name_of(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


@cache
def modules() -> dict[str, ast.Module]:
    """Parse every module of the package: a million parts that stay, through which no garbage collector has to go."""
    found = undisturbed(lambda: {name: ast.parse(path.read_bytes(), str(path)) for name, path in files().items()})
    gc.freeze()
    return found


@cache
def nodes(module: str) -> list[ast.AST]:
    """List every part of a module."""
    return list(ast.walk(modules()[module]))


def parts_of(text: str) -> list[ast.AST]:
    """List every part of a source text."""
    return list(ast.walk(ast.parse(text)))


def room(module: str) -> str:
    """Name the room a module stands in: the folder, or the file, at the top of the package."""
    return module.split(".", maxsplit=1)[0]


def is_in(module: str, part: str) -> bool:
    """Return whether a module is a part of the package, or inside it."""
    return module == part or module.startswith(f"{part}.")


@cache
def imports(module: str) -> list[Import]:
    """List what a module imports, inside functions too; a name imported from a package is its module, if it is one."""
    return imports_in(nodes(module))


def imports_in(parts: list[ast.AST]) -> list[Import]:
    """List what the parts of a module import."""
    for_types = {
        id(inner)
        for node in parts
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return [
        Import(name, id(node) in for_types)
        for node in parts
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node)
    ]


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield what one import names."""
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
        return
    source = node.module or ""
    for each in node.names:
        inner = f"{source}.{each.name}"
        yield inner if inner.removeprefix(f"{PACKAGE}.") in files() and source.startswith(PACKAGE) else source


HOLE = "\N{WHITE SQUARE}"
"""Stands in a text for what is put into it while the program runs."""


def texts(parts: list[ast.AST]) -> Iterator[str]:
    """Yield every text but docstrings, as a whole: one that is put together has a `HOLE` for each value."""
    seen = {id(node.value) for node in parts if isinstance(node, ast.Expr)}
    for node in parts:
        if id(node) not in seen and (text := _text(node)) is not None:
            seen |= {id(inner) for inner in ast.walk(node) if _text(inner) is not None}
            yield text


def _text(node: ast.AST) -> str | None:
    """Return a text with its holes; None if it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(HOLE if (text := _text(each)) is None else text for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = _text(node.left), _text(node.right)
        return None if sides == (None, None) else "".join(HOLE if side is None else side for side in sides)
    return None


@cache
def names_of(module: str) -> frozenset[str]:
    """Name what a module has of its own: what it defines, its submodules, and what its `__all__` offers."""
    below = {name.rpartition(".")[2] for name in modules() if name.rpartition(".")[0] == module and name}
    return frozenset(_defined(modules()[module].body)) | below


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _defined([inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)])
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            yield from bound
            if "__all__" in bound and node.value is not None:
                yield from ast.literal_eval(node.value)


def arrows() -> list[tuple[str, str, bool]]:
    """List (module, imported module, only for types) inside the package."""
    return [
        (module, each.name.removeprefix(PACKAGE).removeprefix("."), each.types_only)
        for module in modules()
        for each in imports(module)
        if each.name.split(".")[0] == PACKAGE
    ]


def classes() -> list[tuple[str, ast.ClassDef]]:
    """List every class of the package with its module."""
    return [(module, node) for module in modules() for node in nodes(module) if isinstance(node, ast.ClassDef)]
