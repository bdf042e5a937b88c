"""Who is or was at a step, and what they did with its messages (F139 to F149).

A customer is listed once, with the newest stay at the step: the one that lasts, if there is one. The question reads the
history of one journey, or, if it is about now, only that of the customers who are at the step, in a number of
statements that does not depend on the answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import from_micros
from journeyflow.basics.values import describe, dumps
from journeyflow.basics.words import MESSAGE_KINDS
from journeyflow.definition.steps import Send
from journeyflow.errors import NotFound, did_you_mean
from journeyflow.machine.gates import consents
from journeyflow.machine.program import Program
from journeyflow.questions.customers import attribute_sql, some_fields
from journeyflow.questions.paging import Page, Slice, cursor_of, keyset_of_any, name_faults, slice_faults, word_faults
from journeyflow.records.public import Engagement
from journeyflow.stores.contract import SqlReader

ALIASES = {"spam_complaint": "complained"}
"""Other names of what people do, as older systems use them."""

SortKey = tuple[str, str, str]
"""What a list is sorted by, in SQL: 0 for a number and 1 for a text, the number or 0, and the text or ''."""

ORDERS: dict[str, SortKey] = {
    "customer": ("1", "0", "customer_id"),
    "entered": ("0", "entered", "''"),
    "left": ("0", "ifnull(departed, entered)", "''"),
    "stays": ("0", "stays", "''"),
}
"""What people can be sorted by; any other order names an attribute. The customer's number breaks ties."""

_IS_NUMBER = "type IN ('integer', 'real', 'true', 'false')"

BY_ATTRIBUTE: SortKey = (
    f"CASE WHEN {_IS_NUMBER} THEN 0 ELSE 1 END",
    f"CASE WHEN {_IS_NUMBER} THEN value + 0 ELSE 0 END",
    f"CASE WHEN {_IS_NUMBER} THEN '' ELSE ifnull(value, '') END",
)
"""Numbers come before texts, true is 1 and false is 0, lists and objects are their JSON; what is missing is ''."""


@frozen
class Person(Rows):
    """A customer who is or was at a step: the newest stay there, and what happened to its messages (F145, F146).

    `run` and `n` are the run and the visit of that stay, in UTC from `entered_at` to `left_at`, which is None while the
    stay lasts; `stays` counts all stays. `did` has, by kind, what happened to all messages of the step to this
    customer, or to those of one channel. `suppressed` is whether the customer does not consent now to the channel that
    the Send has, or last had; None for a step that never was one.
    `fields` are the attributes that were asked for.
    """

    tenant: str
    customer: str
    journey: str
    step: str
    run: int
    n: int
    status: str
    outcome: str
    entered_at: datetime
    left_at: datetime | None
    stays: int
    did: Mapping[str, Engagement]
    suppressed: bool | None
    fields: Mapping[str, object] = field(factory=dict, repr=False)


@frozen
class StepInQuestion:
    """The step in question, its journey's number, its places, and the channels by which it sends, if ever a Send."""

    tenant: str
    journey: str
    number: int
    step: str
    channels: tuple[str, ...]
    """The channel of the newest version in which it is a Send, then those of older ones."""
    required: bool
    """Whether the journey requires consent."""
    places: tuple[tuple[int, int], ...]
    """Where it is: pairs of a version, by number, and the position of the step in it."""


def find_step(tenant: str, journey: str, number: int, programs: Sequence[Program], step: str) -> StepInQuestion:
    """Return a step of any version of a journey, with the channels it had in all of them; raises NotFound."""
    newest_first = [(each, *place) for each in reversed(programs) for place in enumerate(each.journey.steps)]
    found = [(program, n, each) for program, n, each in newest_first if each.id == step]
    if not found:
        kind, known = "step", {each.id for *_, each in newest_first}
        raise NotFound(kind, step, did_you_mean(step, sorted(known)), journey=journey)
    channels = tuple(dict.fromkeys(each.channel for *_, each in found if isinstance(each, Send)))
    places = tuple((program.number, n) for program, n, _ in found)
    return StepInQuestion(tenant, journey, number, step, channels, found[0][0].consent_required, places)


@frozen
class Wanted:
    """What is asked for: only who is there now; what happened, or did not; all of that or any; attributes to return.

    With a `channel`, only what happened to messages of that channel.
    """

    part: Slice
    now: bool = False
    did: Sequence[str] = ()
    did_not: Sequence[str] = ()
    match: str = "all"
    fields: Sequence[str] = ()
    channel: str | None = None


