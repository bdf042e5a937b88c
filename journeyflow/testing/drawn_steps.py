"""Random steps of journeys, with their rules, in a vocabulary so small that they match each other's events."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from attrs import frozen
from hypothesis import strategies as st

from journeyflow.basics.hours import Window
from journeyflow.basics.words import JOURNEY_COMPLETED
from journeyflow.definition.graph import END
from journeyflow.definition.rules.attribute_changes import field, tag
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.conditions import FieldRule, Rule, all_of, any_of, not_
from journeyflow.definition.steps import Condition, End, Send, Split, Step, Update, Wait, arm, branch
from journeyflow.testing.host_calls import START

EVENTS = ("go", "buy", "view")
BUILT_IN = ("field.changed", "tag.added", "tag.removed", "list.subscribed", JOURNEY_COMPLETED)
OF_MESSAGES = ("message.opened", "message.clicked", "message.unsubscribed", "message.sent")
CHANNELS = ("EMAIL", "SMS")
DATES = ("2025-01-04", "2026-01-03", "2026-01-05T12:00:00+00:00", "2026-01-02T06:00:00", "2024-02-29", "soon")
DURATIONS = ("1 hour", "6 hours", "1 day", "2 days", "1 week", "1 month")
MAX_STEPS = 7
WINDOWS = (
    Window("MON-FRI", "09:00", "17:00"),
    Window(None, "22:00", "06:00"),
    Window("MON,WED,FRI", "20:00", "08:00"),
    Window("SAT,SUN"),
    Window("MON-SAT", "09:00", "18:00", "Europe/Paris"),
)
CHANGES = (
    tag.add("vip"),
    tag.remove("vip"),
    tag.add("{{ plan }}"),
    tag.append("new"),
    field("lists").add("news"),
    field("n").increment(),
    field("n").increment(-2),
    field("n").set(1),
    field("n").unset(),
    field("plan").set("paid"),
    field("plan").set("{{ trigger.plan }}"),
    field("plan").append("x"),
    field("copy").set("{{ n }}"),
    field("seen.by").set("{{ enrollment.journey }}-{{ n }}"),
    field("day").set("{{ now }}"),
    field("visits").append({"n": "{{ n }}", "at": "{{ now }}"}),
    field("consent.EMAIL").set(True),
)
CHAINS = (
    Chain.enroll("a"),
    Chain.enroll("b", "j1"),
    Chain.enroll("j2", "j3"),
    Chain.exit("a", "j1"),
    Chain.exit("b", "j2"),
    Chain.exit_this(),
    Chain.exit_others(),
    Chain.exit_all(),
    Chain.forget(),
)
"""Changes about journeys, under ids that tests use; an id that is not deployed names no journey."""


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return a strategy that draws from others by weight; `one_of` would merge equal ones."""
    return st.sampled_from([each for weight, each in choices for _ in range(weight)]).flatmap(lambda each: each)


# --- rules --------------------------------------------------------------------------------------------------------

_NUMBERS = st.builds(
    FieldRule,
    st.sampled_from(("n", "customer.n")),
    st.sampled_from(("eq", "ne", "gt", "gte", "lt", "lte")),
    st.sampled_from((1, 2)),
)
IS_OVER = field("day").before(field("now"))
RECENTLY = field("visits").count(field("item.at").within_last("2 days"), at_least=1)
ABOUT_TIME = st.sampled_from(
    (IS_OVER, IS_OVER, field("lastEmailOpenAt").within_last("2 days"), field("day").within_next("1 week"), RECENTLY)
)
_ABOUT_CUSTOMERS: st.SearchStrategy[Rule] = _NUMBERS | st.sampled_from(
    (
        field("plan").eq("paid"),
        field("plan").ne("paid"),
        field("customer.plan").is_null(),
        field("n").is_not_null(),
        field("lists").contains("news"),
        field("lastEmailOpenAt").within_last("2 days"),
        field("day").within_next("1 week"),
        IS_OVER,
        RECENTLY,
        field("visits").count(field("item.n").eq(field("n")), at_most=1),
        tag.contains("vip"),
        tag.not_contains("new"),
    )
)
_ABOUT_EVENTS: st.SearchStrategy[Rule] = _ABOUT_CUSTOMERS | st.sampled_from(
    (
        field("event.n").gte(2),
        field("event.n").gte(field("customer.n")),
        field("event.plan").ne("free"),
        field("event.field").eq("n"),
        field("event.field").ne("plan"),
        field("event.tag").eq("vip"),
        field("event.journey").ne("j1"),
    )
)


