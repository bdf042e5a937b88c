"""The samples of the contract: journeys, customers, runs, messages, inputs, and what views show of them."""

from typing import Any

from journeyflow.basics.values import dumps
from journeyflow.basics.words import ACTIVE, CLAIMED, COMPLETED, QUEUED, SENT
from journeyflow.records.changes import (
    CatalogChanges,
    Changes,
    Erased,
    Flag,
    Forgotten,
    LimitChanges,
    NewJourney,
    NewVersion,
    Pruned,
    PullChanges,
    Transition,
)
from journeyflow.records.rows import Counter, Deferred, Export, Input, Move, Post, Refusal, Round, Run
from journeyflow.stores.batch import (
    INPUT,
    TIMER,
    DueKey,
    timer_key,
)

MINUTE = 60_000_000
NOON = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z."""

GIVEN = "w.1"
"""The token that a worker shows to return a message."""

LIMITS = (1, 7, 10_000)
"""Sizes of batches that must make no difference (R7)."""

DEFINITION = dumps(
    {
        "format": 1,
        "id": "welcome",
        "trigger": {"event": "member.created"},
        "steps": [
            {"kind": "send", "id": "hello", "channel": "EMAIL", "template": "welcome", "next": "breathe"},
            {"kind": "wait", "id": "breathe", "duration": "2 days", "next": "end"},
            {"kind": "end", "id": "end"},
        ],
    }
)

CATALOG = Changes(
    catalog=CatalogChanges(
        journeys=(NewJourney(1, "t", "welcome"), NewJourney(2, "t", "birthday"), NewJourney(3, "u", "welcome")),
        versions=tuple(NewVersion(number, number, 1, NOON, f"mark {number}", DEFINITION) for number in (1, 2, 3)),
        transitions=tuple(Transition(number, NOON, "ACTIVE") for number in (1, 2, 3)),
        meta=(("nonce", "k"),),
    )
)
"""Two journeys of one tenant and one of another, all of them active."""

PEOPLE = Changes(
    customers=(
        (1, "t", "ann", {"plan": "free"}),
        (2, "t", "bob", {}),
        (3, "u", "ann", {"plan": "paid"}),
        (4, "t", "cid", {"tags": ["x"]}),
    )
)
"""Two customers with the same id in two tenants, and two others."""


def run(serial: int, customer: int, journey: int = 1, **said: object) -> Run:
    """Return a run that rests at the second step until noon, unless other values are given."""
    usual: dict[str, Any] = {
        "version": journey,
        "number": 1,
        "status": ACTIVE,
        "reason": "",
        "entered_at": NOON,
        "last_at": NOON,
        "ended_at": None,
        "converted_at": None,
        "visit": 2,
        "step": 1,
        "since": NOON,
        "due": NOON,
        "held": None,
        "awaits": None,
        "softened": False,
        "trigger": None,
        "key": "",
        "memory": None,
    }
    return Run(serial=serial, customer=customer, journey=journey, **{**usual, **said})


def ended(serial: int, customer: int, journey: int = 1, **said: object) -> Run:
    """Return a run that has come to its end."""
    usual = {"status": COMPLETED, "ended_at": NOON, "step": -1, "due": None, "visit": 3}
    return run(serial, customer, journey, **{**usual, **said})


def post(serial: int, n: int = 1, **said: object) -> Post:
    """Return a queued message that may be handed out from noon on."""
    usual: dict[str, Any] = {
        "step": "hello",
        "channel": "EMAIL",
        "template": "welcome",
        "data": None,
        "at": NOON,
        "expires_at": None,
        "cancel_on_exit": True,
        "available_at": NOON,
    }
    return Post(serial=serial, n=n, **{**usual, **said})


def leased(serial: int, n: int, until: int) -> Post:
    """Return a message that a worker has claimed until an instant."""
    return post(serial, n, status=CLAIMED, attempts=1, lease_until=until, token=GIVEN)


def event(customer: str = "ann", at: int = NOON, **said: object) -> Input:
    """Return an event of tenant "t"."""
    usual: dict[str, Any] = {
        "seq": 0, "tenant": "t", "kind": "event", "type": "order.placed", "id": None, "text": None
    }  # fmt: skip
    return Input(customer=customer, at=at, **{**usual, **said})


def numbered(*inputs: Input) -> tuple[Input, ...]:
    """Return inputs with the numbers from 1 on: a store may count those of each tenant by themselves (R92)."""
    return tuple(item._replace(seq=place) for place, item in enumerate(inputs, 1))


def answer(kind: str, serial: int, n: int) -> Input:
    """Return a worker's answer about a message: "ack", "nack" or "requeue"."""
    return event("", kind=kind, type="", id=f"k-{serial}-{n}")


