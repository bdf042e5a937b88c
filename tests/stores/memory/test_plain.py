"""Records as plain tuples in the store in memory: what goes in comes out, and the cycle collector leaves it alone."""

import gc

import pytest

from journeyflow.records.rows import Input, Move, Post, make_input
from journeyflow.stores.memory.plain import input_row, move_row, post_row, read_move, read_post

POST = Post(7, 2, "hello", "EMAIL", "welcome", '{"a":1}', 5, None, True)
MOVE = Move(7, 0, 5, (("hello", "COMPLETED", "queued"), ("breathe", "ACTIVE", "")), {})

RECORDS = [
    (Input(3, "default", "ann", "event", "signup", 5, None, None), input_row, make_input),
    (POST, post_row, read_post),
    (POST._replace(status="SENT", flags={"sent": (6, 1), "opened": (7, 2)}, domain="example.com"), post_row, read_post),
    (MOVE, move_row, read_move),
    (MOVE._replace(seen={"0": {"customer.plan": "gold"}, "entry": {"event.n": 1.5}}), move_row, read_move),
]


@pytest.mark.parametrize(("record", "plain", "read"), RECORDS)
def test_a_record_is_the_same_after_it_was_plain(record, plain, read):
    """Each reader returns what went in, as the same type."""
    found = read(plain(record))
    assert (type(found), found) == (type(record), record)


@pytest.mark.parametrize(("record", "plain", "read"), RECORDS)
def test_the_cycle_collector_leaves_a_plain_record_alone(record, plain, read):  # noqa: ARG001 the same cases
    """After a look or two at a plain record, and at what is in it, nothing is left to be looked at."""
    row = plain(record)
    for _ in range(3):
        gc.collect()
    assert not gc.is_tracked(row)
    assert gc.is_tracked(read(row))
