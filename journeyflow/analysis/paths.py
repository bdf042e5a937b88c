"""All paths through a journey: how many, the shortest and the longest, and one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heappop, heappush
from itertools import count, islice

from attrs import frozen

from journeyflow.analysis.spans import UNKNOWN_SPAN, Span
from journeyflow.analysis.ways import Chart, Passage
from journeyflow.basics.answer_rows import Rows


@frozen(repr=False)
class Path:
    """One path of a run from the first step to its end, way by way.

    `loops` are the loops that it may go round in on the way, any number of times, each by its steps in the order
    written; the path itself takes the shortest way through them. `ends` is False for a path that never leaves a loop.
    """

    ways: tuple[Passage, ...]
    loops: tuple[tuple[str, ...], ...] = ()
    ends: bool = True

    @property
    def steps(self) -> tuple[str, ...]:
        """The ids of the steps, in order."""
        return tuple(way.step for way in self.ways)

    @property
    def duration(self) -> Span:
        """How long the path takes; without a longest time where it may go round in a loop."""
        whole = sum((way.time for way in self.ways), Span())
        return Span(whole.least, None) if self.loops else whole

    @property
    def messages(self) -> int:
        """How many messages it sends at most, without going round in loops."""
        return sum(way.message for way in self.ways)

    def to_dict(self) -> dict[str, object]:
        """Return the path as a plain row; its times in seconds, None where not known."""
        longest = self.duration.longest
        return {
            "steps": list(self.steps),
            "outcomes": [way.outcome for way in self.ways],
            "shortest_seconds": self.duration.shortest.total_seconds(),
            "longest_seconds": None if longest is None else longest.total_seconds(),
            "messages": self.messages,
            "loops": [list(loop) for loop in self.loops],
            "ends": self.ends,
        }

    def __str__(self) -> str:
        """Return the steps with their outcomes, the time and the messages."""
        shown = " > ".join(map(str, self.ways))
        rounds = "".join(f", round in {' > '.join(loop)}" for loop in self.loops)
        plural = "" if self.messages == 1 else "s"
        return (
            f"{shown}: {self.duration}, {self.messages} message{plural}{rounds}{'' if self.ends else ', without end'}"
        )

    def __repr__(self) -> str:
        """Return the text in angle brackets."""
        return f"<Path {self}>"


@frozen(eq=False, repr=False)
class AllPaths(Rows):
    """All paths through a journey, told apart by their outcomes, in the order in which the steps are written.

    Iterating makes them one by one: there may be more than any list holds, so `count` is computed without listing them.
    A loop is one part of a path, however often a run goes round in it: paths are told apart by where they enter a loop
    and where they leave it.
    """

    chart: Chart

    @cached_property
    def count(self) -> int:
        """How many paths there are, exactly."""
        onward: dict[str, int] = {}
        for group in self.chart.groups:
            ways = list(_leaving(self.chart, group))
            number = sum(1 if way.to is None else onward[way.to] for way in ways) or 1
            onward |= dict.fromkeys(group, number)
        return onward[self.chart.start]

    @property
    def loops(self) -> tuple[tuple[str, ...], ...]:
        """The loops, each by its steps in the order written."""
        groups = sorted(
            (group for group in self.chart.groups if self.chart.loops(group)),
            key=lambda group: min(map(self.chart.order.__getitem__, group)),
        )
        return tuple(_in_order(self.chart, group) for group in groups)

    @cached_property
    def duration(self) -> Span:
        """From the shortest to the longest time of any path that ends; no longest where a part of one is not known."""
        longest: dict[str, int | None] = {}
        for group in self.chart.groups:
            ahead = [_most(way, longest) for way in _leaving(self.chart, group)]
            known = [each for each in ahead if each is not None]
            bounded = not self.chart.loops(group) and len(known) == len(ahead)
            longest |= dict.fromkeys(group, max(known, default=None) if bounded else None)
        soonest = self.shortest
        return UNKNOWN_SPAN if soonest is None else Span(soonest.duration.least, longest[self.chart.start])

    def __iter__(self) -> Iterator[Path]:
        """Yield the paths, in the order in which steps and their outcomes are written."""
        stack: list[tuple[tuple[Passage, ...], tuple[tuple[str, ...], ...], str]] = [((), (), self.chart.start)]
        while stack:
            walked, loops, step = stack.pop()
            group = self.chart.group[step]
            if self.chart.loops(group):
                loops = (*loops, _in_order(self.chart, group))
            leaving = list(_leaving(self.chart, group))
            if not leaving:
                yield Path((*walked, *round_from(self.chart, step, group)), loops, ends=False)
            for way in reversed(leaving):
                ways = (*walked, *route(self.chart, step, way, _inside(group)))
                stack.append((ways, loops, way.to or ""))
            while stack and not stack[-1][2]:
                ways, loops, _ = stack.pop()
                yield Path(ways, loops)

    @property
    def endless(self) -> list[Path]:
        """The shortest way into each loop that has no way out, and once round it."""
        found = []
        for group in self.chart.groups:
            if not list(_leaving(self.chart, group)):
                once = round_from(self.chart, min(group, key=self.chart.order.__getitem__), group)
                ways = (*route(self.chart, self.chart.start, once[0])[:-1], *once)
                found.append(Path(ways, _loops_of(self.chart, ways), ends=False))
        return found

    def take(self, number: int) -> list[Path]:
        """Return the first paths."""
        return list(islice(self, number))

    @cached_property
    def shortest(self) -> Path | None:
        """The path that can end soonest; None if none ends."""
        ways = soonest(self.chart, self.chart.start)
        return Path(tuple(ways), _loops_of(self.chart, ways)) if ways else None

    def to_dicts(self) -> list[dict[str, object]]:
        """Return every path as a plain row: see `Path.to_dict`."""
        return [path.to_dict() for path in self]

    def __repr__(self) -> str:
        """Return how many there are, and how long they take."""
        return f"<Paths: {self.count:,}, {self.duration}>"


def _most(way: Passage, longest: dict[str, int | None]) -> int | None:
    ahead = 0 if way.to is None else longest[way.to]
    return None if ahead is None or way.time.most is None else way.time.most + ahead


def _leaving(chart: Chart, group: frozenset[str]) -> Iterator[Passage]:
    """Yield the ways out of a group, steps in the order written."""
    for name in _in_order(chart, group):
        yield from (way for way in chart.ways[name] if way.to not in group)


def _in_order(chart: Chart, group: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(group, key=chart.order.__getitem__))


def _loops_of(chart: Chart, ways: Sequence[Passage]) -> tuple[tuple[str, ...], ...]:
    groups = dict.fromkeys(chart.group[way.step] for way in ways)
    return tuple(_in_order(chart, group) for group in groups if chart.loops(group))


Allowed = Callable[[Passage], bool]
"""Whether a passage may be taken."""

# --- routes -----------------------------------------------------------------------------------------------------------


def _any(_: Passage) -> bool:
    return True


def _inside(group: frozenset[str]) -> Allowed:
    return lambda way: way.to in group


def soonest(chart: Chart, start: str) -> list[Passage]:
    """Return the ways by which a run can end soonest from a step on (Dijkstra); an empty list if it cannot end."""
    came: dict[str, Passage | None] = {start: None}
    for _, way in nearest(chart, start):
        if way.to is None:
            return _back(came, way)
        came.setdefault(way.to, way)
    return []


def nearest(chart: Chart, start: str, last: Allowed | None = None) -> Iterator[tuple[int, Passage]]:
    """Yield every way that can be taken from a step on, with the least time at its end, soonest first (Dijkstra).

    `last` says which ways are not followed any further.
    """
    order = count()
    queue: list[tuple[int, int, Passage]] = []
    done = {start}

    def push(at: int, step: str) -> None:
        for way in chart.ways[step]:
            heappush(queue, (at + way.time.least, next(order), way))

    push(0, start)
    while queue:
        at, _, way = heappop(queue)
        yield at, way
        if way.to is not None and way.to not in done and not (last is not None and last(way)):
            done.add(way.to)
            push(at, way.to)


def route(chart: Chart, start: str, last: Passage, allowed: Allowed = _any) -> list[Passage]:
    """Return the passages from a step up to and with one, by as few steps as possible; an empty list if there are none.

    `allowed` says which passages may be taken on the way.
    """
    came: dict[str, Passage | None] = {start: None}
    queue = [start]
    for name in queue:
        for way in chart.ways[name]:
            if way.to is not None and way.to not in came and allowed(way):
                came[way.to] = way
                queue.append(way.to)
    return _back(came, last) if last.step in came else []


def _back(came: Mapping[str, Passage | None], last: Passage) -> list[Passage]:
    ways, step = [last], last.step
    while (before := came[step]) is not None:
        ways.append(before)
        step = before.step
    return ways[::-1]


def round_from(chart: Chart, start: str, group: frozenset[str]) -> list[Passage]:
    """Return the passages of one round of a loop, from a step back to it: the shortest such round."""
    closing = [way for name in group for way in chart.ways[name] if way.to == start]
    return min((route(chart, start, way, _inside(group)) for way in closing), key=len)