def job(number: int, **said: object) -> Export:
    """Return a job that waits to make a file."""
    usual: dict[str, Any] = {"tenant": "t", "module": "m", "status": "PENDING", "options": "{}", "submitted_at": NOON}
    later = {
        "started_at": None,
        "updated_at": NOON,
        "finished_at": None,
        "expires_at": NOON,
        "error": "",
        "content": None,
    }
    return Export(number=number, **{**usual, **later, **said})


def entry(serial: int) -> Move:
    """Return the move by which a run came to rest at the second step."""
    return Move(serial, 0, NOON, (("hello", COMPLETED, "queued"), ("breathe", ACTIVE, "")), {})


def busy_agenda() -> Changes:
    """Return inputs, timers, held work and leases, many of them at equal instants."""
    instants = [NOON - MINUTE, NOON, NOON + MINUTE]
    of_t = (1, 2, 4)
    runs = [run(serial, of_t[serial % 3], due=instants[serial % 3], number=serial) for serial in range(1, 25)]
    held = [
        run(serial, of_t[serial % 3], due=instants[serial % 2], held=NOON - serial % 4 * MINUTE, number=serial)
        for serial in range(25, 37)
    ]
    return Changes(
        inputs=tuple(event(at=instants[place % 3]) for place in range(20)),
        runs=(*runs, *held),
        new_posts=tuple(leased(serial, 1 + n, instants[(serial + n) % 3]) for serial in range(1, 25) for n in (0, 2)),
    )


def whole_order(agenda: Changes) -> list[DueKey]:
    """Return the keys of an agenda in the order of R7."""
    keys = [(item.at, INPUT, place + 1, 0) for place, item in enumerate(agenda.inputs)]
    keys += [timer_key(each) for each in agenda.runs]
    keys += [(each.lease_until or 0, TIMER, each.serial, each.n) for each in agenda.new_posts]
    return sorted(keys)


SEEN = '{"0":{"a":1}}'

VIEWED: dict[str, list[tuple[Any, ...]]] = {
    "journeys_view": [
        ("t", "birthday", "ACTIVE", 1, 0, 0, 0, 0, 0, 0),
        ("t", "welcome", "ACTIVE", 1, 1, 0, 1, 0, 0, 0),
        ("u", "welcome", "ACTIVE", 1, 1, 1, 0, 0, 0, 0),
    ],
    "enrollments_view": [
        (
            *(1, "t", "welcome", 1, "ann", "", 1, "COMPLETED", "", "2026-01-01T12:00:00.000000Z"),
            *("2026-01-01T12:01:00.000000Z", None, None, None, None, None),
        ),
        (
            *(2, "u", "welcome", 1, "ann", "", 1, "ACTIVE", "", "2026-01-01T12:00:00.000000Z"),
            *(None, None, "breathe", "2026-01-01T12:00:00.000000Z", None, None),
        ),
    ],
    "visits_view": [
        (
            "t",
            "welcome",
            "ann",
            1,
            n,
            step,
            "COMPLETED",
            f"2026-01-01T12:{came}.000000Z",
            f"2026-01-01T12:{left}.000000Z",
            outcome,
            "",
        )
        for n, step, came, left, outcome in [
            (1, "hello", "00:00", "00:00", "queued"),
            (2, "breathe", "00:00", "01:00", "elapsed"),
            (3, "end", "01:00", "01:00", ""),
        ]
    ]
    + [
        (
            *("u", "welcome", "ann", 1, 1, "hello", "COMPLETED", "2026-01-01T12:00:00.000000Z"),
            *("2026-01-01T12:00:00.000000Z", "queued", ""),
        ),
        ("u", "welcome", "ann", 1, 2, "breathe", "ACTIVE", "2026-01-01T12:00:00.000000Z", None, "", ""),
    ],
    "messages_view": [
        (
            *(tenant, "welcome", "ann", 1, 1, "hello", "EMAIL", "welcome", "2026-01-01T12:00:00.000000Z"),
            *("QUEUED", 0, data, name, "", None, "2026-01-01T12:00:00.000000Z", None, None, error),
        )
        for tenant, data, name, error in [("t", None, "k-1-1", ""), ("u", '{"a":1}', "k-2-1", "no route")]
    ],
    "inputs_view": [
        (1, "t", "ann", "event", "order.placed", "2026-01-01T12:00:00.000000Z", "e", "{}", "handled"),
        (2, "t", "bob", "event", "order.placed", "2026-01-01T12:00:00.000000Z", None, None, "pending"),
    ],
}


