"""Snapshots: what a store holds, as one value, with everything that is needed to go on with it elsewhere."""

from collections.abc import Iterator
from typing import Final

from journeyflow.basics.values import loads
from journeyflow.records.changes import (
    CatalogChanges,
    Changes,
    Erased,
    Flag,
    Hold,
    LimitChanges,
    NewJourney,
    NewPolicies,
    NewVersion,
    PullChanges,
    Transition,
)
from journeyflow.records.rows import Post, Suppression
from journeyflow.stores.contract import SqlReader
from journeyflow.stores.rows import (
    DEFERRED_ROW,
    INPUT_ROW,
    POST_ROW,
    ROUND_ROW,
    RUN_ROW,
    read_deferred,
    read_input,
    read_post,
    read_round,
    read_run,
)

_VERSIONS: Final = """
SELECT v.number, v.journey, v.version, p.at, v.fingerprint, v.definition
FROM publications p JOIN versions v ON v.number = p.version ORDER BY p.at, p.journey, p.n
"""


def standing(reader: SqlReader) -> Changes:
    """Return what stands in a store as one value; committed to an empty store, that goes on like the first one.

    It is there: the catalog, customers, lists, enrollments, messages, slots, queues, timers, pulls, inputs that wait,
    the events whose ids are known, and the suppression list. Past moves, counters, refusals and exports are left out:
    nothing that comes next depends on them, and counters of the copy begin at 0.
    """
    inputs = reader.rows(
        f"SELECT {INPUT_ROW}, outcome FROM inputs WHERE outcome IS NULL OR (kind = 'event' AND id IS NOT NULL)"
        " ORDER BY seq"
    )
    customers = reader.rows("SELECT number, tenant, id, attributes FROM customers ORDER BY number")
    return Changes(
        inputs=tuple(map(read_input, inputs)),
        handled=tuple((row[0], row[-1]) for row in inputs if row[-1] is not None),
        customers=tuple((number, tenant, name, loads(text)) for number, tenant, name, text in customers),
        runs=tuple(map(read_run, reader.rows(f"SELECT {RUN_ROW} FROM enrollments ORDER BY serial"))),
        new_posts=tuple(_posts(reader)),
        catalog=catalog_of(reader),
        erased=Erased(
            suppressed=tuple(
                Suppression(*row)
                for row in reader.rows("SELECT hash, tenant, kind, before FROM suppressions ORDER BY hash")
            )
        ),
        limits=LimitChanges(
            slots=tuple(
                (journey, at)
                for journey, at, count in reader.rows("SELECT journey, at, count FROM slots ORDER BY 1, 2")
                for _ in range(count)
            ),
            joined=tuple(
                read_deferred(row) for row in reader.rows(f"SELECT {DEFERRED_ROW} FROM deferred ORDER BY number")
            ),
            timers=tuple(
                (journey, which, due)
                for journey, which, due in reader.rows("SELECT journey, which, due FROM journey_timers ORDER BY 1, 2")
            ),
        ),
        pulls=PullChanges(
            rounds=tuple(map(read_round, reader.rows(f"SELECT {ROUND_ROW} FROM pulls ORDER BY journey"))),
            listed=tuple(
                (tenant, name, customer)
                for tenant, name, customer in reader.rows(
                    "SELECT tenant, list, customer FROM list_members ORDER BY 1, 2, 3"
                )
            ),
        ),
    )


def _posts(reader: SqlReader) -> Iterator[Post]:
    """Yield the messages, without the shared value for no events, which cannot be sent to another process."""
    for row in reader.rows(f"SELECT {POST_ROW} FROM messages ORDER BY enrollment, n"):
        post = read_post(row)
        yield post if post.flags else post._replace(flags={})


def catalog_of(reader: SqlReader) -> CatalogChanges:
    """Return the catalog of a store as one value: journeys, versions, states, policies, holds and settings."""
    meta = dict(reader.rows("SELECT name, value FROM meta"))
    meta["revision"] = str(int(meta["revision"]) - 1)  # the commit itself makes a revision
    return CatalogChanges(
        journeys=tuple(NewJourney(*row) for row in reader.rows("SELECT number, tenant, id FROM journeys ORDER BY 1")),
        versions=tuple(NewVersion(*row) for row in reader.rows(_VERSIONS)),
        transitions=tuple(
            Transition(*row) for row in reader.rows("SELECT journey, at, state FROM transitions ORDER BY journey, n")
        ),
        policies=tuple(
            NewPolicies(*row) for row in reader.rows("SELECT tenant, at, definition FROM policies ORDER BY tenant, n")
        ),
        flags=tuple(
            Flag(journey, at, step, published == 1)
            for journey, at, step, published in reader.rows(
                "SELECT journey, at, step, published FROM flags ORDER BY journey, n"
            )
        ),
        holds=tuple(
            Hold(tenant, at, channel, held == 1)
            for tenant, at, channel, held in reader.rows(
                "SELECT tenant, at, channel, held FROM holds ORDER BY tenant, n"
            )
        ),
        meta=tuple(meta.items()),
    )
