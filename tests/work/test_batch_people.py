"""Tests of the customers in a working set."""

from journeyflow.work.batch_people import People
from journeyflow.work.pull_lists import Pulls


def test_attributes_that_stay_as_they_are_are_not_written():
    """A change that changes nothing returns the attributes themselves; then there is no row to write."""
    people = People(Pulls(), {})
    ann = people.meet("default", "ann")
    people.touched.clear()
    people.set_attributes(ann, ann.attributes)
    assert people.touched == {}
    people.set_attributes(ann, {"plan": "free"})
    assert [*people.touched.values()] == [ann]
