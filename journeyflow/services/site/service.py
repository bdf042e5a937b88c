"""The service behind the site: who may look, which page an address is, and how faults are shown."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from journeyflow import Engine
from journeyflow.basics.moments import to_micros
from journeyflow.errors import InvalidInput, NotFound
from journeyflow.services.operations import HttpReply, HttpRequest
from journeyflow.services.site import customers, journeys, list_pages
from journeyflow.services.site.layout import HEADERS, SitePage, paragraph, written
from journeyflow.services.site.query import Query

if TYPE_CHECKING:
    from datetime import datetime

    from journeyflow.services.directory import Caller


class KnowsCallers(Protocol):
    """What the site asks of a directory."""

    def caller(self, secret: str, kind: str, now: int) -> "Caller | None":
        """Return who has a secret of a kind at an instant; None for nobody."""


Show = Callable[[Query], SitePage]

PAGES: Mapping[str, Show] = {
    "": journeys.overview,
    "journey": journeys.journey,
    "people": list_pages.people,
    "messages": list_pages.messages,
    "audit": list_pages.audit,
    "customer": customers.customer,
    "run": customers.run,
}
"""Each page by its name in the address."""

PREFIX = "/site/"

NEEDS_KEY = {"www-authenticate": 'Basic realm="journeyflow: any name, and a key as the password", charset="UTF-8"'}


class PageService:
    """Pages about the tenant whose key is given; a key opens what it opens for the other services, and changes nothing.

    The key is the password of HTTP Basic, or comes as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
    """

    def __init__(self, engine: Engine, directory: KnowsCallers) -> None:
        """Keep whom to ask."""
        self._engine, self._directory = engine, directory

    def answer(self, request: HttpRequest, now: "datetime") -> HttpReply:
        """Return the reply to a request as of an instant."""
        if request.method not in {"GET", "HEAD"}:
            return _refused(405, "Only GET and HEAD are answered: the site changes nothing.", {"allow": "GET, HEAD"})
        if not request.path.startswith(PREFIX):
            return HttpReply(307, "", {**HEADERS, "location": "site/"})
        tenant = self._tenant(request, to_micros(now))
        if tenant is None:
            return _refused(401, "Leave the name as it is, and give a key as the password.", NEEDS_KEY)
        show = PAGES.get(request.path.removeprefix(PREFIX), _nowhere)
        query = Query(self._engine.tenant(tenant), tenant, now, request.query)
        try:
            page = show(query)
        except NotFound as error:
            page = _told(404, "Not found", str(error))
        except InvalidInput as error:
            page = _told(400, "Cannot be shown", *error.faults)
        return HttpReply(page.status, written(page, tenant), HEADERS)

    def _tenant(self, request: HttpRequest, now: int) -> str | None:
        secret = _secret(request)
        caller = self._directory.caller(secret, "key", now) if secret else None
        return None if caller is None or caller.user is None else caller.user.tenant


def _secret(request: HttpRequest) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return request.headers.get("x-api-key", "")
    try:
        name, _, password = b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password or name


def page_of_fault(status: int, message: str) -> str:
    """Return a page that says why there is no other one; it leads nowhere."""
    title = {401: "A key is needed", 500: "Internal error"}.get(status, "Refused")
    return written(_told(status, title, message), None)


def _refused(status: int, message: str, headers: Mapping[str, str]) -> HttpReply:
    return HttpReply(status, page_of_fault(status, message), {**HEADERS, **headers})


def _told(status: int, title: str, *sentences: str) -> SitePage:
    return SitePage(title, [paragraph(each) for each in sentences], status=status)


def _nowhere(_: Query) -> SitePage:
    return _told(404, "Not found", "There is no such page.")
