"""The back-test of the CDNOW purchases on a server: tables as computed directly, and the dump of memory by key."""

from contextlib import closing

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

from journeyflow import Engine, MemoryStore
from journeyflow.formats.native_reading import loads_journey
from journeyflow.reporting.export import export_tables
from journeyflow.simulation.backtest import Recorded, replay
from journeyflow.stores.postgres import PostgresStore
from journeyflow.testing.running import DUMPED
from tests import direct_cdnow as direct
from tests.cases import long
from tests.simulation.test_cdnow import DATA, FILES, all_differences, with_data, write_made_up

CUSTOMERS = 25
"""Of whose purchases there are tables in a short run; in a long one they are everybody's."""

pytestmark = pytest.mark.unmeasured


def some_purchases(path):
    """Write the purchases of the first customers of the sample."""
    header, *lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    place = header.strip().split(",").index("customer")
    kept = sorted({line.split(",")[place] for line in lines})[: None if long() else CUSTOMERS]
    path.write_text("".join([header, *(line for line in lines if line.split(",")[place] in kept)]), encoding="utf-8")


def replayed(store, events):
    """Run the five journeys on a store; return its dump by key."""
    journeys = [loads_journey(file.read_text(encoding="utf-8")) for file in FILES]
    with closing(store):
        replay(Engine(store, grace=None, max_jump=None), journeys, Recorded(events, until=direct.UNTIL))
        export_tables(store, events.parent, exact=True, bare=True)
        with store.reader() as reader:
            return {name: reader.rows(sql) for name, sql in DUMPED.items()}


@pytest.mark.parametrize("source", [pytest.param("CDNOW", marks=with_data), "made up"])
def test_tables_are_those_that_were_computed_directly(address, tmp_path, source):
    """And every row, by key, is the one that the back-test in memory has."""
    events = tmp_path / "events.csv"
    some_purchases(events) if source == "CDNOW" else write_made_up(events, 1)
    wanted = replayed(MemoryStore(nonce="x"), events)
    found = replayed(PostgresStore(address), events)
    assert found == wanted
    assert sum(map(len, found.values())) > 200, "control"
    assert all_differences(tmp_path, direct.tables(events)) == {}
