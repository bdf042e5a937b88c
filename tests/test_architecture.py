"""The shape of the house, read from its source: which way imports point, and what the core may touch."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.guards import borrowed, clocks, loaders, outside, relative, sql
from tests.source import PACKAGE, ROOT, arrows, files, imports, is_in, modules, nodes, room

pytestmark = pytest.mark.source

LADDER = (
    "errors", "basics", "drawing", "records", "definition", "formats", "machine", "stores", "catalog", "work",
    "questions", "reporting", "engine",
    # what users import, and the outer wing: what it does, a host could do
    "", "answers", "services", "simulation", "testing", "analysis", "cli", "__main__",
)  # fmt: skip
"""Every room, from the bottom up; "" is the package itself. A room imports only those that stand before it."""

KNOWS_NOTHING_OF = {
    "records": {"definition", "drawing"},
    "machine": {"drawing", "formats"},
    "stores": {"definition", "drawing", "formats", "machine"},
    "definition": {"records"},
    "formats": {"drawing", "machine", "stores"},
    "catalog": {"drawing"},
    "work": {"drawing"},
    "engine": {"drawing"},
}
"""Rooms that stand beside one another: neither is part of the other, although one stands before the other."""

CORE = ("errors", "basics", "drawing", "records", "definition", "formats", "machine", "catalog", "work", "questions")
OUTSIDE = {"stores.sqlite": "the one store that is made of a file", "stores.memory": "it lays itself out in SQLite"}
OUTSIDE |= {"stores.postgres": "the store on a server", "stores.fresh": "draws the nonce of a new database"}
OUTSIDE |= {"stores.addresses": "looks at files, and opens stores by name"}
OUTSIDE |= {"stores.moving": "opens stores by name"}
OUTSIDE |= {"stores.turns": "threads and forks have their turns on a store"}
OUTSIDE |= {"stores.schema": "typed for SQLite", "formats.files": "opens the files of hosts"}
"""Parts of the rooms below the engine that reach outside, each with its reason."""

OUTER_WING = ("simulation", "testing", "analysis", "cli")
"""What leads engines through made-up, past or tried lives, or answers a shell.

