"""The shape of the house, read from its source: which way imports point, what the core may touch, how records look."""

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

import attrs
import pytest

from journeyflow.basics import words
from journeyflow.catalog import lifecycle
from journeyflow.definition import step_checks as checks
from journeyflow.definition import steps
from journeyflow.definition.rules import changes, operators
from journeyflow.definition.rules import conditions as rules
from journeyflow.errors import MissingExtra
from journeyflow.formats import options as file_options
from journeyflow.machine import behaviours as machine
from journeyflow.machine import notes as walk
from journeyflow.machine import program, waits
from journeyflow.stores import contract as store
from journeyflow.work import engagement

pytestmark = pytest.mark.source

PACKAGE = "journeyflow"
ROOT = Path(__file__).resolve().parents[1]

LADDER = (
    "errors", "basics", "drawing", "records", "definition", "formats", "machine", "stores", "catalog", "work",
    "questions", "reporting", "engine",
    # what users import, and the outer wing: what it does, a host could do
    "", "answers", "services", "simulation", "testing", "analysis", "cli", "__main__",
)  # fmt: skip
"""Every room, from the bottom up; "" is the package itself. A room imports only those that stand before it."""

KNOWS_NOTHING_OF = {
    "records": {"definition"},
    "machine": {"formats"},
    "stores": {"definition", "formats", "machine"},
    "definition": {"records"},
    "formats": {"machine", "stores"},
}
"""Rooms that stand beside one another: neither is part of the other, although one stands before the other."""

CORE = ("errors", "basics", "drawing", "records", "definition", "formats", "machine", "catalog", "work", "questions")
OUTSIDE = {"stores.sqlite": "the one store that is made of a file", "stores.memory": "it lays itself out in SQLite"}
OUTSIDE |= {"stores.postgres": "the store on a server", "stores.fresh": "draws the nonce of a new database"}
OUTSIDE |= {"stores.places": "looks at files, and opens stores by name"}
OUTSIDE |= {"stores.moving": "opens stores by name"}
OUTSIDE |= {"stores.turns": "threads and forks have their turns on a store"}
OUTSIDE |= {"stores.schema": "typed for SQLite", "formats.files": "opens the files of hosts"}
"""Parts of the rooms below the engine that reach outside, each with its reason."""

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

WORLD = frozenset(
    {"asyncio", "concurrent", "ctypes", "ftplib", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib",
     "pickle", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys",
     "tempfile", "threading", "time", "urllib", "uuid"}
)  # fmt: skip
"""Standard modules that reach outside: clock, chance, files, network, threads, databases."""

CALLS = frozenset({"breakpoint", "compile", "eval", "exec", "input", "open", "print"})
CLOCKS = frozenset({"now", "today", "utcnow"})
CLOCKS_IN_SQL = ("current_timestamp", "current_date", "current_time", "'now'")


# --- the source -------------------------------------------------------------------------------------------------------


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
    """Parse every module of the package."""
    return {name: ast.parse(path.read_text(encoding="utf-8"), str(path)) for name, path in files().items()}


@cache
def nodes(module: str) -> list[ast.AST]:
    """List every part of a module."""
    return list(ast.walk(modules()[module]))


def is_in(module: str, part: str) -> bool:
    """Return whether a module is a part of the package, or inside it."""
    return module == part or module.startswith(f"{part}.")


def core() -> list[str]:
    """List the modules that must be pure: all below the engine, bar those that reach outside."""
    inner = [name for name in files() if room(name) in {*CORE, "stores"}]
    return [name for name in inner if not any(is_in(name, part) for part in OUTSIDE)]


