"""The pages of lists: who entered or is at a step, the messages of a journey, and what was changed or set aside."""

from collections.abc import Iterator

from journeyflow.services.site.layout import (
    Markup,
    SitePage,
    address,
    link,
    older,
    paragraph,
    section,
    table,
    when,
    with_offset,
)
from journeyflow.services.site.lists import enrollments_table, messages_of_journey
from journeyflow.services.site.query import Query

ROWS = 50
"""How many rows a list shows at once."""


def people(query: Query) -> SitePage:
    """Return who entered a journey, the newest first: everybody, those at a step, or those who failed."""
    name, step, failed = query.text("journey"), query.optional("step"), query.optional("failed") is not None
    found = query.engine.latest_enrollments(name, step=step, failed=failed, take=ROWS, after=query.number("after"))
    where = query.zone_of(name)
    title = f"At step {step}" if step else "Runs that failed" if failed else "Who entered"
    words = ["The newest entries first."]
    if step:
        inside = query.engine.stats(name, at=query.at, step=step, since=query.at.date(), until=query.at.date())
        words = [f"{inside.people.active if inside.people else 0:,} are here now. ", *words]
    parts = [
        paragraph(*words),
        enrollments_table(title, found.items, where),
        *older(found.cursor, "Older entries", "people", journey=name, step=step, failed=1 if failed else None),
    ]
    return SitePage(title, parts, _trail(query, name))


def messages(query: Query) -> SitePage:
    """Return the messages of a journey from the newest entry back, or those that were given up."""
    name, failed = query.text("journey"), query.optional("failed") is not None
    found = query.engine.latest_messages(name, failed=failed, take=ROWS, after=query.optional("after"))
    other = link("All messages", "messages", journey=name)
    if not failed:
        other = link("Only those that were given up", "messages", journey=name, failed=1)
    parts = [
        paragraph("Those of the newest entries first. ", other),
        messages_of_journey("Messages", found, query.zone_of(name)),
        *older(found.cursor, "Older messages", "messages", journey=name, failed=1 if failed else None),
    ]
    return SitePage("Messages that were given up" if failed else "Messages", parts, _trail(query, name))


def _trail(query: Query, name: str) -> list[tuple[str, str]]:
    info = query.engine.journey(name)
    return [("Journeys", "./"), (info.name or info.id, address("journey", id=info.id))]


# --- the audit --------------------------------------------------------------------------------------------------------


def audit(query: Query) -> SitePage:
    """Return what hosts changed, newest first, the inputs that could not be handled, and how all is counted again."""
    name = query.optional("journey")
    changes = query.engine.audit_trail(name, take=ROWS, after=query.number("after"))
    rows = [
        (
            with_offset(each.at, query.zone_of(each.journey)) if each.journey else None, when(each.at),
            link(each.journey, "journey", id=each.journey) if each.journey else "all journeys", each.text,
        )
        for each in changes
    ]  # fmt: skip
    parts = [
        section(
            "Changes",
            table("Changes", ("journey time", "UTC", "of", "what"), rows),
            *older(changes.cursor, "Older changes", "audit", journey=name),
        )
    ]
    parts += [] if name else _left_over(query)
    return SitePage("Audit", parts, [("Journeys", "./")] if name is None else _trail(query, name))


def _left_over(query: Query) -> Iterator[Markup]:
    aside = query.engine.set_aside(take=ROWS, after=query.number("aside"))
    rows = [
        (link(each.customer, "customer", id=each.customer), when(each.at), each.kind, each.name, each.id)
        for each in aside
    ]
    yield section(
        "Set aside",
        paragraph("Inputs whose handling raised an exception: give them to `retry` once the cause is mended."),
        table("Set aside", ("customer", "at (UTC)", "what", "type or journey", "id"), rows),
        *([link("More that were set aside", "audit", aside=aside.cursor)] if aside.more else []),
    )
    yield section("Whether it adds up", paragraph(_RECOUNT, Markup("<code>journeyflow audit DB</code>"), "."))


_RECOUNT = "What the site shows are kept counters. To count all rows again and compare, which takes long, run "
