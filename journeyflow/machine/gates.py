"""The gates of a Send: what must be open before a message goes out, asked in one order (R31).

A gate is a function of the walk and the step. It gives None when it is open; an instant, later than now, until which
the Send is held and then asks all gates again; or the word of why it is skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from journeyflow.basics.hours import Window
from journeyflow.basics.moments import CACHED, DAY, LAST, zone_or
from journeyflow.definition.policies import Terms
from journeyflow.machine.notes import Walk
from journeyflow.machine.program import CompiledSend, Program

MAX_GATE = 400 * DAY
"""A gate that does not open for so long never opens (R31)."""

Closed = int | str | None
"""What a gate says: held until an instant, skipped for a reason, or open."""

Gate = Callable[..., Closed]
"""Asks one thing of a walk and the step; bound to the step, of the walk alone."""


def closed(walk: Walk, send: CompiledSend) -> Closed:
    """Ask the gates of a Send one after the other: its hours, then at that instant consent, then the caps."""
    return _first_closed(_gates(walk, send), walk, send)


def _first_closed(gates: Sequence[Gate], walk: Walk, send: CompiledSend) -> Closed:
    """Give what the first gate says that is closed; what would be held for too long is skipped."""
    for gate in gates:
        answer = gate(walk, send)
        if answer is not None:
            return "window" if isinstance(answer, int) and answer - walk.at > MAX_GATE else answer
    return None


def gates_of(walk: Walk, send: CompiledSend) -> Callable[[Walk], Closed]:
    """Give what asks the gates of a Send of everybody who walks under the same policies: those that may be closed."""
    terms, channel, asked = walk.terms, send.step.channel, _gates(walk, send)
    consent = _consent_to(walk.program, send)
    needless: set[Gate] = set() if send.step.window or (terms and terms.quiet(channel)) else {_hours, _window}
    if terms is None or not terms.caps(channel):
        needless.add(_caps)
    gates = [consent if gate is _consent else gate for gate in asked if gate not in needless]
    if gates == [consent]:
        return consent
    return lambda other: _first_closed(gates, other, send)


def _consent_to(program: Program, send: CompiledSend) -> Gate:
    """Make what asks for consent alone."""
    required, channel = program.journey.consent == "required", send.step.channel
    unsaid = "consent" if required else None

    def ask(walk: Walk, _: CompiledSend | None = None) -> Closed:
        given = walk.attributes.get("consent")
        if given is None:
            return unsaid
        return None if consents(walk.attributes, channel, required=required) else "consent"

    return ask


def _gates(walk: Walk, send: CompiledSend) -> "Gates":
    if send.step.transactional:
        return TRANSACTIONAL
    return GATES if walk.terms is not None else OWN if send.step.window is not None else BARE


def _hours(walk: Walk, send: CompiledSend) -> Closed:
    """Ask the Send's own window and the quiet hours of the tenant together: held until neither stands against it."""
    terms: Terms = walk.terms  # type: ignore[assignment]  # asked where there are some
    quiet = terms.quiet(send.step.channel)
    if not quiet:
        return _window(walk, send)
    opens = first_opening(send.step.window, walk.zone, quiet, _customer_zone(walk, terms), walk.at)
    return opens if opens > walk.at else None


def _window(walk: Walk, send: CompiledSend) -> Closed:
    """Ask the Send's own window alone."""
    if send.step.window is None:
        return None
    opens = send.step.window.next_open(walk.at, walk.zone)
    return opens if opens > walk.at else None


def _consent(walk: Walk, send: CompiledSend) -> Closed:
    """Ask whether the customer lets the channel be used (R54)."""
    required = walk.program.journey.consent == "required"
    return None if consents(walk.attributes, send.step.channel, required=required) else "consent"


def _caps(walk: Walk, send: CompiledSend) -> Closed:
    """Ask the caps of the tenant: one that skips decides at once, else the one that opens last."""
    terms: Terms = walk.terms  # type: ignore[assignment]  # asked where there are some
    channel, at = send.step.channel, walk.at
    if len(walk.sent) + len(walk.new_posts) < terms.fewest(channel):  # as nearly always: whatever they are
        return None
    held = at
    for cap in terms.caps(channel):
        if not cap.count:
            return "cap"
        sent = [each for each, by in walk.sent.values() if cap.counts(by)]
        sent += [post.at for post in walk.new_posts if cap.counts(post.channel)]
        opens = cap.opens(sent, at, _customer_zone(walk, terms))
        if opens > at and cap.over == "skip":
            return "cap"
        held = max(held, opens)
    return held if held > at else None


Gates = tuple[Gate, ...]

GATES: Gates = (_hours, _consent, _caps)
"""What is asked of a Send, in this order."""

OWN: Gates = (_window, _consent)
"""What is left of them for a tenant without policies."""

BARE: Gates = (_consent,)
"""What is left where the step has no window either."""

TRANSACTIONAL: Gates = (_window,)
"""What is asked of a transactional Send: it ignores consent, caps and quiet hours."""


def _customer_zone(walk: Walk, terms: Terms) -> ZoneInfo:
    """Give the zone in which policies are read for a customer, whatever the journey's own rule about zones is."""
    return zone_or(walk.attributes.get("timezone"), terms.zone or walk.program.zone)


@lru_cache(maxsize=CACHED)
def first_opening(
    window: Window | None, where: ZoneInfo, quiet: tuple[Window, ...], theirs: ZoneInfo, instant: int
) -> int:
    """Give the first instant from one on at which a window is open and no quiet hour holds; LAST for a gate too far.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> utc, nights = ZoneInfo("UTC"), (Window(None, "22:00", "08:00"),)
    >>> late = parse_instant("2026-11-20T23:00:00Z")
    >>> iso(first_opening(None, utc, nights, utc, late))
    '2026-11-21T08:00:00.000000Z'
    >>> iso(first_opening(Window("MON-FRI", "07:00", "09:00"), utc, nights, utc, late))
    '2026-11-23T08:00:00.000000Z'
    """
    at = instant
    while at - instant <= MAX_GATE:  # each turn leaves a quiet hour behind, or the day
        opens = at if window is None else window.next_open(at, where)
        at = max(each.closes(opens, theirs) for each in quiet)
        if at == opens:
            return opens
    return LAST


def consents(attributes: Mapping[str, object], channel: str, *, required: bool) -> bool:
    """Tell whether attributes allow a channel: what they say, and where they say nothing, whether that is enough (R54).

    >>> consents({"consent": {"SMS": False}}, "SMS", required=False), consents({}, "SMS", required=False)
    (False, True)
    """
    given = attributes.get("consent")
    if given is None:
        return not required
    answer = given.get(channel) if isinstance(given, dict) else None
    return answer if isinstance(answer, bool) else not required
