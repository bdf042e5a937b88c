"""Charts: the numbers of the picture are those of the table, and hostile labels are text."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyflow.drawing.charts import BarRow, IntervalRow, bands, bars, columns, intervals
from journeyflow.drawing.svg import SERIES

SVG = "{http://www.w3.org/2000/svg}"
QUICK = settings(max_examples=40, derandomize=True, database=None)


def shapes(chart, kind, of):
    """Return the elements of a class in a chart."""
    root = ET.fromstring(chart.svg)  # noqa: S314 our own
    return [each for each in root.iter(f"{SVG}{kind}") if of in (each.get("class") or "").split()]


@QUICK
@given(values=st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_bars_are_as_long_as_their_values(values):
    """All from zero, in one scale, in the order given; the table says the same."""
    chart = bars("T", ("step", "visits"), [BarRow(f"s{n}", value, f"{value:,}") for n, value in enumerate(values)])
    lengths = [float(each.get("width") or 0) for each in shapes(chart, "rect", "series0")]
    longest = max(values) or 1
    assert lengths == pytest.approx([value / longest * max(lengths) for value in values], abs=0.1)
    assert [row["visits"] for row in chart.to_dicts()] == [f"{value:,}" for value in values]


@QUICK
@given(rows=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=40))
def test_columns_are_as_high_as_their_values(rows):
    """Series stand on one another; the highest column fits below the highest line."""
    mail, text = ([row[place] for row in rows] for place in range(2))
    chart = columns("T", [f"d{n}" for n in range(len(rows))], {"EMAIL": mail, "SMS": text})
    drawn = {name: shapes(chart, "rect", f"series{n}")[1:] for n, name in enumerate(("EMAIL", "SMS"))}
    for name, values in (("EMAIL", mail), ("SMS", text)):
        heights = [float(each.get("height") or 0) for each in drawn[name]]
        seen = [value for value in values if value]
        scale = {round(height / value, 2) for height, value in zip(heights, seen, strict=True) if value > 50}
        assert len(scale) <= 2
    assert all(float(each.get("y") or 0) >= 0 for found in drawn.values() for each in found)
    assert [(row["EMAIL"], row["SMS"]) for row in chart.to_dicts()] == [(str(a), str(b)) for a, b in rows]


def test_a_band_has_what_happened_over_it():
    """As long as it is known; the table leaves the rest empty."""
    chart = bands("T", ["a", "b", "c"], [(1, 2, 3), (2, 3, 4), (2, 4, 8)], [2, 2.5])
    (band,) = shapes(chart, "polygon", "faint")
    assert len((band.get("points") or "").split()) == 6
    (truth,) = shapes(chart, "polyline", "curve1")
    assert len((truth.get("points") or "").split()) == 2
    assert [row["what happened"] for row in chart.to_dicts()] == ["2", "2.5", ""]
    alone = bands("T", ["a"], [(1, 2, 3)])
    assert alone.header == ("", "low", "middle", "high")
    assert not shapes(alone, "polyline", "curve1")


def test_intervals_stand_on_one_scale_with_zero():
    """The estimate is inside its interval; zero is drawn even where no interval holds it."""
    rows = [IntervalRow("B", 1, 2, 4, "+2"), IntervalRow("C", -3, -1, 0.5, "-1")]
    chart = intervals("T", ("arm", "difference"), rows)
    middles = [float(each.get("cx") or 0) for each in shapes(chart, "circle", "series0")]
    lines = [re.match(r"M([\d.]+) [\d.]+H([\d.]+)", each.get("d") or "") for each in shapes(chart, "path", "curve0")]
    for middle, line in zip(middles, lines, strict=True):
        assert line is not None
        assert float(line[1]) < middle < float(line[2])
    (zero,) = shapes(chart, "path", "zero")
    assert middles[1] < float((zero.get("d") or "")[1:].split()[0]) < middles[0]


@pytest.mark.parametrize(
    "chart",
    [
        bars("T", ("a", "b"), []),
        columns("T", [], {}),
        columns("T", ["a"], {"EMAIL": [0]}),
        bands("T", [], []),
        intervals("T", ("a", "b"), []),
        intervals("T", ("a", "b"), [IntervalRow("x", 0, 0, 0, "0")]),
    ],
)
def test_a_chart_of_nothing_is_a_chart(chart):
    """It says so by being empty, and divides by nothing."""
    assert ET.fromstring(chart.svg).get("role") == "img"  # noqa: S314 our own


HOSTILE = '<script>alert("x")</script>\u202e'


def test_hostile_labels_are_text():
    """In every kind of chart, in labels, legends and axes."""
    charts = [
        bars(HOSTILE, (HOSTILE, "n"), [BarRow(HOSTILE * 50, 1, HOSTILE)]),
        columns(HOSTILE, [HOSTILE], {HOSTILE: [1]}),
        bands(HOSTILE, [HOSTILE], [(1, 2, 3)]),
        intervals(HOSTILE, (HOSTILE, "n"), [IntervalRow(HOSTILE, 1, 2, 3, HOSTILE)]),
    ]
    for chart in charts:
        assert "<script" not in chart.svg
        assert "\u202e" not in chart.svg
        assert chart._repr_svg_() == chart.svg


def test_many_places_are_not_all_named():
    """Names that would overlap are left out; the table has them all."""
    chart = columns("T", [f"2026-01-{n:02}" for n in range(1, 32)], {"EMAIL": [1] * 31})
    named = [each.text for each in ET.fromstring(chart.svg).iter(f"{SVG}text") if (each.text or "").startswith("2026")]  # noqa: S314 our own
    assert named[0] == "2026-01-01"
    assert 2 < len(named) < 12
    assert len(chart.rows) == 31


def luminance(color):
    """Return the relative luminance of a color, as WCAG defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast of two colors, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", SERIES)
def test_every_series_stands_out_from_light_and_dark_paper(color):
    """By three to one at least, as graphics must."""
    from journeyflow.drawing.svg import DARK, LIGHT  # noqa: PLC0415 beside its use

    assert contrast(color, LIGHT["paper"]) >= 3
    assert contrast(color, DARK["paper"]) >= 3


@pytest.mark.parametrize("name", ["ink", "soft"])
def test_words_can_be_read_on_every_box(name):
    """By 4.5 to one at least, in light and in dark surroundings."""
    from journeyflow.drawing.svg import DARK, KINDS, LIGHT  # noqa: PLC0415 beside its use

    for colors in (LIGHT, DARK):
        for under in ("paper", "panel", *KINDS):
            assert contrast(colors[name], colors[under]) >= 4.5, (name, under)


@pytest.mark.parametrize("tone", ["added", "removed", "changed"])
def test_marks_of_changes_can_be_read_on_every_box(tone):
    """They are words too."""
    from journeyflow.drawing.svg import DARK, KINDS, LIGHT  # noqa: PLC0415 beside its use

    for colors in (LIGHT, DARK):
        for under in ("paper", "panel", *KINDS):
            assert contrast(colors[tone], colors[under]) >= 3, (tone, under)
