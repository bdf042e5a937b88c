"""From nested lists to a flat graph, and what is asked about it."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyflow import Condition, End, Journey, Send, Split, Update, Wait, arm, branch, field, problems, tag
from journeyflow.definition.continuations import targets
from journeyflow.definition.graph import (
    END,
    flatten,
    in_cycles,
    leaves_by_next,
    quick_ways,
    reachable,
    ways_on,
    zero_time_cycle,
)
from journeyflow.definition.steps import Step, is_step

PAID, RICH = field("plan").eq("paid"), field("spent").gt(100)


def send(name: str, next: str | None = None) -> Send:  # noqa: A002 the word of the graph
    """Make a Send of which only the id matters."""
    return Send(name, channel="EMAIL", template="t", next=next)


def edges(*steps: Step) -> dict[str, dict[str, object]]:
    """Flatten, and give each step's continuations without those that are absent."""
    return {
        step.id: {place: target for place, target in targets(step) if target is not None}
        for step in flatten(list(steps))
    }


# --- flattening -------------------------------------------------------------------------------------------------------


def test_a_list_reads_from_top_to_bottom():
    """R40: a step goes on at the step after it, the last one at an End named "end"."""
    assert edges(send("a"), Wait("b", "1 day"), Update("c", tag.add("x"))) == {
        "a": {"next": "b"},
        "b": {"next": "c"},
        "c": {"next": "end"},
        "end": {},
    }


def test_no_steps_stay_no_steps():
    """R13: an empty draft gets no End of its own."""
    assert flatten([]) == ()


def test_an_end_that_is_written_is_enough():
    """R40: nothing is appended where every path has an End."""
    assert edges(send("a"), End("done")) == {"a": {"next": "done"}, "done": {}}


def test_a_step_that_is_named_end_is_the_end():
    """R40: an End named "end" serves every path without one, wherever it stands."""
    assert edges(Condition("c", PAID, yes=[End("end")], no=[send("a")])) == {
        "c": {"branches[0].next": "end", "else": "a", "next": "end"},
        "end": {},
        "a": {"next": "end"},
    }


def test_what_stands_after_an_end_is_reached_only_by_name():
    """An End has no way on."""
    assert edges(send("a", next="c"), End("b"), send("c")) == {
        "a": {"next": "c"},
        "b": {},
        "c": {"next": "end"},
        "end": {},
    }


@pytest.mark.rows(61, 219)
def test_branches_rejoin_after_their_step():
    """Both branches of a condition go on at the step after it."""
    condition = Condition("c", PAID, yes=[send("y1"), send("y2")], no=[send("n")])
    assert edges(condition, send("after")) == {
        "c": {"branches[0].next": "y1", "else": "n", "next": "after"},
        "y1": {"next": "y2"},
        "y2": {"next": "after"},
        "n": {"next": "after"},
        "after": {"next": "end"},
        "end": {},
    }


def test_a_branch_that_is_absent_or_empty_goes_to_where_the_branches_rejoin():
    """An empty list and no list say the same."""
    absent = edges(Condition("c", PAID, yes=[send("y")]), send("after"))
    empty = edges(Condition("c", PAID, yes=[send("y")], no=[]), send("after"))
    assert absent == empty
    assert absent["c"] == {"branches[0].next": "y", "else": "after", "next": "after"}


def test_a_last_step_with_empty_branches_only_goes_to_the_end():
    """Every branch form empty: the implicit End is where they rejoin."""
    assert edges(Condition("c", PAID, yes=[], no=[])) == {
        "c": {"branches[0].next": "end", "else": "end", "next": "end"},
        "end": {},
    }
    assert edges(Split("s", arm(100, []))) == {"s": {"arms[0].next": "end", "next": "end"}, "end": {}}


def test_several_branches_and_otherwise():
    """R37: lists, ids and nothing may be mixed."""
    condition = Condition("c", branches=[branch(PAID, [send("a")]), branch(RICH, "z"), branch(RICH)], otherwise=[])
    assert edges(condition, send("z")) == {
        "c": {
            "branches[0].next": "a",
            "branches[1].next": "z",
            "branches[2].next": "z",
            "else": "z",
            "next": "z",
        },
        "a": {"next": "z"},
        "z": {"next": "end"},
        "end": {},
    }


