"""What benchmarks compare is the same: peers of the mixed month decide as the engine does."""

import ast
import json
import os
import sys
import tomllib
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.source

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
PEERS = tomllib.loads((FOLDER / "peers.toml").read_text("utf-8"))
CUSTOMERS = 25


@pytest.fixture(name="script")
def _script(monkeypatch):
    """Return what imports a script; what it imports is gone afterwards, because its names are no package's."""
    pytest.importorskip("simpy", reason="needs the dependency group `bench`")
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield import_module
    for name in set(sys.modules) - before:
        if (FOLDER / f"{name}.py").exists():
            del sys.modules[name]


def test_the_month_is_the_same_for_the_engine_and_its_rivals(script, tmp_path):
    """The plain description that peers are made of, the program by hand, and the model in SimPy send what it sends."""
    told = script("mixed").month(CUSTOMERS)
    engine = script("_this_engine").month("memory", tmp_path, told)
    assert engine.steps.keys() >= {"hello", "nudge", "reminder"}
    plain = script("_hosted").Hosted().live(told)
    assert (plain.sent, plain.ended) == (engine.sent, engine.ended)
    by_hand = script("_by_hand").ByHand()
    script("_lived").lived(by_hand, told)
    assert script("mixed").sent_by_hand(by_hand) == engine.sent
    assert script("_on_simpy").Month(tmp_path).live(told).steps == engine.steps


def test_a_peer_that_decides_otherwise_is_found(script, tmp_path):
    """A message less, a run that ended otherwise, or another number of a step is not an agreement."""
    engine = script("_this_engine").month("memory", tmp_path, script("mixed").month(CUSTOMERS))
    other = engine.of(engine.sent[1:], engine.ended)
    assert engine.agrees(engine._replace(sent=None, ended=None))
    assert not engine.agrees(other)
    assert not engine.agrees(other._replace(sent=None))
    assert not engine.agrees(engine.of(engine.sent, engine.ended + type(engine.ended)([("cart", "ACTIVE", False)])))


def test_one_statement_in_sql_says_what_the_engine_says(script, tmp_path):
    """What statistics and questions are held against gives the same numbers, and not because there are none."""
    in_sql, stats = script("_in_sql"), script("stats")
    path = tmp_path / "run.db"
    with stats.made(path, 300) as engine, closing(in_sql.opened(path)) as bare:
        asked = {name: (in_sql.QUESTIONS[name], ask()) for name, ask in script("questions").asked(engine).items()}
        asked |= {name: (each, engine.stats("welcome", at=stats.LAST)) for name, each in in_sql.STATS.items()}
        for name, (each, answer) in asked.items():
            assert each.told(answer)[0], name
            assert each.agrees(bare, answer, **stats.WINDOW), name


def test_a_figure_is_the_median_of_its_runs_with_their_spread(script, capsys):
    """Runs are held against those of the other side in turn, CPU time and wall time apart."""
    common = script("_common")
    common.report("mine", "size", 7.0, "MB", n=3)
    common.report("mine", "growth", [-4.0, -2.0, -3.0], "MB", n=3)
    sides = {"ours": [(1.0, 10.0), (2.0, 10.0), (3.0, 40.0)], "others": [(2.0, 10.0), (2.0, 20.0), (9.0, 40.0)]}
    for tell, what in ((partial(common.report_speed, done=6), "speed"), (common.report_cost, "cost")):
        tell("mine", what, **sides, against="it", n=3)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {tuple(line) for line in lines} == {
        ("bench", "figure", "value", "unit", "against", "ratio", "n", "runs", "spread")
    }
    assert [tuple(line[name] for name in ("value", "unit", "ratio", "runs", "spread")) for line in lines] == [
        (7.0, "MB", None, 1, None), (-3.0, "MB", None, 3, 0.6667),
        (3.0, "1/CPU s", 2.0, 3, 1.0), (0.6, "1/s", 1.0, 3, 1.0),
        (2000.0, "ms CPU", 0.5, 3, 1.333), (10000.0, "ms", 1.0, 3, 0.5),
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process has held of its own")
def test_the_peak_of_memory_is_that_of_the_process(script):
    """A process does not begin with the peak of the one that starts it."""
    common, much = script("_common"), 128 * 2**20
    before = common.peak_memory()
    held = b"x" * much
    assert common.peak_memory() >= len(held) / 2**20
    assert common.peak_memory(os.getpid()) >= before
    assert common.apart(common.peak_memory) < len(held) / 2**20


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_has_both_journeys_and_its_package_is_asked_for(name):
    """The page on performance says what each is and cannot do, and `dev.py bench peers` installs it."""
    peer = PEERS[name]
    module = ast.parse((FOLDER / f"{peer['module']}.py").read_text("utf-8"))
    assert {"welcome", "Month"} <= {
        node.name for node in module.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    assert peer["beside"] in {"memory", "file", "PostgreSQL"}
    assert ("durable" in peer) == (peer["beside"] != "memory")
    assert peer["does"].endswith(".")
    assert peer["cannot"].endswith(".")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    asked = {each.partition(">=")[0] for group in ("bench", "peers") for each in groups[group] if isinstance(each, str)}
    assert peer.get("package", "simpy") in asked