def question_faults(wanted: Wanted, place: StepInQuestion) -> list[str]:
    """Return everything that is wrong with a question."""
    known = [*MESSAGE_KINDS, *ALIASES]
    found = slice_faults(wanted.part) + name_faults(now=wanted.now)
    found += word_faults("did", wanted.did, known) + word_faults("did_not", wanted.did_not, known)
    if wanted.match not in ("all", "any"):
        found.append(f"match: must be 'all' or 'any', not {describe(wanted.match)}")
    if not place.channels and (wanted.did or wanted.did_not or wanted.channel is not None):
        found.append(f"did: step {place.step!r} sends nothing; ask for what people did at a Send")
    elif wanted.channel is not None:
        found += word_faults("channel", (wanted.channel,), place.channels)
    found += [fault for name in wanted.fields for fault in name_faults("fields", fields=name)]
    return found


_EVERYBODY = "runs (serial, customer) AS (SELECT serial, customer FROM enrollments WHERE journey = :journey)"

_WHO_IS_THERE = """
there (customer) AS MATERIALIZED (
    SELECT DISTINCT e.customer
    FROM json_each(:places) p
    JOIN enrollments e ON e.version = CAST(p.value ->> 0 AS INTEGER) AND e.step = CAST(p.value ->> 1 AS INTEGER)
    WHERE e.status = 'ACTIVE'
),
runs (serial, customer) AS MATERIALIZED (
    SELECT e.serial, e.customer FROM there t JOIN enrollments e ON e.customer = t.customer
    WHERE +e.journey = :journey
)
"""
"""All runs of those who are at the step now, found by the customer (hence `+`): no other history is read."""

_PEOPLE = """
WITH stops (path, key, status, outcome) AS MATERIALIZED (
    SELECT p.number, CAST(s.key AS INTEGER), s.value ->> 1, s.value ->> 2
    FROM versions v JOIN paths p ON p.version = v.number JOIN json_each(p.steps) s ON TRUE
    WHERE v.journey = :journey AND s.value ->> 0 = :step
),
{whose},
visited (serial, visit, at, key, status, outcome) AS (
    SELECT m.enrollment, m.visit, m.at, s.key, s.status, s.outcome
    FROM runs e JOIN moves m ON m.enrollment = e.serial JOIN stops s ON s.path = m.path
    UNION ALL
    SELECT m.enrollment, m.visit, m.at, CAST(s.key AS INTEGER), s.value ->> 1, s.value ->> 2
    FROM runs e JOIN moves m ON m.enrollment = e.serial JOIN json_each(m.steps) s ON TRUE
    WHERE m.path IS NULL AND s.value ->> 0 = :step
),
stay (customer, serial, run, n, status, outcome, entered, departed) AS (
    SELECT e.customer, e.serial, e.run, max(w.visit, 1) + w.key, w.status, w.outcome,
           CASE WHEN w.key = 0 AND w.visit > 0
                THEN (SELECT max(p.at) FROM moves p WHERE p.enrollment = w.serial AND p.visit < w.visit)
                ELSE w.at END,
           CASE WHEN w.status = 'ACTIVE' THEN NULL ELSE w.at END
    FROM visited w JOIN enrollments e ON e.serial = w.serial
    WHERE w.status <> 'ACTIVE' OR (e.status = 'ACTIVE' AND e.visit = max(w.visit, 1) + w.key)
),
ranked AS (
    SELECT *, count(*) OVER (PARTITION BY customer) AS stays,
           row_number() OVER (PARTITION BY customer ORDER BY status = 'ACTIVE' DESC, serial DESC, n DESC) AS rank
    FROM stay
),
deeds (customer, kind) AS MATERIALIZED (
    SELECT DISTINCT e.customer, f.key
    FROM runs e JOIN messages m ON m.enrollment = e.serial JOIN json_each(m.flags) f ON TRUE
    WHERE m.step = :step AND m.channel = ifnull(:channel, m.channel) AND m.flags IS NOT NULL
),
found AS (
    SELECT r.*, c.id AS customer_id, {value} AS value, {type} AS type
    FROM ranked r JOIN customers c ON c.number = r.customer
    WHERE r.rank = 1 AND {condition}
),
people AS MATERIALIZED (SELECT *, {kind} AS kind, {number} AS number, {text} AS text FROM found)
"""

