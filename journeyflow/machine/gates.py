"""The gates of a Send: what must be open before a message is queued, checked in a fixed order (R31).

A gate is a function of the walk and the step. It returns None if it is open; an instant later than now until which the
Send is held, after which all gates are checked again; or the reason why the Send is skipped. A closed one notes among
the values that the walk has seen by what: the window, the quiet hours, the answer about consent, or the cap (R85).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from journeyflow.basics.hours import Window
from journeyflow.basics.moments import CACHED, DAY, LAST, zone_or
from journeyflow.definition.policies import Terms
from journeyflow.machine.compiled_steps import CompiledSend
from journeyflow.machine.notes import Walk
from journeyflow.machine.program import Program

MAX_GATE = 400 * DAY
"""How long a gate may hold a Send, in microseconds: one that stays closed longer counts as never opening (R31)."""

WINDOW, QUIET, CAP, SENT_BEFORE = "window", "quiet hours", "cap", "sent"
"""The names of what closed gates note: the hours in words, the cap in words and how many messages it has counted."""

Closed = int | str | None
"""The answer of a gate: held until an instant, skipped for a reason, or open (None)."""

Gate = Callable[..., Closed]
"""Checks one condition, given the walk and the step; a gate bound to its step takes the walk alone."""


def closed(walk: Walk, send: CompiledSend) -> Closed:
    """Check the gates of a Send in order: its hours, then consent, then the caps, all at the current instant."""
    gates = _gates(walk, send)
    return _consent(walk, send) if gates is BARE else _first_closed(gates, walk, send)


def _first_closed(gates: Sequence[Gate], walk: Walk, send: CompiledSend) -> Closed:
    """Return the answer of the first closed gate; a Send that would be held for too long is skipped."""
    for gate in gates:
        answer = gate(walk, send)
        if answer is not None:
            return "window" if isinstance(answer, int) and answer - walk.at > MAX_GATE else answer
    return None


def gates_of(walk: Walk, send: CompiledSend) -> Callable[[Walk], Closed]:
    """Return a function that checks a Send's gates for any walk under the same policies.

    Gates that these policies can never close are left out.
    """
    terms, channel, asked = walk.terms, send.step.channel, _gates(walk, send)
    consent = _consent_to(walk.program, send)
    needless: set[Gate] = set() if send.step.window or (terms and terms.quiet(channel)) else {_hours, _window}
    if terms is None or not terms.caps(channel):
        needless.add(_caps)
    gates = [gate for gate in asked if gate not in needless]
    if gates == [_consent]:
        return consent
    fewest = terms.fewest(channel) if terms is not None and gates == [_consent, _caps] else 0

    def ask(other: Walk) -> Closed:
        if len(other.sent) + len(other.new_posts) < fewest and consent(other) is None:  # the usual case
            return None
        return _first_closed(gates, other, send)

    return ask


def _consent_to(program: Program, send: CompiledSend) -> Gate:
    """Return a gate that checks consent only, without looking up the journey each time."""
    required, channel = program.consent_required, send.step.channel

    def ask(walk: Walk) -> Closed:
        given = walk.attributes.get("consent")
        if not required if given is None else given.__class__ is dict and given.get(channel) is True:
            return None  # the usual cases
        return _consent(walk, send)

    return ask


def _gates(walk: Walk, send: CompiledSend) -> "Gates":
    if send.step.transactional:
        return TRANSACTIONAL
    return GATES if walk.terms is not None else OWN if send.step.window is not None else BARE


def _hours(walk: Walk, send: CompiledSend) -> Closed:
    """Check the Send's own window and the tenant's quiet hours together: held until both allow the message."""
    terms: Terms = walk.terms  # type: ignore[assignment]  # only used with policies
    quiet = terms.quiet(send.step.channel)
    if not quiet:
        return _window(walk, send)
    theirs = _customer_zone(walk, terms)
    opens = first_opening(send.step.window, walk.zone, quiet, theirs, walk.at)
    if opens <= walk.at:
        return None
    _window(walk, send)
    if closing := [each.words(theirs) for each in quiet if each.closes(walk.at, theirs) > walk.at]:
        walk.seen[QUIET] = "; ".join(closing)
    return opens


def _window(walk: Walk, send: CompiledSend) -> Closed:
    """Check the Send's own window only."""
    if send.step.window is None:
        return None
    opens = send.step.window.next_open(walk.at, walk.zone)
    if opens <= walk.at:
        return None
    walk.seen[WINDOW] = send.step.window.words(walk.zone)
    return opens


