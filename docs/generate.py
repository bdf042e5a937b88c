"""Rewrite the parts of the documentation that are generated from the code, and docs/features.md from marks of tests.

`python3 dev.py run python docs/generate.py` fills every pair of markers in README.md and docs/*.md; a test compares.

    <!-- generated: NAME -->
    ...
    <!-- end of NAME -->
"""

import ast
import contextlib
import inspect
import io
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import click

import journeyflow
from journeyflow.basics import words
from journeyflow.basics.collector import undisturbed
from journeyflow.catalog import lifecycle
from journeyflow.cli import main
from journeyflow.definition import graph, references, steps
from journeyflow.definition.retry import USUAL_RETRY
from journeyflow.definition.rules import attribute_changes, chains
from journeyflow.definition.rules.operators import ALIASES, OPERATORS
from journeyflow.formats.octeth.actions import ACTION_KINDS
from journeyflow.formats.options import JOURNEY_KEYS, STEP_KEYS
from journeyflow.machine import behaviours as machine
from journeyflow.services.loyalty import table as loyalty
from journeyflow.services.octeth import OPERATIONS, VERSIONS
from journeyflow.stores.sqlite.store import SQLiteStore
from journeyflow.work import engagement, entries

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGE = ROOT / "journeyflow"
WIDTH = 100
"""Columns of a help text."""

LIMITS = frozenset({"BATCH", "BUSY_SECONDS", "CACHED", "CHUNK", "STEP"})
"""Limits whose name does not begin with MAX_."""

_MARKED = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def code(*words: object) -> str:
    """Return words as code, with commas between."""
    return ", ".join(f"`{word}`" for word in words)


