"""Charts: the numbers of the picture are those of the table, and hostile labels are text."""

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeyflow.drawing.charts import FEW, BarRow, IntervalRow, bands, bars, columns, intervals
from journeyflow.drawing.flows import LOOP, Flow, FlowBox, flow
from journeyflow.drawing.svg import DARK, FILLS, FONT, LIGHT, SERIES, SMALL
from journeyflow.drawing.text import width
from journeyflow.drawing.tracks import TrackRow, tracks

SVG = "{http://www.w3.org/2000/svg}"
QUICK = settings(max_examples=40, derandomize=True, database=None)


def shapes(chart, kind, of):
    """Return the elements of a class in a chart, without those of its legend."""
    root = ET.fromstring(chart.svg)  # noqa: S314 our own
    return [each for each in root.iter(f"{SVG}{kind}") if of in (each.get("class") or "").split()]


def lines(chart):
    """Return every line of text in a chart with its left, top, right and bottom."""
    found = []
    for each in ET.fromstring(chart.svg).iter(f"{SVG}text"):  # noqa: S314 our own
        size = SMALL if "soft" in (each.get("class") or "").split() else FONT
        wide, x, y = width(each.text or "", size), float(each.get("x") or 0), float(each.get("y") or 0)
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[each.get("text-anchor") or "start"]
        found.append((each.text or "", left, y - size * 0.8, left + wide, y + size * 0.2))
    return found


def assert_readable(chart):
    """Check that no line of text lies on another one, and that none is cut off."""
    root = ET.fromstring(chart.svg)  # noqa: S314 our own
    wide, high = float(root.get("width") or 0), float(root.get("height") or 0)
    found = [each for each in lines(chart) if each[0]]
    for text, left, top, right, bottom in found:
        assert left >= -0.1, text
        assert top >= 0, text
        assert right <= wide + 0.1, (text, right, wide)
        assert bottom <= high, text
    for one, other in combinations(found, 2):
        apart = one[3] <= other[1] + 1 or other[3] <= one[1] + 1 or one[4] <= other[2] + 1 or other[4] <= one[2] + 1
        assert apart, (one, other)


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
    days = [f"d{n}" for n in range(FEW + 4)]
    chart = bands("T", days, [(n, n + 1, n + 2) for n in range(FEW + 4)], [n + 0.5 for n in range(FEW + 1)])
    (band,) = shapes(chart, "polygon", "faint")
    assert len((band.get("points") or "").split()) == 2 * (FEW + 4)
    (truth,) = shapes(chart, "polyline", "curve1")
    assert len((truth.get("points") or "").split()) == FEW + 1
    assert [row["what happened"] for row in chart.to_dicts()][-5:] == ["15.5", "16.5", "", "", ""]
    alone = bands("T", days, [(1, 2, 3)] * len(days))
    assert alone.header == ("", "low", "middle", "high")
    assert not shapes(alone, "polyline", "curve1")


def test_few_bands_are_boxes_with_what_happened_as_dots():
    """A band of one place would have no width: it has a box from low to high, and a line at its middle."""
    chart = bands("T", ["a", "b"], [(1, 2, 3), (2, 4, 8)], [9, 2.5])
    boxes = shapes(chart, "rect", "faint")[1:]
    tops = [float(each.get("y") or 0) for each in boxes]
    lows = [top + float(each.get("height") or 0) for top, each in zip(tops, boxes, strict=True)]
    dots = [float(each.get("cy") or 0) for each in shapes(chart, "circle", "series1")]
    assert dots[0] < tops[0]
    assert tops[1] < dots[1] < lows[1]
    assert len(shapes(chart, "path", "curve0")) == 2


def test_bars_have_columns_beside_them_and_lost_parts():
    """The lost part is as long as it is many; every cell is in the picture and in the table."""
    rows = [BarRow("a", 100, "100", ("50%", "7"), 25), BarRow("b", 50, "50", ("x", "8"))]
    chart = bars("T", ("step", "visits", "rate", "gone"), rows, "left here")
    whole, gone = shapes(chart, "rect", "series0")[1], shapes(chart, "rect", "lost")[1]
    assert float(gone.get("width") or 0) == pytest.approx(float(whole.get("width") or 0) / 4, abs=0.1)
    assert chart.to_dicts()[1] == {"step": "b", "visits": "50", "rate": "x", "gone": "8"}
    assert {"left here", "rate", "gone", "50%", "x"} <= {text for text, *_ in lines(chart)}


