"""Settings of all tests."""

import pytest
from hypothesis import settings

from journeyflow import patterns

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")


def pytest_collection_modifyitems(items):
    """Pass over what needs the extra `regex` where it is not installed: `tests/packages.py` runs both ways."""
    if not patterns.available():
        for item in items:
            if item.get_closest_marker("regex"):
                item.add_marker(pytest.mark.skip(reason="needs the extra `regex`"))
