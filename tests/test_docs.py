"""The documentation says what the code does: examples are run, outputs compared, drawn parts drawn again.

A block of Python runs in the namespace of its page; a `text` or `mermaid` block right after it is what it prints. In a
`console` block every line after `$ ` is a command, the lines below it what it prints; a last line `...` stands for the
rest. `<!-- not run: WHY -->` before a block of Python has it compiled only. All of it happens in an empty folder.
"""

import ast
import contextlib
import importlib.util
import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest
import sqlite_utils.cli
from click.testing import CliRunner

from journeyflow.cli import main
from journeyflow.definition.rules.operators import OPERATORS
from journeyflow.definition.steps import STEP_KINDS
from journeyflow.formats.native import to_dict
from journeyflow.formats.native_reading import loads_journey

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "README.md"]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FIRST_SCREEN = 45
"""Lines of the first screen, and lines of the example in it, at most:"""
FIRST_EXAMPLE = 12

PROGRAMS = {"journeyflow": main, "sqlite-utils": sqlite_utils.cli.cli}
"""What a console block may start."""

_BLOCK = re.compile(
    r"^(?P<before><!-- not run: [^\n]+ -->\n+)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def load(path: Path) -> ModuleType:
    """Import a script that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


generate = load(ROOT / "docs" / "generate.py")


class Block(NamedTuple):
    """A fenced block: its kind, its text, the line it begins at, whether it is run, and whether it follows another."""

    kind: str
    text: str
    line: int
    run: bool
    follows: bool


def blocks(page: Path) -> list[Block]:
    """Read the fenced blocks of a page."""
    text, found, end = page.read_text(encoding="utf-8"), list[Block](), 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        follows = not text[end : match.start()].strip()
        found.append(Block(match["kind"], match["text"], line, match["before"] is None, follows))
        end = match.end()
    return found


# --- running ----------------------------------------------------------------------------------------------------------


def run_python(block: Block, page: Path, namespace: dict[str, object]) -> str:
    """Run a block and give what it printed; a failure shows the page's line."""
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    printed = io.StringIO()
    if block.run:
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)  # noqa: S102 our own documentation
    return printed.getvalue()


def run_command(command: str) -> str:
    """Run one command line and give what it printed; its exit status must be 0.

    It runs in this process, for a Python takes long to start; tests/cli/test_output.py starts `journeyflow` for real.
    """
    program, *arguments = shlex.split(command)
    result = CliRunner().invoke(PROGRAMS[program], arguments, prog_name=program, env={"COLUMNS": "100"})
    assert result.exit_code == 0, f"{command}\n{result.output}{result.exception!r}"
    return result.stdout


