"""Where the boxes of a graph go, in layers from top to bottom, so that few arrows cross and no label overlaps.

The method is the usual one for such pictures (Sugiyama, Tagawa and Toda, 1981): links that lead back are turned around;
each box is put one layer below the lowest box that leads to it; a link that passes layers gets a place in each of them,
and its label a place in a layer of its own; the places of each layer are sorted so that few links cross; last, they are
moved sideways to make the links as straight as the widths allow.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import inf
from typing import NamedTuple

from attrs import Factory, define, frozen

Point = tuple[float, float]

BESIDE = 28
"""The least space between two boxes of a layer, in pixels."""

BETWEEN = 26
"""The space between two layers."""

APART = 22
"""The space between the ends of two links at the same side of a box, where it is wide enough."""

ALONE = 30

SORTING, MOVING = 8, 24
"""How often layers are gone through to sort their places, and to move them."""


class Connector(NamedTuple):
    """A link from one box to another, by their positions, with the width and height of its label (0 for none).

    `thickness` is how wide the link itself is, in every layer that it passes.
    """

    start: int
    end: int
    width: float = 0
    height: float = 0
    thickness: float = 0


@frozen
class Layout:
    """Where everything goes: the middle of each box and each label, and the points that each link passes."""

    width: float
    height: float
    boxes: tuple[Point, ...]
    labels: tuple[Point | None, ...]
    routes: tuple[tuple[Point, ...], ...]


@define(eq=False)
class _Place:
    """A place in a layer: of a box, of a label, or of a link that passes; `loops` is what links around it take.

    A link is `thickness` wide; it best stands `right` of the middle of what is above it, and what is below it `beside`.
    """

    layer: int
    width: float
    height: float
    box: bool = False
    loops: float = 0
    thickness: float = 0
    right: float = 0
    beside: float = 0
    above: list["_Place"] = Factory(list)
    below: list["_Place"] = Factory(list)
    order: int = 0
    x: float = 0
    y: float = 0

    @property
    def room(self) -> float:
        """How wide it is with the links around it; as much at both sides, so that it stays in the middle."""
        return self.width + 2 * self.loops


def layout(sizes: Sequence[tuple[float, float]], links: Sequence[Connector]) -> Layout:
    """Return where boxes of these widths and heights go. Links to the same box lead around its right side.

    >>> found = layout([(40, 20), (40, 20)], [Connector(0, 1)])
    >>> found.boxes, found.routes
    (((20.0, 10.0), (20.0, 82.0)), (((20.0, 20.0), (20.0, 46.0), (20.0, 46.0), (20.0, 72.0)),))
    """
    back = _leading_back(len(sizes), links)
    ranks = _ranks(len(sizes), [_turned(link) if number in back else link for number, link in enumerate(links)])
    boxes = [_Place(2 * rank, *size, box=True) for rank, size in zip(ranks, sizes, strict=True)]
    chains = [_chain(boxes, link, back=number in back) for number, link in enumerate(links)]
    layers = _layers(boxes)
    _sort(layers)
    for box in boxes:
        _tie(box)
    _move(layers)
    for line in _lines(layers):
        _straighten(line, layers)
    width, height = _settle(layers)
    ways = [
        _around(number, links, boxes[link.start]) if not chain else _down(boxes, link, chain)
        for number, (link, chain) in enumerate(zip(links, chains, strict=True))
    ]
    labels = tuple(label if link.width else None for link, (_, label) in zip(links, ways, strict=True))
    return Layout(width, height, tuple((box.x, box.y) for box in boxes), labels, tuple(route for route, _ in ways))


# --- layers -----------------------------------------------------------------------------------------------------------


def _turned(link: Connector) -> Connector:
    return link._replace(start=link.end, end=link.start)


def _leading_back(count: int, links: Sequence[Connector]) -> frozenset[int]:
    """Return the positions of the links that lead back to a box on the way to them, or to their own box."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for number, link in enumerate(links):
        ways[link.start].append((number, link.end))
    back: set[int] = set()
    done: set[int] = set()
    for root in range(count):
        path: set[int] = set()
        stack = [(root, False)]
        while stack:
            box, leaving = stack.pop()
            if leaving:
                path.remove(box)
                done.add(box)
            elif box not in done and box not in path:
                path.add(box)
                stack.append((box, True))
                back.update(number for number, end in ways[box] if end in path)
                stack.extend((end, False) for _, end in reversed(ways[box]) if end not in path)
    return frozenset(back)


def _ranks(count: int, links: Sequence[Connector]) -> list[int]:
    """Return how many boxes stand above each box, on the longest way down to it. The links hold no cycle."""
    inward = [0] * count
    ways: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        if link.start != link.end:
            inward[link.end] += 1
            ways[link.start].append(link.end)
    ranks = [0] * count
    free = [box for box in range(count) if not inward[box]]
    while free:
        box = free.pop()
        for end in ways[box]:
            ranks[end] = max(ranks[end], ranks[box] + 1)
            inward[end] -= 1
            if not inward[end]:
                free.append(end)
    return ranks


