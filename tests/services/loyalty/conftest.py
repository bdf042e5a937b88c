"""What several tests of the calls share."""

import pytest

from tests.samples import STORES, open_engine
from tests.services.loyalty.client import Client


@pytest.fixture(params=STORES)
def client(request):
    """Give a client over an engine on each store."""
    with open_engine(request.param, grace=None) as engine:
        yield Client(engine)
