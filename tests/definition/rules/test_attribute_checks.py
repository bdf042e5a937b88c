"""What is wrong with attributes, all at once, each with its path (R50, R54)."""

import pytest
from hypothesis import given

from journeyflow.definition.rules.attribute_checks import attribute_faults
from tests.definition.rules.test_attribute_changes import attributes


@given(attributes())
def test_good_attributes_have_no_fault(some):
    """R50, R54."""
    assert list(attribute_faults(some)) == []
    assert list(attribute_faults(dict.fromkeys(some))) == []


@pytest.mark.parametrize(
    ("some", "sentence"),
    [
        ({"a": float("nan")}, "a: nan is not a finite number"),
        ({"": 1}, "a name must not be empty"),
        ({5: 1}, "value: key must be text, not int 5"),
        ({"tags": "vip"}, "tags: must be a list of texts, not str 'vip'"),
        ({"tags": ["vip", 5]}, "tags: must be a list of texts, not list ['vip', 5]"),
        ({"lists": {"a": 1}}, "lists: must be a list of texts, not dict {'a': 1}"),
        ({"consent": True}, "consent: must be an object of channels, not bool True"),
        ({"consent": {"EMAIL": 1}}, "consent.EMAIL: must be true or false, not int 1"),
    ],
)
def test_a_fault_of_attributes_is_told_with_its_path(some, sentence):
    """R50, R54: `tags`, `lists` and `consent` have fixed shapes."""
    assert list(attribute_faults(some)) == [sentence]


def test_all_faults_of_attributes_are_told_at_once():
    """R50: values first, then the reserved names."""
    some = {"a": 2**64, "": 1, "tags": 1, "lists": 2, "consent": {"A": 0, "B": None, "C": "x"}}
    assert [sentence.partition(":")[0] for sentence in attribute_faults(some)] == [
        "a", "a name must not be empty", "tags", "lists", "consent.A", "consent.C",
    ]  # fmt: skip