def _consent(walk: Walk, send: CompiledSend) -> Closed:
    """Check whether the customer consents to the channel (R54)."""
    channel = send.step.channel
    if consents(walk.attributes, channel, required=walk.program.consent_required):
        return None
    walk.seen[f"consent.{channel}"] = answer_about(walk.attributes, channel)
    return "consent"


def _caps(walk: Walk, send: CompiledSend) -> Closed:
    """Check the tenant's caps: one that skips decides at once, else the one that opens last decides."""
    terms: Terms = walk.terms  # type: ignore[assignment]  # only used with policies
    channel, at = send.step.channel, walk.at
    if len(walk.sent) + len(walk.new_posts) < terms.fewest(channel):  # the usual case: too few messages for any cap
        return None
    held = at
    for cap in terms.caps(channel):
        count = cast("int", cap.count)  # those that are off are not among these
        sent = [each for each, by in walk.sent.values() if cap.counts(by)]
        sent += [post.at for post in walk.new_posts if cap.counts(post.channel)]
        ends = cap.ends(sent, at, _customer_zone(walk, terms))
        if len(ends) < count:
            continue
        skips = not count or cap.over == "skip"
        if skips or ends[-count] > held:
            walk.seen |= {CAP: cap.words, SENT_BEFORE: len(ends)}
        if skips:
            return "cap"
        held = max(held, ends[-count])
    return held if held > at else None


Gates = tuple[Gate, ...]

GATES: Gates = (_hours, _consent, _caps)
"""The gates of a Send, in this order."""

OWN: Gates = (_window, _consent)
"""The gates for a tenant without policies."""

BARE: Gates = (_consent,)
"""The gates if the step has no window either."""

TRANSACTIONAL: Gates = (_window,)
"""The gates of a transactional Send, which ignores consent, caps and quiet hours."""


def _customer_zone(walk: Walk, terms: Terms) -> ZoneInfo:
    """Return the time zone in which policies apply to a customer, regardless of the journey's own setting."""
    return zone_or(walk.attributes.get("timezone"), terms.zone or walk.program.zone)


@lru_cache(maxsize=CACHED)
def first_opening(
    window: Window | None, where: ZoneInfo, quiet: tuple[Window, ...], theirs: ZoneInfo, instant: int
) -> int:
    """Return the first instant, from one on, at which the window is open and no quiet hour holds; else LAST.

    LAST stands for an opening later than `MAX_GATE` allows.

    >>> from journeyflow.basics.moments import iso, parse_instant
    >>> utc, nights = ZoneInfo("UTC"), (Window(None, "22:00", "08:00"),)
    >>> late = parse_instant("2026-11-20T23:00:00Z")
    >>> iso(first_opening(None, utc, nights, utc, late))
    '2026-11-21T08:00:00.000000Z'
    >>> iso(first_opening(Window("MON-FRI", "07:00", "09:00"), utc, nights, utc, late))
    '2026-11-23T08:00:00.000000Z'
    """
    at = instant
    while at - instant <= MAX_GATE:  # each pass moves beyond a quiet hour or into the next window
        opens = at if window is None else window.next_open(at, where)
        at = max(each.closes(opens, theirs) for each in quiet)
        if at == opens:
            return opens
    return LAST


def consents(attributes: Mapping[str, object], channel: str, *, required: bool) -> bool:
    """Return whether attributes allow a channel; if they do not mention it, whether consent is optional (R54).

    >>> consents({"consent": {"SMS": False}}, "SMS", required=False), consents({}, "SMS", required=False)
    (False, True)
    """
    given = attributes.get("consent")
    if given is None:
        return not required
    answer = answer_about(attributes, channel)
    return not required if answer is None else answer


def answer_about(attributes: Mapping[str, object], channel: str) -> bool | None:
    """Return what the customer has answered about a channel; None for no answer.

    >>> answer_about({"consent": {"SMS": False}}, "SMS"), answer_about({}, "SMS")
    (False, None)
    """
    given = attributes.get("consent")
    answer = given.get(channel) if isinstance(given, dict) else None
    return answer if isinstance(answer, bool) else None
