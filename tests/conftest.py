"""Settings of all tests."""

import gc
import importlib
import pkgutil
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

import dev
import journeyflow
from journeyflow.basics import patterns
from journeyflow.errors import MissingExtra
from tests.cases import share
from tests.samples import OPENED, STORES, Host, open_engine

settings.register_profile(  # a busy machine is not a failure, and what fails once fails again
    "house", deadline=None, max_examples=share(100), derandomize=True, database=None
)
settings.register_profile("long", deadline=None, max_examples=1_000)  # asked for with --hypothesis-profile=long
settings.load_profile("house")

for module in pkgutil.walk_packages(journeyflow.__path__, "journeyflow."):
    if not module.name.endswith("__main__"):  # imported first by a test that is not measured, it would seem unused
        with suppress(MissingExtra):
            importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def every_engine_is_closed():
    """Close what a test has opened with `open_engine`: a connection left open is a warning from Python 3.13 on."""
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture(params=STORES)
def host(request):
    """Return a host on each store.

    Its engine has the options that the module states as `ENGINE`. Where the module says `AUDITED`, nothing may be wrong
    with its books in the end (R80).
    """
    with open_engine(request.param, **getattr(request.module, "ENGINE", {})) as engine:
        yield Host(engine)
        if getattr(request.module, "AUDITED", False):
            assert engine.audit() == []


@pytest.fixture(params=STORES)
def strict(request):
    """Return a host on each store with a grace of one hour."""
    with open_engine(request.param, grace="1 hour") as engine:
        yield Host(engine)


@pytest.fixture
def quick():
    """Return a host on the store in memory, for what no store can change."""
    return Host(open_engine("memory"))


MEASURED = (
    *("tests/reporting/", "tests/simulation/test_backtest.py"),
    *(f"tests/test_{name}.py" for name in ("bad_input", "blank_names", "errors", "first_hour", "reprs", "traps")),
    *(f"tests/{room[:-1]}" for room in dev.MEASURED if room.endswith("/*")),
)
"""The tests of the rooms of which every line has to be covered: by them, not by what merely goes through the rooms."""


def pytest_collection_modifyitems(config, items):
    """Pass over what needs the extra `regex` where it is not installed: `tests/packages.py` runs both ways.

    Tests that draw their cases are not measured either: a line that is covered by chance is not covered, and measuring
    makes them cost two to six times as much. Nor are those on SQLite of what runs on both stores: the rooms above the
    stores have no line for one of them, and the lines of the stores are covered by `tests/stores/`. Nor are those that
    need a server, in a run of all tests: what has to be covered is so where there is none.
    """
    whole = not config.option.file_or_dir
    for item in items:
        if isinstance(item, pytest.Collector):  # a file; tests/sharing.py looks into it later
            continue
        if item.get_closest_marker("regex") and not patterns.available():
            item.add_marker(pytest.mark.skip(reason="needs the extra `regex`"))
        drawn = is_hypothesis_test(getattr(item, "obj", None))
        on_a_server = whole and item.nodeid.startswith("tests/stores/postgres/")
        if not item.nodeid.startswith(MEASURED) or drawn or on_a_server or is_on_sqlite(item):
            item.add_marker("unmeasured")


def is_on_sqlite(item):
    """Return whether a test outside `tests/stores/` is the one on SQLite of two that differ in the store."""
    chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
    on_sqlite = any(isinstance(each, str) and each == "sqlite" for each in chosen)
    return on_sqlite and not item.nodeid.startswith("tests/stores/")


MEASURING: list[Any] = []
"""What coverage has set to be told of each line that runs; nothing where it does not measure, or does so otherwise."""


def pytest_collection_finish():
    """Spare the garbage collector what stays until the end: thousands of tests, through which it would go again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    """Spare it what is left then, too: pytest has it go through everything five times before it ends."""
    gc.collect()
    gc.freeze()


def pytest_collection():
    """Stop measuring until the first test runs: being told of the lines of pytest and of tests, too, takes long."""
    tracer = sys.gettrace()
    if type(tracer).__module__.startswith("coverage"):
        MEASURING.append(tracer)
        sys.settrace(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Measure while a test runs.

    It is not done with the mark `no_cover` of pytest-cov: `coverage run` measures without that plugin.
    """
    measured = MEASURING and not item.get_closest_marker("unmeasured")
    if measured:
        sys.settrace(MEASURING[0])
    try:
        return (yield)
    finally:
        if measured:
            sys.settrace(None)