COUNTED_OF_RUNS = [
    Counter(journey, "*", "*", "", what, "", 1, 0, NOON)
    for journey, what in ((1, "entered"), (1, "completed"), (3, "entered"))
]
"""The counters of the runs that the views show."""


def everything_else() -> Changes:
    """Return changes of every kind, to what `begun` and an entry of run 1 have written."""
    return Changes(
        inputs=(event("bob"),),
        handled=((1, "handled"),),
        customers=((5, "t", "dan", {}), (1, "t", "ann", {})),
        runs=(ended(1, 1), run(2, 2)),
        moves=(entry(2), Move(1, 2, NOON, (("breathe", COMPLETED, "elapsed"), ("end", COMPLETED, "")), {})),
        new_posts=(post(2),),
        posts=(post(1, status=SENT, flags={QUEUED: (NOON, 1)}),),
        refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),),
        counters=(Counter(1, "*", "*", "", "entered", "", 1, 0, NOON),),
        catalog=CatalogChanges(
            journeys=(NewJourney(4, "t", "new"),),
            versions=(NewVersion(4, 4, 1, NOON, "m", DEFINITION),),
            described=((1, '{"steps":[]}', NOON),),
            transitions=(Transition(1, NOON, "PAUSED"),),
            flags=(Flag(1, NOON, "hello", published=False),),
            purged=(3,),
            meta=(("grace", "5"),),
        ),
        released=((1, NOON),),
        limits=LimitChanges(((1, NOON),), (Deferred(1, 1, 1, "", NOON, None),), timers=((1, 0, NOON),)),
        pulls=PullChanges(rounds=(Round(1, NOON),), listed=(("t", "news", "ann"),)),
        exports=(job(1),),
        pruned=Pruned(
            bared=(ended(1, 1),),
            arms=((1, 1, "which", "A"),),
            openings=(Counter(1, "*", "*", "", "entered", "", 1, 0, NOON),),
        ),
        erased=Erased(forgotten=(Forgotten(4, "t", "cid", "nobody"),), retold=((1, "{}"),), scrubbed=True),
    )


def history() -> tuple[Changes, Changes]:
    """Return finished runs, in journey 1, with messages and the inputs about them, and what became of the inputs."""
    sent = {"sent": (NOON, 2)}
    told = numbered(
        event(type="message.opened", id="o", text=dumps({"message": "k-1-1"})),
        event(type="message.opened", text=dumps({"message": "k-1-1"})),
        event(tenant="u"),
        event("bob", type="revenue", text=dumps({"amount": 5})),
        event("", kind="ack", type="", id="k-4-1"),
        event("", kind="ack", type="", id="k-1-1"),
        event("", kind="nack", type="", id="k-4-1"),
    )
    runs = (ended(1, 1), run(2, 2), ended(3, 2, number=2, key="x"), ended(4, 2, number=3, key="x"), ended(5, 4))
    posts = (post(1, status=SENT), post(4, status=SENT, flags=sent))
    moves = (entry(1)._replace(seen={"entry": {"a": 1}}), entry(4))
    return Changes(inputs=told, runs=runs, moves=moves, new_posts=posts), Changes(handled=PAST)


PAST = ((1, "handled"), (3, "handled"), (4, "attributed to k-4-1"), (5, "handled"), (6, "handled"))
"""The outcomes of the inputs that were handled."""
