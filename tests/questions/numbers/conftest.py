"""What several tests of numbers share."""

import pytest

from tests.questions.numbers.forty import live
from tests.samples import STORES, open_engine


@pytest.fixture(params=STORES)
def engine(request):
    """Give an engine with forty people in a journey; every second opened the first mail, every tenth paid."""
    with open_engine(request.param, grace=None, max_jump=None) as engine:
        live(engine)
        yield engine
        assert engine.audit() == []
