"""A handful of rich journeys that wake one another, and a dump of all that a store shows of them."""

from typing import Any

from journeyflow import (
    Condition,
    End,
    Exit,
    Goal,
    Journey,
    Reentry,
    Send,
    Split,
    Trigger,
    Update,
    Wait,
    Window,
    arm,
    branch,
    field,
    tag,
)
from journeyflow.stores.contract import Store

WELCOME = Journey(
    id="welcome",
    trigger=Trigger("member.created", where=field("plan").ne("none")),
    timezone="Europe/Paris",
    customer_timezone=True,
    reentry="always",
    goal=Goal("order.placed", where=field("event.amount").gte(10), within="10 days"),
    exits=[Exit("unsubscribed", event="message.unsubscribed"), Exit("blocked", when=tag.contains("blocked"))],
    steps=[
        Send("hello", channel="EMAIL", template="welcome", data={"greeting": "Hello {{ name }}", "plan": "{{ plan }}"}),
        Wait("breathe", "1 day"),
        Condition(
            "opened",
            branches=[
                branch(
                    field("message.hello.opened").eq(True),
                    [Split("test", arm(50, [Send("tips", channel="EMAIL", template="tips")]), arm(50, []))],
                ),
                branch(field("plan").eq("paid"), [Wait("morning", until="MON-FRI 09:00")]),
            ],
            otherwise=[Send("nudge", channel="SMS", template="nudge", window=Window("MON-SAT", "20:00", "08:00"))],
        ),
        Wait("order", event="order.placed", where=field("event.amount").gt(5), timeout="2 days", on_timeout="coupon"),
        Update(
            "customer", tag.add("customer"), field("orders").increment(), field("last").set("{{ wait.order.amount }}")
        ),
        End("bought", outcome="bought"),
        Send("coupon", channel="EMAIL", template="coupon", cancel_on_exit=False, expires="12 hours"),
    ],
)
"""Mails, a wait for an order, three ways on; its Update wakes `tagged`, and exits watch the customer."""

TAGGED = Journey(
    id="tagged",
    trigger=Trigger("tag.added", where=field("event.tag").in_(["customer", "vip"])),
    reentry=Reentry.after("3 days"),
    steps=[
        Wait("hour", "1 hour"),
        Update("count", field("visits.count").increment(), field("lists").add("buyers"), field("note").unset()),
        Condition(
            "often", field("visits.count").gte(2), yes=[Update("vip", tag.add("vip"), field("x").set([1, {"a": 2}]))]
        ),
        End("done", outcome="counted"),
    ],
)
"""Begins by the changes of other journeys and changes the customer itself."""

WEEKLY = Journey(
    id="weekly",
    trigger=Trigger(manual=True),
    timezone="America/New_York",
    max_visits=9,
    steps=[
        Wait("monday", until="MON 09:00"),
        Send("digest", channel="EMAIL", template="digest", transactional=True, next="monday"),
    ],
)
"""A loop that the visit limit ends; people enter by hand."""

BIRTHDAY = Journey(
    id="birthday",
    trigger=Trigger("field.changed", where=field("event.field").eq("birthday")),
    run_criteria=field("plan").is_not_null(),
    reentry="always",
    steps=[
        Wait("day", field="birthday", every="year", offset="-1 day", on_missing="sorry"),
        Send("wishes", channel="EMAIL", template="wishes"),
        End("wished"),
        End("sorry", outcome="no date"),
    ],
)
"""Waits for a date of the customer, which may change meanwhile."""

CART = Journey(
    id="cart",
    trigger=Trigger("cart.updated"),
    consent="required",
    reentry="always",
    goal=Goal("checkout", exit=True),
    exits=[Exit("emptied", event="cart.updated", where=field("event.items").eq(0))],
    steps=[
        Wait("quiet", event="cart.paused", timeout="30 minutes", window=Window("MON-SUN", "06:00", "22:00")),
        Send("reminder", channel="SMS", template="cart", data={"items": "{{ trigger.items }}"}, expires="1 day"),
        Wait("answer", event="message.clicked", timeout="6 hours"),
        Send("last", channel="EMAIL", template="last"),
    ],
)
"""Short waits, consent, a goal that ends the run."""

CLUB = Journey(
    id="club",
    trigger=Trigger.every("20 hours", list="buyers", size=(0, 2), window=Window("MON-SAT"), times=2, within="3 days"),
    reentry="always",
    steps=[Update("met", field("met").increment()), Send("invitation", channel="EMAIL", template="club")],
)
"""Gets people itself, from the list on which `tagged` puts them."""

JOURNEYS = (WELCOME, TAGGED, WEEKLY, BIRTHDAY, CART, CLUB)

CHANGED = (
    Journey(id="welcome", trigger=Trigger("member.created"), steps=[Send("brief", channel="EMAIL", template="brief")]),
    Journey(id="cart", trigger=Trigger("cart.updated"), steps=[Wait("once", "1 hour"), End("over")]),
)
"""Other versions, which new enrollments enter while the people inside stay."""

QUESTIONS = {
    "journeys": "SELECT * FROM journeys_view ORDER BY tenant, id",
    "versions": "SELECT journey, version, published_at, fingerprint, definition FROM versions ORDER BY number",
    "transitions": "SELECT journey, n, at, state FROM transitions ORDER BY journey, n",
    "policies": "SELECT * FROM policies_view ORDER BY tenant, n",
    "customers": "SELECT number, tenant, id, attributes FROM customers ORDER BY number",
    "inputs": "SELECT * FROM inputs_view ORDER BY seq",
    "enrollments": "SELECT * FROM enrollments_view ORDER BY serial",
    "rests": "SELECT serial, visit, since, due, held, awaits, softened, trigger_data, memory FROM enrollments"
    " ORDER BY serial",
    "visits": "SELECT * FROM visits_view ORDER BY tenant, journey, customer, run, n",
    "seen": "SELECT enrollment, visit, at, seen FROM moves ORDER BY enrollment, visit",
    "messages": "SELECT * FROM messages_view ORDER BY tenant, journey, customer, run, n",
    "leases": "SELECT enrollment, n, available_at, lease_until, token, expires_at, flags FROM messages ORDER BY 1, 2",
    "timers of journeys": "SELECT journey, which, due FROM journey_timers ORDER BY journey, which",
    "slots": "SELECT journey, at, count FROM slots ORDER BY journey, at",
    "deferred": "SELECT number, journey, customer, key, at, trigger_data FROM deferred ORDER BY number",
    "suppressions": "SELECT * FROM suppressions ORDER BY hash",
    "list members": "SELECT * FROM list_members ORDER BY tenant, list, customer",
    "pulls": "SELECT journey, at, after, origin, remaining, softened, anchor, version FROM pulls ORDER BY journey",
    "refusals": "SELECT journey, day, reason, count FROM refusals ORDER BY journey, day, reason",
    "last refusals": "SELECT journey, customer, reason, at, seen FROM last_refusals ORDER BY journey, customer",
    "nonce": "SELECT value, name FROM meta WHERE name LIKE 'nonce%' ORDER BY name",
}
"""Everything that can be asked of a store, each in its total order."""


def dump(store: Store, *names: str) -> dict[str, list[tuple[Any, ...]]]:
    """Ask some of the questions, or all of them."""
    with store.reader() as reader:
        return {name: reader.rows(QUESTIONS[name]) for name in names or QUESTIONS}