def sessions(block: Block) -> Iterator[tuple[str, str]]:
    """Yield (command, expected output) of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def tidy(text: str) -> str:
    """Forget blanks at the ends of lines and of the text."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def agrees(printed: str, expected: str) -> bool:
    """Return whether an output is the one that stands on the page."""
    shown = tidy(expected)
    return tidy(printed).startswith(shown.removesuffix("...")) if shown.endswith("\n...") else tidy(printed) == shown


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_examples_do_what_the_page_says(page, tmp_path, monkeypatch):
    """Every example of the documentation runs, and prints what stands below it."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    printed = ""
    for block in blocks(page):
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.kind == "python":
            printed = run_python(block, page, namespace)
        elif block.kind in {"text", "mermaid"} and block.follows:
            assert agrees(printed, block.text), f"{where}\n{printed}"
        elif block.kind == "console":
            for command, expected in sessions(block):
                output = run_command(command)
                assert agrees(output, expected), f"{where}: {command}\n{output}"
        elif block.kind == "json":
            json.loads(block.text)


def shell_lines(page: Path) -> list[str]:
    """Return the commands of journeyflow in the `sh` blocks of a page, which are not run: some never end."""
    text = "".join(block.text for block in blocks(page) if block.kind == "sh").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.startswith("journeyflow ")]


@pytest.mark.parametrize("page", [page for page in PAGES if shell_lines(page)], ids=lambda page: page.name)
def test_commands_that_are_not_run_have_arguments_and_options_that_exist(page):
    """What a reader types first is not refused; files need not be there."""
    for line in shell_lines(page):
        name, *arguments = list(takewhile(lambda word: word not in {"|", ">"}, shlex.split(line, comments=True)[1:]))
        command = main.commands[name]
        context = click.Context(command, parent=click.Context(main, **main.context_settings))
        _, left, _ = command.make_parser(context).parse_args(arguments)
        assert left == [], line


def test_an_output_that_differs_is_noticed():
    """Control: blanks at line ends do not matter, everything else does; only a last `...` stands for more."""
    assert agrees("a \nb\n", "a\nb")
    assert agrees("a\nb\nc\n", "a\n...")
    assert not agrees("a\nb\n", "a\nc")
    assert not agrees("a\nb\n", "a")


# --- drawn parts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def trees():
    """Forget the syntax trees in the end: the garbage collector would go through them until the last test."""
    yield
    generate.modules.cache_clear()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
@pytest.mark.source
def test_drawn_parts_are_what_the_code_says_today(page):
    """Tables, the ladder, the diagrams and the help of commands are those of this code."""
    text = page.read_text(encoding="utf-8")
    assert generate.rewritten(text) == text, "draw them again: python3 dev.py run python docs/generate.py"


@pytest.mark.source
def test_the_pictures_of_the_pages_are_those_that_the_code_draws_today():
    """Each one is written by an example of the page that shows it, and shown there."""
    shown = re.findall(r"\(images/([^)]+)\)", (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8"))
    kept = {path.name: path.read_text(encoding="utf-8") for path in generate.IMAGES.iterdir()}
    assert sorted(shown) == sorted(kept)
    assert generate.images() == kept, "draw them again: python3 dev.py run python docs/generate.py"


def test_every_drawn_part_is_used_and_none_is_unknown():
    """A marker with a misspelt name would never be filled; a drawing that nobody shows is dead."""
    used = [name for page in PAGES for name in generate.sections(page.read_text(encoding="utf-8"))]
    assert set(used) == set(generate.SECTIONS)
    marked = sum(
        page.read_text(encoding="utf-8").count("<!-- generated:") for page in PAGES if page.parent != ROOT / "x"
    )
    assert marked == len(used)


def test_drawing_notices_a_page_that_is_out_of_date():
    """Control: a changed table is drawn again."""
    stale = "<!-- generated: operators -->\nold\n<!-- end of operators -->\n"
    drawn = generate.rewritten(stale)
    assert drawn != stale
    assert all(f"`{name}`" in drawn for name in OPERATORS)


@pytest.mark.source
def test_every_view_and_every_column_is_described():
    """What is in the file is on the page, and nothing else."""
    described = {name: [column for column in said if column] for name, said in generate.described_views().items()}
    assert {name: sorted(said) for name, said in described.items()} == {
        name: sorted(found) for name, found in generate.columns("view").items()
    }
    assert all(text for said in generate.described_views().values() for text in said.values())


# --- features ---------------------------------------------------------------------------------------------------------


def test_every_row_of_the_seed_documents_is_listed_once_and_in_order():
    """F1 to F264 have a name each."""
    rows = {number: row for section in generate.features().values() for number, row in section.items()}
    assert list(rows) == list(range(1, 265))
    assert all(rows.values())


@pytest.mark.source
def test_a_mark_names_rows_that_there_are():
    """A slip in a mark would show nothing, and nobody would notice."""
    rows = {number for section in generate.features().values() for number in section}
    assert sorted(generate.shown().keys() - rows) == []


@pytest.mark.source
def test_no_row_is_empty():
    """A row that nothing shows would have an empty cell on the page; there is none."""
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    empty = [int(number) for number in re.findall(r"^\| F(\d+) \| .* \|  \|$", text, flags=re.MULTILINE)]
    assert empty == generate.empty_rows() == []
    assert len(re.findall(r"^\| F\d+ \|", text, flags=re.MULTILINE)) == 264


def test_marks_of_tests_classes_and_modules_are_read():
    """Control: marks add up from the outside inward, and stand on tests alone."""
    text = """
pytestmark = [pytest.mark.slow, pytest.mark.rows(1)]

@pytest.mark.rows(2)
def test_a(): pass

class Tests:
    pytestmark = pytest.mark.rows(3)

    @pytest.mark.parametrize("x", [1])
    @pytest.mark.rows(4, 5)
    def test_b(self): pass

    def helper(self): pass