@cache
def imports(module: str) -> list[Import]:
    """List what a module imports, inside functions too; a name imported from a package is its module, if it is one."""
    for_types = {
        id(inner)
        for node in nodes(module)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return [
        Import(name, id(node) in for_types)
        for node in nodes(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _imported(node)
    ]


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
        return
    source = node.module or ""
    for each in node.names:
        inner = f"{source}.{each.name}"
        yield inner if inner.removeprefix(f"{PACKAGE}.") in files() and source.startswith(PACKAGE) else source


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


# --- which way imports point ------------------------------------------------------------------------------------------


def room(module: str) -> str:
    """Name the room a module stands in: the folder, or the file, at the top of the package."""
    return module.split(".", maxsplit=1)[0]


def test_the_repository_holds_sources_alone():
    """What a program left behind in the folder is no part of the repository."""
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
    own = {f"services.directory.{each}" for each in ("files", "sqlite")}
    assert {other for module, other, _ in arrows() if module in own and room(other) == "stores"} == {
        *("stores.turns", "stores.sqlite.blocks", "stores.sqlite.held", "stores.sqlite.opening"),
    }
    taken = {other for module, other, _ in arrows() if room(module) == "services" and module not in own}
    assert {room(other) for other in taken} <= offered


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


def test_the_ladder_would_notice_an_arrow_that_points_up():
    """Control: the arrows that are known to be there are seen, those inside functions too."""
    assert ("machine.waits", "basics.moments", False) in arrows()
    assert ("stores.memory.mirror", "stores.sqlite.store", False) in arrows(), "imports inside functions are seen"
    assert any(types for _, _, types in arrows()), "imports for the type checker alone are seen"


def test_only_the_scheduler_takes_what_exists_for_speed():
    """Whoever reads how the engine works may leave `work/together/` out."""
    taking = {module for module, other, _ in arrows() if is_in(other, SPEED) and not is_in(module, SPEED)}
    assert taking == {"work.scheduler"}


SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b", re.DOTALL
)


def test_sql_stands_in_two_rooms():
    """Tables and columns are known to the stores and to the questions, and to nobody else; a directory has its own."""
    asking = {
        module
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
    }
    assert {room(module) for module in asking} == {"stores", "questions", "services", "simulation", "testing"}
    own = {f"services.directory.{each}" for each in ("schema", "sqlite")}
    assert {each for each in asking if room(each) == "services"} == own, "a store of its own"
    assert {each for each in asking if room(each) in {"simulation", "testing"}} <= ASKS_AS_A_HOST


ASKS_AS_A_HOST = {
    *("simulation.demo", "testing.running"),
    *(f"testing.conformance.{part}" for part in ("asking", "catalog", "loading", "questions", "writing")),
}
"""What looks at the documented tables as any host may."""


# --- what the core may touch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", core())
def test_the_core_touches_nothing_outside(module):
    """R1: no clock, chance, file, network, thread or printing in the core."""
    roots = {each.name.split(".")[0] for each in imports(module)}
    assert not roots & WORLD
    called = {node.func.id for node in nodes(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & CALLS


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
    docstrings = {id(node.value) for node in nodes(module) if isinstance(node, ast.Expr)}
    for node in nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCKS, f"line {node.lineno} asks what time it is"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            assert not [word for word in CLOCKS_IN_SQL if word in node.value.lower()], f"line {node.lineno}"


@pytest.mark.parametrize("module", files())
def test_a_dependency_is_imported_where_it_belongs(module):
    """Third-party code enters through one module each, so that what is optional stays optional."""
    standard = sys.stdlib_module_names | {PACKAGE}
    for name in {each.name.split(".")[0] for each in imports(module)} - standard:
        assert name in THIRD_PARTY, f"{name} is no dependency"
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


# --- records ----------------------------------------------------------------------------------------------------------

KEEPS_STATE = {
    "Walk": "the notes of one walk (its base Facts too), gone when `advance` returns",
    "Facts": "notes in `seen` what was asked",
    "Fork": "a question with the answers so far, in one batch",
    "Unknown": "a mark",
    "Draws": "a key that is begun once for all draws of a customer",
    "Effort": "how much may still be played for one proof",
    "Reactor": "how often each customer got the message of a step, in one simulation",
    "Habit": "when a background event of one participant may come next",
    "SimulatedHost": "the simulated host of one replication",
    "_Played": "what the ticks of one back-test did so far",
    "NotedWalk": "the notes of one walk, and of what it asked",
    "NotedWalks": "the walks of one batch",
    "Crowds": "the crowds of one batch",
    "Unheard": "the events of one batch that nobody listens to",
    "Lane": "where people begin a walk in one batch, with what asks them one after the other",
    "Entrance": "a lane of newcomers",
    "CustomerInHand": "the working set of one batch",
    "Work": "the working set of one batch",
    "People": "the customers of one batch",
    "Messages": "the messages of one batch",
    "Slots": "slots and queues of one batch",
    "Marks": "the numbers that one prune has marked",
    "DirectoryBlock": "a block on the file of a directory",
    "DirectoryFile": "the open file of a directory",
    "HeldFile": "an open file, and which one it was",
    "LimitedDirectory": "stands before a directory and counts who calls",
    "Members": "the services of the tenants that have called",
    "PageService": "a handle on an engine and a directory",
    "RateLimit": "when each key has called of late",
    "Site": "what the routes of one application need",
    "_Place": "a place of one picture, which is moved until it fits",
    "Agenda": "a part of the store in memory",
    "Mirror": "a handle on the database behind questions",
    "KeptLimits": "a part of the store in memory",
    "KeptPulls": "a part of the store in memory",
    "Names": "a part of the store in memory",
    "Pulls": "lists and how far they were gone round, in one batch",
    "Circle": "a list, as far as it is loaded for one batch",
    "Sums": "counters while they are summed up",
    "Door": "a working set in which an entry is tried, and nothing of it written",
    "ChannelCalls": "the part of the engine that holds channels",
    **dict.fromkeys(
        ("InputCalls", "DeliveryCalls", "ReportCalls", "UpkeepCalls", "LatestCalls"), "methods of an engine"
    ),
    "HostCall": "one call of a host while it does work: what is not stored or claimed yet",
    "Cycling": "a block of calls; what came of it, when it has ended",
    "Settling": "what one thread puts into the inbox, and what came of it",
    "CopyCalls": "the part of the engine that copies journeys, and changes many",
    "Fault": "a sentence; a text has no records",
    **dict.fromkeys(("LifecycleCalls", "VersionCalls"), "the parts of the engine that change journeys"),
    **dict.fromkeys(("Questions", "DecisionCalls", "NumberCalls"), "the parts of the engine that answer"),
    "Handover": "the messages of a push that are on lease",
    "KnownPaths": "what a process has learned of a table, and what an open transaction adds",
    "ListDumper": "an adapter of the driver",
    "Bound": "what the parts of the engine have in common",
    "PublishedVersion": "a number, with what it knows besides",
    "Engine": "the seam: a handle on the store",
    "Amending": "a handle on a transaction",
    "Open": "what is open while a `with` statement runs",
    "Ticking": "a tick that is going on",
    "Batch": "what is given within a `with` statement",
    "StoreTurn": "who works on a store",
    "Block": "a `with` statement that works on a store",
    "Joining": "likewise",
    "SQLiteBlock": "likewise",
    "TransactionBlock": "likewise",
    "View": "likewise",
    "MemoryBlock": "likewise",
    "_Forks": "the turns that a fork has taken",
    "Files": "the files that a process has open",
    "Core": "what an engine and its tenants share: store, lock, cache of the catalog, ticks that are going on",
    "SQLiteStore": "a handle on a file",
    "Beside": "a second handle on the file, once it is needed",
    "SQLiteReader": "a handle on a connection",
    "SQLiteReceiver": "a handle on a file",
    "PostgresReceiver": "a handle on a connection",
    "SQLiteTransaction": "a handle on a connection",
    "SQLiteAsker": "likewise",
    "Writer": "likewise",
    "NextNumbers": "what a transaction knows until it writes",
    "PostgresStore": "a handle on a server",
    "ServerLine": "likewise",
    "PostgresBlock": "a transaction of the server",
    "PostgresView": "likewise",
    "PostgresTransactionBlock": "likewise",
    "PostgresReader": "a handle on a connection",
    "PostgresTransaction": "likewise",
    "Asker": "likewise",
    "SetWriter": "likewise",
    "PostgresWriter": "likewise",
    "NumberLoader": "a part of the driver",
    "WatchedConnection": "likewise",
    "TenantNumbers": "the numbers that a transaction gives",
    "MemoryStore": "it is the store",
    "MemoryRows": "what a store in memory keeps",
    "MemoryTransaction": "a handle on the store",
    "PartReader": "collects the faults of one file while it is read",
    "Outline": "the lists of one edit, gone when the new journey is made",
    "OutlineRow": "a list of an outline",
    "NativeReader": "collects the faults of one file while it is read",
    "FileKeywords": "names keyword arguments",
    "Opened": "a handle on a file",
    "_Counted": "a handle on a file",
    "_Window": "a handle on a file",
    "Records": "the lines of one file while it is read",
    "_Held": "likewise",
    "FileTally": "counts the rows of one file while it is read",
    "SQLiteDirectory": "a handle on a file",
    "Octeth": "a handle on an engine and a directory",
    "Context": "what one call works with, gone with its answer",
    "ActionReader": "collects the faults of one file while it is read",
    "_Actions": "a list of actions while it is read",
    "_Doubled": "marks an object of a file in which a key stands twice",
}
"""Classes of the package that are no frozen records, each with its reason."""


def is_record(node: ast.ClassDef) -> bool:
    """Return whether a class is a frozen attrs record or a NamedTuple."""
    words = {ast.unparse(each).split("(")[0] for each in node.decorator_list}
    return bool(words & {"frozen", "attrs.frozen"}) or "NamedTuple" in map(ast.unparse, node.bases)


def is_other_kind(node: ast.ClassDef) -> bool:
    """Return whether a class is an error, an interface, or a mixin without any state of its own."""
    bases = {ast.unparse(each) for each in node.bases}
    stateless = any(ast.unparse(each) == "__slots__ = ()" for each in node.body)
    return "Protocol" in bases or stateless or node.name in errors()


@cache
def errors() -> set[str]:
    """Name every exception of the package."""
    known = {"Exception"}
    for _, node in classes() * 3:
        if {ast.unparse(each) for each in node.bases} & known:
            known.add(node.name)
    return known


def test_sql_has_no_numbered_places():
    """SQLite's `?1` with a list of values is deprecated in Python 3.12 and refused by 3.14: `?` or `:name` it is."""
    texts = [
        (module, node.value)
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [module for module, text in texts if re.search(r"(SELECT|WHERE|LIMIT|VALUES)\b[^?]*\?\d", text)] == []


def test_no_module_takes_what_another_keeps_to_itself():
    """A name that begins with an underscore is imported nowhere: whatever two modules need has a public place."""
    taken = [
        f"{module} takes {each.name} of {node.module}"
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
        if each.name.startswith("_")
    ]
    assert taken == []


def test_records_are_frozen():
    """What goes in or comes out is a value; the few that keep state are named, with a reason."""
    inner = [(module, node) for module, node in classes() if module.split(".")[0] not in {"testing", "cli"}]
    others = {node.name for _, node in inner if not is_record(node) and not is_other_kind(node)}
    assert others == set(KEEPS_STATE)


def test_records_are_slotted():
    """A record has no dictionary: a misspelt attribute is an error, and a million of them fit into memory."""
    found = 0
    for module, node in classes():
        if not is_record(node) or node.name.startswith("_"):
            continue
        try:
            of = getattr(importlib.import_module(f"{PACKAGE}.{module}"), node.name)
        except MissingExtra:
            continue
        found += 1
        if issubclass(of, tuple):
            continue
        assert attrs.has(of)
        assert "__dict__" not in dir(of), f"{node.name} has no slots"
        assert of.__setattr__ is not object.__setattr__, f"{node.name} can be changed"
    assert found > 40


# --- interfaces and tables --------------------------------------------------------------------------------------------


def test_the_interface_of_a_store_stays_small():
    """Who writes a store writes at most eight methods."""
    methods = [
        name
        for interface in (store.Store, store.Transaction)
        for name, member in vars(interface).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]
    assert 0 < len(methods) <= 8


KINDS = set(steps.KINDS.values())


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (machine.ARRIVE, KINDS),
        (program._BUILDERS, KINDS),
        (checks._CHECKS, KINDS),
        (set(get_args(steps.Step)), KINDS),
        (file_options.STEP_KEYS, set(steps.KINDS)),
        (lifecycle.ALLOWED, set(lifecycle.GOALS)),
    ],
    ids=["ARRIVE", "builders", "checks", "Step", "file", "lifecycle"],
)
def test_tables_cover_every_kind(table, keys):
    """A seventh kind of step cannot be forgotten in one of the tables that drive the engine."""
    assert set(table) == keys


def test_only_steps_that_rest_can_be_woken():
    """WAKE names kinds of step; every stimulus wakes a Wait that listens, begins a run, puts it back, or ends it."""
    assert set(machine.WAKE) <= KINDS
    assert set(waits.WAKE_WAIT) == machine.WAKING
    assert {*machine.WAKING, *machine.ENDING, "ENTER", "RETRY"} == set(get_args(walk.Stimulus))


def test_every_operator_and_every_action_can_be_written_in_python():
    """`field("x")` has a method for each operator of a rule, and for each action of an Update."""
    snake = {"in": "in_"} | {
        name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        for name in operators.OPERATORS
        if name != "in"
    }
    assert all(hasattr(rules.FieldPath, method) for method in snake.values())
    assert all(hasattr(changes.Field, action) for action in changes.ACTIONS)


def test_what_touches_a_customer_is_a_kind_of_message_event():
    """R52: the kinds that leave an instant or take back consent are among those that the engine knows."""
    assert {*engagement.LAST_ATTRIBUTE, *engagement.WITHDRAWING} <= set(words.MESSAGE_KINDS)


@pytest.mark.parametrize("module", files())
def test_every_module_says_what_it_is(module):
    """A reader who opens any file is told first what it is for."""
    assert ast.get_docstring(modules()[module])


NAIVE = {path.stem: path for path in sorted((ROOT / "tests").glob("naive*.py"))}
"""The interpreter, and beside it what came after the rules of the core: each file a class that plays more."""

PLAYED_WITH = {
    *("basics.chance", "basics.durations", "basics.moments", "basics.values", "definition.rules.changes"),
    *(f"definition.rules.{part}" for part in ("asking", "conditions", "parts", "paths", "templates")),
    "testing",
}
"""The modules an interpreter may use: what values are, and what a script says. None of them moves a run."""


def test_the_naive_interpreter_stays_small():
    """What holds the engine to the rules of the core, with what rules see there, can be read in one go."""
    assert len(NAIVE["naive"].read_text(encoding="utf-8").splitlines()) <= 250
    assert not [name for name in _imports_of(NAIVE["naive"]) if name.startswith("tests")]


@pytest.mark.parametrize("name", NAIVE)
def test_the_naive_interpreter_is_independent(name):
    """It would show nothing if it asked the machine: it takes steps and values, and nothing that moves a run."""
    of_package = [name for name in _imports_of(NAIVE[name]) if name.startswith(f"{PACKAGE}.")]
    assert {name.removeprefix(f"{PACKAGE}.") for name in of_package} <= PLAYED_WITH


def _imports_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in _imported(node)
    ]


def test_one_name_means_one_thing():
    """No class and no type has the name of another one: a name that is looked up leads to one definition."""
    found: dict[str, list[str]] = {}
    for module, tree in modules().items():
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            name = node.name if isinstance(node, ast.ClassDef) else getattr(target, "id", "")
            is_type = name[:1].isupper() and not name.isupper() and "TypeVar" not in ast.unparse(node)
            if is_type:
                found.setdefault(name, []).append(module)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def test_csv_is_written_in_one_place():
    """Quoting, line ends and the guard against formulas hold for every file, because one module writes them all."""
    writers = {name for name, tree in modules().items() if "csv.writer(" in ast.unparse(tree)}
    assert writers == {"formats.cells"}
