"""The calls that return figures: by mailbox domain, by action, of the whole account."""

from collections.abc import Mapping
from typing import Any

from journeyflow.formats.octeth.keys import name_as_number
from journeyflow.formats.octeth.triggers import EMAIL
from journeyflow.services.octeth import shapes
from journeyflow.services.octeth.actions import orders_of
from journeyflow.services.octeth.context import NO_MESSAGES, AskedFor, Context

OF_DOMAINS: Mapping[str, str] = {
    "Sent": "sent",
    "Delivered": "delivered",
    "Opened": "opened",
    "Clicked": "clicked",
    "Bounced": "bounced",
    "Unsubscribed": "unsubscribed",
    "Complained": "complained",
}
"""The figures of a mailbox domain (F175)."""


def by_domain(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return what became of a journey's emails by mailbox domain, most sent first (F175)."""
    info = context.journey(given["JourneyID"])
    days = context.window(given)
    step = context.send(context.engine.definition(info.id), given.get("EmailID"))
    found = context.of_emails(context.engine.domain_stats, info.id, step=step, **days) or {}
    rows = [
        {"Domain": domain, **{name: getattr(stats, of).unique for name, of in OF_DOMAINS.items()}}
        for domain, stats in found.items()
        if domain
    ]
    return {"Success": True, "ByISP": rows}


def by_action(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return the figures of each SendEmail action within a window, with its days (F177 to F183)."""
    info = context.journey(given["JourneyID"])
    days = context.window(given)
    definition = context.engine.definition(info.id)
    chosen = context.send(definition, given.get("EmailID"))
    stats = context.of_emails(context.engine.stats, info.id, domain=given.get("ISP"), **days)
    sends = context.engine.sends(info.id, disabled=True, unpublished=True)
    numbers, orders = context.action_numbers(definition), orders_of(definition)
    own = [each for each in sends if each.channel == EMAIL and each.step in numbers and chosen in {None, each.step}]
    emails = context.directory.resources("email", context.tenant)
    rows = []
    for each in sorted(own, key=lambda send: (orders.get(send.step, send.number), send.number)):
        found = None if stats is None else stats.by_step.get(each.step)
        number = name_as_number(each.template)
        email = emails.get(number) if isinstance(number, int) else None
        rows.append(
            {
                "ActionID": numbers[each.step],
                "Action": "SendEmail",
                "EmailID": number,
                "EmailName": "" if email is None else email.name,
                "OrderNo": orders.get(each.step, each.number),
                "Stats": shapes.of_action(None if found is None else found.messages),
                "DailyStats": shapes.days_of(() if found is None else found.daily),
            }
        )
    return {"Success": True, "Actions": rows}


def benchmark(context: Context, given: AskedFor) -> dict[str, Any]:
    """Return the rates of all journeys together, weighted by what each sent (F184 to F188)."""
    days = context.window(given)
    found = context.of_emails(context.engine.benchmark, **days)
    if found is None:
        found = context.engine.benchmark(at=context.now, since=days["since"], until=days["until"])
        messages, journeys, per_subscriber = NO_MESSAGES, 0, None
    else:
        messages, journeys, per_subscriber = found.messages, found.journeys, found.revenue_per_subscriber
    return {
        "Success": True,
        "StartDate": found.since.isoformat(),
        "EndDate": found.until.isoformat(),
        "Benchmark": {
            "OpenRate": shapes.rate_or_zero(messages.open_rate),
            "ClickRate": shapes.rate_or_zero(messages.click_rate),
            "ClickToOpenRate": shapes.rate_or_zero(messages.click_to_open_rate),
            "BounceRate": shapes.rate_or_zero(messages.bounce_rate),
            "UnsubscribeRate": shapes.rate_or_zero(messages.unsubscribe_rate),
            "ComplaintRate": shapes.rate_or_zero(messages.complaint_rate),
            "RevenuePerSubscriber": round((per_subscriber or 0) / 100, 2),
            "JourneyCount": journeys,
            "TotalSent": messages.sent.unique,
        },
    }