def test_arms_are_branches_too():
    """R38: each arm's list rejoins after the split, in the order written."""
    split = Split("s", arm(50, [send("a")]), arm(30, "z"), arm(20))
    assert edges(split, send("after"), send("z")) == {
        "s": {"arms[0].next": "a", "arms[1].next": "z", "arms[2].next": "after", "next": "after"},
        "a": {"next": "after"},
        "after": {"next": "z"},
        "z": {"next": "end"},
        "end": {},
    }


def test_an_awaited_event_and_its_timeout_may_be_lists():
    """R32: each continuation of a wait rejoins after it."""
    wait = Wait("w", event="x", timeout="1 day", on_event=[send("e")], on_timeout=[send("t")])
    assert edges(wait, send("after")) == {
        "w": {"on_event": "e", "on_timeout": "t", "next": "after"},
        "e": {"next": "after"},
        "t": {"next": "after"},
        "after": {"next": "end"},
        "end": {},
    }


def test_a_missing_and_a_past_date_may_be_lists():
    """R37: `on_missing` and `on_past`; without them the wait goes on as elapsed."""
    wait = Wait("w", field="birthday", on_missing=[End("never")], on_past=[])
    assert edges(wait, send("after"))["w"] == {"next": "after", "on_missing": "never", "on_past": "after"}
    assert edges(Wait("w", field="birthday"), send("after"))["w"] == {"next": "after"}


@pytest.mark.rows(60)
def test_a_continuation_by_name_goes_before_the_order():
    """`next="id"` names an edge by hand, also for all that is nested in the step."""
    condition = Condition("c", PAID, yes=[send("y")], next="z")
    assert edges(condition, send("skipped"), send("z")) == {
        "c": {"branches[0].next": "y", "else": "z", "next": "z"},
        "y": {"next": "z"},
        "skipped": {"next": "z"},
        "z": {"next": "end"},
        "end": {},
    }


def test_an_empty_name_is_a_name():
    """R13: `next=""` names a step that does not exist instead of meaning the next one."""
    assert edges(send("a", next=""), send("b"))["a"] == {"next": ""}


def test_a_choice_whose_branches_all_lead_elsewhere_rejoins_nothing():
    """R17: it has no `next`; explicit graphs stay as they are."""
    assert edges(Condition("c", PAID, yes="a", no="b"), End("a"), End("b"))["c"] == {
        "branches[0].next": "a",
        "else": "b",
    }
    assert edges(Split("s", arm(100, "a")), End("a"))["s"] == {"arms[0].next": "a"}
    wait = Wait("w", event="x", timeout="1 day", on_event="a", on_timeout="b")
    assert edges(wait, End("a"), End("b"))["w"] == {"on_event": "a", "on_timeout": "b"}


@pytest.mark.parametrize(
    "last",
    [
        Condition("c", PAID, yes=[End("a")], no=[End("b")]),
        Split("c", arm(50, [End("a")]), arm(50, [End("b")])),
        Wait("c", event="x", timeout="1 day", on_event=[End("a")], on_timeout=[End("b")]),
    ],
)
def test_where_every_branch_has_its_end_none_is_appended(last):
    """R40: and so nothing is unreachable."""
    flat = flatten([last])
    assert [step.id for step in flat] == ["c", "a", "b"]
    assert dict(targets(flat[0]))["next"] is None
    assert problems(Journey(id="j", steps=[last])) == ()


def test_the_end_can_be_named_before_it_is_there():
    """R40: `next="end"` by hand asks for the implicit End, also from a choice that has other ways."""
    assert list(edges(send("a", next="end"))) == ["a", "end"]
    assert list(edges(Condition("c", PAID, yes=[End("a")], no=[End("b")], next="end"))) == ["c", "a", "b", "end"]


@pytest.mark.rows(51)
def test_lists_in_lists_keep_the_order_written():
    """A branch stands right after its step, before what comes after it."""
    inner = Condition("inner", PAID, yes=[send("a")], no=[send("b")])
    outer = Split("outer", arm(50, [send("first"), inner, send("last")]), arm(50, [send("other")]))
    flat = flatten([outer, send("after")])
    assert [step.id for step in flat] == ["outer", "first", "inner", "a", "b", "last", "other", "after", "end"]
    assert dict(targets(flat[5]))["next"] == dict(targets(flat[6]))["next"] == "after"


