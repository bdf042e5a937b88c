"""What stays of a forgotten customer: that something happened, when, and of what kind; no personal data (R86).

The customer keeps the number, under an anonymous name that no host can use. Enrollments, visits and messages stay as
rows without personal data, so counts and sums still add up. All stores share these functions.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from journeyflow.basics.chance import SEPARATOR
from journeyflow.basics.values import dumps
from journeyflow.basics.words import ATTRIBUTED, CANCELLED, MESSAGE, QUEUED, REVENUE
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input, Move, Post, Refusal, Run

FORGOTTEN: Final = "forgotten"
"""The reason of the runs that forgetting ends, and the outcome of the inputs it takes out of the inbox."""

TRACES: Final = "traces"
"""The setting of a database that says whether free space may still hold data of a customer whom a step forgot."""

OWED: Final = "owed"
"""The value of that setting until the free space is scrubbed."""


PERSONAL: Mapping[str, Mapping[str, Any]] = {
    "enrollments": {"trigger_data": None, "memory": None, "key": ""},
    "moves": {"seen": {}},
    "messages": {"data": None, "error": ""},
    "last_refusals": {"seen": {}},
}
"""The columns that hold something personal in the rows about a customer, and what stays there instead. One list says
what `forget` removes and what `export_customer` returns; beside these columns there are the customers' own rows and
inputs, their places in lists, queues and pulls, and what channels said about their messages."""

FIELDS = {"trigger_data": "trigger"}
"""The fields of records that have another name than their column."""


def anonymous(number: int) -> str:
    r"""Return the name of a forgotten customer. It holds the one character that no id may hold.

    >>> anonymous(17)
    '\x1fforgotten-17'
    """
    return f"{SEPARATOR}{FORGOTTEN}-{number}"


def is_anonymous(customer: str) -> bool:
    """Return whether a customer was forgotten.

    >>> is_anonymous(anonymous(17)), is_anonymous("forgotten-17")
    (True, False)
    """
    return customer.startswith(SEPARATOR)


def without_person(item: Input, outcome: str | None, name: str) -> tuple[Input, str]:
    """Return what stays of a forgotten customer's input, and its outcome; a waiting input is not handled.

    >>> from journeyflow.records.rows import Input
    >>> put = Input(1, "default", "ann", "put", "", 0, None, '{"email":"ann@example.com"}')
    >>> without_person(put, None, "nobody")
    (Input(seq=1, tenant='default', customer='nobody', kind='put', type='', at=0, id=None, text=None), 'forgotten')
    """
    text = _counted(item) if outcome == "handled" or (outcome or "").startswith(ATTRIBUTED) else None
    return item._replace(customer=name, id=None, text=text), outcome or FORGOTTEN


def _counted(item: Input) -> str | None:
    """Return what stays of an event's data: the message it is about, and revenue; both are counted (R80)."""
    if item.kind != "event" or item.text is None or not item.type.startswith((MESSAGE, REVENUE)):
        return None
    data = json.loads(item.text)
    kept = {"message": data["message"]} if message_key(data.get("message")) is not None else {}
    if item.type == REVENUE:
        kept["amount"] = data["amount"]
    return dumps(kept) if kept else None


def without_error(item: Input) -> Input:
    """Return a nack without the channel's error text, which may name the mailbox.

    >>> without_error(Input(1, "default", "", "nack", "", 0, "k-1-1", '{"error":"no mailbox ann","token":"w.1"}')).text
    '{"token":"w.1"}'
    """
    data = json.loads(item.text) if item.text else {}
    return item._replace(text=dumps({"token": data.get("token")}))


AnyRow = TypeVar("AnyRow", Run, Move, Post, Refusal)


def anonymized(row: AnyRow, table: str) -> AnyRow:
    """Return a row of a table without what is personal in it.

    >>> anonymized(Refusal(1, 2, "consent", 0, "2026-01-05", {"plan": "free"}), "last_refusals").seen
    {}
    """
    return row._replace(**{FIELDS.get(column, column): value for column, value in PERSONAL[table].items()})


def bare_post(post: Post) -> Post:
    """Return a message without what is personal in it; one that no worker has claimed is cancelled."""
    return anonymized(post, "messages")._replace(status=CANCELLED if post.status == QUEUED else post.status)


def cancelled(post: Post) -> Post:
    """Return a message that a worker could not deliver, cancelled: it is not handed out again."""
    return post._replace(status=CANCELLED, lease_until=None, token=None, error="")
