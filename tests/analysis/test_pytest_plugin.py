"""The pytest plugin, in a pytest of its own: what the tests of a host take of its journeys."""

from pathlib import Path

import pytest

from journeyflow import End, Journey, Trigger, Wait
from journeyflow.formats import dumps_journey

ROOT = Path(__file__).parents[2]

pytest_plugins = ["pytester"]

TESTS = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from journeyflow import Engine, Event, MemoryStore
from journeyflow.formats import loads_journey

START = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = loads_journey(Path("journeys/hello.json").read_text())

def play(*events):
    engine = Engine(MemoryStore())
    engine.deploy(HELLO, at=START)
    engine.feed([Event(each, customer="ann", at=START + timedelta(hours=n)) for n, each in enumerate(events)])
    engine.tick(START + timedelta(hours=5))
    return engine

def test_left_open():
    play("go", "paid")

def test_closed():
    with play("go", "go"):
        pass
"""


@pytest.fixture
def tested(pytester, monkeypatch):
    """Run the tests of a host with options; return the exit status and what was printed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    (pytester.path / "journeys").mkdir()
    steps = [Wait("w", event="paid", timeout="1 day", on_timeout=[End("late")])]
    hello = Journey("hello", trigger=Trigger("go"), steps=steps)
    (pytester.path / "journeys" / "hello.json").write_text(dumps_journey(hello))
    (pytester.path / "test_host.py").write_text(TESTS)

    def run(*options, apart=False):
        command = ["-q", "-p", "no:cacheprovider", "-p", "pytest_journeyflow", *options]
        found = pytester.runpytest_subprocess(*command) if apart else pytester.runpytest_inprocess(*command)
        return found.ret, found.stdout.str() + found.stderr.str()

    return run


def test_the_ways_that_tests_took_are_printed(tested):
    """Engines that are closed count as those that are dropped; what nobody took is named."""
    status, text = tested("--journeys=journeys")
    assert status == 0
    assert "hello: 4 of 7 ways taken, 57%" in text
    assert [line.strip() for line in text.splitlines() if "never" in line] == [
        "never: outcome w timeout",
        "never: step late",
        "never: refusal re-entry",
    ]


def test_too_few_ways_fail_the_session(tested):
    """The bound is in percent of the ways."""
    assert tested("--journeys=journeys", "--journeys-fail-under=50")[0] == 0
    status, text = tested("--journeys=journeys", "--journeys-fail-under=80")
    assert status == 1
    assert "fewer than 80%" in text


def test_workers_hand_over_what_they_saw(tested):
    """With pytest-xdist the controller adds up."""
    status, text = tested("--journeys=journeys", "-p", "xdist", "-n", "2", apart=True)
    assert status == 0
    assert "hello: 4 of 7 ways taken, 57%" in text


def test_a_folder_without_journeys_is_a_wrong_option(tested):
    """Nothing is watched without the option, and a folder without journeys is refused with its name."""
    assert "ways taken" not in tested()[1]
    status, text = tested("--journeys=nowhere")
    assert status == 4
    assert "--journeys=nowhere: there is no journey file" in text