It shares records, definitions, files and answers with the engine; what moves runs it leaves to an `Engine`.
"""

MOVES_RUNS = ("catalog", "machine", "work")
OFFERED = {
    *("engine.engine", "engine.copy_calls", "engine.core", "engine.housekeeping", "engine.inputs"),
    *("stores.contract", "stores.memory", "stores.memory.store", "stores.sqlite.store"),
    *("stores.addresses", "stores.moving", "stores.schema", "stores.snapshot", "stores.views"),
}
"""What the outer wing takes of the engine and of stores: an engine, its inputs and reports of progress; stores, how to
open and to copy one, and what the tables look like."""

READS_OF_IT = {
    ("analysis.coverage", "work.entries"): "why a journey can refuse an entry is said once, where entries are checked",
    ("simulation.population", "work.engagement"): "which attribute a reaction sets is said once, where the engine does",
    ("simulation.reacting", "machine.facts"): "rules of made-up people read what rules of a journey read",
}
"""What the outer wing takes of what moves runs, each with its reason: nothing there changes a run."""

SPEED = "work.together"
"""What exists for speed alone: nothing may lean on it but the one who chooses between it and the plain way."""

READS_THE_CLOCK = {"cli.shared": "`--at` and `--now` of the command line default to now"}
"""The one exception of R1."""

STOPWATCHES = {
    "engine.engine": "how long handlers take, for leases (R71); a host may give another stopwatch",
    "services.asgi": "how long requests take, and how many a minute has; a host may give another stopwatch",
}
"""What may measure lengths of time, with `time.monotonic`, which does not know what time it is."""

THIRD_PARTY = {
    "attrs": None,
    "dateutil": {"basics.durations"},
    "re2": {"basics.patterns"},
    "sqlite_utils": {"stores.sqlite.store"},
    "psycopg": {"stores.postgres"},
    "click": {"cli"},
    "starlette": {"services.asgi"},
    "uvicorn": {"cli.serving"},
    "pandas": {"basics.frames"},
    "hypothesis": {"testing"},
}
"""Every dependency with the modules that may import it; None is all. Each optional one is imported in one place."""

OF_THE_PROCESS = {
    ("basics.collector", "gc"): "the collector rests while the engine works, and runs again afterwards",
    ("basics.showing", "contextvars"): "the zone in which the command line shows instants; no answer depends on it",
    ("formats", "importlib"): "a public name is imported from its module on first use",
}
"""What modules of the core use that belongs to the whole process, each with its reason."""

BY_NAME_AT_RUN_TIME = {"", "formats"}
"""Where a module is imported by a name that is looked up: public names, each from its module on first use."""


def core() -> list[str]:
    """List the modules that must be pure: all below the engine, bar those that reach outside."""
    inner = [name for name in files() if room(name) in {*CORE, "stores"}]
    return [name for name in inner if not any(is_in(name, part) for part in OUTSIDE)]


# --- which way imports point ------------------------------------------------------------------------------------------


def test_the_repository_holds_sources_alone():
    """What a program left behind in the folder is not part of the repository."""
    git = shutil.which("git") or pytest.skip("no git here")
    found = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S603 git
    if found.returncode:
        pytest.skip("no clone")
    names = [name.decode() for name in found.stdout.split(b"\0") if name]
    top = {name for name in names if "/" not in name}
    assert top == {
        ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "dev.py", "pyproject.toml",
        "pytest_journeyflow.py",
    }  # fmt: skip
    assert [name for name in names if re.search(r"\.(db|sqlite|log|bak|out)$|[^\w./+-]", name, re.ASCII)] == []


def test_every_module_stands_in_a_room():
    """A new room is made on purpose; one that is gone leaves no name behind."""
    assert len(set(LADDER)) == len(LADDER)
    assert set(map(room, modules())) == set(LADDER)


def test_imports_point_down_the_ladder_of_rooms():
    """No room imports one that stands above it, nor one that it knows nothing of, not even inside a function."""
    between = {(module, other) for module, other, _ in arrows() if room(module) != room(other)}
    up = {pair for pair in between if LADDER.index(room(pair[1])) > LADDER.index(room(pair[0]))}
    aside = {pair for pair in between if room(pair[1]) in KNOWS_NOTHING_OF.get(room(pair[0]), ())}
    assert up | aside == set()


def test_services_use_the_public_interface_of_the_engine():
    """A service is a host: it takes what the package offers, and the values and files that hosts exchange with it.

    The directory is a store of its own: its file is held as the file of a store is.
    """
    offered = {"", "answers", "errors", "basics", "drawing", "definition", "formats", "services"}
    own = {f"services.directory.{each}" for each in ("directory_file", "sqlite")}
    assert {other for module, other, _ in arrows() if module in own and room(other) == "stores"} == {
        *("stores.turns", "stores.sqlite.blocks", "stores.sqlite.held_file", "stores.sqlite.opening"),
    }
    taken = {other for module, other, _ in arrows() if room(module) == "services" and module not in own}
    assert {room(other) for other in taken} <= offered


def test_the_outer_wing_moves_no_runs():
    """A simulation, a proof or a command has its runs moved by an engine: nothing there is done a second time.

    The conformance suite, which takes the place of the engine, sees all of a store's interface.
    """
    taken = {(module, other) for module, other, _ in arrows() if room(module) in OUTER_WING}
    assert {pair for pair in taken if room(pair[1]) in MOVES_RUNS} == set(READS_OF_IT)
    engine_room = {pair for pair in taken if room(pair[1]) in {"engine", "stores"}}
    assert {other for module, other in engine_room if not is_in(module, "testing.conformance")} <= OFFERED
    suite = {other for module, other in engine_room if is_in(module, "testing.conformance")}
    assert suite <= {"stores.batch", "stores.contract", "stores.inquiries"}


def test_no_room_has_a_circle_inside():
    """Modules of one room can be read in an order in which nothing is needed before it was read."""
    down: dict[str, set[str]] = {module: set() for module in modules()}
    for module, other, _ in arrows():
        if other != module:
            down[module].add(other)
    left = set(down)
    while free := {module for module in left if not down[module] & left}:
        left -= free
    assert not left


@pytest.mark.parametrize("module", files())
def test_an_import_says_where_a_name_is_from(module):
    """No module is imported by a name made at run time, or counted from here, and no name by way of another module.

    The ladder, and all that is said of who imports what, reads import statements.
    """
    assert (loaders(nodes(module)) == set()) is (module not in BY_NAME_AT_RUN_TIME)
    assert relative(nodes(module)) == set()
    assert borrowed(nodes(module)) == set()


def test_the_ladder_would_notice_an_arrow_that_points_up():
    """Control: the arrows that are known to be there are seen, those inside functions too."""
    assert ("machine.waits", "basics.moments", False) in arrows()
    assert ("stores.memory.mirror", "stores.sqlite.store", False) in arrows(), "imports inside functions are seen"
    assert any(types for _, _, types in arrows()), "imports for the type checker alone are seen"


def test_only_the_scheduler_takes_what_exists_for_speed():
    """Whoever reads how the engine works may leave `work/together/` out."""
    taking = {module for module, other, _ in arrows() if is_in(other, SPEED) and not is_in(module, SPEED)}
    assert taking == {"work.scheduler"}


def test_sql_stands_in_two_rooms():
    """Tables and columns are known to the stores and to the questions, and to nobody else; a directory has its own."""
    asking = {module for module in modules() if sql(nodes(module))}
    others = {module for module in asking if room(module) not in {"stores", "questions"}}
    own = {f"services.directory.{each}" for each in ("directory_file", "schema", "sqlite")}
    assert {each for each in others if room(each) == "services"} == own, "a store of its own"
    assert others - own == ASKS_AS_A_HOST


def test_rows_of_a_file_are_fetched_before_they_are_read():
    """An error about a row would hold an open statement, and the log of the file could not be emptied (R86).

    The one cursor that is read row by row is that of a view, which closes it.
    """
    by_row = [
        module
        for module in modules()
        if is_in(module, "stores.sqlite")
        for node in nodes(module)
        for part in ast.iter_child_nodes(node)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "execute"
        if not isinstance(node, ast.Expr | ast.Attribute)
    ]
    assert by_row == ["stores.sqlite.reader"]


ASKS_AS_A_HOST = {
    *("simulation.demo", "cli.replays", "testing.running"),
    *(f"testing.conformance.{part}" for part in ("catalog", "helpers", "loading", "questions", "writing")),
}
"""What looks at the documented tables as any host may."""


# --- what the core may touch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", core())
def test_the_core_touches_nothing_outside(module):
    """R1: no clock, chance, file, network, thread or printing in the core."""
    assert outside(nodes(module)) == {name for of, name in OF_THE_PROCESS if of == module}


@pytest.mark.parametrize("module", sorted(set(files()) - set(READS_THE_CLOCK)))
def test_no_module_reads_a_clock(module):
    """R1: every instant is an argument, for the outer features and in SQL as well."""
    taken = {
        each.name
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for each in node.names
    }
    assert taken == ({"monotonic"} if module in STOPWATCHES else set())
    assert "time" not in {each.name for each in imports(module)} or taken
    assert clocks(nodes(module)) == set()


@pytest.mark.parametrize("module", files())
def test_a_dependency_is_imported_where_it_belongs(module):
    """Third-party code enters through one module each, so that what is optional stays optional."""
    standard = sys.stdlib_module_names | {PACKAGE}
    for name in {each.name.split(".")[0] for each in imports(module)} - standard:
        assert name in THIRD_PARTY, f"{name} is not a dependency"
        allowed = THIRD_PARTY[name]
        assert allowed is None or any(is_in(module, part) for part in allowed)


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after some code."""
    code = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 our own code
    return set(done.stdout.split())


def test_importing_the_package_costs_next_to_nothing():
    """A host pays for the names that it uses."""
    loaded = loaded_by("import journeyflow")
    assert {name for name in loaded if name.startswith(("journeyflow", "attr"))} == {"journeyflow"}


def test_an_engine_in_memory_loads_neither_a_database_nor_extras():
    """A host that simulates in memory pays neither for SQLite nor for files, Hypothesis or click."""
    heavy = {"sqlite_utils", "sqlite3", "hypothesis", "click", "re2", "asyncio", "importlib.metadata"}
    assert not heavy & loaded_by("from journeyflow import *; Engine(MemoryStore())")


def entry_points() -> list[str]:
    """Return the modules that other programs load by an entry point."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["scripts"], *project["entry-points"].values()]
    return sorted({target.partition(":")[0] for group in groups for target in group.values()})


@pytest.mark.parametrize("module", entry_points())
def test_what_an_entry_point_names_can_be_imported_first(module):
    """Hypothesis loads its own at the end of its import: one that imported Hypothesis first would be half loaded."""
    assert "hypothesis" not in loaded_by(f"import {module}")