def _combined(simple: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    return st.one_of(
        simple, simple, st.builds(all_of, simple, simple), st.builds(any_of, simple, simple), st.builds(not_, simple)
    )


CUSTOMER_RULES, EVENT_RULES = _combined(_ABOUT_CUSTOMERS), _combined(_ABOUT_EVENTS)


# --- steps --------------------------------------------------------------------------------------------------------


@frozen
class _Place:
    """Where a step is drawn: its number, how many steps there are, and the Sends and awaited events among them."""

    draw: st.DrawFn
    number: int
    count: int
    sends: Sequence[str]
    awaited: Sequence[str]
    windows: bool

    def pick(self, *options: Any) -> Any:  # noqa: ANN401 any value
        """Draw one of several values."""
        return self.draw(sampled(options))

    def forward(self) -> str | None:
        """Draw a later step, or, most often, None for the one that follows."""
        step: str | None = self.pick(None, None, *(f"s{number}" for number in range(self.number + 1, self.count)))
        return step

    def anywhere(self) -> str | None:
        """Draw any step: a loop is legal through a Wait that takes time (R41)."""
        step: str | None = self.pick(None, None, None, *(f"s{number}" for number in range(self.count)))
        return step

    def rule(self) -> Rule:
        """Draw a rule about the customer, the run's trigger, its messages or the events it waited for."""
        about: list[Rule] = [field("trigger.n").gte(2), field("enrollment.run").gt(1)]
        about += [field(f"message.{each}.opened").eq(True) for each in self.sends]
        about += [field(f"wait.{each}.n").gte(1) for each in self.awaited]
        found: Rule = self.draw(CUSTOMER_RULES) if self.pick(True, False) else self.pick(*about)
        return found

    def window(self) -> Window | None:
        found: Window | None = self.pick(None, None, *WINDOWS) if self.windows else None
        return found


@lru_cache(maxsize=1024)
def sampled(options: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return a cached strategy: making one is slower than drawing from it."""
    return st.sampled_from(options)


def _send(name: str, place: _Place) -> Step:
    return Send(
        name,
        channel=place.pick(*CHANNELS),
        template=f"t{place.number}",
        data=dict(place.pick((), (), (("n", "{{ n | none }}"), ("said", "{{ plan }} for {{ trigger.n }}")))),
        transactional=place.pick(False, False, True),
        on_failure=place.pick("continue", "continue", "fail"),
        window=place.window(),
        next=place.forward(),
    )


def _wait_for_duration(name: str, place: _Place) -> Step:
    return Wait(name, place.pick(*DURATIONS), window=place.window(), next=place.anywhere())


def _wait_for_event(name: str, place: _Place) -> Step:
    timeout = place.pick(None, *DURATIONS)
    return Wait(
        name,
        event=place.draw(EVENT_TYPES),
        where=place.draw(MAYBE_EVENT_RULES),
        any_message=place.pick(False, False, True),
        timeout=timeout,
        window=place.window(),
        next=place.anywhere(),
        on_event=place.anywhere(),
        on_timeout=timeout and place.anywhere(),
    )


def _wait_for_instant(name: str, place: _Place) -> Step:
    return Wait(name, at=START + timedelta(hours=place.pick(-24, 0, 6, 24, 48, 72, 200)), next=place.forward())


def _wait_for_field(name: str, place: _Place) -> Step:
    every = place.pick(None, "year", "year", "1 month", "1 week")
    return Wait(
        name,
        field=place.pick("day", "day", "customer.day", "trigger.day", "lastEmailOpenAt"),
        offset=place.pick(None, "6 hours", "-1 day", "1 month"),
        every=every,
        next=place.anywhere() if every else place.forward(),
        on_missing=place.forward() or (END if every else None),
        on_past=place.forward(),
    )


def _wait_for_return(name: str, place: _Place) -> Step:
    at = place.pick(None, None, None, datetime(2025, 10, 31, 9, tzinfo=UTC), START + timedelta(hours=30))
    return Wait(name, every=place.pick("1 day", "6 hours", "1 week", "1 month"), at=at, next=place.anywhere())


def _wait_for_condition(name: str, place: _Place) -> Step:
    timeout = place.pick(None, *DURATIONS)
    return Wait(
        name,
        when=place.rule(),
        timeout=timeout,
        window=place.window(),
        next=place.forward(),
        on_event=place.forward(),
        on_timeout=timeout and place.anywhere(),
    )


def _wait_for_opening(name: str, place: _Place) -> Step:
    return Wait(name, until=place.pick("09:00", "MON 09:00", "SAT"), next=place.anywhere())


def _condition(name: str, place: _Place) -> Step:
    branches = [branch(place.rule(), place.forward()) for _ in range(place.pick(1, 1, 2, 3))]
    return Condition(name, branches=branches, otherwise=place.forward())


def _split(name: str, place: _Place) -> Step:
    shares = place.pick((50, 50), (100,), (12.34, 87.66), (0, 33.3, 66.7))
    return Split(name, *(arm(share, place.forward()) for share in shares))


def _update(name: str, place: _Place) -> Step:
    choices = (*CHANGES, *CHANGES, *CHAINS)
    return Update(name, *(place.pick(*choices) for _ in range(place.pick(1, 1, 2, 3))), next=place.forward())


def _end(name: str, place: _Place) -> Step:
    return End(name, place.pick("", "good"))


def _plain_send(name: str, place: _Place) -> Step:
    return Send(name, channel=CHANNELS[0], template=f"t{place.number}")


def _urgent_send(name: str, place: _Place) -> Step:
    window = place.pick(*WINDOWS) if place.windows else None
    return Send(name, channel=CHANNELS[0], template=f"t{place.number}", transactional=True, window=window)


def _count(name: str, _: _Place) -> Step:
    return Update(name, field("n").increment())


def _wait_for_the_count(name: str, place: _Place) -> Step:
    return Wait(name, event="field.changed", next=place.forward(), on_event=f"s{place.number - 2}")


def _wait_between(name: str, _: _Place) -> Step:
    return Wait(name, "6 hours")


TODAY = field("day").set("{{ now }}")


def _note_today(name: str, _: _Place) -> Step:
    return Update(name, TODAY)


def _call_all(name: str, place: _Place) -> Step:
    return Update(name, Chain.enroll("j1", "j2", "j3"), next=place.forward())


def _wait_for_today(name: str, place: _Place) -> Step:
    return Wait(name, field="day", next=place.forward(), on_missing=place.forward(), on_past=place.forward())


_MOTIFS: tuple[tuple[Callable[[str, _Place], Step], ...], ...] = (
    (),
    (_plain_send, _count, _wait_for_the_count),
    (_plain_send, _wait_between, _plain_send),
    (_plain_send, _wait_between, _plain_send),
    (_note_today, _wait_for_today),
    (_note_today, _wait_for_duration),
    (_urgent_send,),
    (_call_all,),
    (_call_all,),
    (_call_all,),
)
"""What is seldom drawn step by step: a Send that comes round in no time (R30), two as far apart as a rolling cap is
long, one that caps do not bind (R31), a date of the very instant (R37), one that an exit may ask for later (R42),
journeys that start one another (R53)."""

EVENT_TYPES = st.sampled_from((*EVENTS, *EVENTS, *EVENTS, *BUILT_IN, *OF_MESSAGES))
MAYBE_EVENT_RULES = weighted((3, st.none()), (1, EVENT_RULES))
_KINDS = st.sampled_from(
    (
        _send,
        _send,
        _wait_for_duration,
        _wait_for_event,
        _wait_for_event,
        _wait_for_instant,
        _wait_for_field,
        _wait_for_return,
        _wait_for_condition,
        _wait_for_condition,
        _condition,
        _split,
        _update,
        _update,
        _end,
        _wait_for_opening,
    )
)


def draw_steps(draw: st.DrawFn, *, windows: bool) -> list[Step]:
    """Draw the steps of a journey; without `windows` none of them depends on a local time."""
    kinds = [draw(_KINDS) for _ in range(draw(_SIZES))]
    if not windows:
        kinds = [_wait_for_duration if kind is _wait_for_opening else kind for kind in kinds]
    motif = draw(sampled(_MOTIFS))
    if motif:
        place = draw(sampled((0, 0, len(kinds) // 2, len(kinds))))
        kinds[place:place] = motif
    named = {f"s{number}": kind for number, kind in enumerate(kinds)}
    sends = [each for each, kind in named.items() if kind in {_send, _plain_send, _urgent_send}]
    awaited = [each for each, kind in named.items() if kind in {_wait_for_event, _wait_for_the_count}]
    return [
        kind(each, _Place(draw, number, len(kinds), sends, awaited, windows))
        for number, (each, kind) in enumerate(named.items())
    ]


_SIZES = st.integers(1, MAX_STEPS)