def _chain(boxes: Sequence[_Place], link: Connector, *, back: bool) -> list[_Place]:
    """Return the places of a link between its boxes, from top to bottom, tied to one another and to both boxes."""
    if link.start == link.end:
        boxes[link.start].loops += link.thickness + link.width + BESIDE
        return []
    top, bottom = (boxes[link.end], boxes[link.start]) if back else (boxes[link.start], boxes[link.end])
    chain = [_Place(layer, link.thickness, 0, thickness=link.thickness) for layer in range(top.layer + 1, bottom.layer)]
    label = chain[-1 if back else 0]
    label.width, label.height = max(link.width, link.thickness), link.height
    for upper, lower in zip([top, *chain], [*chain, bottom], strict=True):
        upper.below.append(lower)
        lower.above.append(upper)
    return chain


# --- the order in each layer ------------------------------------------------------------------------------------------


def _layers(boxes: Sequence[_Place]) -> list[list[_Place]]:
    """Return all places by layer, first in the order in which a walk down from the first box meets them."""
    layers: list[list[_Place]] = [[] for _ in range(max((box.layer for box in boxes), default=-1) + 1)]
    seen: set[int] = set()
    for root in (*(box for box in boxes if not box.above), *boxes):
        stack = [root]
        while stack:
            place = stack.pop()
            if id(place) not in seen:
                seen.add(id(place))
                layers[place.layer].append(place)
                stack.extend(reversed(place.below))
    _number(layers)
    return layers


def _number(layers: Sequence[Sequence[_Place]]) -> None:
    for layer in layers:
        for order, place in enumerate(layer):
            place.order = order


