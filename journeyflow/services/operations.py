"""What a service and a transport exchange: a request, the reply to it, and the parameters of a body."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar
from urllib.parse import parse_qsl

from attrs import field, frozen

from journeyflow.errors import Superseded
from journeyflow.formats.parts import JsonObject, parse

JSON, FORM, CSV = "application/json", "application/x-www-form-urlencoded", "text/csv"


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


Answer = TypeVar("Answer")

ATTEMPTS = 10
"""How often a change of a journey is made that others, who change the same journey, overtake."""


def repeated(call: Callable[[], Answer]) -> Answer:
    """Return what a call returns, made again from the newest definition as long as others overtake it.

    Raises Superseded, as the call does, if they do so too often.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(Superseded):
            return call()
    return call()


def body_of(request: HttpRequest) -> JsonObject:
    """Return the parameters of a body: a JSON object, or a form. Raises ValueError for anything else.

    A body that begins with a brace is JSON whatever its type says, because `curl -d` calls everything a form.

    >>> body_of(HttpRequest("POST", "/", body=b"JourneyIDs=12,34&NameSuffix=- backup"))
    {'JourneyIDs': '12,34', 'NameSuffix': '- backup'}
    >>> body_of(HttpRequest("POST", "/", body=b'{"JourneyID": 5}'))
    {'JourneyID': 5}
    """
    if not isinstance(request.body, bytes):
        return dict(request.body or {})
    told = request.headers.get("content-type", "")
    if told.startswith("multipart/"):
        msg = f"the body is in parts; send JSON, or a form as {FORM}"
        raise ValueError(msg)
    try:
        text = request.body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        msg = "the body is not UTF-8"
        raise ValueError(msg) from None
    if not text:
        return {}
    if text.startswith("{") or "json" in told:
        value = parse(text)
        if not isinstance(value, dict):
            msg = "the body is not a JSON object"
            raise ValueError(msg)
        return dict(value)
    return nested(parse_qsl(text, keep_blank_values=True))


MAX_LEVELS = 20
"""How deep the names of a form may lead."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def nested(pairs: Iterable[tuple[str, str]]) -> JsonObject:
    """Return the parameters of a form, whose names may lead into lists and objects as in PHP.

    >>> nested([("Actions[0][ActionID]", "1"), ("Actions[0][Published]", "true"), ("Tags[]", "a"), ("Tags[]", "b")])
    {'Actions': [{'ActionID': '1', 'Published': 'true'}], 'Tags': ['a', 'b']}
    """
    found: JsonObject = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        keys = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else [name]
        if len(keys) > MAX_LEVELS:
            msg = f"a name of the form leads more than {MAX_LEVELS} levels deep"
            raise ValueError(msg)
        inner = found
        for key in keys[:-1]:
            inner = inner.setdefault(key or str(len(inner)), {})
            if isinstance(inner, str):
                msg = f"the name {name!r} of the form leads into a text"
                raise ValueError(msg)  # noqa: TRY004 the form is malformed, whatever the types
        inner[keys[-1] if len(keys) == 1 else keys[-1] or str(len(inner))] = value
    return {key: _listed(value) for key, value in found.items()}


def _listed(value: object) -> object:
    """Return an object whose names are 0, 1, 2, ... as a list, inside too."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    return list(inner.values()) if list(inner) == [str(number) for number in range(len(inner))] else inner
