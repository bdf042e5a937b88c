"""Texts as markup: what is visible of them, that nothing in them is markup, and how numbers are written."""

import pytest

from journeyflow.basics.markup import element, escaped, px, visible


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


def test_nothing_in_a_text_is_markup():
    """Neither inside an element nor in an attribute."""
    assert escaped("</text><script>&\"'") == "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#x27;"
    assert element("g", x='"><script>') == '<g x="&quot;&gt;&lt;script&gt;"/>'


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0"), (-0.04, "0"), (12.0, "12"), (1234.56, "1234.6"), (1e7, "10000000")]
)
def test_numbers_are_short_and_plain(value, text):
    """One decimal at most, no exponent, no negative zero."""
    assert px(value) == text