def test_what_is_no_step_stays_where_it_is():
    """R13: validation tells of it; its neighbours do not suffer."""
    flat = flatten([send("a"), 5, Condition("c", PAID, yes=[None], no=[send("b")])])  # type: ignore[list-item]  # wrong on purpose
    assert [step.id if is_step(step) else step for step in flat] == ["a", 5, "c", None, "b", "end"]
    assert dict(targets(flat[0]))["next"] is None
    assert flatten(5) == 5  # type: ignore[arg-type, comparison-overlap]  # on purpose
    assert flatten([send("a", next=5)])[0] == send("a", next=5)  # type: ignore[arg-type]  # on purpose


def nested(depth: int) -> list[Step]:
    """Nest conditions in the branches of conditions."""
    steps: list[Step] = [send("deepest")]
    for level in range(depth):
        steps = [Condition(f"c{level}", PAID, yes=steps)]
    return steps


@pytest.mark.unmeasured
def test_a_chain_of_30_000_steps_takes_seconds_and_no_recursion():
    """R13: flattening and every check of the graph are loops."""
    started = time.process_time()
    journey = Journey(id="long", steps=[send(f"s{n}") for n in range(30_000)])
    assert len(journey.steps) == 30_001
    assert problems(journey) == ()
    assert in_cycles(journey.steps) == frozenset()
    assert time.process_time() - started < 20


@pytest.mark.unmeasured
def test_lists_nested_2_000_deep_are_flattened():
    """R13: neither nesting knows recursion."""
    journey = Journey(id="deep", steps=nested(2_000))
    assert len(journey.steps) == 2_002
    assert problems(journey) == ()


def trees(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[Step]]:
    """Draw nested lists of steps; ids may repeat and continuations may dangle."""
    to = st.none() | names
    leaves = st.one_of(
        st.builds(send, names, next=to),
        st.builds(Wait, names, st.just("1 day"), next=to),
        st.builds(End, names),
    )

    def deeper(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
        ways = to | st.lists(inner, max_size=3)
        return st.one_of(
            st.builds(lambda i, y, n, to: Condition(i, PAID, yes=y, no=n, next=to), names, ways, ways, to),
            st.builds(lambda i, a, b, to: Split(i, arm(50, a), arm(50, b), next=to), names, ways, ways, to),
            st.builds(
                lambda i, e, t, to: Wait(i, event="x", timeout="1 day", on_event=e, on_timeout=t, next=to),
                names,
                ways,
                ways,
                to,
            ),
        )

    return st.lists(st.recursive(leaves, deeper, max_leaves=8), max_size=4)


@given(trees(st.sampled_from(["a", "b", "c", "end"])))
def test_flattening_a_flat_graph_changes_nothing(steps):
    """A journey that is written out and read again is the same graph."""
    flat = flatten(steps)
    assert flatten(flat) == flat


@given(trees(st.sampled_from(["a", "b", "c", "end"])))
def test_every_continuation_is_a_name(steps):
    """After flattening no list is left, and a choice has a way for each branch."""
    for step in flatten(steps):
        for place, target in targets(step):
            assert target is None or isinstance(target, str)
            assert target is not None or place == "next" or place.startswith("on_")
        assert not leaves_by_next(step) or dict(targets(step))["next"] is not None


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "ways"),
    [
        (send("s", next="a"), ["a"]),
        (End("s"), []),
        (Condition("s", PAID, yes="a", no="b", next="c"), ["a", "b"]),
        (Split("s", arm(50, "a"), arm(50, "b"), next="c"), ["a", "b"]),
        (Wait("s", "1 day", next="a"), ["a"]),
        (Wait("s", field="f", next="a", on_missing="b", on_past="c"), ["a", "b", "c"]),
        (Wait("s", event="x", next="a"), ["a"]),
        (Wait("s", event="x", next="a", on_event="b"), ["b"]),
        (Wait("s", event="x", timeout="1 day", next="a", on_event="b"), ["a", "b"]),
        (Wait("s", event="x", timeout="1 day", next="a", on_timeout="b"), ["a", "b"]),
        (Wait("s", event="x", timeout="1 day", next="a", on_event="b", on_timeout="c"), ["b", "c"]),
    ],
)
def test_where_people_can_go(step, ways):
    """R13: `next` counts only where somebody can leave by it."""
    assert ways_on(step) == ways


