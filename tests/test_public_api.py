"""What users may rely on: every public name with its arguments, compared with a stored list.

A change of the interface is thereby a visible difference in `public_api.txt`. After one that is meant:
`python3 dev.py run python tests/test_public_api.py`.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import journeyflow
from journeyflow import answers, errors

STORED = Path(__file__).with_name("public_api.txt")
ROOMS = (
    "",
    ".analysis",
    ".answers",
    ".errors",
    ".formats",
    ".services.directory",
    ".services.octeth",
    ".simulation",
    ".testing",
)
MODULES = tuple(f"journeyflow{room}" for room in ROOMS)


def arguments(of: object) -> str:
    """Write the arguments of a function without types and defaults; "=" marks one that may be left out."""
    try:
        signature = inspect.signature(of)  # type: ignore[arg-type]  # what is not callable raises
    except (TypeError, ValueError):
        return ""
    shown, keyword = [], False
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not keyword:
            shown.append("*")
        keyword = keyword or each.kind in {each.KEYWORD_ONLY, each.VAR_POSITIONAL}
        star = "*" if each.kind is each.VAR_POSITIONAL else ""
        shown.append(f"{star}{each.name}{'' if each.default is each.empty else '='}")
    return f"({', '.join(name for name in shown if name != 'self')})"


def lines(module: str) -> Iterator[str]:
    """List the public names of a module, classes with their methods and properties."""
    of = importlib.import_module(module)
    for name in of.__all__:
        member = getattr(of, name)
        error = isinstance(member, type) and issubclass(member, Exception)
        yield f"{module}.{name}{'' if error else arguments(member)}"
        if isinstance(member, type):
            for inner, what in inspect.getmembers_static(member):
                if not inner.startswith("_") and inner not in dir(Exception) and not inspect.ismemberdescriptor(what):
                    function = inspect.isfunction(what) or isinstance(what, classmethod)
                    yield f"{module}.{name}.{inner}{arguments(getattr(member, inner)) if function else ''}"


def written() -> str:
    """Write the whole list."""
    return "".join(f"{line}\n" for module in MODULES for line in lines(module))


def test_the_public_interface_is_the_one_that_is_stored():
    """Nothing public comes, goes or takes other arguments by accident."""
    assert written() == STORED.read_text(encoding="utf-8"), "meant? python3 dev.py run python tests/test_public_api.py"


def test_every_public_name_is_there_once_and_in_order():
    """`__all__` is sorted, has no double, and names everything that the package offers."""
    for module in MODULES:
        names = importlib.import_module(module).__all__
        assert names == sorted(set(names), key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert {name for name in dir(journeyflow) if not name.startswith("_")} == set(journeyflow.__all__)


def test_type_checkers_see_what_the_package_imports_on_demand():
    """Each public name is imported for type checkers from the module that it comes from, and there is no other."""
    tree = ast.parse(Path(journeyflow.__file__).read_text(encoding="utf-8"))
    seen = {
        name.name: f"{node.module}"
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert sorted(seen) == sorted(journeyflow.__all__)
    for name, module in seen.items():
        assert getattr(journeyflow, name) is getattr(importlib.import_module(module), name)


def test_a_name_that_the_package_does_not_have_is_an_error():
    """An unknown name is neither imported nor guessed."""
    with pytest.raises(AttributeError, match="module 'journeyflow' has no attribute 'Enigne'"):
        _ = getattr(journeyflow, "Enigne")  # noqa: B009 a type checker sees that it is not there


def test_the_top_of_the_package_holds_what_is_typed_most():
    """What a host reads off an answer has its types in `journeyflow.answers`; the top stays a list one can take in."""
    assert len(journeyflow.__all__) < 60
    assert set(journeyflow.__all__).isdisjoint(answers.__all__)


def test_every_public_name_says_what_it_is():
    """`help()` answers for every name and every method."""
    public = {name: getattr(module, name) for module in (journeyflow, answers, errors) for name in module.__all__}
    for name, member in public.items():
        if isinstance(member, type) or inspect.isfunction(member):
            assert inspect.getdoc(member), name
        if isinstance(member, type):
            methods = inspect.getmembers(member, inspect.isfunction)
            assert not [inner for inner, what in methods if not inner.startswith("_") and not what.__doc__]


def test_every_public_name_is_called_in_the_file_that_is_type_checked():
    """A name or a method of the engine that a typed host could not use would be noticed there."""
    tree = ast.parse(STORED.with_name("typing_api.py").read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {*journeyflow.__all__, *answers.__all__, *errors.__all__} - used == set()
    assert {name for name in dir(journeyflow.Engine) if not name.startswith("_")} - used == set()


if __name__ == "__main__":
    STORED.write_text(written(), encoding="utf-8")
