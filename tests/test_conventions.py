"""Conventions of the source: how records and interfaces look, which tables agree, and what one name means."""

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import get_args

import attrs
import pytest

from journeyflow import Engine
from journeyflow.basics import words
from journeyflow.catalog import lifecycle
from journeyflow.definition import steps
from journeyflow.definition.rules import attribute_changes, operators
from journeyflow.definition.rules import conditions as rules
from journeyflow.engine.settling import Handled
from journeyflow.errors import MissingExtra
from journeyflow.formats import options as file_options
from journeyflow.machine import behaviours as machine
from journeyflow.machine import notes as walk
from journeyflow.machine import waits
from journeyflow.questions.messages import SetAside
from journeyflow.records.rows import Input
from journeyflow.stores import contract as store
from journeyflow.work import engagement, intake
from tests.source import PACKAGE, ROOT, classes, files, imported, is_in, modules, nodes, parts_of, room, texts

pytestmark = pytest.mark.source


def test_the_interface_of_a_store_stays_small():
    """Who writes a store writes at most eight methods."""
    methods = [
        name
        for interface in (store.Store, store.Transaction)
        for name, member in vars(interface).items()
        if inspect.isfunction(member) and not name.startswith("_")
    ]
    assert 0 < len(methods) <= 8


KINDS = set(steps.STEP_KINDS.values())
WORDS = {kind.__name__.lower() for kind in KINDS}
SAYS_STEPS = 3
"""How many kinds of step a table names at least, of those that are about steps."""


def kinds_named(node: ast.AST) -> set[str]:
    """Return the kinds of step that are keys of a dictionary or parts of a list, as classes or as words in any case."""
    parts: list[ast.expr | None] = []
    if isinstance(node, ast.Dict):
        parts = node.keys
    elif isinstance(node, ast.Set | ast.Tuple | ast.List):
        parts = [*node.elts]
    texts = {ast.unparse(part).rpartition(".")[2].strip("'").lower() for part in parts if part is not None}
    return texts & WORDS


def test_every_table_of_steps_has_every_kind():
    """A seventh kind of step cannot be forgotten in a table, wherever it is: how it runs, is drawn, written or read."""
    tables = [
        (module, node.lineno, named)
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.Dict | ast.Set | ast.Tuple | ast.List)
        if len(named := kinds_named(node)) >= SAYS_STEPS
    ]
    assert {module for module, *_ in tables} >= {"machine.behaviours", "machine.program", "drawing.graphs"}
    lacking = [f"{files()[module]}:{line} lacks {WORDS - named}" for module, line, named in tables if named != WORDS]
    assert not lacking, "\n".join(lacking)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{Send: 1, steps.Wait: 2}", {"send", "wait"}),
        ("{'SEND': 1, **others}", {"send"}),
        ("[Split, 'end', 3]", {"split", "end"}),
        ("{'text': Send}", set()),
        ("f(Send)", set()),
    ],
)
def test_a_table_of_steps_is_recognized(text, named):
    """By its keys or its parts."""
    assert kinds_named(ast.parse(text, mode="eval").body) == named


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (set(get_args(steps.Step)), KINDS),
        (file_options.STEP_KEYS, set(steps.STEP_KINDS)),
        (lifecycle.ALLOWED, set(lifecycle.GOALS)),
    ],
    ids=["Step", "file", "lifecycle"],
)
def test_what_follows_from_a_table_covers_it(table, keys):
    """The union of steps has every kind, a file can hold each, and a call can have each goal of a journey's life."""
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
    assert all(hasattr(attribute_changes.Field, action) for action in attribute_changes.ACTIONS)


def test_what_touches_a_customer_is_a_kind_of_message_event():
    """R52: the kinds that leave an instant or take back consent are among those that the engine knows."""
    assert {*engagement.LAST_ATTRIBUTE, *engagement.WITHDRAWING} <= set(words.MESSAGE_KINDS)


def test_inputs_of_every_kind_are_handled():
    """`INPUT_KINDS` is the one list of what an input can be (R10); intake has a function for each."""
    assert set(intake._KINDS) == set(words.INPUT_KINDS)


WHERE_INPUTS_ARE_LISTED = {
    "inputs_view": tomllib.loads((ROOT / "docs" / "views.toml").read_text(encoding="utf-8"))["inputs_view"]["kind"],
    **{of.__name__: inspect.getdoc(of) or "" for of in (Input, Handled, SetAside)},
}


@pytest.mark.parametrize("where", WHERE_INPUTS_ARE_LISTED)
def test_inputs_of_every_kind_are_documented(where):
    """Whoever reads of the kinds of input reads all of them, in one order."""
    text = " ".join(WHERE_INPUTS_ARE_LISTED[where].replace('"', "").split())
    *kinds, last = words.INPUT_KINDS
    assert f"{', '.join(kinds)} or {last}" in text