def test_a_doubtful_interval_is_hollow_and_a_note_says_why():
    """Nobody reads a difference of groups that must not be compared as one that counts."""
    rows = [IntervalRow("B", 1, 2, 4, "+2", doubtful=True), IntervalRow("C", 1, 2, 4, "+2")]
    chart = intervals("T", ("arm", "difference"), rows, "sample ratio mismatch")
    assert len(shapes(chart, "circle", "hollow")) == len(shapes(chart, "circle", "series0")) == 1
    assert "sample ratio mismatch" in {text for text, *_ in lines(chart)}


def test_intervals_stand_on_one_scale_with_zero():
    """The estimate is inside its interval; zero is drawn even where no interval holds it."""
    rows = [IntervalRow("B", 1, 2, 4, "+2"), IntervalRow("C", -3, -1, 0.5, "-1")]
    chart = intervals("T", ("arm", "difference"), rows)
    middles = [float(each.get("cx") or 0) for each in shapes(chart, "circle", "series0")]
    spans = [re.match(r"M([\d.]+) [\d.]+H([\d.]+)", each.get("d") or "") for each in shapes(chart, "path", "curve0")]
    for middle, line in zip(middles, spans, strict=True):
        assert line is not None
        assert float(line[1]) < middle < float(line[2])
    (zero,) = shapes(chart, "path", "zero")
    assert middles[1] < float((zero.get("d") or "")[1:].split()[0]) < middles[0]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: bars("T", ("a", "b"), []), True),
        (lambda: columns("T", [], {}), True),
        (lambda: columns("T", ["a"], {"EMAIL": [0]}), False),
        (lambda: bands("T", [], []), True),
        (lambda: intervals("T", ("a", "b"), []), True),
        (lambda: intervals("T", ("a", "b"), [IntervalRow("x", 0, 0, 0, "0")]), False),
        (lambda: flow("T", [], []), True),
        (lambda: flow("T", [FlowBox("send", "a", 0)], [Flow(0, 0, 0)]), True),
        (lambda: tracks("T", []), True),
    ],
)
def test_a_chart_of_nothing_is_a_chart(made, said):
    """It says so, and divides by nothing."""
    chart = made()
    assert ET.fromstring(chart.svg).get("role") == "img"  # noqa: S314 our own
    assert ("Nothing to show." in {text for text, *_ in lines(chart)}) == said


HOSTILE = '<script>alert("x")</script>\u202e'


def test_hostile_labels_are_text():
    """In every kind of chart, in labels, legends and axes."""
    charts = [
        bars(HOSTILE, (HOSTILE, "n"), [BarRow(HOSTILE * 50, 1, HOSTILE)]),
        columns(HOSTILE, [HOSTILE], {HOSTILE: [1]}),
        bands(HOSTILE, [HOSTILE], [(1, 2, 3)]),
        intervals(HOSTILE, (HOSTILE, "n"), [IntervalRow(HOSTILE, 1, 2, 3, HOSTILE)], HOSTILE * 20),
        flow(HOSTILE, [FlowBox("send", HOSTILE * 20, 3, 1), FlowBox("end", HOSTILE, 2)], [Flow(0, 1, 2, HOSTILE)]),
        tracks(HOSTILE, [TrackRow(HOSTILE, 0, "ring", HOSTILE * 9, HOSTILE * 99)], HOSTILE),
    ]
    for chart in charts:
        assert "<script" not in chart.svg
        assert "\u202e" not in chart.svg
        assert chart._repr_svg_() == chart.svg
        assert len(repr(chart)) < 400


NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["x" * 900, "\N{PILE OF POO}" * 60, "漢字" * 40, "\u202eabc", "W" * 30, HOSTILE, "]]>&amp;"]),
)
CASES = st.lists(st.tuples(NAMES, st.integers(0, 10**9)), min_size=1, max_size=9)