_PAGE = """
SELECT p.customer, p.customer_id, p.run, p.n, p.status, p.outcome, p.entered, p.departed, p.stays, p.kind,
       p.number, p.text, c.attributes, (SELECT count(*) FROM people)
FROM people p JOIN customers c ON c.number = p.customer
WHERE {beyond} ORDER BY {order} LIMIT :take OFFSET :skip
"""

_DID = """
SELECT e.customer, f.key, min(CAST(f.value ->> 0 AS INTEGER)), sum(CAST(f.value ->> 1 AS INTEGER))
FROM enrollments e JOIN messages m ON m.enrollment = e.serial JOIN json_each(m.flags) f ON TRUE
WHERE e.journey = :journey AND e.customer IN (SELECT CAST(value AS INTEGER) FROM json_each(:customers))
  AND m.step = :step AND m.channel = ifnull(:channel, m.channel) AND m.flags IS NOT NULL
GROUP BY e.customer, f.key ORDER BY 3, 2
"""


def list_people(reader: SqlReader, place: StepInQuestion, wanted: Wanted) -> Page[Person]:
    """Return a page of those who are or were at a step, each once, filtered and sorted (F139 to F148)."""
    part, parameters = wanted.part, {"journey": place.number, "step": place.step, "channel": wanted.channel}
    by_attribute = part.order not in ORDERS
    condition, of_deeds = _condition(wanted)
    beyond, order, of_part = keyset_of_any(part, "p.kind", "p.number", "p.text", "p.customer")
    parameters |= {"order": part.order.removeprefix("customer.")} | of_deeds | {"places": dumps(list(place.places))}
    kind, number, text = ORDERS.get(part.order, BY_ATTRIBUTE)
    with_people = _PEOPLE.format(
        whose=_WHO_IS_THERE if wanted.now else _EVERYBODY,
        value=attribute_sql("c.attributes", ":order") if by_attribute else "NULL",
        type=attribute_sql("c.attributes", ":order", "type") if by_attribute else "NULL",
        condition=condition,
        kind=kind,
        number=number,
        text=text,
    )
    rows = reader.rows(with_people + _PAGE.format(beyond=beyond, order=order), {**parameters, **of_part})
    total = rows[0][-1] if rows else reader.rows(f"{with_people} SELECT count(*) FROM people", parameters)[0][0]
    did = _deeds(reader, place, wanted.channel, [row[0] for row in rows])
    return part.page(
        rows,
        total,
        lambda row: _person(place, row, did.get(row[0], {}), wanted.fields),
        lambda row: cursor_of(row[10 + row[9]], row[0], plain=False),
    )


def _condition(wanted: Wanted) -> tuple[str, dict[str, object]]:
    """Return the filters in SQL, with their parameters: who is there now, and what was and was not done (F142)."""
    parts, parameters = list[str](), dict[str, object]()
    for words, negation in ((wanted.did, ""), (wanted.did_not, "NOT ")):
        for word in words:
            name = f"kind{len(parts)}"
            parts.append(f"r.customer {negation}IN (SELECT customer FROM deeds WHERE kind = :{name})")
            parameters[name] = ALIASES.get(word, word)
    joined = (" AND " if wanted.match == "all" else " OR ").join(parts) or "TRUE"
    there = "r.status = 'ACTIVE'" if wanted.now else "TRUE"
    return f"({joined}) AND {there}", parameters


def _deeds(
    reader: SqlReader, place: StepInQuestion, channel: str | None, customers: Sequence[int]
) -> dict[int, dict[str, Engagement]]:
    """Return what the customers of a page did, by number of the customer, in order of time."""
    found: dict[int, dict[str, Engagement]] = {}
    if customers and place.channels:
        asked = {"journey": place.number, "step": place.step, "channel": channel, "customers": dumps(list(customers))}
        for customer, kind, first, count in reader.rows(_DID, asked):
            found.setdefault(customer, {})[kind] = Engagement(from_micros(first), count)
    return found


def _person(place: StepInQuestion, row: Sequence[Any], did: Mapping[str, Engagement], names: Sequence[str]) -> Person:
    _, customer, run, n, status, outcome, entered, departed, stays, *_, text, _ = row
    suppressed = None
    if place.channels:
        attributes = some_fields(text, ["consent"])
        suppressed = not consents(attributes, place.channels[0], required=place.required)
    return Person(
        place.tenant,
        customer,
        place.journey,
        place.step,
        run,
        n,
        status,
        outcome,
        from_micros(entered),
        None if departed is None else from_micros(departed),
        stays,
        did,
        suppressed,
        some_fields(text, names) if names else {},
    )