"""
    found = sorted(generate.marked_rows(ast.parse(text)))
    assert found == [(1, "test_a"), (1, "test_b"), (2, "test_a"), (3, "test_b"), (4, "test_b"), (5, "test_b")]


# --- what the pages promise -------------------------------------------------------------------------------------------


def test_the_first_screen_of_the_readme_installs_and_shows():
    """The line to install, an example of at most twelve lines, and what it prints."""
    install, example, output, *_ = blocks(README)
    assert install.kind == "sh"
    assert "pip install" in install.text
    assert (example.kind, output.kind, output.follows) == ("python", "text", True)
    assert example.text.count("\n") <= FIRST_EXAMPLE
    assert output.line + output.text.count("\n") <= FIRST_SCREEN


def places_of(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_linked_from_the_readme_and_every_link_leads_somewhere():
    """Nobody looks for a page that nothing points to."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target, place in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
            assert not place or place in places_of(page.parent / target if target else page), f"{page.name}: #{place}"
    text = README.read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"](docs/{page.name})" not in text] == []


def test_the_commands_named_in_the_readme_are_those_of_dev_py():
    """What a newcomer types first exists."""
    named = set(re.findall(r"python3 dev\.py (\w+)", README.read_text(encoding="utf-8")))
    assert {"demo", "test"} <= named <= set(load(ROOT / "dev.py").COMMANDS)


# --- semantics --------------------------------------------------------------------------------------------------------

RANGES = ((1, 18), (20, 27), (30, 44), (50, 54), (59, 63), (70, 75), (80, 87), (90, 92))
RULES = [number for first, last in RANGES for number in range(first, last + 1)]


def test_every_rule_stands_in_the_semantics_once_and_in_order():
    """Rules keep their numbers; what is not built yet has its line too."""
    text = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^\*\*R(\d+)\b", text, flags=re.MULTILINE)] == RULES


def test_the_code_and_the_tests_name_no_rule_that_is_not_there():
    """A rule that a docstring refers to can be looked up."""
    files = [*ROOT.glob("journeyflow/**/*.py"), *ROOT.glob("tests/**/*.py"), *PAGES]
    named = {
        (path.name, int(number))
        for path in files
        for number in re.findall(r"\bR(\d{1,2})\b", path.read_text(encoding="utf-8"))
    }
    assert {pair for pair in named if pair[1] not in RULES} == set()


# --- journey files ----------------------------------------------------------------------------------------------------


def test_the_journey_file_of_the_docs_reads_and_shows_every_kind_of_step():
    """The example file is valid, uses all six kinds, and is written back as the same journey."""
    texts = [block.text for block in blocks(ROOT / "docs" / "journey-file.md") if block.kind == "json"]
    assert texts
    journeys = [loads_journey(text) for text in texts]
    assert {type(step) for journey in journeys for step in journey.steps} == set(STEP_KINDS.values())
    assert all(loads_journey(json.dumps(to_dict(journey))) == journey for journey in journeys)


def test_the_changelog_has_a_place_for_what_comes_next():
    """Keep a Changelog: what is not released yet stands on top."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]"


def test_what_is_not_released_stands_in_each_section_once():
    """In the order of Keep a Changelog, without a gap or an entry that a merge has doubled."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("## [Unreleased]\n")[2].partition("\n## ")[0]
    sections = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
    assert sections == [name for name in ("Added", "Changed", "Deprecated", "Removed", "Fixed") if name in sections]
    entries = re.findall(r"^- .*(?:\n  .*)*", text, flags=re.MULTILINE)
    assert len(entries) == len(set(entries)) > 0
    assert re.search(r"^[- ].*\n\n[- ]", text, flags=re.MULTILINE) is None


@pytest.mark.source
@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_places_that_a_page_names_are_there(page):
    """A table that says where a change goes is worth nothing when a file has moved."""
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| "))
    table = rows.partition("| change | files |")[2].partition("| table | columns |")[0] if "docs/" in page else rows
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:/|\.py|\.toml))`", table)) - {"statistics.py"}
    assert len(named) > 10
    assert [
        name for name in sorted(named) if not any((base / name).exists() for base in (ROOT / "journeyflow", ROOT))
    ] == []


def test_the_table_of_changes_names_what_is_there():
    """Each file is there, and each name stands in one of the files of its row."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.partition("## Where a change goes")[2].partition("Every one of them")[0].splitlines()
    for row in [row for row in rows if row.startswith("| ")][2:]:
        told = re.findall(r"`([^`]+)`", row.split("|")[2])
        paths = [name for name in told if "/" in name or name.endswith(".py")]
        found = [path for name in paths for path in (ROOT / "journeyflow" / name, ROOT / name) if path.exists()]
        texts = [
            path.read_text(encoding="utf-8") for each in found for path in (each, *each.rglob("*.py")) if path.is_file()
        ]
        assert len(found) == len(paths), row
        for name in set(told) - set(paths):
            assert any(re.search(rf"\b{name.rpartition('.')[2]}\b", text) for text in texts), (name, row)
