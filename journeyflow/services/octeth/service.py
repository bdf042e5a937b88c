"""Octeth's Journeys API as a function from a request to a reply."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from journeyflow import Conflict, Engine, Forbidden, InvalidInput, InvalidJourney, JourneyflowError, NotFound
from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe
from journeyflow.services.directory import Caller, Directory
from journeyflow.services.forms import nested
from journeyflow.services.octeth import checks
from journeyflow.services.octeth.codes import ADMIN, VERSIONS, Code, Operation, errors
from journeyflow.services.octeth.context import CallRefused, Context
from journeyflow.services.octeth.table import OPERATIONS, ROUTES
from journeyflow.services.operations import HttpReply, HttpRequest, body_of, repeated

ROOT = "/api/v1/"

LEGACY = "/api.php"

UNKNOWN_CALLER = Code(99998, 401, "Authentication failure or session expired")

NOT_PERMITTED = Code(99999, 403, "Not enough privileges")

SECRETS: Mapping[str, str] = {"apikey": "key", "sessionid": "session"}
"""The parameters, also headers, that say who calls, with the kind of secret."""

ADMIN_KEY = "adminapikey"

BEYOND: Mapping[type[JourneyflowError], int] = {
    InvalidInput: 422,
    InvalidJourney: 422,
    Conflict: 409,
    Forbidden: 403,
}
"""What an engine may find wrong that no code of a call is about, such as a window of more days than it answers for;
the code is the HTTP status, the message the engine's."""


class Octeth:
    """The service: an engine of all tenants, the directory, and the version whose shapes its answers have.

    >>> from journeyflow import MemoryStore
    >>> from journeyflow.services.directory import SQLiteDirectory
    >>> from datetime import UTC
    >>> service = Octeth(Engine(MemoryStore()), SQLiteDirectory())
    >>> service.handle(HttpRequest("GET", "/api/v1/journeys"), datetime(2026, 1, 1, tzinfo=UTC)).status
    401
    """

    def __init__(self, engine: Engine, directory: Directory, *, version: str = VERSIONS[-1]) -> None:
        """Check the version; raises ValueError for an unknown one."""
        if version not in VERSIONS:
            msg = f"version: expected one of {', '.join(VERSIONS)}, not {describe(version)}"
            raise ValueError(msg)
        self.engine, self.directory, self.version = engine, directory, version

    def handle(self, request: HttpRequest, now: datetime) -> HttpReply:
        """Do what a request asks for at an instant, and return the reply; faults of a request are never raised.

        Raises StorageError for a store that cannot be used, and ClockJump as `Engine.archive` does.
        """
        try:
            given = self._given(request)
        except ValueError as error:
            return _transport(400, str(error))
        operation = self._operation(request, given)
        if operation is None:
            return _transport(*_unrouted(request, given))
        caller = self._caller(operation, given, now)
        if caller is None:
            return self._refused(operation, [UNKNOWN_CALLER])
        if operation.permission not in {*caller.permissions, ADMIN}:
            return self._refused(operation, [NOT_PERMITTED])
        return self._answer(operation, caller, given, now)

    def _answer(self, operation: Operation, caller: Caller, given: Mapping[str, Any], now: datetime) -> HttpReply:
        """Check the parameters of a call, and do it."""
        found, faults = checks.read(operation, given)
        if faults:
            return self._refused(operation, faults)
        engine = self.engine if caller.user is None else self.engine.tenant(caller.user.tenant)
        context = Context(engine, self.directory, operation, self.version, now, caller.user)
        try:
            answer = repeated(lambda: operation.call(context, found))
        except CallRefused as refused:
            return self._refused(operation, [operation.codes[each] for each in refused.reasons], refused.details)
        except NotFound as error:
            gone = operation.codes.get(error.kind)  # somebody else has just deleted it
            return self._refused(operation, [gone or Code(404, 404, str(error))])
        except tuple(BEYOND) as error:
            status = next(status for kind, status in BEYOND.items() if isinstance(error, kind))
            return self._refused(operation, [Code(status, status, str(error))])
        return answer if isinstance(answer, HttpReply) else HttpReply(200, answer)

    def _given(self, request: HttpRequest) -> dict[str, Any]:
        """Return all parameters by lower-case name: those of the body go before those of the query."""
        secrets = {name: request.headers[name] for name in (*SECRETS, ADMIN_KEY) if name in request.headers}
        texts = ((str(name), str(value)) for name, value in request.query.items())
        query = {name.lower(): value for name, value in nested(texts).items()}
        body = {str(name).lower(): value for name, value in body_of(request).items()}
        said = {
            name: value for name, value in body.items() if value not in (None, "") or name not in {*SECRETS, ADMIN_KEY}
        }
        return {**secrets, **query, **said}

    @staticmethod
    def _operation(request: HttpRequest, given: Mapping[str, Any]) -> Operation | None:
        """Return the call that a request makes, by its path or by its command."""
        if request.path == LEGACY and request.method in {"GET", "POST"}:
            command = given.get("command")
            return OPERATIONS.get(command.lower()) if isinstance(command, str) else None
        return ROUTES.get((request.method, request.path.removeprefix(ROOT))) if request.path.startswith(ROOT) else None

    def _caller(self, operation: Operation, given: Mapping[str, Any], now: datetime) -> Caller | None:
        """Return who calls: by the key of an administrator where the call is for one, else by a key or a session."""
        kinds = {ADMIN_KEY: "admin"} if operation.permission == ADMIN else SECRETS
        for name, kind in kinds.items():
            secret = given.get(name)
            if isinstance(secret, str) and secret and (found := self.directory.caller(secret, kind, to_micros(now))):
                return found
        return None

    def _refused(self, operation: Operation, found: Sequence[Code], details: Sequence[str] = ()) -> HttpReply:
        """Return the reply to a call that is refused, in the envelope of the call."""
        more = {"Details": list(details)} if details else {}
        told = [{"Code": code.number, "Message": code.words(self.version), **more} for code in found]
        return HttpReply(found[0].status, operation.envelope(self.version)(told))


def _transport(status: int, message: str) -> HttpReply:
    """Return the reply to what is not a call: the code is the HTTP status."""
    return HttpReply(status, errors([{"Code": status, "Message": message}]))


def _unrouted(request: HttpRequest, given: Mapping[str, Any]) -> tuple[int, str]:
    """Return status and message for a request that is none of the calls."""
    if request.path == LEGACY and request.method in {"GET", "POST"}:
        return 404, f"Unknown Command {describe(given.get('command'))}"
    path = request.path.removeprefix(ROOT)
    known = {method for method, route in ROUTES if route == path and request.path.startswith(ROOT)}
    known |= {"GET", "POST"} if request.path == LEGACY else set()
    if known:
        return 405, f"{request.method} is not possible here, only {', '.join(sorted(known))}"
    return 404, "Unknown path"
