"""The plain way for everybody, to which walking together is held."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from journeyflow.machine import behaviours as machine
from journeyflow.work import scheduler
from journeyflow.work import working_set as work


class Alone:
    """The plain walk for everybody."""

    advance = staticmethod(machine.advance)


def nobody(*_: object) -> SimpleNamespace:
    """Take nothing into a crowd: every item is handled by itself."""
    return SimpleNamespace(take=lambda *_: 0)


@contextmanager
def everybody_alone() -> Iterator[None]:
    """Let nobody walk together."""
    with patch.object(work, "Cohorts", Alone), patch.object(scheduler, "Crowds", nobody):
        yield
