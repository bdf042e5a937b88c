"""The pages about journeys: all of them, and one with its picture, steps, arms, refusals and failures."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from journeyflow import Journey, Send, Split
from journeyflow.answers import JourneyInfo, JourneyStats, StepStats
from journeyflow.basics.markup import escaped
from journeyflow.basics.moments import zone
from journeyflow.basics.showing import counted
from journeyflow.definition.counted import percent
from journeyflow.definition.drawings import svg
from journeyflow.definition.pictures import edges, summary
from journeyflow.definition.steps import Step, kind
from journeyflow.errors import InvalidInput
from journeyflow.services.site.layout import (
    Content,
    Figure,
    Markup,
    SitePage,
    badge,
    bar,
    beside,
    both_times,
    figures,
    framed,
    link,
    listed,
    notice,
    older,
    paragraph,
    section,
    sparkline,
    table,
    when,
)
from journeyflow.services.site.lists import enrollments_table, held_notices, messages_of_journey
from journeyflow.services.site.query import Query

DAYS = 14
"""How many days the page of all journeys looks back; that of one has the days of its statistics and its report."""

CONDITION, SPLIT = "condition", "split"
"""The kinds of steps that have arms or branches."""

JOURNEYS = 15
"""How many journeys stand on a page."""

COMPARED = 2_500
"""How many enrollments the page of a journey goes through to compare arms: some 15 ms' work."""

FAILURES = 10
"""How many failed messages and runs the page of a journey shows."""


def _end(query: Query) -> datetime:
    """Return the instant whose day is the last of the window: now, or the newest counted if that is long ago or ahead.

    So an old file shows the days that it is about, and so does one that was played ahead of time.
    """
    last = query.engine.last_counted()
    return query.at if last is None or timedelta() <= query.at - last < timedelta(days=DAYS) else last


# --- all journeys -----------------------------------------------------------------------------------------------------

ALL = ("journey", "state", "entered by", f"entries, {DAYS} days", "entered", "inside", "completed", "exited", "failed")
SENT = ("sent", "opened", "clicked")


def overview(query: Query) -> SitePage:
    """Return the page of all journeys, each with how many entered and what was sent of late."""
    found = query.engine.journeys(take=JOURNEYS, after=query.optional("after"))
    end = _end(query)
    rows = [_row(each, query.engine.stats(each.id, at=end)) for each in found]
    parts = [
        paragraph(
            f"{counted(f'{found.total:,}', 'journey')}, as of ", when(query.at), " UTC. ",
            f"Entries by day and messages are those of the {DAYS} days up to {end.date()}, ",
            "in the zone of each journey; people are those of all time.",
        ),
        table("Journeys", (*ALL, *SENT), rows, "There are none yet: deploy one."),
        *older(found.cursor, "More journeys", ""),
    ]  # fmt: skip
    return SitePage("Journeys", parts)


def _row(info: JourneyInfo, stats: JourneyStats) -> Sequence[Content]:
    name = link(info.name or info.id, "journey", id=info.id)
    if info.name and info.name != info.id:
        name = Markup(f'{name}<br><span class="soft">{escaped(info.id)}</span>')
    days = stats.daily[-DAYS:]
    entries = [day.entered or 0 for day in days]
    trigger = info.trigger or info.schedule or "by hand"
    people = (info.enrolled, info.active, info.completed, info.exited, info.failed)
    messages = [day.messages for day in days if day.messages is not None]
    sent = [sum(getattr(each, word).unique for each in messages) if messages else None for word in SENT]
    return (name, badge(info.status), trigger, sparkline(entries, "entries by day"), *people, *sent)


# --- one journey ------------------------------------------------------------------------------------------------------


