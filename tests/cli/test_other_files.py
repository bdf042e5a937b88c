"""Every command that reads a file says what another kind of file is, and shows no trace of its inside."""

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from journeyflow.cli import main
from journeyflow.errors import InvalidInput
from journeyflow.formats.events import read_events
from journeyflow.simulation.population import Population
from journeyflow.testing.cassettes import Cassette

OTHERS = {
    "nothing": b"",
    "bytes": bytes(range(256)),
    "half of JSON": b'{"format": 1, "id":',
    "a list": b"[1]",
    "a spreadsheet": b"PK\x03\x04" + bytes(40),
}
PLAIN = {
    "journey": "welcome",
    "journeys": "welcome",
    "to": "copy",
    "step": "hello",
    "customer": "c1",
    "customers": "c1",
}
NEEDED = {"--until": "5 days", "--start": "2026-01-01T00:00:00Z", "--people": "2", "--directory": "people.db"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return all commands, with the words that call them."""
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
        else:
            found.append(((*path, name), command))
    return found


def reads(parameter: click.Parameter) -> bool:
    """Whether a parameter is a file that has to be there."""
    return isinstance(parameter.type, click.Path) and parameter.type.exists and parameter.type.file_okay


CASES = [
    pytest.param(path, command, parameter, id=f"{' '.join(path)} {parameter.name}")
    for path, command in commands(main)
    for parameter in command.params
    if reads(parameter) and path != ("serve",)
]


def words(command: click.Command, odd: click.Parameter, file: str) -> list[str]:
    """Return the arguments of a call: the odd one is a file, the others are plausible."""
    said = []
    for parameter in command.params:
        if parameter is odd:
            said += [file] if isinstance(parameter, click.Argument) else [parameter.opts[-1], file]
        elif isinstance(parameter, click.Argument):
            is_file = isinstance(parameter.type, click.Path)
            said.append(
                "run.db" if parameter.name == "db" else file if is_file else PLAIN.get(parameter.name or "", "x")
            )
        elif parameter.required:
            said += [parameter.opts[-1], NEEDED.get(parameter.opts[-1], "x")]
    return said


@pytest.mark.parametrize(("path", "command", "parameter"), CASES)
def test_a_file_of_another_kind_is_told_in_a_sentence(path, command, parameter, tmp_path, monkeypatch):
    """Also where the command goes on without it: then it says what it did."""
    monkeypatch.chdir(tmp_path)
    for name, data in OTHERS.items():
        Path("other").write_bytes(data)
        shown = CliRunner().invoke(main, [*path, *words(command, parameter, "other")], input="")
        assert shown.exception is None or isinstance(shown.exception, SystemExit), (name, shown.exception)
        assert "Traceback" not in shown.output, name


def test_a_command_without_its_extra_says_what_to_install(monkeypatch):
    """`serve` does so before it opens anything."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    shown = CliRunner().invoke(main, ["serve", "run.db"])
    assert (shown.exit_code, shown.output) == (
        1,
        "Error: serve needs an optional dependency: pip install 'journeyflow[http]'\n",
    )


def test_a_path_through_a_file_is_told_in_a_sentence(tmp_path):
    """The system's own words for it are not a sentence, and have no remedy."""
    (tmp_path / "file").touch()
    shown = CliRunner().invoke(main, ["demo", "--db", str(tmp_path / "file" / "demo.db")])
    assert shown.exit_code == 1
    assert (
        shown.output == f"Error: {tmp_path}/file/demo.db: Not a directory; name a place that is there and may be used\n"
    )


@pytest.mark.parametrize("read", [Cassette.load, Population.from_file, lambda path: list(read_events(path, bad=print))])
def test_a_function_that_reads_a_path_raises_one_error(read, tmp_path):
    """Whatever keeps the file from being read, a text that is not a path included."""
    for path, why in {
        tmp_path / "missing": "No such file or directory",
        tmp_path: "Is a directory",
        "": "Is a directory",
        "a\x00b": "embedded null byte",
        "\ud800": "surrogates not allowed",
    }.items():
        with pytest.raises(InvalidInput, match=f"{why}; name a file that can be read"):
            read(path)
