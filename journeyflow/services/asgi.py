"""The services over HTTP, as one ASGI application: who may call, how often and how much, what is logged, and a tick.

`application(engine, directory, clock=...)` can be served by uvicorn, or mounted into a host's own application. Both
systems keep their documented paths: Octeth's `/api/v1/...` and `/api.php`, the loyalty platform's `/journeys...`.
`/health` answers while the process lives, `/ready` while the engine can answer, and `/openapi/NAME.json` describes a
system. With `site`, `/site/` has pages to look at in a browser. Needs the extra `http`.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from math import ceil
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from attrs import Factory, frozen

from journeyflow import Engine
from journeyflow.basics.moments import to_micros
from journeyflow.errors import JourneyflowError, MissingExtra
from journeyflow.services.directory import Directory
from journeyflow.services.loyalty import Loyalty
from journeyflow.services.loyalty import openapi as loyalty_openapi
from journeyflow.services.loyalty.shapes import error_shown
from journeyflow.services.octeth import VERSIONS, Octeth
from journeyflow.services.octeth import openapi as octeth_openapi
from journeyflow.services.octeth.codes import errors
from journeyflow.services.operations import JSON, HttpReply, HttpRequest
from journeyflow.services.rate_limits import MOST, SECONDS, LimitedDirectory, RateLimit, TooManyRequests
from journeyflow.services.site import HEADERS, PageService, page_of_fault

try:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route, Router
except ImportError:
    what = "HTTP"
    raise MissingExtra(what, "http") from None

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("journeyflow.http")

LARGEST = 1_000_000
"""How many bytes a body may have."""

PASSED_OVER = 10 * LARGEST
"""How many bytes of a body that is too large are read and dropped: a client that is still sending gets no answer."""

BODY_PATIENCE = 30.0
"""How many seconds a body may take to come, and a request to end once the server is to stop."""

SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every reply."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestRefused(Exception):
    """A request that no service sees: its status, and a sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep what the reply says."""
        super().__init__(message)
        self.status, self.headers = status, headers or {}


@frozen
class System:
    """One of the systems: which paths are its own, how it answers, and its envelope for what its service never sees."""

    name: str
    paths: re.Pattern[str]
    answer: Callable[[HttpRequest, datetime], HttpReply]
    fault: Callable[[int, str], object]
    described: Callable[[], object] | None = None
    headers: Mapping[str, str] = Factory(dict)
    """Headers of what its service never sees."""


def application(
    engine: Engine,
    directory: Directory,
    *,
    clock: Callable[[], datetime],
    tick: float | None = None,
    version: str = VERSIONS[-1],
    most: int = MOST,
    seconds: float = SECONDS,
    stopwatch: Callable[[], float] = monotonic,
    site: bool = False,
) -> "ASGIApp":
    """Return the application: both systems over an engine of all tenants and a directory of who may call.

    `clock` returns the instant of a request, with a time zone. With `tick`, the engine ticks every that many seconds
    while the application runs, and works on exports; a tick that fails is logged, and the next one still comes.
    `version` chooses the shapes of Octeth's answers. A key may call `most` times in `seconds`. `site` adds the pages,
    which any key opens for its own tenant. On shutdown, requests and a tick that are under way are waited for.
    """
    limited = LimitedDirectory(directory, RateLimit(most, seconds, clock=stopwatch))
    systems = _systems(engine, limited, version)
    if site:
        pages = re.compile(r"/(site(/|$)|$)")
        systems += (System("site", pages, PageService(engine, limited).answer, page_of_fault, headers=HEADERS),)
    routes = [
        Route("/health", _health),
        Route("/ready", _readiness(engine, directory)),
        *(
            Route(f"/openapi/{each.name}.json", _description(each.described), name=each.name)
            for each in systems
            if each.described is not None
        ),
    ]
    served = Site(systems, clock, stopwatch)
    return Router(routes, redirect_slashes=False, default=served, lifespan=_ticking(engine, clock, tick, stopwatch))


async def _health(_: Request) -> Response:
    """Answer while the process lives."""
    return _response(HttpReply(200, {"status": "ok"}))


def _readiness(engine: Engine, directory: Directory) -> Callable[[Request], Any]:
    async def ready(_: Request) -> Response:
        """Answer 200 while the engine and the directory can answer, else 503."""
        try:
            await asyncio.to_thread(engine.next_due)
            await asyncio.to_thread(directory.caller, "", "key", 0)
        except JourneyflowError as error:
            log.warning("not ready: %s", error)
            return _response(HttpReply(503, {"status": "unavailable"}))
        return _response(HttpReply(200, {"status": "ok"}))

    return ready


def _description(describe: Callable[[], object]) -> Callable[[Request], Any]:
    async def described(_: Request) -> Response:
        return _response(HttpReply(200, describe()))

    return described


class Site:
    """The systems, for every path that no route has: read a request within its bounds, let one answer, and log it.

    It speaks ASGI itself: a request passes through no layers of a framework, which would cost as much as its answer.
    """

    def __init__(
        self, systems: tuple[System, ...], clock: Callable[[], datetime], stopwatch: Callable[[], float]
    ) -> None:
        """Keep what requests need."""
        self._systems, self._clock, self._stopwatch = systems, clock, stopwatch

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Return the answer of the system at a path; log the request without its query, which may hold a key."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        started = self._stopwatch()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        told = headers.get("x-request-id", "")
        name = told if _ID.fullmatch(told) else token_hex(8)
        reply = await self._answer(scope, headers, receive, name)
        response = _response(reply, {"x-request-id": name})
        await response(scope, receive, send)
        taken = 1_000 * (self._stopwatch() - started)
        log.info("%s %s %d %.1f ms %s", scope["method"], _printed(scope["path"]), reply.status, taken, name)

    async def _answer(self, scope: "Scope", headers: Mapping[str, str], receive: "Receive", name: str) -> HttpReply:
        """Return the reply of a system; requests that never reach it and unexpected errors get its envelope too."""
        path = scope["path"]
        system = next((each for each in self._systems if each.paths.match(path)), None)
        if system is None:
            return HttpReply(404, {"error": {"code": "NOT_FOUND", "message": "unknown path", "details": []}})
        try:
            body = await _body(headers, receive)
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            asked = HttpRequest(scope["method"], path, query, headers, body)
            reply: HttpReply = await asyncio.to_thread(system.answer, asked, self._clock())
        except RequestRefused as refused:
            told = system.fault(refused.status, str(refused))
            reply = HttpReply(refused.status, told, {**system.headers, **refused.headers})
        except TooManyRequests as refused:
            wait = {"retry-after": str(max(1, ceil(refused.after)))}
            reply = HttpReply(429, system.fault(429, str(refused)), {**system.headers, **wait})
        except Exception:
            log.exception("request %s failed", name)
            told = system.fault(500, f"internal error; it is in the log as request {name}")
            reply = HttpReply(500, told, system.headers)
        return reply


def _printed(path: str) -> str:
    """Return a path as one word of a line of the log, whatever characters it has."""
    return quote(path, safe="/:@")


async def _body(headers: Mapping[str, str], receive: "Receive") -> bytes:
    """Return the body; raises RequestRefused for one that does not come in time, or is large."""
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            return await _read(headers, receive)
    except TimeoutError:
        raise RequestRefused(408, f"the body did not come within {BODY_PATIENCE:g} seconds", CLOSE) from None


CLOSE = {"connection": "close"}


async def _read(headers: Mapping[str, str], receive: "Receive") -> bytes:
    """Return the body; raises RequestRefused for a large one, of which nothing is kept."""
    told = headers.get("content-length", "0")
    expected = int(told) if told.isascii() and told.isdigit() else 0
    parts, size, more = list[bytes](), 0, expected <= PASSED_OVER
    while more and size <= PASSED_OVER:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "the body is not whole")
        size += len(message.get("body", b""))
        parts += [message.get("body", b"")] if max(size, expected) <= LARGEST else []
        more = message.get("more_body", False)
    if max(size, expected) > LARGEST:
        raise RequestRefused(413, f"the body has more than {LARGEST:,} bytes", CLOSE)
    return b"".join(parts)


def _response(reply: HttpReply, more: Mapping[str, str] | None = None) -> Response:
    """Return a reply as HTTP: a text as it is, anything else as JSON; nothing for 204."""
    headers = {**SAFE, **(more or {}), **{name.lower(): value for name, value in reply.headers.items()}}
    if reply.status == 204:  # noqa: PLR2004 no content
        return Response(status_code=204, headers=headers)
    if isinstance(reply.body, str):
        return Response(reply.body, reply.status, headers)
    text = _ENCODER.encode(reply.body)
    return Response(text.encode("utf-8", "backslashreplace"), reply.status, {"content-type": JSON, **headers})


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _work(engine: Engine, now: datetime, stopwatch: Callable[[], float]) -> None:
    """Tick, and write the files of the exports that were asked for; log a tick that did something."""
    started = stopwatch()
    done = engine.tick(now)
    if done.inputs or done.moves or done.delivered:
        taken = stopwatch() - started
        log.info("tick: %d inputs, %d moves, %d messages, %.1f s", done.inputs, done.moves, done.messages, taken)
    engine.work_exports(at=now)


def _ticking(
    engine: Engine, clock: Callable[[], datetime], tick: float | None, stopwatch: Callable[[], float]
) -> Callable[[Router], Any]:
    """Return what runs as long as the application: a task that ticks, if it is asked for."""

    async def ticks(every: float) -> None:
        while True:
            started = stopwatch()
            try:
                await asyncio.to_thread(_work, engine, clock(), stopwatch)
            except Exception:
                log.exception("a tick failed; the next one comes in %g seconds", every)
            await asyncio.sleep(max(0.0, every - (stopwatch() - started)))

    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        task = None if tick is None else asyncio.create_task(ticks(tick))
        try:
            yield
        finally:
            if task is not None:
                task.cancel()  # a tick under way ends first: a thread cannot be cancelled
                await asyncio.gather(task, return_exceptions=True)

    return lifespan


# --- the systems ------------------------------------------------------------------------------------------------------


def _systems(engine: Engine, directory: Any, version: str) -> tuple[System, ...]:  # noqa: ANN401 a directory
    octeth = Octeth(engine, directory, version=version)
    return (
        System(
            "octeth",
            re.compile(r"/api/v1/|/api\.php$"),
            octeth.handle,
            lambda status, message: errors([{"Code": status, "Message": message}]),
            partial(octeth_openapi, version),
        ),
        System(
            "loyalty",
            re.compile(r"/journeys(/|$)"),
            Members(engine, directory).answer,
            lambda status, message: error_shown(_WORDS[status], message),
            loyalty_openapi,
        ),
    )


_WORDS = {
    400: "MALFORMED",
    401: "UNAUTHORIZED",
    408: "TIMEOUT",
    413: "TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL",
}
"""The codes of the loyalty platform's envelope for what its service never sees."""


class Members:
    """The loyalty platform's API for the tenants of a directory: a key says which one asks."""

    def __init__(self, engine: Engine, directory: Directory) -> None:
        """Begin without tenants."""
        self._engine, self._directory = engine, directory
        self._of: dict[str, Loyalty] = {}

    def answer(self, request: HttpRequest, now: datetime) -> HttpReply:
        """Return the reply to a request with a key, in `Authorization: Bearer KEY` or `X-API-Key: KEY`."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        secret = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        caller = self._directory.caller(secret, "key", to_micros(now)) if secret else None
        if caller is None or caller.user is None:
            raise RequestRefused(401, "a key is needed: Authorization: Bearer KEY", {"www-authenticate": "Bearer"})
        tenant = caller.user.tenant
        loyalty = self._of.setdefault(tenant, Loyalty(self._engine.tenant(tenant), tenant))
        return loyalty.answer(request, at=now, user=f"user_{caller.user.id}")
