"""What a service and a transport exchange: a request, the reply to it, and the parameters of a body."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from attrs import field, frozen

from journeyflow.answers import Settling
from journeyflow.errors import Forbidden, NotFound, Superseded
from journeyflow.formats.json_parts import JsonObject, parse
from journeyflow.services.forms import form_of

JSON, CSV = "application/json", "text/csv"


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@frozen
class HttpRequest:
    """One request: `query` and `headers` by name, the body as bytes, or as the object that was parsed from it.

    Headers are looked up by lower-case name. A repeated query parameter has its last value.

    >>> HttpRequest("GET", "/api/v1/journeys", headers={"APIKey": "k"}).headers["apikey"]
    'k'
    """

    method: str
    path: str
    query: Mapping[str, object] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict, converter=_lowered)
    body: bytes | Mapping[str, object] | None = None


@frozen
class HttpReply:
    """The reply: an HTTP status, a JSON value or a text, and headers beyond those of every reply."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(factory=dict)


Reply = TypeVar("Reply")

ATTEMPTS = 10
"""How often a change of a journey is made that others, who change the same journey, overtake."""


def repeated(call: Callable[[], Reply]) -> Reply:
    """Return what a call returns, made again from the newest definition as long as others overtake it.

    Raises Superseded, as the call does, if they do so too often.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(Superseded):
            return call()
    return call()


def answered(settled: Settling) -> None:
    """Raise what the engine says of an enrollment or an exit whose journey was closed or deleted after it was asked.

    Raises Forbidden and NotFound, as `Engine.enroll` and `Engine.exit` do of a journey that was so before.
    """
    for each in settled.outcomes:
        if each.refusal == "unknown journey":
            kind = "journey"
            raise NotFound(kind, each.about)
        if each.refusal in {"draft", "paused", "archived"}:
            raise Forbidden(each.about, each.refusal.upper())


def body_of(request: HttpRequest) -> JsonObject:
    """Return the parameters of a body: a JSON object, or a form of either kind. Raises ValueError for anything else.

    A body that begins with a brace is JSON whatever its type says, because `curl -d` calls everything a form.

    >>> body_of(HttpRequest("POST", "/", body=b"JourneyIDs=12,34&NameSuffix=- backup"))
    {'JourneyIDs': '12,34', 'NameSuffix': '- backup'}
    >>> body_of(HttpRequest("POST", "/", body=b'{"JourneyID": 5}'))
    {'JourneyID': 5}
    """
    if not isinstance(request.body, bytes):
        return dict(request.body or {})
    told = request.headers.get("content-type", "")
    try:
        text = request.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = "the body is not UTF-8"
        raise ValueError(msg) from None
    if not text.strip():
        return {}
    if text.lstrip().startswith("{") or "json" in told:
        value = parse(text)
        if not isinstance(value, dict):
            msg = "the body is not a JSON object"
            raise ValueError(msg)
        return dict(value)
    return form_of(text, told)
