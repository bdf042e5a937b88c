"""What a commit writes."""

from journeyflow.records.changes import Changes, Erased, LimitChanges


def test_a_part_is_false_if_it_writes_nothing():
    """Whichever of its fields holds something, there is something to write."""
    assert not Erased()
    assert Erased(dismissed=(1,))
    assert Erased(scrubbed=True)
    assert not Changes()
    assert not Changes(limits=LimitChanges(), erased=Erased())
    assert Changes(limits=LimitChanges(gone=(1,)))
    assert Changes(last_tick=1)
