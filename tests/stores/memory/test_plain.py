"""Records as plain tuples in the store in memory: what goes in comes out, and the cycle collector leaves it alone."""

import gc

import pytest

from journeyflow.records.rows import Input, Move, Post, make_input
from journeyflow.stores.memory.plain import input_row, move_row, post_row, read_move, read_post


def told():
    """Return an input."""
    return Input(3, "default", "ann", "event", "signup", 5, None, None)


def sent(**changes):
    """Return a message."""
    return Post(7, 2, "hello", "EMAIL", "welcome", '{"a":1}', 5, None, True)._replace(**changes)


def moved(seen):
    """Return a move, with a path made now: the suite keeps what is made before a test from the collector."""
    return Move(7, 0, 5, tuple((step, "COMPLETED", "") for step in ("hello", "breathe")), seen)


KINDS = [
    (told, input_row, make_input),
    (sent, post_row, read_post),
    (lambda: sent(status="SENT", flags={"sent": (6, 1), "opened": (7, 2)}, domain="a.example"), post_row, read_post),
    (lambda: moved({}), move_row, read_move),
    (lambda: moved({"0": {"customer.plan": "gold"}, "entry": {"event.n": 1.5}}), move_row, read_move),
]


@pytest.mark.parametrize(("made", "plain", "read"), KINDS)
def test_a_record_is_the_same_after_it_was_plain(made, plain, read):
    """Each reader returns what went in, as the same type."""
    record = made()
    found = read(plain(record))
    assert (type(found), found) == (type(record), record)


@pytest.mark.parametrize(("made", "plain", "read"), KINDS)
def test_the_cycle_collector_leaves_a_plain_record_alone(made, plain, read):
    """After a look or two at a plain record, and at what is in it, nothing is left to be looked at."""
    row = plain(made())
    for _ in range(3):
        gc.collect()
    assert not gc.is_tracked(row)
    assert gc.is_tracked(read(row))
