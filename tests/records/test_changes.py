"""What a commit writes."""

from attrs import frozen

from journeyflow.records.changes import Part


@frozen
class Words(Part):
    """A part that no other test has read."""

    one: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def test_a_part_is_false_if_it_writes_nothing():
    """Whichever of its fields holds something, there is something to write."""
    assert not Words()
    assert Words(one=("a",))
    assert Words(more=("b",))