KINDS = {
    "bars": lambda case: bars(
        case[0][0], ("step", "n", case[0][0][:40]), [BarRow(name, n, f"{n:,}", ("5%",), n / 2) for name, n in case]
    ),
    "columns": lambda case: columns(
        case[0][0], [name for name, _ in case], {case[-1][0]: [n for _, n in case], "SMS": [1] * len(case)}
    ),
    "legend": lambda case: columns(case[0][0], ["Mon"], {f"{n}{name}": [n] for name, n in case}),
    "bands": lambda case: bands(case[0][0], [name for name, _ in case], [(0, n, 2 * n) for _, n in case], [5.5]),
    "intervals": lambda case: intervals(
        case[0][0], ("a", "b"), [IntervalRow(name, -n / 7, n, 3 * n, f"{n}") for name, n in case], case[-1][0]
    ),
    "flow": lambda case: flow(
        case[0][0],
        [FlowBox("send", name, n, n // 3) for name, n in case],
        [Flow(place, n % len(case), n, name if n % 2 else "") for place, (name, n) in enumerate(case)],
    ),
    "tracks": lambda case: tracks(
        case[0][0],
        [TrackRow("2026-01-05", n % 30 or None, "dot", name, name, "2 days later" * (n % 2)) for name, n in case],
        case[-1][0],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, derandomize=True, database=None)
@given(case=CASES)
@example(case=[("x" * 10_000, 3), ("\N{PILE OF POO}" * 10_000, 10**9)])
def test_no_text_of_a_chart_lies_on_another_or_is_cut_off(kind, case):
    """Whatever names and numbers it has; it stays a picture of a size to look at."""
    chart = KINDS[kind](case)
    assert_readable(chart)
    assert float(ET.fromstring(chart.svg).get("width") or 0) < 6_000  # noqa: S314 our own


@QUICK
@given(values=st.lists(st.integers(0, 10_000), min_size=2, max_size=6))
def test_ribbons_and_boxes_are_as_wide_as_they_are_many(values):
    """All in one scale; the table has each way, also those that nobody took."""
    whole = sum(values)
    boxes = [FlowBox("send", "a", whole), *(FlowBox("end", f"e{n}", value) for n, value in enumerate(values))]
    chart = flow("T", boxes, [Flow(0, n, value, f"to {n}") for n, value in enumerate(values, 1)])
    assert [int(row["how many"].replace(",", "")) for row in chart.to_dicts()] == values
    drawn = [float(each.get("width") or 0) for each in shapes(chart, "rect", "box")]
    assert drawn == pytest.approx([max(value / (whole or 1) * 340, 2) for value in (whole, *values) if value], abs=0.1)
    for ribbon, value in zip(shapes(chart, "path", "flow"), [value for value in values if value], strict=True):
        found = [float(each) for each in re.findall(r"-?[\d.]+", ribbon.get("d") or "")]
        assert found[-2] - found[0] == pytest.approx(max(value / whole * 340, 1), abs=0.2)


def test_a_flow_shows_ways_back_and_around_in_another_color():
    """And who was lost, by a red edge."""
    boxes = [FlowBox("wait", "a", 30, 5), FlowBox("send", "b", 20)]
    chart = flow("T", boxes, [Flow(0, 1, 20), Flow(1, 0, 10, "again"), Flow(0, 0, 4, "poke")])
    assert len(shapes(chart, "path", "flow")) == len(shapes(chart, "path", "again")) == 1
    assert len(shapes(chart, "rect", "lost")) == 2
    assert {"once more", "left here", "again · 10", "poke · 4"} <= {text for text, *_ in lines(chart)}


def test_a_way_back_to_its_own_box_is_thin_and_named_by_its_number():
    """As wide as it is many, it would be a block; so it says how many took it, also without a name."""
    chart = flow("T", [FlowBox("wait", "a", 300), FlowBox("end", "b", 100)], [Flow(0, 0, 200), Flow(0, 1, 100)])
    (loop,) = shapes(chart, "path", "loop")
    assert float(loop.get("stroke-width") or 0) == LOOP
    assert "200" in {text for text, *_ in lines(chart)}


def test_ribbons_stay_inside_their_boxes():
    """Also where more comes back to a box than went on from it: a way back lies over the end of the last one."""
    boxes = [FlowBox("send", "a", 100), FlowBox("condition", "b", 90), FlowBox("end", "c", 10)]
    chart = flow("T", boxes, [Flow(0, 1, 90), Flow(1, 0, 80, "again"), Flow(1, 2, 10)])
    widest = max(float(each.get("x") or 0) + float(each.get("width") or 0) for each in shapes(chart, "rect", "box"))
    (back,) = shapes(chart, "path", "again")
    ends = [float(x) for x in re.findall(r"(?:^M|L|C.*? .*? .*? .*? )([\d.]+) ", back.get("d") or "")]
    assert max(ends[0], ends[-1]) <= widest + 0.1
    assert [each.get("class") for each in ET.fromstring(chart.svg).iter(f"{SVG}path")][-1] == "again"  # noqa: S314 our own


def test_a_label_that_reaches_over_its_box_is_set_off_from_its_sides():
    """A thin branch has a name that is wider than it; one that fits is plain."""
    chart = flow("T", [FlowBox("wait", "many", 1_000), FlowBox("send", "few", 3)], [Flow(0, 1, 3, "yes")])
    assert {each.text: each.get("class") for each in ET.fromstring(chart.svg).iter(f"{SVG}text")} == {  # noqa: S314 our own
        "T": "strong", "many · 1,000": None, "few · 3": "over", "yes · 3": "over", "how many go on": "soft",
    }  # fmt: skip


def test_counts_have_no_fractions_on_their_axis():
    """One message a day has an axis of 0 and 1; rates have fractions."""
    for values, numbers in (([1, 0], ["0", "1"]), ([3], ["0", "1", "2", "3"]), ([0.3], ["0", "0.05", "0.1"])):
        chart = columns("T", ["Mon"] * len(values), {"EMAIL": values})
        found = [text for text, *_ in lines(chart) if text[0].isdigit()]
        assert found[: len(numbers)] == numbers


def test_the_table_of_a_chart_is_a_data_frame():
    """What a picture shows as rows comes as text, by header."""
    pytest.importorskip("pandas")
    chart = columns("T", ["Mon", "Tue"], {"EMAIL": [1, 0]})
    assert chart.to_pandas().to_dict("records") == chart.to_dicts() != []


def test_tracks_begin_and_end_with_their_runs():
    """A run that goes on has a line to the end; later runs than fit share the last track."""
    rows = [
        TrackRow("t0", None, "dot", "", "event"),
        TrackRow("t1", 0, "ring", "a #1", "enters"),
        TrackRow("t2", 1, "ring", "b #1", "enters"),
        TrackRow("t3", 0, "square", "a #1", "COMPLETED", "2 days later", last=True),
        TrackRow("t4", None, "dot", "", "event"),
    ]
    chart = tracks("T", rows)
    first, second = (re.findall(r"[\d.]+", each.get("d") or "") for each in shapes(chart, "path", "line"))
    ys = {text: bottom for text, *_, bottom in lines(chart)}
    assert float(first[2]) < ys["t4"] < float(second[2]) + 12
    assert [row["what"] for row in chart.to_dicts()] == ["event", "enters", "enters", "COMPLETED", "event"]
    many = tracks("T", [TrackRow("t", n, "ring", f"j #{n}", "enters") for n in range(40)])
    assert float(ET.fromstring(many.svg).get("width") or 0) < 700  # noqa: S314 our own


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


@pytest.mark.parametrize("name", ["flow", "again"])
def test_words_can_be_read_on_ribbons(name):
    """By 4.5 to one at least, in light and in dark surroundings; lost parts stand out from them and from bars."""
    for colors in (LIGHT, DARK):
        assert contrast(colors["ink"], colors[name]) >= 4.5


@pytest.mark.parametrize("color", SERIES)
def test_every_series_stands_out_from_light_and_dark_paper(color):
    """By three to one at least, as graphics must."""
    assert contrast(color, LIGHT["paper"]) >= 3
    assert contrast(color, DARK["paper"]) >= 3


@pytest.mark.parametrize("name", ["ink", "soft"])
def test_words_can_be_read_on_every_box(name):
    """By 4.5 to one at least, in light and in dark surroundings."""
    for colors in (LIGHT, DARK):
        for under in ("paper", "panel", *FILLS):
            assert contrast(colors[name], colors[under]) >= 4.5, (name, under)


@pytest.mark.parametrize("tone", ["added", "removed", "changed"])
def test_marks_of_changes_can_be_read_on_every_box(tone):
    """They are words too."""
    for colors in (LIGHT, DARK):
        for under in ("paper", "panel", *FILLS):
            assert contrast(colors[tone], colors[under]) >= 3, (tone, under)


def test_a_legend_of_many_names_has_many_lines():
    """Each name is whole, below the title and above the values."""
    chart = columns("T", ["Mon"], {f"a channel with a long name {n}": [n + 1] for n in range(12)})
    legend = [each for each in lines(chart) if each[0].startswith("a channel")]
    assert len({top for _, _, top, *_ in legend}) > 1
    assert_readable(chart)


def test_numbers_of_an_axis_that_would_touch_are_left_out():
    """Each line of the grid is there; every other number is enough."""
    chart = intervals("T", ("a", "b"), [IntervalRow("x", 1_000_000, 1_200_000, 9_000_000, "text")])
    grid = shapes(chart, "path", "link")
    named = [text for text, *_ in lines(chart) if text.replace(",", "").isdigit()]
    assert 1 < len(named) < len(grid)
    assert_readable(chart)
