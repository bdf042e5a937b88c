"""A store with a past, to be moved to another place: several tenants, and rows in every table."""

import os
import random
import signal
from datetime import UTC, datetime, timedelta

from journeyflow import Engine, Event, Journey, Limits, Policies, Send, Split, Trigger, Update, Wait, arm, tag
from journeyflow.definition.policies import Cap
from journeyflow.stores import moving
from journeyflow.stores.moving import copy_store
from journeyflow.stores.receiving import MOVED, SETTINGS
from journeyflow.stores.schema import columns_of, primary_key
from tests.stateful.journeys import JOURNEYS

START = datetime(2026, 3, 23, 8, tzinfo=UTC)

HOUR = timedelta(hours=1)

DAY = timedelta(days=1)

END = START + 6 * DAY

LATER = START + 16 * DAY

TENANTS = ("default", "zoo", "art")

OWN = (
    Journey(id="narrow", trigger=Trigger("member.created"), limits=Limits(per_day=1), steps=[Wait("w", "5 days")]),
    Journey(id="gone", trigger=Trigger("member.created"), steps=[Send("s", channel="SMS", template="s")]),
    Journey(id="once", trigger=Trigger("member.created"), steps=[Update("mark", tag.add("seen"))]),
    Journey(
        id="halves",
        trigger=Trigger("member.created"),
        steps=[Split("test", arm(50, [Send("a", channel="PUSH", template="a")]), arm(50, []))],
    ),
)


def opened(place):
    """Return an engine on a place."""
    return Engine(place, grace="1 hour", max_jump=None, batch_size=50)


def live(engine, seed=1):
    """Let customers of three tenants live for six days; the numbers of some are used and gone afterwards."""
    for name in TENANTS:
        _live(engine.tenant(name), random.Random(f"{seed} {name}"))
    for hours in range(0, 6 * 24, 12):
        _deliver(engine, START + hours * HOUR, random.Random(f"{seed} {hours}"))
        if hours == 48:
            engine.renew_nonce("later")
        if hours == 24:
            for name in TENANTS:
                for number in range(2):
                    refused = {"EMAIL": False}
                    engine.tenant(name).put_customer(f"c{number}", {"consent": refused}, at=START + DAY + HOUR)
    for name in TENANTS:
        mine = engine.tenant(name)
        mine.archive("gone", at=END)
        mine.purge("gone")
        mine.tick(END)
        mine.claim("w", at=END, limit=2, lease="3 days")
        mine.forget("c9", at=END)
        mine.prune(START + 5 * DAY)
        mine.hold_channel("SMS", at=END)
        mine.set_published("welcome", {"nudge": False}, at=END)
        mine.submit_export(at=END)
        mine.feed(Event("member.created", customer="waits", at=END + HOUR))


def _live(engine, chance):
    engine.set_policies(Policies(caps=[Cap(3, per="week")]), at=START)
    for journey in (*JOURNEYS, *OWN):
        engine.deploy(journey, at=START)
    for number in range(10):
        name, at = f"c{number}", START + chance.randrange(30) * HOUR
        lists = ["buyers"] if number % 3 == 0 else []
        engine.put_customer(name, {"plan": chance.choice(["free", "paid"]), "lists": lists}, at=at)
        engine.feed(Event("member.created", customer=name, at=at, id=f"e{number}"))
        engine.feed(Event("cart.updated", customer=name, at=at + HOUR, data={"items": chance.randrange(3)}))


def _deliver(engine, now, chance):
    engine.tick(now)
    for name in TENANTS:
        mine = engine.tenant(name)
        for message in mine.claim("w", at=now, limit=5):
            done = chance.randrange(4)
            if done == 0:
                mine.ack(message, at=now)
                told = {"message": message.id}
                mine.feed(Event("message.opened", customer=message.customer, at=now + HOUR, data=told))
            elif done == 1:
                mine.nack(message, at=now, error="no such box", permanent=True)
            elif done == 2:
                mine.release(message)


def rows(store):
    """Return all rows of all tables by name, and the settings."""
    with store.reader() as reader:
        found = {
            table: reader.rows(f"SELECT {columns_of(table)} FROM {table} ORDER BY {primary_key(table)}")
            for table in MOVED
        }
        return {**found, "meta": reader.rows(SETTINGS)}


def went_on(place, names=TENANTS):
    """Go on for ten days; return the messages by tenant, and what the audit finds."""
    with opened(place) as engine:
        for name in names:
            mine = engine.tenant(name)
            mine.release_channel("SMS", at=END + HOUR)
            for number in range(20, 24):
                mine.feed(Event("member.created", customer=f"c{number}", at=END + DAY))
                mine.feed(Event("cart.updated", customer=f"c{number}", at=END + DAY, data={"items": 2}))
            mine.tick(LATER)
        engine.tick(LATER)
        ids = [message.id for name in names for message in engine.tenant(name).messages(take=None)]
        assert len({*ids}) == len(ids)
        return {name: sorted(map(_seen, engine.tenant(name).messages(take=None))) for name in names}, engine.audit()


def _seen(message):
    """Return what a message is without its id, whose number may be in another range for a new enrollment."""
    return message.customer, message.journey, message.run, message.step, message.status, message.at, repr(message.data)


def kill(source, destination, after):
    """Copy in another process, which is killed after so many batches."""
    moving.BATCH = 40
    told = []

    def progress(*_):
        told.append(1)
        if len(told) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    copy_store(source, destination, progress)