def _sort(layers: list[list[_Place]]) -> None:
    """Sort the places of each layer so that few links cross: by the mean of their neighbors, down and up in turn."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for turn in range(SORTING):
        if not fewest:
            break
        down = turn % 2 == 0
        for layer in layers if down else reversed(layers):
            layer.sort(key=lambda place: _mean_order(place, place.above if down else place.below))
            _number([layer])
        found = _crossings(layers)
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    layers[:] = best
    _number(layers)


def _mean_order(place: _Place, neighbors: Sequence[_Place]) -> float:
    return sum(each.order for each in neighbors) / len(neighbors) if neighbors else place.order


def _crossings(layers: Sequence[Sequence[_Place]]) -> int:
    """Return how many pairs of links cross between neighboring layers."""
    crossings = 0
    for layer in layers:
        passed: list[int] = []
        for place in layer:
            ends = sorted(each.order for each in place.below)
            crossings += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return crossings


def _tie(box: _Place) -> None:
    """Note where links best leave and meet a box: beside one another, from where the thicker side begins."""
    left = max(sum(place.thickness for place in side) for side in (box.above, box.below)) / -2
    for side in (box.above, box.below):
        at = left
        for place in sorted(side, key=lambda each: each.order):
            middle = at + place.thickness / 2
            if side is box.below:
                place.right = middle
            else:
                place.beside = -middle
            at += place.thickness


def _right(upper: _Place, lower: _Place) -> float:
    """Return how far to the right of the upper one of two neighbors the lower one best stands."""
    return lower.right if upper.box else upper.beside


# --- places in pixels -------------------------------------------------------------------------------------------------


def _move(layers: Sequence[Sequence[_Place]]) -> None:
    """Move the places of each layer sideways, in their order, until the links are about as straight as they can be."""
    for layer in layers:
        _spread(layer, [(1, 0)] * len(layer))
    for turn in range(MOVING):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            both = turn > 1  # the first two turns bring each layer near one neighbor
            _spread(layer, [_wanted(place, down=turn % 2 == 0, both=both) for place in layer])


def _wanted(place: _Place, *, down: bool, both: bool) -> tuple[float, float]:
    """Return how much a place wants to be where, by its neighbors."""
    pulls = [(_pull(each, place), each.x + _right(each, place)) for each in place.above] if down or both else []
    pulls += [(_pull(place, each), each.x - _right(place, each)) for each in place.below] if both or not down else []
    weight = sum(pull for pull, _ in pulls)
    return (weight, sum(pull * x for pull, x in pulls) / weight) if pulls else (0.01, place.x)


def _pull(upper: _Place, lower: _Place) -> int:
    """Return how much a link pulls: far more where it is the only one at both ends, so that it runs straight."""
    return ALONE if _alone(upper, lower) else 1


def _alone(upper: _Place, lower: _Place) -> bool:
    return len(upper.below) == len(lower.above) == 1


def _apart(left: _Place, right: _Place) -> float:
    """Return how far apart the middles of two neighbors are at least."""
    return (left.room + right.room) / 2 + (BESIDE if left.box and right.box else BESIDE / 2)


def _spread(layer: Sequence[_Place], wanted: Sequence[tuple[float, float]]) -> None:
    """Put the places of a layer where they want to be, as nearly as their order and widths allow.

    The sum of the weighted squares of what is missing is the least possible: neighbors that want to be nearer to one
    another than they may be are joined to blocks, from left to right, each at the mean of its places.
    """
    offsets = list(accumulate((_apart(*pair) for pair in pairwise(layer)), initial=0.0))
    blocks: list[list[float]] = []  # the weight, the weighted sum of what is wanted, and how many places
    for offset, (weight, x) in zip(offsets, wanted, strict=True):
        block = [weight, weight * (x - offset), 1]
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            block = [mine + before for mine, before in zip(block, blocks.pop(), strict=True)]
        blocks.append(block)
    means = [mean for weight, total, many in blocks for mean in [total / weight] * int(many)]
    for place, offset, mean in zip(layer, offsets, means, strict=True):
        place.x = mean + offset


def _lines(layers: Sequence[Sequence[_Place]]) -> Iterator[list[_Place]]:
    """Yield the places that are tied to one another alone, from top to bottom, line by line."""
    for place in (place for layer in layers for place in layer):
        if len(place.above) != 1 or not _alone(place.above[0], place):
            line = [place]
            while line[-1].below and _alone(line[-1], line[-1].below[0]):
                line.append(line[-1].below[0])
            yield line


def _straighten(line: Sequence[_Place], layers: Sequence[Sequence[_Place]]) -> None:
    """Put a line upright, in as few pieces as the neighbors of its places leave room for."""
    piece, low, high, beside = list[tuple[_Place, float]](), -inf, inf, 0.0
    for above, place in zip([None, *line], line, strict=False):
        beside += 0 if above is None else _right(above, place)
        left, right = (bound - beside for bound in _room(place, layers[place.layer]))
        if max(low, left) > min(high, right):
            _upright(piece, low, high)
            piece, low, high = [], -inf, inf
        piece, low, high = [*piece, (place, beside)], max(low, left), min(high, right)
    _upright(piece, low, high)


def _room(place: _Place, layer: Sequence[_Place]) -> tuple[float, float]:
    """Return from where to where the middle of a place can be, between its neighbors."""
    before, after = layer[: place.order][-1:], layer[place.order + 1 :][:1]
    left = max((each.x + _apart(each, place) for each in before), default=-inf)
    return left, max(min((each.x - _apart(place, each) for each in after), default=inf), left)


def _upright(piece: Sequence[tuple[_Place, float]], low: float, high: float) -> None:
    middle = min(max(sum(place.x - beside for place, beside in piece) / len(piece), low), high)
    for place, beside in piece:
        place.x = middle + beside


def _settle(layers: Sequence[Sequence[_Place]]) -> tuple[float, float]:
    """Set the final spot of every place, from (0, 0) on, and the height of each layer; return the width and height."""
    left = min((place.x - place.room / 2 for layer in layers for place in layer), default=0)
    top = 0.0
    for layer in layers:
        height = max(place.height for place in layer)
        for place in layer:
            place.x, place.y = place.x - left, top + height / 2
            if not place.box:
                place.height = height
        top += height + BETWEEN
    width = max((place.x + place.room / 2 for layer in layers for place in layer), default=0)
    return width, max(top - BETWEEN, 0)


# --- links ------------------------------------------------------------------------------------------------------------


Course = tuple[tuple[Point, ...], Point]
"""The points that a link passes, from its start to its end, and the middle of its label."""


def _down(boxes: Sequence[_Place], link: Connector, chain: Sequence[_Place]) -> Course:
    """Return the way of a link between two boxes: straight down, or up, through the layers that it passes."""
    back = chain[0] not in boxes[link.start].below
    top, bottom = (boxes[link.end], boxes[link.start]) if back else (boxes[link.start], boxes[link.end])
    passed = [(place.x, place.y + side * place.height / 2) for place in chain for side in (-1, 1)]
    first = (_port(top, top.below, chain[0]), top.y + top.height / 2)
    last = (_port(bottom, bottom.above, chain[-1]), bottom.y - bottom.height / 2)
    points = (first, *passed, last)
    label = chain[-1 if back else 0]
    return (points[::-1] if back else points), (label.x, label.y)


def _around(number: int, links: Sequence[Connector], box: _Place) -> Course:
    """Return the way of a link from a box to itself: around its right side, and around those that come before it."""
    loops = [position for position, link in enumerate(links) if link.start == link.end == links[number].start]
    inner = loops[: loops.index(number)]
    right = box.x + box.width / 2
    half = links[number].thickness / 2
    before = sum(links[position].thickness + links[position].width + BESIDE for position in inner)
    out = right + BESIDE / 2 + before + half
    up = box.height / 2 * (len(inner) + 1) / (len(loops) + 1)
    route = ((right, box.y + up), (out, box.y + up), (out, box.y - up), (right, box.y - up))
    return route, (out + half + BESIDE / 4 + links[number].width / 2, box.y)


def _port(box: _Place, neighbors: Sequence[_Place], neighbor: _Place) -> float:
    """Return where a link leaves or meets its box: beside the others, in the order in which they go on."""
    others = sorted(neighbors, key=lambda place: place.x)
    apart = min(APART, box.width / 2 / len(others))
    return box.x + (others.index(neighbor) - (len(others) - 1) / 2) * apart