@pytest.mark.parametrize(
    ("step", "quick"),
    [
        (Wait("w", "1 second", next="on"), []),
        (Wait("w", until="09:00", next="on"), []),
        (Wait("w", event="x", next="on", on_event="a", timeout="1 day"), []),
        (Wait("w", when=field("n").eq(1), next="on", timeout="1 day"), ["on"]),
        (Wait("w", when=field("n").eq(1), next="on", on_event="a", on_timeout="w", timeout="1 day"), ["a"]),
        (Wait("w", field="birthday", every="year", next="on"), ["on"]),
        (Wait("w", field="started", every="1 month", next="on"), ["on"]),
        (Wait("w", every="1 month", next="on"), []),
        (Wait("w", at="2026-01-01T00:00:00Z", every="1 month", next="on"), []),
        (Wait("w", field="birthday", every="year", next="on", on_missing="a"), ["a"]),
        (Wait("w", field="birthday", next="on", on_past="a"), ["on", "a"]),
        (Wait("w", at="2026-01-01T00:00:00Z", next="on"), ["on"]),
        (send("w"), []),
        (Split("w", arm(100, "a")), ["a"]),
    ],
)
def test_what_takes_time(step, quick):
    """R37: events, openings, durations and yearly dates that are there; a date or an instant may lie in the past."""
    assert quick_ways(step) == quick


def test_a_cycle_in_zero_time_is_found():
    """R13: a loop through steps that may take no time, as ids from a step back to it."""
    steps = flatten([send("a"), Condition("b", PAID, yes="a"), End("done")])
    assert zero_time_cycle(steps) == ["a", "b", "a"]


def test_a_loop_through_a_wait_is_no_cycle():
    """R41: loops are legal through a wait that takes time."""
    steps = flatten([send("a"), Wait("w", "1 day"), Condition("b", PAID, yes="a"), End("done")])
    assert zero_time_cycle(steps) == []
    assert in_cycles(steps) == {"a", "w", "b"}


def test_two_ways_to_one_step_are_no_cycle():
    """A step that was left already may be come to again."""
    steps = flatten([Split("s", arm(50, [send("a")]), arm(50, [send("b")])), send("c")])
    assert zero_time_cycle(steps) == []


@pytest.mark.unmeasured
def test_a_long_cycle_is_found():
    """R13: of any length, without recursion."""
    steps = flatten([*(send(f"s{n}") for n in range(10_000)), send("last", next="s10")])
    cycle = zero_time_cycle(steps)
    assert (cycle[0], cycle[-1], len(cycle)) == ("s10", "s10", 9_992)


def test_reachable_steps():
    """R13: those that some path from the first one leads to."""
    steps = flatten([Split("s", arm(50, "a"), arm(50, "a")), send("lost"), send("a", next="s")])
    assert reachable(steps) == {"s", "a"}


graphs = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=3), min_size=1, max_size=7).map(
    lambda rows: flatten(
        [
            Condition(
                str(n),
                branches=[branch(PAID, str(to % len(rows))) for to in row],
                otherwise=str(row[0] % len(rows)) if n % 2 else END,
            )
            for n, row in enumerate(rows)
        ]
        + [End(END)]
    )
)


@given(graphs)
def test_cycles_are_what_a_walk_can_come_back_to(steps):
    """R35, R13: compared with asking for each step whether a walk from it comes back."""
    ways = {step.id: set(ways_on(step)) for step in steps}

    def ahead(name: str) -> set[str]:
        reached: set[str] = set()
        queue = [name]
        while queue:
            new = ways[queue.pop()] - reached
            reached |= new
            queue.extend(new)
        return reached

    circular = {name for name in ways if name in ahead(name)}
    between = {name for name in ways if ahead(name) & circular and any(name in ahead(other) for other in circular)}
    assert in_cycles(steps) == circular | between
    assert reachable(steps) == ahead(steps[0].id) | {steps[0].id}
    cycle = zero_time_cycle(steps)
    assert bool(cycle) == bool(circular)
    assert all(to in ways[name] for name, to in pairwise(cycle))
    assert cycle[:1] == cycle[-1:]
