"""The pages about one customer: where they are, why not elsewhere, their messages and timeline; and one run in full."""

import json
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from journeyflow import Enrollment
from journeyflow.answers import Decision, Explanation, Moment, Timeline
from journeyflow.basics.moments import to_micros, zone
from journeyflow.services.site.layout import (
    Content,
    Figure,
    Markup,
    SitePage,
    address,
    as_markup,
    badge,
    both_times,
    link,
    listed,
    notice,
    paragraph,
    section,
    table,
    time_names,
    times,
    when,
    with_offset,
)
from journeyflow.services.site.lists import held_notices, messages_of_customer
from journeyflow.services.site.query import Query, shown_in

JOURNEYS, RUNS, MESSAGES, MOMENTS = 10, 20, 20, 100
"""How many of each the page of a customer shows."""

FOUND = 25
"""How many customers are offered where an id is not that of any."""

EXPLAINED = 5
"""How many of the newest runs are explained there: the pages of the others do so."""

VISITS = 200
"""How many visits of a run its page shows, the newest."""


def customer(query: Query) -> SitePage:
    """Return the page of one customer; raises NotFound if nothing is known of the customer."""
    name, until = query.text("id"), query.instant("until")
    found = query.engine.find_customer(name)
    ids = query.engine.customer_ids(name, take=FOUND) if found is None else ()
    if ids:
        links = [link(each, "customer", id=each, journey=query.optional("journey")) for each in ids]
        sentence = paragraph(f"No customer has exactly this id. The first {len(ids)} whose ids begin with it:")
        return SitePage(f"Customers {name}...", [sentence, listed(links)], [("Journeys", "./")])
    timeline = query.engine.timeline(name, until=until, take=MOMENTS)
    parts = [
        paragraph("As of ", when(query.at), " UTC. Journey time, as in sentences, is in the zone of the journey."),
        *([] if found else [notice("Nothing of this customer has been handled yet: the inputs wait for a tick.")]),
        section("Where they are", _runs(query, name)),
        section("Why not elsewhere", *_elsewhere(query, name)),
        section("Messages, newest first", *_messages(query, name)),
        section("What happened, newest first", *_happened(query, timeline)),
    ]
    if found:
        rows = [(key, Markup(f"<code>{as_markup(_json(value))}</code>")) for key, value in found.attributes.items()]
        parts.append(section("Attributes", table("Attributes", ("name", "value"), rows)))
    return SitePage(f"Customer {name}", parts, [("Journeys", "./")])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# --- where they are, and why not elsewhere ----------------------------------------------------------------------------


def _runs(query: Query, name: str) -> Markup:
    """Return the newest runs as a table, each with what it waits for and which of its messages were not sent."""
    total = query.engine.enrollments(customer=name, take=1).total
    found = query.engine.enrollments(customer=name, skip=max(total - RUNS, 0), take=RUNS)
    rows = [_run(query, each, explained=place < EXPLAINED) for place, each in enumerate(reversed(found))]
    header = ("journey", "run", "status", "why", "entered, journey time", "UTC")
    return table("Runs, the newest first", header, rows, "In no journey, now or before.")


def _run(query: Query, found: Enrollment, *, explained: bool) -> Sequence[Content]:
    where = query.zone_of(found.journey)
    why: list[str] = []
    if explained:
        with shown_in(where):
            told = query.engine.explain(found)
        why += [*_troubles(told), *([told.now] if told.now else [])]
    why += [found.reason] if found.reason else []
    why += [] if found.ended_at is None else [Markup(f"ended {both_times(found.ended_at, where)}")]
    return (
        link(found.journey, "journey", id=found.journey),
        link(f"run {found.run}", "run", journey=found.journey, customer=found.customer, run=found.run),
        badge(found.status), listed(why), with_offset(found.entered_at, where), when(found.entered_at),
    )  # fmt: skip


def _troubles(told: Explanation) -> Iterator[str]:
    """Yield the visits at which something was not done, with what decided that."""
    for each in told.visits:
        lost = [line for line in each.compared if line.startswith("message ") and "SENT" not in line]
        if each.status in {"SKIPPED", "FAILED"} or lost:
            yield ", ".join(filter(None, (f"{each.step}: {_came_to(each)}", "; ".join(lost or each.compared))))


def _came_to(visit: Decision) -> str:
    """Return what became of a visit: its outcome, if it was completed with one, else its status with it."""
    if visit.status == "COMPLETED" and visit.outcome:
        return visit.outcome
    return " ".join(filter(None, (visit.status.lower(), visit.outcome)))


def _elsewhere(query: Query, name: str) -> Iterator[Markup]:
    """Yield why a customer is inside none of the journeys that could be entered, and whether they would enter now."""
    chosen, after = query.optional("journey"), query.optional("journeys")
    if chosen is None:
        found = query.engine.journeys(take=JOURNEYS, after=after)
        names, cursor = [each.id for each in found if each.status in {"ACTIVE", "PAUSED"}], found.cursor
    else:
        names, cursor = [chosen], None
    rows = []
    for journey in names:
        run = query.engine.find_enrollment(journey, name)
        if run is None or run.status != "ACTIVE":
            rows.append(_why_not(query, journey, name))
    title, header = "Journeys that the customer is not in", ("journey", "why not", "now")
    yield table(title, header, rows, "Inside every one of them.")
    if cursor is not None:
        yield Markup(f'<p class="more">{link("More journeys", "customer", id=name, journeys=cursor)}</p>')


