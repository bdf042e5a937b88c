"""Random valid journeys, and random policies of a tenant."""

from attrs import evolve
from hypothesis import strategies as st

from journeyflow.definition.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import Cap, Policies, QuietHours
from journeyflow.definition.steps import Send, Update
from journeyflow.testing.drawn_steps import (
    ABOUT_TIME,
    BUILT_IN,
    CHANNELS,
    CUSTOMER_RULES,
    DURATIONS,
    EVENT_RULES,
    EVENT_TYPES,
    EVENTS,
    IS_OVER,
    MAYBE_EVENT_RULES,
    TODAY,
    WINDOWS,
    draw_steps,
    sampled,
    weighted,
)

VISITS = (60, 10, 400)
ZONES = ("UTC", "Africa/Johannesburg", "America/New_York")

# --- journeys -----------------------------------------------------------------------------------------------------

_PULLS = st.builds(
    lambda every, name, size, cap: Pull(every, list=name, size=size, **cap),
    st.sampled_from(("1 day", "2 days", "1 week", "30 hours")),
    st.sampled_from(("news", "news", None)),
    st.sampled_from((None, None, 1, 2, (0, 2))),
    st.sampled_from(({}, {}, {"times": 1, "within": "3 days"}, {"times": 2, "within": "1 week"})),
)
_TRIGGERS = weighted(
    (4, st.builds(Trigger, st.sampled_from(EVENTS))),
    (1, st.builds(Trigger, st.sampled_from(EVENTS), where=EVENT_RULES)),
    (2, st.builds(Trigger, EVENT_TYPES, where=MAYBE_EVENT_RULES)),
    (1, st.builds(Trigger, st.sampled_from(BUILT_IN))),
    (1, st.just(Trigger(manual=True))),
    (2, st.builds(lambda pull, where: Trigger(pull=pull, where=where), _PULLS, st.none() | CUSTOMER_RULES)),
)
KEY = "event.n"
_REENTRIES = st.sampled_from(
    (
        Reentry.never(),
        Reentry.always(),
        Reentry.always(),
        Reentry.after("1 day"),
        Reentry.restart(),
        *(each(key=KEY) for each in (Reentry.never, Reentry.always, Reentry.restart)),
        Reentry.after("1 day", key=KEY),
    )
)
_LIMITS = st.sampled_from(
    (
        *(Limits() for _ in range(5)),
        Limits(per_hour=1),
        Limits(per_day=1),
        Limits(per_hour=1, per_day=2),
        Limits(per_hour=2, over="drop"),
    )
)
_EXIT = weighted(
    (
        1,
        st.builds(
            lambda kind, where, any_message: Exit("x", event=kind, where=where, any_message=any_message),
            EVENT_TYPES,
            MAYBE_EVENT_RULES,
            st.booleans(),
        ),
    ),
    (1, st.builds(lambda when: Exit("x", when=when), weighted((1, CUSTOMER_RULES), (2, ABOUT_TIME)))),
)
_EXITS = weighted((2, st.just(())), (1, st.lists(_EXIT, min_size=1, max_size=2))).map(
    lambda exits: [evolve(each, name=f"x{number}") for number, each in enumerate(exits)]
)
_GOALS = st.none() | st.builds(
    Goal,
    EVENT_TYPES,
    where=MAYBE_EVENT_RULES,
    within=st.sampled_from((None, *DURATIONS)),
    exit=st.booleans(),
    any_message=st.booleans(),
)
_RUN_CRITERIA = weighted((5, st.none()), (1, CUSTOMER_RULES))


@st.composite
def journeys(draw: st.DrawFn, *, id: str = "j1", windows: bool = True) -> Journey:  # noqa: A002 the field's own word
    """Draw valid journeys with every kind of step, in a vocabulary so small that they match each other's events.

    `id` is the journey's id. Without `windows` nothing depends on a local time: no `until`, no window on waits and
    sends, and the zone is UTC.

    >>> from hypothesis import find
    >>> found = find(journeys(windows=False), lambda journey: journey.trigger.manual)
    >>> found.id, found.timezone
    ('j1', 'UTC')
    """
    goal, trigger, reentry = draw(_GOALS), draw(_TRIGGERS), draw(_REENTRIES)
    if trigger.pull is not None:  # a pull carries no key
        window = draw(sampled((None, *WINDOWS))) if windows else None
        trigger, reentry = evolve(trigger, pull=evolve(trigger.pull, window=window)), evolve(reentry, key=None)
    steps, exits = draw_steps(draw, windows=windows), draw(_EXITS)
    if any(isinstance(step, Update) and TODAY in step.changes for step in steps):
        exits = [*exits, *draw(sampled(((), *[(Exit("over", when=IS_OVER),)] * 2)))]
    journey = Journey(
        id,
        steps=steps,
        trigger=trigger,
        run_criteria=draw(_RUN_CRITERIA),
        reentry=reentry,
        exits=exits,
        goal=goal,
        holdout=draw(sampled((0, 0, 50, 12.5, 100))) if goal and goal.within else 0,
        limits=draw(_LIMITS),
        max_visits=draw(sampled(VISITS)),
        timezone=draw(sampled(ZONES if windows else ("UTC",))),
        customer_timezone=windows and draw(sampled((False, True))),
    )
    asks = draw(sampled((False, False, False, False, True))) and any(isinstance(step, Send) for step in journey.steps)
    return evolve(journey, consent="required") if asks else journey


# --- policies -----------------------------------------------------------------------------------------------------

_CAPS = st.builds(
    lambda count, length, channel, over: Cap(count, **length, channel=channel, over=over),
    st.sampled_from((1, 1, 1, 2, 2, 3, 0, None)),
    st.sampled_from((*({"within": "6 hours"} for _ in range(3)), {"per": "day"}, {"per": "week"}, {"per": "month"})),
    st.sampled_from((None, None, *CHANNELS)),
    st.sampled_from(("skip", "defer", "defer")),
)
_QUIET = st.sampled_from(
    (
        QuietHours("22:00", "08:00"),
        QuietHours("12:00", "18:00", channel="SMS"),
        QuietHours("00:00", "24:00", weekdays="SAT,SUN"),
        QuietHours("20:00", "06:00", weekdays="MON-FRI", channel="EMAIL"),
    )
)


@st.composite
def policies(draw: st.DrawFn, *, windows: bool = True) -> Policies:
    """Draw policies of a tenant: a few caps, a few quiet hours (R31).

    Without `windows` nothing depends on a time zone: no quiet hours, and UTC.

    >>> from hypothesis import find
    >>> found = find(policies(), lambda each: any(cap.over == "defer" for cap in each.caps))
    >>> "defer" in [cap.over for cap in found.caps]
    True
    """
    caps = draw(st.lists(_CAPS, max_size=3))
    if not windows:
        return Policies(caps=caps, timezone="UTC")
    return Policies(caps=caps, quiet=draw(st.lists(_QUIET, max_size=2)), timezone=draw(sampled((None, *ZONES))))
