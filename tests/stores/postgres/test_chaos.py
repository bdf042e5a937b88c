"""Processes work on one schema while they are killed, and their connections cut: nobody is lost, nothing done twice."""

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest

pytest.importorskip("psycopg", reason="needs the extra `postgres`: psycopg 3")

import psycopg

from journeyflow import Engine, Event, Journey, Send, StorageError, Trigger, Wait
from journeyflow.stores.postgres.address import Address

NOW = datetime(2026, 1, 5, tzinfo=UTC)

DAY = timedelta(days=1)

LETTER = Journey(
    id="letter",
    trigger=Trigger(event="signup"),
    steps=[
        Send("hello", channel="EMAIL", template="hello"),
        Wait("day", "1 day"),
        Send("again", channel="EMAIL", template="again"),
    ],
)

TENANTS = [f"t{number}" for number in range(6)]

NAMES = [f"c{number}" for number in range(30)]

WORKERS = 4

KILLS, CUTS = 4, 16


def work(address, number):
    """Feed, tick and claim for all tenants without end; go on after every error of the store but a deadlock."""
    some = random.Random(number)
    while True:
        try:
            with Engine(address, grace=None, batch_size=7) as engine:
                for name in some.sample(NAMES, 5):
                    tenant = some.choice(TENANTS)
                    mine = engine.tenant(tenant)
                    mine.feed(Event("signup", customer=name, at=NOW, id=f"{tenant} {name}"))
                    engine.tick(NOW, limit=20)
                    mine.ack(mine.claim(f"w{number}", at=NOW, limit=3), at=NOW)
                with engine.batch():  # for all tenants at once, which waits for all
                    for tenant in TENANTS:
                        name = some.choice(NAMES)
                        engine.tenant(tenant).feed(Event("signup", customer=name, at=NOW, id=f"{tenant} {name}"))
        except StorageError as error:
            if any(word in str(error) for word in ("deadlock", "serialize")):
                raise
            time.sleep(0.01)


def test_nobody_is_lost_and_nothing_is_done_twice(address):
    """Whoever is killed, and whichever connection is cut: what was committed is there, and adds up."""
    with Engine(address, grace=None) as engine:
        for tenant in TENANTS:
            engine.tenant(tenant).deploy(LETTER, at=NOW)
    where = Address.of(address)
    context = get_context("spawn")
    named = f"{address}&application_name={where.schema}"

    def begun(number):
        worker = context.Process(target=work, args=(named, number))
        worker.start()
        return worker

    workers = list(map(begun, range(WORKERS)))
    try:
        with psycopg.connect(where.server, autocommit=True) as beside:
            hit = harm(beside, where.schema, workers, begun)
        assert [worker.exitcode for worker in workers] == [None] * WORKERS, "no error but the library's own ends one"
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    assert hit >= KILLS, "control: connections that were at work were cut"
    with Engine(address, grace=None) as engine:
        for tenant in TENANTS:
            events = [Event("signup", customer=name, at=NOW, id=f"{tenant} {name}") for name in NAMES]
            engine.tenant(tenant).feed(events)
        engine.tick(NOW)
        engine.tick(NOW + DAY)
        assert engine.audit() == []
        for tenant in TENANTS:
            mine = engine.tenant(tenant)
            assert Counter(each.customer for each in mine.enrollments(take=None)) == dict.fromkeys(NAMES, 1)
            sent = Counter((each.customer, each.step) for each in mine.messages(take=None))
            assert sent == dict.fromkeys([(name, step) for name in NAMES for step in ("hello", "again")], 1)


def harm(beside, schema, workers, begun):
    """Cut connections, and kill workers in between, each of which begins anew; return how many were cut."""
    hit = 0
    while hit < CUTS:
        time.sleep(0.05)
        rows = beside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s LIMIT 1", (schema,)
        ).fetchall()
        hit += len(rows)
        if rows and hit % (CUTS // KILLS) == 0:
            place = hit // (CUTS // KILLS) % WORKERS
            workers[place].kill()
            workers[place].join()
            workers[place] = begun(place)
    return hit