def _why_not(query: Query, journey: str, name: str) -> Sequence[Content]:
    where = query.zone_of(journey)
    with shown_in(where):
        found = query.engine.why_not(journey, name, at=query.at)
    why = ": ".join(filter(None, (found.reason, found.told))) or "entered before"
    told = [why] if found.at is None else [why, Markup(f"on {both_times(found.at, where)}")]
    now = badge("would enter") if found.would_enter else f"would not enter: {found.told_now}"
    return link(journey, "journey", id=journey), listed(told), now


# --- messages and what happened ---------------------------------------------------------------------------------------


def _messages(query: Query, name: str) -> Iterator[Markup]:
    total = query.engine.messages(customer=name, take=1).total
    found = query.engine.messages(customer=name, skip=max(total - MESSAGES, 0), take=MESSAGES)
    yield from held_notices(query, [each.channel for each in found if each.status == "QUEUED"], zone("UTC"))
    yield messages_of_customer(query, "Messages", reversed(found))
    if total > MESSAGES:
        yield paragraph(f"The newest {MESSAGES} of {total:,}.", class_="soft")


def _happened(query: Query, timeline: Timeline) -> Iterator[Markup]:
    moments = timeline.moments
    if timeline.more and moments[0].at != moments[-1].at:  # what stands at the oldest instant may not be all of it
        moments = tuple(each for each in moments if each.at != moments[0].at)
    rows = [_moment(query, each) for each in reversed(moments)]
    yield table("What happened, the newest first", ("journey time", "UTC", "journey", "what"), rows)
    if timeline.more:
        last = to_micros(moments[0].at) - 1
        yield Markup(f'<p class="more">{link("Earlier", "customer", id=timeline.customer, until=last)}</p>')


def _moment(query: Query, moment: Moment) -> Sequence[Content]:
    where, place = None, Markup("")
    if moment.journey is not None:
        where, place = query.zone_of(moment.journey), link(moment.place, "journey", id=moment.journey)
    if moment.journey is not None and moment.run is not None:
        place = link(moment.place, "run", journey=moment.journey, customer=query.text("id"), run=moment.run)
    return with_offset(moment.at, where), when(moment.at), place, moment.text


# --- one run ----------------------------------------------------------------------------------------------------------


def run(query: Query) -> SitePage:
    """Return every decision of one run with the values that were compared, and its messages."""
    journey, name, number = query.text("journey"), query.text("customer"), query.number("run")
    where = query.zone_of(journey)
    with shown_in(where):
        told = query.engine.explain(journey, name, run=number)
    found = told.enrollment
    messages = query.engine.messages(journey, customer=name, run=found.run, take=VISITS)
    parts = [
        paragraph(
            badge(found.status), f" {found.reason}" if found.reason else "", f" · version {found.version} · entered ",
            both_times(found.entered_at, where),
            *(() if found.ended_at is None else (" · ended ", both_times(found.ended_at, where))),
        ),
        *([notice(f"{told.now} ({where.key})")] if told.now else []),
        section("Decisions", *_decisions(told, where)),
        section("Messages", *held_notices(query, [each.channel for each in messages if each.status == "QUEUED"], where),
                messages_of_customer(query, "Messages", messages)),
    ]  # fmt: skip
    trail = [("Journeys", "./"), (journey, address("journey", id=journey)), (name, address("customer", id=name))]
    return SitePage(f"{name} in {journey}, run {found.run}", parts, trail)


def _decisions(told: Explanation, where: ZoneInfo) -> Iterator[Markup]:
    visits = told.visits[-VISITS:]
    if len(visits) < len(told.visits):
        yield paragraph(f"The newest {len(visits)} of {len(told.visits):,} visits.", class_="soft")
    header = ("n", "step", "came to", *time_names("at", where), *time_names("left", where), "compared")
    rows = [_decision(each, where) for each in (told.entry, *visits)]
    if told.exit:
        values = [f"{path} = {value!r}" for path, value in told.exit.items()]
        blank = (None,) * (len(header) - 4)
        rows.append((None, "exit", told.enrollment.reason, *blank, listed(values)))
    yield table("Decisions", header, rows)


def _decision(each: Decision, where: ZoneInfo) -> Sequence[Content]:
    outcome = _came_to(each) if each.n else "entered"
    seen = [f"{path} = {value!r}" for path, value in each.seen.items()] if not each.compared else []
    left = None if each.n == 0 else each.left_at
    return (
        each.n or Figure(),
        each.step or "entry",
        outcome,
        *times(each.at, where),
        *times(left, where),
        listed([*each.compared, *seen]),
    )
