"""Settings of all tests."""

import importlib
import pkgutil

import pytest
from hypothesis import is_hypothesis_test, settings

import journeyflow
from journeyflow import patterns, stores
from tests.samples import OPENED

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

for package in (
    journeyflow,
    stores,
):  # imported first by a test that is not measured, it would seem unused
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def every_engine_is_closed():
    """Close what a test has opened with `open_engine`: a connection left open is a warning from Python 3.13 on."""
    yield
    while OPENED:
        OPENED.pop().close()


def pytest_collection_modifyitems(items):
    """Pass over what needs the extra `regex` where it is not installed: `tests/packages.py` runs both ways.

    Tests that draw their cases are not measured: a line that is covered by chance is not covered, and measuring makes
    them cost nearly twice as much.
    """
    for item in items:
        if item.get_closest_marker("regex") and not patterns.available():
            item.add_marker(pytest.mark.skip(reason="needs the extra `regex`"))
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("no_cover")
