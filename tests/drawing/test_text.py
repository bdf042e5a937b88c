"""Words in pictures: what is visible of them, where they are cut, and that nothing in them is markup."""

import pytest

from journeyflow.drawing.svg import number, tag
from journeyflow.drawing.text import broken, cut, escaped, visible, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b", "a b"),
        ("a \u202e\u2066 b", "a b"),
        ("\ud800", ""),
        ("a\u2028b\n", "a b"),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}"),
        ("שלום", "שלום"),
    ],
)
def test_what_has_no_shape_is_not_shown(text, shown):
    """Control characters, marks of direction and lone surrogates; what joins an emoji stays."""
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["w" * 10_000, "i" * 10_000, "漢" * 100, "\N{GRINNING FACE}" * 100, "e\u0301" * 500])
def test_a_cut_text_fits(text):
    """However wide its characters are."""
    found = cut(text, 200, 13)
    assert found.endswith("…")
    assert width(found, 13) <= 200


def test_a_short_text_stays_whole():
    """Nothing is cut that fits."""
    assert cut("wait 3 days", 200, 13) == "wait 3 days"


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


def test_nothing_in_a_text_is_markup():
    """Neither inside an element nor in an attribute."""
    assert escaped("</text><script>&\"'") == "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#x27;"
    assert tag("g", x='"><script>') == '<g x="&quot;&gt;&lt;script&gt;"/>'


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0"), (-0.04, "0"), (12.0, "12"), (1234.56, "1234.6"), (1e7, "10000000")]
)
def test_numbers_are_short_and_plain(value, text):
    """One decimal at most, no exponent, no negative zero."""
    assert number(value) == text
