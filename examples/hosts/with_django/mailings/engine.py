"""One engine for each process, opened when it is first wanted: after a fork."""

from functools import cache

from django.conf import settings

from journeyflow import Engine


@cache
def engine():
    return Engine(settings.BASE_DIR / "journeys.db")