def summary(of: object) -> str:
    """Return the first paragraph of a docstring, on one line."""
    text = of if isinstance(of, str) else inspect.getdoc(of) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`")


# --- the house --------------------------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module, by its name without the package."""
    return undisturbed(lambda: {_name_of(path): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))})


def _name_of(path: Path) -> str:
    """Return the name of a module, without the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def carried_out(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements and those inside them, in functions too, without what is there for types alone.

    Expressions, which are ten times as many, are not looked at.
    """
    for node in nodes:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from carried_out(getattr(node, name, ()))


@cache
def below(module: str) -> frozenset[str]:
    """Return the modules that a module imports at run time, inside functions too."""
    found = set()
    for node in carried_out(modules()[module].body):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("journey"):
            source = (node.module or "").removeprefix("journeyflow").removeprefix(".")
            inner = {f"{source}.{each.name}".removeprefix(".") for each in node.names} & modules().keys()
            found |= inner or {source}
    return frozenset(found - {module})


def room(module: str) -> str:
    """Return the room of a module: the folder, or the file, at the top of the package."""
    return module.partition(".")[0]


@cache
def under(name: str) -> frozenset[str]:
    """Return the rooms whose modules those of a room import."""
    inside = [module for module in modules() if room(module) == name]
    return frozenset(room(other) for module in inside for other in below(module)) - {name, ""}


@cache
def floor(name: str) -> int:
    """Return how far above the ground a room stands: one more than the highest that it imports."""
    return 1 + max(map(floor, under(name)), default=0)


@cache
def in_order() -> list[str]:
    """Return the rooms from the ground up."""
    return sorted({room(module) for module in modules()} - {""}, key=lambda name: (floor(name), name))


def rooms() -> str:
    """Draw the rooms: an arrow leads to a room that another one imports directly."""
    arrows = [
        f"    {name} --> {other}"
        for name in in_order()
        for other in sorted(under(name), key=in_order().index)
        if not any(other in above(third) for third in under(name))
    ]
    drawn = "\n".join(["```mermaid", "flowchart BT", *arrows, "```", ""])
    rows = [
        (f"`{shown_as(name)}`", says(name), ", ".join(sorted(under(name), key=in_order().index)) or "nothing")
        for name in in_order()
    ]
    return f"{drawn}\n{table(('room', 'what is in it', 'imports'), rows)}"


@cache
def above(name: str) -> frozenset[str]:
    """Return every room that a room imports, however indirectly."""
    return under(name).union(*(above(other) for other in under(name)))


def shown_as(name: str) -> str:
    """Return a room as the name of a folder or a file."""
    return f"{name}/" if any(module.startswith(f"{name}.") for module in modules()) else f"{name}.py"


def files() -> str:
    """Return the modules of each room as tables; those that others of the room import come first."""
    parts = []
    for name in in_order():
        inside = [module for module in modules() if module.startswith(f"{name}.")]
        folders = {module for module in inside if any(other.startswith(f"{module}.") for other in inside)}
        rows = [(f"`{path_of(module, folders)}`", says(module)) for module in sorted(inside, key=_depth(name))]
        if rows:
            parts.append(f"### {name}\n\n{table(('module', 'what it is'), rows)}")
    return "\n".join(parts)


def path_of(module: str, folders: set[str]) -> str:
    """Return the path of a module inside its room."""
    path = module.partition(".")[2].replace(".", "/")
    return f"{path}/" if module in folders else f"{path}.py"


def _depth(name: str) -> Callable[[str], tuple[str, int, str]]:
    """Return the sort key for the modules of a room: by folder, then by how much of the room they import."""

    @cache
    def depth(module: str) -> int:
        lower = {other for other in below(module) if room(other) == name}
        return 1 + max(map(depth, lower), default=0)

    def key(module: str) -> tuple[str, int, str]:
        inner = module.partition(".")[2]
        folder = inner if any(other.startswith(f"{module}.") for other in modules()) else inner.rpartition(".")[0]
        return folder, 0 if folder == inner else depth(module), module

    return key


def says(name: str) -> str:
    """Return the first paragraph of the docstring of a module or folder."""
    return summary(ast.get_docstring(modules()[name]) or "")


def limits() -> str:
    """Return the named limits, with the text below each, as a table."""
    rows = []
    for module, tree in modules().items():
        for node, after in zip(tree.body, tree.body[1:], strict=False):
            if not isinstance(node, ast.Assign) or not isinstance(after, ast.Expr):
                continue
            name = ast.unparse(node.targets[0])
            if name.startswith("MAX_") or name in LIMITS:
                said = summary(ast.literal_eval(after.value))
                rows.append((f"`{name}`", f"`{ast.unparse(node.value)}`", f"`{module}`", said))
    return table(("limit", "value", "where", "what and why"), rows)


# --- the database -----------------------------------------------------------------------------------------------------


def columns(kind: str) -> dict[str, list[str]]:
    """Return the tables or views with their columns, as SQLite knows them."""
    store = SQLiteStore(":memory:", nonce="docs")
    with store.reader() as reader:
        names = [name for (name,) in reader.rows("SELECT name FROM sqlite_schema WHERE type = ? ORDER BY 1", (kind,))]
        found = {
            name: [row[1] for row in reader.rows(f"PRAGMA table_info({name})")]
            for name in names
            if not name.startswith("sqlite_")
        }
    store.close()
    return found


def tables() -> str:
    """Return the tables with their columns, as a table."""
    return table(("table", "columns"), ((f"`{name}`", code(*found)) for name, found in columns("table").items()))


def described_views() -> dict[str, dict[str, str]]:
    """Read docs/views.toml: what each view is, under an empty name, and each of its columns."""
    return tomllib.loads((DOCS / "views.toml").read_text(encoding="utf-8"))


def views() -> str:
    """Return every view and its columns, in the order of docs/views.toml."""
    actual, parts = columns("view"), []
    for name, said in described_views().items():
        rows = [(f"`{column}`", said.get(column, "")) for column in actual.get(name, [])]
        parts.append(f"### {name}\n\nA row is {said['']}.\n\n{table(('column', 'what it is'), rows)}")
    return "\n".join(parts)


# --- journeys ---------------------------------------------------------------------------------------------------------


def step_table() -> str:
    """Return the kinds of step as a table."""
    ways = {
        "Wait": ("elapsed", "event", "timeout", "missing", "past"),
        "Send": ("queued", "consent", "window", "failed"),
    }
    others = {
        "Condition": "the branch's label, or `else` (`no`)",
        "Split": "the arm's label",
        "Update": "nothing, or `type`",
        "End": "its own outcome",
    }
    rows = []
    for word, of in steps.STEP_KINDS.items():
        rests = "yes" if of in machine.WAKE else "no"
        outcomes = code(*ways[of.__name__]) if of.__name__ in ways else others[of.__name__]
        rows.append((f"`{word}`", f"`{of.__name__}`", summary(of), rests, outcomes))
    return table(("kind", "class", "what it does", "rests", "outcomes"), rows)


def options() -> str:
    """Return the options of each kind of step as a table."""
    rows = [(f"`{of.__name__}`", code(*(each.name for each in attrs.fields(of)))) for of in steps.STEP_KINDS.values()]
    return table(("class", "options"), rows)


def file_keys() -> str:
    """Return the keys of a journey file as a table."""
    tables = {"journey": JOURNEY_KEYS, **STEP_KEYS}
    return table(("object", "keys"), [(f"`{name}`", code(*sorted(keys))) for name, keys in tables.items()])


def operators() -> str:
    """Return the operators of rules as a table."""
    aliases = {op: [alias for alias, of in ALIASES.items() if of == op] for op in OPERATORS}
    rows = [
        (f"`{name}`", each.summary, "true" if each.negated or name == "isNull" else "false", code(*aliases[name]))
        for name, each in OPERATORS.items()
    ]
    rows = [(*row[:2], "false" if row[0] == "`isNotNull`" else row[2], row[3]) for row in rows]
    return table(("operator", "true when the value is", "for a missing value", "also written"), rows)


def actions() -> str:
    """Return the actions of an Update as a table."""
    rows = [(f"`{name}`", summary(getattr(attribute_changes.Field, name))) for name in attribute_changes.ACTIONS]
    rows += [(f"`{name}`", said) for name, said in chains.CHAINS.items()]
    return table(("action", "what it does"), rows)


def reasons() -> str:
    """Return why an entry is refused, in the order in which the reasons are checked, as a table."""
    rows = [
        (
            "`paused`, `archived`, `draft`",
            "the journey is not ACTIVE, at the instant of the event or when it takes effect",
        )
    ]
    rows += [(f"`{name}`", _clause(ask)) for name, ask, _ in entries.REASONS]
    rows += [(f"`{name}`", when) for name, when, _ in entries.WITHOUT_SLOT]
    return table(("reason", "when"), rows)


def _clause(ask: object) -> str:
    return summary(ask).removeprefix("Return whether ").rstrip(".")


def transitions() -> str:
    """Draw the states of a journey."""
    lines = ["stateDiagram-v2", "    [*] --> DRAFT: publish"]
    lines += [
        f"    {before} --> {after}: {call}"
        for call, ways in lifecycle.ALLOWED.items()
        for before, after in sorted(ways)
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def statuses() -> str:
    """Return every status as a table."""
    rows = [
        ("journey", code("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED")),
        ("enrollment", code(words.ACTIVE, words.COMPLETED, words.EXITED, words.FAILED, words.HOLDOUT)),
        ("visit", code(words.ACTIVE, words.COMPLETED, words.SKIPPED, words.EXITED, words.FAILED)),
        ("message", code(words.QUEUED, words.CLAIMED, words.SENT, words.SUPPRESSED, words.EXPIRED,
                         words.CANCELLED, words.FAILED)),
    ]  # fmt: skip
    return table(("of a", "status"), rows)


def events() -> str:
    """Return the events that the engine knows, as a table."""
    rows = [
        ("`field.changed`", "`field`, `old`, `new`", "an attribute has another value"),
        *((f"`{name}`", f"`{member}`", f"a member of `{attribute}` {verb}")
          for attribute, (added, removed, member) in words.MEMBERS.items()
          for name, verb in ((added, "came"), (removed, "went"))),
        ("`journey.completed`", "`journey`", "a run came to an End"),
        *((f"`message.{kind}`", "`message`", _effect(kind)) for kind in words.MESSAGE_KINDS),
        ("`revenue`", "`amount`", "an amount of money came in, in minor units"),
        *((f"`website.{kind}`", "any", "something happened on the website") for kind in words.WEBSITE_KINDS),
    ]  # fmt: skip
    return table(("event", "data", "what it means, and what it does to the customer"), rows)


def _effect(kind: str) -> str:
    if kind in engagement.LAST_ATTRIBUTE:
        return f"notes the instant as `last<Channel>{engagement.LAST_ATTRIBUTE[kind]}`"
    if kind == "bounced":
        return f"with `{words.PERMANENT}: true`, sets `consent.<CHANNEL>` to false"
    return "sets `consent.<CHANNEL>` to false" if kind in engagement.WITHDRAWING else ""


def retries() -> str:
    """Return after how long a message is handed out again, as a table."""
    rows = [(str(n), f"{delay} later") for n, delay in enumerate(USUAL_RETRY.delays, 1)]
    rows.append((str(len(USUAL_RETRY.delays) + 1), "given up: FAILED, and the event `message.failed`"))
    return table(("failed attempt", "what follows"), rows)


def names() -> str:
    """Return what rules and templates can read of a message and of a run, as a table."""
    rows = [
        ("`message.<step>.`", code(*sorted(references.MESSAGE_NAMES))),
        ("`enrollment.`", code(*sorted(references.ENROLLMENT_NAMES))),
    ]
    return table(("begins with", "goes on with"), rows)


def _taking(quick: list[str], step: steps.Wait) -> str:
    """Return in words whether a wait takes time, of the ways on that take none."""
    return "yes" if not quick else "no" if step.next in quick else f"yes, unless it is {quick[0]}"


def takes_time() -> str:
    """Return which waits make a loop legal, as a table."""
    waits = {
        "a duration": steps.Wait("w", "1 day", next="on"),
        "`until` an opening": steps.Wait("w", until="09:00", next="on"),
        "`at` an instant": steps.Wait("w", at="2026-01-01T00:00:00Z", next="on"),
        "a `field`": steps.Wait("w", field="f", next="on"),
        "a `field`, `every` year": steps.Wait("w", field="f", every="year", next="on", on_missing="missing"),
        "`every` so long": steps.Wait("w", every="1 month", next="on"),
        "an `event`": steps.Wait("w", event="e", next="on"),
        "a condition `when`": steps.Wait("w", when=journeyflow.field("f").eq(1), next="on", on_event="true"),
    }
    rows = [(name, _taking(graph.quick_ways(step), step)) for name, step in waits.items()]
    return table(("a wait for", "takes time"), rows)


# --- calls and commands -----------------------------------------------------------------------------------------------


PARTS = (
    *("VersionCalls", "LifecycleCalls", "CopyCalls", "InputCalls", "Engine", "DeliveryCalls", "ChannelCalls"),
    *("Questions", "LatestCalls", "DecisionCalls", "NumberCalls", "ReportCalls", "UpkeepCalls"),
)
"""The classes that the engine is made of, in the order in which a reader meets their calls."""


def calls() -> str:
    """Return the methods of an engine, with the summary of each, as a table."""
    rows = []
    parts = [part for part in journeyflow.Engine.__mro__ if any(_is_call(*each) for each in vars(part).items())]
    for name, member in [each for part in sorted(parts, key=_order_of) for each in vars(part).items()]:
        if _is_call(name, member):
            given = [each for each in inspect.signature(member).parameters if each != "self"]
            rows.append((f"`{name}({', '.join(given)})`", summary(member).split("; raises")[0]))
    return table(("call", "what it does"), rows)


def _is_call(name: str, member: object) -> bool:
    return not name.startswith("_") and callable(member)


def _order_of(part: type) -> int:
    return PARTS.index(part.__name__)


def commands() -> str:
    """Return the help of every command."""
    found = ["journeyflow"]
    found += [f"journeyflow {name}" for name in sorted(main.commands)]
    return "\n".join(f"## {name}\n\n```text\n{help_of(name)}```\n" for name in found)


def help_of(command: str) -> str:
    """Return the help of one command as a terminal of fixed width shows it."""
    *_, last = command.split()
    of: Any = main.commands.get(last, main)
    width: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(main, info_name="journeyflow", **{**main.context_settings, **width})
    if of is not main:
        context = click.Context(of, parent=context, info_name=last, **width)
    return "".join(f"{line.rstrip()}\n" for line in of.get_help(context).splitlines())


# --- features ---------------------------------------------------------------------------------------------------------

TESTED = (*sorted((ROOT / "tests").rglob("*.py")), *sorted((PACKAGE / "testing" / "conformance").glob("*.py")))
"""Where the tests are."""


@cache
def features() -> dict[str, dict[int, str]]:
    """Read docs/features.toml: what the rows ask, by number, by section."""
    listed = tomllib.loads((DOCS / "features.toml").read_text(encoding="utf-8"))
    return {section: {int(number): row for number, row in rows.items()} for section, rows in listed.items()}


def marked_rows(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (row, test) for each mark `pytest.mark.rows(...)` of a test, its class or its module."""
    yield from _marked_rows(tree.body, [])


def _marked_rows(body: Sequence[ast.stmt], above: Sequence[int]) -> Iterator[tuple[int, str]]:
    above = [*above, *(number for node in body if _is_pytestmark(node) for number in _rows_in(node))]
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            own = [*above, *(number for each in node.decorator_list for number in _rows_in(each))]
            if isinstance(node, ast.ClassDef):
                yield from _marked_rows(node.body, own)
            elif node.name.startswith("test_"):
                yield from ((number, node.name) for number in own)


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _rows_in(node: ast.AST) -> list[int]:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    marks = [each for each in calls if ast.unparse(each.func) == "pytest.mark.rows"]
    return [ast.literal_eval(argument) for each in marks for argument in each.args]


@cache
def shown() -> dict[int, list[tuple[Path, str]]]:
    """Return the tests that show each row."""
    found: dict[int, list[tuple[Path, str]]] = {}
    for path in TESTED:
        text = path.read_text(encoding="utf-8")
        if "mark.rows(" in text:
            for number, test in marked_rows(ast.parse(text)):
                found.setdefault(number, []).append((path, test))
    return found


def empty_rows() -> list[int]:
    """Return the rows that no test shows."""
    return [number for rows in features().values() for number in rows if number not in shown()]


def feature_tables() -> str:
    """Return every row with the tests that show it."""
    parts = []
    for section, rows in features().items():
        lines = [(f"F{number}", row, _shown_by(number)) for number, row in rows.items()]
        parts.append(f"## {section}\n\n{table(('row', 'what is asked', 'shown by'), lines)}")
    return "\n".join(parts)


def _shown_by(number: int) -> str:
    links = [
        f"[{test.removeprefix('test_')}](../{path.relative_to(ROOT).as_posix()})"
        for path, test in shown().get(number, ())
    ]
    return ", ".join(links)


# --- services ---------------------------------------------------------------------------------------------------------


def octeth_calls() -> str:
    """Return every call of Octeth's interface: how it is made, and in which of the documents it stands."""
    rows = [
        (
            code(each.command),
            ", ".join(f"`{method} /api/v1/{each.path}`" for method in each.methods)
            if each.path
            else code("POST /api.php"),
            ", ".join(each.seeds),
            code(*(f"{one.name}{'' if one.missing is None else '*'}" for one in each.parameters)),
        )
        for each in OPERATIONS.values()
    ]
    return table(("command", "path", "documents", "parameters (* is required)"), rows)


def octeth_codes() -> str:
    """Return every code of every call of Octeth's interface, in the words of the newest document."""
    rows = [
        (code(each.command), str(one.number), str(one.status), one.words(VERSIONS[-1]))
        for each in OPERATIONS.values()
        for one in each.all_codes
    ]
    return table(("command", "code", "HTTP", "message"), rows)


def octeth_conformance() -> str:
    """Return what the tests show of each call: the examples of each document, its codes, and the rulings."""
    sys.path.insert(0, str(ROOT))
    from tests.services.octeth import rulings, test_codes, test_seeds  # noqa: PLC0415 the tests know what they show

    examples = test_seeds.printed()
    rows = []
    for command, each in OPERATIONS.items():
        alike = test_seeds.ALIKE.get(command, command)
        as_other = "" if alike == command else f"as {code(alike)}: "
        shown = [f"{version}: {', '.join(names)}" for version, names in sorted(examples[alike].items())]
        provoked = [f"{number} ({status})" for number, status in sorted(test_codes.PROVOKED[command])]
        sent = (as_other + "; ".join(shown), ", ".join(provoked), _ruled(rulings.RULINGS[command]))
        rows.append((code(command), ", ".join(each.seeds), *sent))
    heads = ("examples sent as they are printed", "codes provoked (HTTP status)", "left open: *ruled*")
    return table(("command", "documents", *heads), rows)


def _ruled(rulings: Iterable[Any]) -> str:
    return "; ".join(f"{one.opened}: *{one.ruled}*" for one in rulings)


def loyalty_conformance() -> str:
    """Return what the tests show of each call of the loyalty platform: its examples, its codes, and the rulings."""
    sys.path.insert(0, str(ROOT))
    from tests.services.loyalty import printed, provoked, rulings  # noqa: PLC0415 the tests know what they show

    rows = [
        (
            f"`{each.method} {each.path}`",
            "; ".join(
                f"{one.name}: {one.status}{'' if one.answer else ', printed without an answer'}"
                for one in printed.EXAMPLES
                if one.operation == each.name
            ),
            ", ".join(f"`{one}` ({loyalty.CODES[one][0]})" for one in provoked.PROVOKED[each.name]),
            _ruled(rulings.RULINGS[each.name]),
        )
        for each in loyalty.OPERATIONS
    ]
    return table(("call", "examples sent as they are printed", "codes provoked", "left open: *ruled*"), rows)


def octeth_actions() -> str:
    """Return every action of Octeth with its parameters, those inside included."""
    rows = [
        (code(name), code(*(f"{key}{'*' if key in kind.needed else ''}" for key in kind.keys)) if kind.keys else "none")
        for name, kind in ACTION_KINDS.items()
    ]
    return table(("action", "parameters (* is required)"), rows)


# --- files ------------------------------------------------------------------------------------------------------------


def example(*paths: str) -> Callable[[], str]:
    """Return what shows files of the example hosts; tests/test_hosts.py runs them."""

    def shown() -> str:
        """Show each file under its name, in one block."""
        parts = [f"# {path}\n{(ROOT / 'examples' / 'hosts' / path).read_text(encoding='utf-8')}" for path in paths]
        return "<!-- not run: tests/test_hosts.py runs the file -->\n```python\n" + "\n\n".join(parts) + "```\n"

    return shown


def loyalty_operations() -> str:
    """List the operations of the loyalty platform's API, from the table that drives it."""
    rows = [
        (
            f"`{each.method} {each.path}`",
            each.summary,
            code(*(f"{part.name}{'' if part.required else '?'}" for part in (*each.query, *each.body))),
            str(each.status),
            code(*each.errors),
        )
        for each in loyalty.OPERATIONS
    ]
    return table(("operation", "what it does", "parameters", "status", "errors"), rows)


def loyalty_errors() -> str:
    """List the codes of errors of the loyalty platform's API."""
    return table(("code", "status", "when"), [(f"`{code}`", str(s), says) for code, (s, says) in loyalty.CODES.items()])


# --- performance ------------------------------------------------------------------------------------------------------


@cache
def stored_run() -> tuple[Mapping[str, Any], ...]:
    """Return the figures that `python3 dev.py bench --keep` stored."""
    path = ROOT / "benchmarks" / "run.jsonl"
    return tuple(json.loads(line) for line in path.read_text("utf-8").splitlines()) if path.exists() else ()


def performance() -> str:
    """Return a table for each benchmark of the stored run, under what its script says that it measures."""
    said = {path.stem: summary(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
            for path in (ROOT / "benchmarks").glob("[a-z]*.py")}  # fmt: skip
    parts = []
    for bench, lines in groupby(stored_run(), key=lambda line: str(line["bench"])):
        figures = list(lines)
        made = "; ".join(sorted({f"Python {each['python']}, {each['cores']} cores, {each['day']}" for each in figures}))
        rows = [
            (
                each["figure"],
                f"{each['n']:,}",
                f"{each['value']:,.4g}".rstrip("0").rstrip(".") if each["value"] % 1 else f"{each['value']:,.0f}",
                each["unit"],
                a_day(each["value"], each["unit"]),
                "" if each["ratio"] is None else f"{each['ratio']:g}",
                each["against"],
                "" if each["spread"] is None else f"{each['spread']:.0%} of {each['runs']}",
            )
            for each in figures
        ]
        header = ("figure", "n", "value", "unit", "a day of one core", "ratio", "against", "spread of runs")
        parts.append(f"### {bench}\n\n{said[SCRIPTS.get(bench, bench)]}\n\n{table(header, rows)}\n{made}.\n")
    return "\n" + "\n".join(parts)


DAY = 86_400
COSTS = {"ms CPU": 1e3, "us CPU": 1e6, "us CPU a customer": 1e6}
"""The units of what one thing costs, in parts of a CPU second."""


def a_day(value: float, unit: str) -> str:
    """Return how many of something one core does in a day; "" where a figure is not about CPU time."""
    if unit.endswith("/CPU s"):
        many = DAY * value
    elif unit in COSTS and value > 0:
        many = DAY * COSTS[unit] / value
    else:
        return ""
    return f"{float(f'{many / 1e6:.3g}'):,g} million"


SCRIPTS = {"http": "over_http", "import": "importing", "own seconds": "own_seconds", "site": "site_pages"}
"""The scripts whose name is not that of the benchmark."""

SIZES = (
    ("mixed", "file, hourly, customers", "customers of the mixed month, ticks each hour, on a file"),
    ("mixed", "file, five minutes, customers", "customers of the mixed month, ticks each five minutes, on a file"),
    ("mixed", "memory, hourly, customers", "customers of the mixed month, ticks each hour, in memory"),
    ("events", "events", "events of which a hundredth wake someone, on a file"),
    ("own seconds", "file", "customers who go through the welcome, everybody at an own second, on a file"),
)
"""Figures a CPU second that become figures a day."""


def performance_a_day() -> str:
    """Return how much one core does in a day, by the stored run."""
    found = {(each["bench"], each["figure"]): each["value"] for each in reversed(stored_run())}
    rows = [(says, f"{found[bench, name] * DAY / 1e6:,.1f} million") for bench, name, says in SIZES
            if (bench, name) in found]  # fmt: skip
    missing = "The stored run holds none of these; `python3 dev.py bench --keep mixed events` adds them.\n"
    return table(("what", "a day of one core"), rows) if rows else missing


def peers() -> Mapping[str, Mapping[str, str]]:
    """Return the table of the peers of the benchmark."""
    return tomllib.loads((ROOT / "benchmarks" / "peers.toml").read_text("utf-8"))


def performance_peers() -> str:
    """Return what each peer of the benchmark does and cannot do."""
    rows = [(name, peer.get("durable", "no"), peer["does"], peer["cannot"]) for name, peer in peers().items()]
    return table(("peer", "durable", "what it does here", "what it cannot do"), rows)


def performance_beside_peers() -> str:
    """Return what a customer costs on each peer of the stored run, and how many times as much that is."""
    header = ("peer", "against", *(f"{what}, {unit}" for what in ("welcome", "month") for unit in ("CPU", "wall")))
    found: dict[tuple[str, str], list[str]] = {}
    for line in stored_run():
        if line["bench"] == "peers":
            peer = str(line["figure"]).partition(", ")[2]
            cost = f"{line['value'] / 1_000:,.3g} ms, {line['ratio']:,.3g} times"
            found.setdefault((peer, line["against"]), []).append(cost)
    missing = "The stored run holds none of these; `python3 dev.py bench --keep peers` adds them.\n"
    return table(header, [(*names, *costs) for names, costs in found.items()]) if found else missing


SECTIONS: dict[str, Callable[[], str]] = {
    "actions": actions,
    "calls": calls,
    "commands": commands,
    "django": example(
        *(f"with_django/mailings/{name}.py" for name in ("engine", "apps", "management/commands/work")),
    ),
    "events": events,
    "fastapi": example("with_fastapi.py"),
    "features": feature_tables,
    "file-keys": file_keys,
    "files": files,
    "flask": example("with_flask.py"),
    "limits": limits,
    "loyalty-conformance": loyalty_conformance,
    "loyalty-errors": loyalty_errors,
    "loyalty-operations": loyalty_operations,
    "names": names,
    "octeth-actions": octeth_actions,
    "octeth-calls": octeth_calls,
    "octeth-codes": octeth_codes,
    "octeth-conformance": octeth_conformance,
    "operators": operators,
    "options": options,
    "performance": performance,
    "performance-a-day": performance_a_day,
    "performance-beside-peers": performance_beside_peers,
    "performance-peers": performance_peers,
    "reasons": reasons,
    "retries": retries,
    "rooms": rooms,
    "statuses": statuses,
    "steps": step_table,
    "tables": tables,
    "takes-time": takes_time,
    "transitions": transitions,
    "views": views,
    "worker": example("worker.py"),
}


def pages() -> Iterator[Path]:
    """Yield every page of the documentation."""
    yield ROOT / "README.md"
    yield from sorted(DOCS.glob("*.md"))


def sections(text: str) -> list[str]:
    """Return the names of the generated parts of a page."""
    return [match["name"] for match in _MARKED.finditer(text)]


def rewritten(text: str) -> str:
    """Return a page with its generated parts rewritten."""
    return _MARKED.sub(lambda match: f"{match[1]}\n{SECTIONS[match['name']]()}\n{match[3]}", text)


IMAGES = DOCS / "images"


def images() -> dict[str, str]:
    """Return the pictures that the examples of docs/pictures.md write, by file name."""
    page = (DOCS / "pictures.md").read_text(encoding="utf-8")
    with TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec("".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), {})  # noqa: S102 our own documentation
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path().glob("*.svg"))}


if __name__ == "__main__":
    for name, picture in images().items():
        (IMAGES / name).write_text(picture, encoding="utf-8")
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"rewrote {page.relative_to(ROOT)}")
    print(f"{len(empty_rows())} rows of docs/features.md are empty")