@pytest.mark.parametrize("module", files())
def test_every_module_says_what_it_is(module):
    """A reader who opens any file is told first what it is for."""
    assert ast.get_docstring(modules()[module])


NAIVE = {path.stem: path for path in sorted((ROOT / "tests").glob("naive*.py"))}
"""The interpreter, and beside it what came after the rules of the core: each file a class that plays more."""

PLAYED_WITH = {
    *("basics.chance", "basics.durations", "basics.moments", "basics.values", "definition.rules.attribute_changes"),
    *(f"definition.rules.{part}" for part in ("evaluation", "conditions", "rule_parts", "templates", "value_paths")),
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
    return [name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in imported(node)]


def test_one_name_means_one_thing():
    """No class and no type has the name of another one: a name that is looked up leads to one definition."""
    found: dict[str, list[str]] = {}
    for module, tree in modules().items():
        for name, node in defined(tree):
            if name[:1].isupper() and not name.isupper() and not is_type_variable(node):
                found.setdefault(name, []).append(module)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def test_a_type_variable_is_called_as_nothing_else():
    """`Item` is whatever stands in a list; a type variable of the name of a class would be read as that class."""
    variables, others = set[str](), set[str]()
    for name, node in (each for tree in modules().values() for each in defined(tree)):
        (variables if is_type_variable(node) else others).add(name)
    assert variables
    assert variables & others == set()


def test_what_other_modules_import_has_one_meaning():
    """A function or a constant that is imported by its name has it alone among the rooms.

    Within a room siblings do one thing each in its way: stores, services, formats. What a call of the engine is called
    is called so in every layer that carries it out. The contract of stores is a suite with short names of its own.
    """
    taken = imported_names()
    variables = {name for tree in modules().values() for name, node in defined(tree) if is_type_variable(node)}
    found: dict[str, dict[str, str]] = {}
    for module, tree in modules().items():
        if not is_in(module, "testing.conformance"):
            for name, _ in defined(tree):
                if (module, name) in taken and name not in variables and not hasattr(Engine, name):
                    found.setdefault(name, {})[room(module)] = module
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def defined(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yield what a module defines at its top, by name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names = (each for each in ast.walk(target) if isinstance(each, ast.Name))
                yield from ((each.id, node) for each in names if isinstance(each.ctx, ast.Store))


def is_type_variable(node: ast.stmt) -> bool:
    """Return whether a definition is that of a type variable."""
    return isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("TypeVar(")


def imported_names() -> set[tuple[str, str]]:
    """Name what modules of the package import of one another by name: pairs of a module and a name in it."""
    return {
        (node.module.removeprefix(PACKAGE).removeprefix("."), each.name)
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
    }


def test_csv_is_written_in_one_place():
    """Quoting, line ends and the guard against formulas hold for every file, because one module writes them all."""
    writers = {name for name, path in files().items() if "csv.writer(" in path.read_text(encoding="utf-8")}
    assert writers == {"formats.cells"}


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
    "PullList": "a list, as far as it is loaded for one batch",
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
    "Kept": "what a connection knows of its file from one transaction to the next",
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
    **dict.fromkeys(("WatchedConnection", "OneSending"), "likewise"),
    "TenantNumbers": "the numbers that a transaction gives",
    "MemoryStore": "it is the store",
    "MemoryRows": "what a store in memory keeps",
    "MemoryWriting": "likewise",
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
"""Classes of the package that are not frozen records, each with its reason."""


def is_record(node: ast.ClassDef) -> bool:
    """Return whether a class is a frozen attrs record or a NamedTuple."""
    words = {ast.unparse(each).split("(")[0] for each in node.decorator_list}
    return bool(words & {"frozen", "attrs.frozen"}) or "NamedTuple" in map(ast.unparse, node.bases)


def is_other_kind(node: ast.ClassDef) -> bool:
    """Return whether a class is an error, an interface, or a mixin without any state of its own."""
    bases = {ast.unparse(each) for each in node.bases}
    stateless = any(isinstance(each, ast.Assign) and ast.unparse(each) == "__slots__ = ()" for each in node.body)
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
    numbered = re.compile(r"(SELECT|WHERE|LIMIT|VALUES)\b[^?]*\?\d")
    assert [module for module in modules() for text in texts(nodes(module)) if numbered.search(text)] == []
    assert any(numbered.search(text) for text in texts(parts_of("ask(f'SELECT {columns} WHERE n = ' + '?1')")))


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


UNSLOTTED = {"ClaimRequest", "Due", "TickResult"}
"""Records of which there are few: a dictionary makes them sooner, or what they cache is found sooner."""


def test_records_are_slotted():
    """A record has no dictionary, so that a million of them fit into memory; a misspelt attribute is an error."""
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
        assert ("__dict__" in dir(of)) is (node.name in UNSLOTTED), f"{node.name} has no slots"
        assert of.__setattr__ is not object.__setattr__, f"{node.name} can be changed"
    assert found > 40
