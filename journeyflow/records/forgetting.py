"""What stays of a customer who is forgotten: that something was, when, and of what kind; nothing of the person (R86).

The customer keeps the number, under an anonymous name that no host can say. Enrollments, visits and messages stay as
rows, without what they held of the person; so counts and sums still add up. Stores share what is said here.
"""

import json
from typing import Final

from journeyflow.basics.chance import SEPARATOR
from journeyflow.basics.values import dumps
from journeyflow.basics.words import ATTRIBUTED, CANCELLED, MESSAGE, QUEUED, REVENUE
from journeyflow.records.message_ids import place_of
from journeyflow.records.rows import Input, Move, Post, Refusal, Run

FORGOTTEN: Final = "forgotten"
"""The reason of the runs it ends, and the outcome of the inputs it takes out of the inbox."""

TRACES: Final = "traces"
"""The setting of a file that says whether free space may still tell of somebody whom a step has forgotten."""

OWED: Final = "owed"
"""What that setting says until the space is scrubbed."""


def anonymous(number: int) -> str:
    r"""Name a forgotten customer: with the one character that no id may hold, so that nobody can be called so.

    >>> anonymous(17)
    '\x1fforgotten-17'
    """
    return f"{SEPARATOR}{FORGOTTEN}-{number}"


def is_anonymous(customer: str) -> bool:
    """Tell whether a customer was forgotten.

    >>> is_anonymous(anonymous(17)), is_anonymous("forgotten-17")
    (True, False)
    """
    return customer.startswith(SEPARATOR)


def without_person(item: Input, outcome: str | None, name: str) -> tuple[Input, str]:
    """Give what stays of an input of a forgotten customer, and its outcome: one that waited will not be handled.

    >>> from journeyflow.records.rows import Input
    >>> put = Input(1, "default", "ann", "put", "", 0, None, '{"email":"ann@example.com"}')
    >>> without_person(put, None, "nobody")
    (Input(seq=1, tenant='default', customer='nobody', kind='put', type='', at=0, id=None, text=None), 'forgotten')
    """
    text = _counted(item) if outcome == "handled" or (outcome or "").startswith(ATTRIBUTED) else None
    return item._replace(customer=name, id=None, text=text), outcome or FORGOTTEN


def _counted(item: Input) -> str | None:
    """Give what stays of the data of an event: which message it is about, and the revenue; both are counted (R80)."""
    if item.kind != "event" or item.text is None or not item.type.startswith((MESSAGE, REVENUE)):
        return None
    data = json.loads(item.text)
    kept = {"message": data["message"]} if place_of(data.get("message")) is not None else {}
    if item.type == REVENUE:
        kept["amount"] = data["amount"]
    return dumps(kept) if kept else None


def without_error(item: Input) -> Input:
    """Take out of a nack what the channel said: it may name the mailbox.

    >>> without_error(Input(1, "default", "", "nack", "", 0, "k-1-1", '{"error":"no mailbox ann","token":"w.1"}')).text
    '{"token":"w.1"}'
    """
    data = json.loads(item.text) if item.text else {}
    return item._replace(text=dumps({"token": data.get("token")}))


def bare_run(run: Run) -> Run:
    """Give a run without what started it, what it remembered and what told it from others."""
    return run._replace(trigger=None, memory=None, key="")


def bare_move(move: Move) -> Move:
    """Give a move without the values that were compared."""
    return move._replace(seen={})


def bare_post(post: Post) -> Post:
    """Give a message without its data; one that nobody has claimed is not to be sent any more."""
    return post._replace(data=None, status=CANCELLED if post.status == QUEUED else post.status)


def cancelled(post: Post) -> Post:
    """Give a message that a worker could not deliver: it is not handed out again."""
    return post._replace(status=CANCELLED, lease_until=None, token=None)


def bare_refusal(refusal: Refusal) -> Refusal:
    """Give a refusal without the values that were compared."""
    return refusal._replace(seen={})