def journey(query: Query) -> SitePage:
    """Return the page of one journey."""
    name = query.text("id")
    info, definition = query.engine.journey(name), query.engine.definition(name)
    stats = query.engine.stats(name, at=_end(query))
    where = zone(definition.timezone)
    parts = [
        *_head(query, info, definition, where),
        _why_not(name),
        beside(
            framed(svg(definition, counts=stats.counts), "The journey as a picture, with counts"),
            [
                section("Steps", *_steps(definition, stats)),
                *_arms(info, definition, stats),
                *_results(query, info, stats),
                section("Refused entries", *_refusals(query, name)),
                section("Failures", *_failures(query, name, where)),
            ],
        ),
    ]
    return SitePage(info.name or info.id, parts, [("Journeys", "./")])


def _head(query: Query, info: JourneyInfo, definition: Journey, where: ZoneInfo) -> Iterator[Markup]:
    goal = "" if definition.goal is None else f" Goal: {definition.goal.event}."
    trigger = info.trigger or info.schedule or "by hand"
    yield paragraph(
        badge(info.status), f" · id {info.id} · version {info.version}, published ",
        both_times(info.published_at, where), f" · entered by {trigger}.{goal}",
    )  # fmt: skip
    if info.description:
        yield paragraph(info.description)
    if info.status == "PAUSED":
        yield notice("Paused since ", both_times(info.paused_at, where), ": no customer enters or moves on.")
    yield from held_notices(query, [step.channel for step in definition.steps if isinstance(step, Send)], where)
    yield figures(
        {
            "entered": info.enrolled, "inside now": info.active, "completed": info.completed, "exited": info.exited,
            "failed": info.failed, **({"in the holdout": info.holdout} if info.holdout else {}),
        }
    )  # fmt: skip
    yield paragraph(
        link("Who entered", "people", journey=info.id), " · ", link("Messages", "messages", journey=info.id), " · ",
        link("Changes", "audit", journey=info.id),
    )  # fmt: skip


