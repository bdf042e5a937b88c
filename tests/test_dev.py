"""What `dev.py` prints of the parts that it runs."""

import re
import sys

import pytest

import dev

pytestmark = pytest.mark.source


def part(text, code=0):
    """Return a command that prints something and exits with a code."""
    return [sys.executable, "-S", "-c", f"print({text!r}); raise SystemExit({code})"]


@pytest.fixture
def printed(capsys):
    """Return a function that runs rounds of parts, and returns the exit code and what is printed, without seconds."""

    def run(*rounds):
        return dev.call_all(*rounds), re.sub(r" +\d+\.\d s", " N s", capsys.readouterr().out)

    return run


def test_a_line_says_how_each_part_went_and_what_it_said_last(printed):
    """Of parts side by side only the last is shown; the parts of a later round follow them."""
    assert printed({"lint": part("one\nclean\n"), "tests": part("..\n2 passed")}, {"core": part("")}) == (
        0,
        "\n=== tests\n..\n2 passed\n\n=== core\n\n\nlint N s  ok  clean\ntests N s  ok  2 passed\ncore N s  ok\n",
    )


def test_a_part_that_fails_is_shown_and_fails_the_whole(printed):
    """The other parts, and the rounds that follow, are run all the same."""
    lint = part("one\ntwo errors", 3)
    status, text = printed({"lint": lint, "tests": part("")}, {"core": part("all of it", 2)})
    assert (status, text.count("\n=== lint\none\ntwo errors\n"), text.count("\n=== tests\n")) == (1, 1, 1)
    lines = "lint N s  FAILED (exit 3)  two errors", "tests N s  ok", "core N s  FAILED (exit 2)  all of it"
    assert text.endswith("\n=== core\nall of it\n\n{}\n{}\n{}\n".format(*lines))
    assert printed({"lint": lint})[1].count("two errors") == 1 + 1


def test_one_process_more_than_there_are_processors_shares_the_tests(monkeypatch):
    """All of them know one folder; there are no more than files that take long."""
    monkeypatch.setattr(dev, "processors", lambda: 2)
    found = dev.shares("somewhere")
    assert list(found) == ["tests 1", "tests 2", "tests 3"]
    assert all("--shared=somewhere" in command for command in found.values())
    monkeypatch.setattr(dev, "processors", lambda: 1_000)
    assert len(dev.shares("somewhere")) == dev.MOST
