"""Where the boxes of a picture go: nothing overlaps, and links run down in the order of the steps."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyflow.drawing.layers import BESIDE, BETWEEN, Connector, layout


def bounds(middle, size):
    """Return left, top, right and bottom of what has its middle there."""
    (x, y), (wide, high) = middle, size
    return (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


def overlap(one, other):
    """Return whether two rectangles share more than an edge; a rounding error is not an overlap."""
    left, top, right, bottom = (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
    return right - left > 1e-6 and bottom - top > 1e-6


@st.composite
def drawn_graphs(draw):
    """Draw boxes of different sizes, links between any of them, and labels."""
    count = draw(st.integers(1, 7))
    sizes = draw(
        st.lists(st.tuples(st.sampled_from([30, 90, 200]), st.sampled_from([20, 60])), min_size=count, max_size=count)
    )
    ends = st.integers(0, count - 1)
    links = st.builds(
        Connector, ends, ends, st.sampled_from([0, 40, 120]), st.just(18), st.sampled_from([0, 0, 8, 150])
    )
    return sizes, draw(st.lists(links, max_size=10))


@settings(max_examples=60, derandomize=True, database=None)
@given(graph=drawn_graphs())
def test_boxes_and_labels_never_overlap_and_lie_inside_the_picture(graph):
    """Whatever leads where, also in circles and back to the same box."""
    sizes, links = graph
    found = layout(sizes, links)
    taken = [bounds(middle, size) for middle, size in zip(found.boxes, sizes, strict=True)]
    labelled = [(middle, link) for middle, link in zip(found.labels, links, strict=True) if middle]
    assert len(labelled) == sum(link.width > 0 for link in links)
    taken += [bounds(middle, (link.width, link.height)) for middle, link in labelled]
    assert not [pair for pair in combinations(taken, 2) if overlap(*pair)]
    for left, top, right, bottom in taken:
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= found.width + 1e-6
        assert bottom <= found.height + 1e-6


@settings(max_examples=60, derandomize=True, database=None)
@given(graph=drawn_graphs())
def test_links_begin_and_end_at_their_boxes_and_pass_through_none(graph):
    """A link touches its two boxes only; between layers it runs where no box is."""
    sizes, links = graph
    found = layout(sizes, links)
    boxes = [bounds(middle, size) for middle, size in zip(found.boxes, sizes, strict=True)]
    for link, route in zip(links, found.routes, strict=True):
        assert touches(boxes[link.start], route[0])
        assert touches(boxes[link.end], route[-1])
        upright = [pair for pair in pairwise(route[1:-1]) if pair[0][0] == pair[1][0]]
        for (x, y), (_, to) in upright:
            line = (x - 0.1, min(y, to), x + 0.1, max(y, to))
            assert not [box for n, box in enumerate(boxes) if n not in link[:2] and overlap(line, box)]


def touches(box, point):
    """Return whether a point is on the border of a box, or beside it within a pixel."""
    left, top, right, bottom = box
    x, y = point
    inside = left - 1 <= x <= right + 1 and top - 1 <= y <= bottom + 1
    return inside and min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom)) <= 1


def test_a_chain_is_a_straight_line_down():
    """One box below the other, with the space between layers twice: that of the boxes and that of the labels."""
    found = layout([(50, 20), (90, 20), (30, 20)], [Connector(0, 1), Connector(1, 2)])
    assert [round(x, 3) for x, _ in found.boxes] == [45, 45, 45]
    assert [y for _, y in found.boxes] == [10, 10 + 20 + 2 * BETWEEN, 10 + 2 * (20 + 2 * BETWEEN)]


def test_lines_are_straight_where_nothing_is_in_their_way():
    """A link past many layers, a branch of one box below the other, and the labels on them: no kink."""
    links = [Connector(0, 1, 30, 18), Connector(1, 2), Connector(2, 3), Connector(3, 4), Connector(0, 4, 60, 18)]
    found = layout([(90, 20), (40, 20), (120, 20), (50, 20), (70, 20)], links)
    assert len({x for x, _ in filter(None, (*found.boxes[1:4], found.labels[0]))}) == 1
    assert len({x for x, _ in found.routes[4][1:-1]}) == 1


def test_a_line_past_boxes_in_its_way_is_straight_in_pieces():
    """A link that must give way to a wide box does so once, and is upright before and behind."""
    links = [Connector(2, 4), Connector(1, 4), Connector(3, 4), Connector(0, 2)]
    found = layout([(40, 20), (40, 20), (300, 20), (40, 20), (40, 20)], links)
    assert len({x for x, _ in found.routes[1][1:-1]}) == 2


def test_thick_links_stand_below_where_they_leave_their_box():
    """A thin one beside a thick one to the same box: neither swings out, and they are a little apart."""
    links = [Connector(0, 1, thickness=45), Connector(0, 1, thickness=255)]
    found = layout([(300, 20)] * 2, links)
    left = found.boxes[0][0] - 150
    thin, thick = (route[1][0] - left for route in found.routes)
    assert abs(thin - 22.5) <= BESIDE / 2
    assert abs(thick - 172.5) <= BESIDE / 2


def test_branches_stand_in_the_order_in_which_they_are_written():
    """The first branch is the left one; both are in the middle of what they come from and lead to."""
    found = layout([(40, 20)] * 4, [Connector(0, 1), Connector(0, 2), Connector(1, 3), Connector(2, 3)])
    (top, _), (left, _), (right, _), (bottom, _) = found.boxes
    assert right - left >= 40 + BESIDE - 1e-6
    assert top == pytest.approx((left + right) / 2, abs=1)
    assert bottom == pytest.approx(top, abs=1)


def test_links_that_can_be_drawn_without_crossing_are():
    """Boxes whose order as written would make links cross are put in another order."""
    links = [Connector(0, 1), Connector(0, 2), Connector(0, 3), Connector(1, 4), Connector(2, 5), Connector(3, 4)]
    x = [middle[0] for middle in layout([(40, 20)] * 6, links).boxes]
    assert (x[2] < min(x[1], x[3])) == (x[5] < x[4])
    assert (x[2] > max(x[1], x[3])) == (x[5] > x[4])


def test_links_that_must_cross_cross_seldom():
    """Where each of three boxes leads to each of three others, no order is without crossings; none is lost."""
    links = [Connector(0, n) for n in (1, 2, 3)] + [Connector(a, b) for a in (1, 2, 3) for b in (4, 5, 6)]
    assert len({middle[0] for middle in layout([(40, 20)] * 7, links).boxes[4:]}) == 3


def test_a_link_back_is_drawn_up():
    """It leaves the lower box upward and meets the upper one from below."""
    found = layout([(40, 20)] * 2, [Connector(0, 1), Connector(1, 0, 30, 18)])
    start, *_, end = found.routes[1]
    assert start[1] > end[1]


def test_nothing_has_no_size():
    """A picture without boxes is empty."""
    assert layout([], []).boxes == ()
    assert (layout([], []).width, layout([], []).height) == (0, 0)