def _why_not(journey: str) -> Markup:
    return Markup(
        '<form action="customer" method="get"><label for="why">Why is a customer here, or not?</label> '
        '<input id="why" name="id" required maxlength="200" placeholder="customer id" size="22"> '
        f'{Markup(_hidden("journey", journey))}<button type="submit">Explain</button></form>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escaped(value)}">'


# --- its steps --------------------------------------------------------------------------------------------------------

STEPS = ("step", "here now", "visits", "left here", "of those before", "of the first")


def _steps(definition: Journey, stats: JourneyStats) -> Iterator[Markup]:
    before: dict[str, set[str]] = {}
    for edge in edges(definition):
        before.setdefault(edge.end, set()).add(edge.start)
    first = _visits(stats, definition.steps[0].id) if definition.steps else 0
    came = {step.id: sum(_visits(stats, name) for name in before.get(step.id, ())) for step in definition.steps}
    rows = [_step(step, stats, first, came[step.id]) for step in definition.steps]
    rows += [_of_older(found, stats, first) for name, found in stats.by_step.items() if name not in came]
    days = f"{stats.since} to {stats.until} ({stats.timezone})"
    yield paragraph(f"Visits and messages are those of {days}; who is here, as of now.", class_="soft")
    if any(0 < whole < _visits(stats, step) for step, many in came.items() for whole in (many, first)):
        yield paragraph(
            "A share above 100%: people came again, were at the step before in earlier days, or came another way in an"
            " older version.",
            class_="soft",
        )
    yield table("Steps, with who is there and how many came", (*STEPS, *SENT, "what it does"), rows, "It has no steps.")


def _step(step: Step, stats: JourneyStats, first: int, before: int) -> Sequence[Content]:
    what, visits = summary(step), _visits(stats, step.id)
    words = what if what.startswith(kind(step)) else f"{kind(step)} {what}"
    shares = _share(visits, before), _share(visits, first)
    return (step.name or step.id, *_came(stats, step.id, first), *shares, *_sent(stats.by_step[step.id]), words)


def _of_older(found: StepStats, stats: JourneyStats, first: int) -> Sequence[Content]:
    """Return the row of a step that the newest version does not have: its people and messages are in the sums."""
    return (found.step, *_came(stats, found.step, first), None, None, *_sent(found), f"{found.kind} of older versions")


def _came(stats: JourneyStats, step: str, first: int) -> Sequence[Content]:
    found = stats.by_step[step]
    inside = Figure(link(f"{found.active or 0:,}", "people", journey=stats.journey, step=step))
    return inside, bar(_visits(stats, step), first), found.left


def _sent(found: StepStats) -> Sequence[Content]:
    return [None if found.messages is None else getattr(found.messages, word).unique for word in SENT]


def _visits(stats: JourneyStats, step: str) -> int:
    return stats.by_step[step].visited or 0 if step in stats.by_step else 0


def _share(part: int, whole: int) -> Figure | None:
    return Figure(percent(part / whole)) if whole else None


def _arms(info: JourneyInfo, definition: Journey, stats: JourneyStats) -> Iterator[Markup]:
    """Yield how many took each arm of the Splits, and each branch of the Conditions, of all versions."""
    now = {step.id: step for step in definition.steps}
    chosen = [found for found in stats.by_step.values() if found.kind in {CONDITION, SPLIT}]
    rows = [row for found in chosen for row in _ways(now.get(found.step), found)]
    if rows:
        said = f"Visits are those of all versions; what is meant is that of version {info.version}."
        several = [paragraph(said, class_="soft")] if info.version > 1 else []
        yield section("Arms and branches", *several, table("Arms and branches", _WAYS, rows))


def _results(query: Query, info: JourneyInfo, stats: JourneyStats) -> Iterator[Markup]:
    """Yield what can be concluded of arms and holdout by the goal, of a journey that is not too large to go through.

    The newest version may have none of them any more.
    """
    if not info.holdout and all(found.kind != SPLIT for found in stats.by_step.values()):
        return
    if info.enrolled + info.holdout > COMPARED:
        hint = Markup("<code>journeyflow results</code>")
        yield section(
            "Results", paragraph("Arms and holdout by the goal, of this many people, are a question to ", hint, ".")
        )
        return
    with suppress(InvalidInput):  # it never had a goal
        yield section("Results", listed(query.engine.results(info.id).sentences))


_WAYS = ("step", "arm or branch", "meant", "visits", "share")


def _ways(step: Step | None, found: StepStats) -> Iterator[Sequence[Content]]:
    name = found.step if step is None else step.name or step.id
    meant = {arm.label: f"{arm.percentage:g}%" for arm in step.arms} if isinstance(step, Split) else {}
    outcomes = found.outcomes or {}
    total = sum(outcomes.values())
    for label, many in outcomes.items():
        yield name, label, meant.get(label, ""), bar(many, total), _share(many, total)


# --- what went wrong --------------------------------------------------------------------------------------------------


def _refusals(query: Query, name: str) -> Iterator[Markup]:
    found = query.engine.refusals(name, customers=False)
    most = max((each.count for each in found), default=0)
    rows = [(each.reason, bar(each.count, most)) for each in found]
    yield table("Refused entries by reason", ("reason", "entries"), rows, "None: no customer who matched was refused.")
    if rows:
        yield paragraph("Why one customer was refused: enter the id above.", class_="soft")


def _failures(query: Query, name: str, where: ZoneInfo) -> Iterator[Markup]:
    lost = query.engine.latest_messages(name, failed=True, take=FAILURES)
    runs = query.engine.latest_enrollments(name, failed=True, take=FAILURES)
    if lost or lost.more:
        yield messages_of_journey("Messages that were given up", lost.items, where)
        yield from older(lost.cursor, "More messages that were given up", "messages", journey=name, failed=1)
    if runs:
        yield enrollments_table("Runs that failed", runs.items, where)
        yield from older(runs.cursor, "More runs that failed", "people", journey=name, failed=1)
    if not (lost or runs or lost.more):
        yield paragraph("None: no message was given up, and no run failed.", class_="soft")
