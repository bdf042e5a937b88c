"""Words in pictures: where they are cut and broken."""

import pytest

from journeyflow.drawing.text import broken, cut_to_width, width


@pytest.mark.parametrize("text", ["w" * 10_000, "i" * 10_000, "漢" * 100, "\N{GRINNING FACE}" * 100, "e\u0301" * 500])
def test_a_cut_text_fits(text):
    """However wide its characters are."""
    found = cut_to_width(text, 200, 13)
    assert found.endswith("…")
    assert width(found, 13) <= 200


def test_a_short_text_stays_whole():
    """Nothing is cut that fits."""
    assert cut_to_width("wait 3 days", 200, 13) == "wait 3 days"


@pytest.mark.parametrize("text", ["one two three four five six seven eight", "x" * 500, "a " + "y" * 500, ""])
def test_a_broken_text_fits_into_its_lines(text):
    """Each line is narrow enough, and no more lines are used than there are."""
    lines = broken(text, 100, 13, 2)
    assert 1 <= len(lines) <= 2
    assert max(width(line, 13) for line in lines) <= 100


def test_a_text_that_was_cut_says_so():
    """The last line ends with an ellipsis if words are missing, and only then."""
    assert broken("one two three four", 60, 13, 2)[-1].endswith("…")
    assert broken("one two", 200, 13, 2) == ["one two"]
