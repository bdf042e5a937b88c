"""The shipped examples: every file is read, and the README beside them says what really happens."""

import json
import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner

from journeyflow import Engine, problems
from journeyflow.cli import main
from journeyflow.formats.native import dumps_journey
from journeyflow.formats.native_reading import loads_journey

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.json"))
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_read_without_a_warning_and_written_back_equal(path):
    """A native file has no problem of any severity, is named after its journey and survives a round trip (R13)."""
    journey = loads_journey(path.read_text(encoding="utf-8"))
    assert problems(journey) == ()
    assert journey.id == path.stem
    assert loads_journey(dumps_journey(journey)) == journey


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_writes_every_end_itself(path):
    """Examples lean on no appended end (R40): the steps read are the steps written."""
    text = path.read_text(encoding="utf-8")
    assert [step.id for step in loads_journey(text).steps] == [step["id"] for step in json.loads(text)["steps"]]


def test_the_readme_lists_every_example():
    """The table of the README and the folder agree."""
    assert sorted(re.findall(r"\| \[`(.*?)`\]", README)) == [path.name for path in FILES]


def block(language: str) -> str:
    """Return the first code block of the README in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found, language
    return found[1]


def test_the_command_of_the_readme_gives_the_messages_of_the_readme(tmp_path, monkeypatch):
    """The back-test of all examples, as it is written there, ends in the file that is shown there (D3)."""
    copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    words = [
        name
        for word in shlex.split(block("sh"))[1:]
        for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert Path("out/messages.csv").read_text(encoding="utf-8") == block("csv")
    with Engine("examples.db") as engine:
        assert engine.audit() == []
        assert engine.customer("ann").attributes["spent"] == 217.75
        assert {each.customer: each.reason for each in engine.enrollments("trial").items} == {"dan": "", "eve": "paid"}
        assert engine.enrollment("abandoned-cart", "cleo").reason == "bought"
