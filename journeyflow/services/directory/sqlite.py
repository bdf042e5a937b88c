"""A directory in a SQLite file of its own: secrets are kept as hashes, numbers are never given twice."""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest
from os import PathLike
from secrets import token_urlsafe
from typing import Any, Self, TypeVar

from journeyflow.basics.soundness import sound
from journeyflow.basics.values import INTEGER_MAX, INTEGER_MIN, describe, dumps, id_fault, text_fault, value_faults
from journeyflow.errors import CorruptDatabase, InvalidInput, NotFound, quoted
from journeyflow.services.directory.directory_file import DirectoryBlock, DirectoryFile
from journeyflow.services.directory.records import (
    KINDS,
    PERMISSIONS,
    SECRETS,
    Caller,
    Resource,
    Subscriber,
    User,
)
from journeyflow.stores.sqlite.opening import RESTORE

Made = TypeVar("Made")

MAX_NUMBER = 2**62
"""The largest number that anything may have."""

PREFIX = 8
"""How many characters of a hash a secret is looked up by; the rest is compared in constant time."""


def _hash(secret: str) -> str:
    if not isinstance(secret, str):
        raise InvalidInput([f"secret: must be text, not {describe(secret)}"])
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class SQLiteDirectory:
    """A `Directory` in a file, which is made if it is missing; ":memory:" is one that nobody else sees.

    Every method may be called from any thread. Raises StorageError for a file that cannot be used, ForeignDatabase for
    one that is something else.

    >>> directory = SQLiteDirectory(":memory:")
    >>> user = directory.put_user(1, "acme")
    >>> directory.caller(directory.add_secret("key", user=1), "key", 0).user.tenant
    'acme'
    """

    def __init__(self, path: str | PathLike[str] = ":memory:") -> None:
        """Open the file."""
        self._file = DirectoryFile(path)
        self.path = self._file.path

    def __enter__(self) -> Self:
        """Return the directory."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    # --- asking ---------------------------------------------------------------------------------------------------

    def caller(self, secret: str, kind: str, now: int) -> Caller | None:
        """Return who has a secret of a kind at an instant, in microseconds; None for nobody."""
        wanted = _hash(secret)
        found = self._read(
            lambda row: _caller(row) if compare_digest(row[0], wanted) else None,
            "SELECT s.hash, s.permissions, u.id, u.tenant, u.name FROM secrets s LEFT JOIN users u ON u.id = s.user"
            " WHERE s.prefix = ? AND s.kind = ? AND ifnull(s.expires_at > ?, 1)",
            (wanted[:PREFIX], kind, now),
        )
        return next(filter(None, found), None)

    def user(self, number: int) -> User | None:
        """Return a user by number."""
        return next(iter(self._read(_user, "SELECT id, tenant, name FROM users WHERE id = ?", (number,))), None)

    def users(self) -> tuple[User, ...]:
        """Return all users by number."""
        return tuple(self._read(_user, "SELECT id, tenant, name FROM users ORDER BY id"))

    def counts(self) -> dict[str, int]:
        """Return how many users, secrets, resources of each kind and subscribers there are."""
        found = {f"{kind}s": 0 for kind in KINDS}
        found |= {f"{kind}s": count for kind, count in self._rows("SELECT kind, count(*) FROM resources GROUP BY 1")}
        users, secrets, subscribers = self._rows(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM secrets), (SELECT count(*) FROM subscribers)"
        )[0]
        return {"users": users, "secrets": secrets, **found, "subscribers": subscribers}

    def resource(self, kind: str, tenant: str, number: int) -> Resource | None:
        """Return a resource of a tenant."""
        asked = (kind, tenant, number)
        return next(iter(self._read(_resource, f"{_RESOURCES} WHERE kind = ? AND tenant = ? AND id = ?", asked)), None)

    def resources(self, kind: str, tenant: str) -> dict[int, Resource]:
        """Return all resources of a kind of a tenant, by number."""
        rows = self._read(_resource, f"{_RESOURCES} WHERE kind = ? AND tenant = ? ORDER BY id", (kind, tenant))
        return {each.id: each for each in rows}

    def subscriber(self, tenant: str, list_: int, number: int) -> Subscriber | None:
        """Return a subscriber of a list of a tenant."""
        rows = self._read(
            _subscriber,
            "SELECT list, id, tenant, email, data FROM subscribers WHERE list = ? AND id = ? AND tenant = ?",
            (list_, number, tenant),
        )
        return next(iter(rows), None)

    # --- numbers --------------------------------------------------------------------------------------------------

    def reserve(self, kind: str, tenant: str, within: str = "") -> int:
        """Return a new number for something that gets its text as its name: within a journey "journey/number"."""
        _refuse(_text_faults(within=within))
        with self._file.writing() as connection:
            number = self._next(kind)
            while self._rows(_NUMBER, (kind, tenant, _name(number, within))):
                number += 1  # somebody has named something else so
            connection.execute(_NUMBERED, (kind, number, tenant, _name(number, within)))
            return number

    def numbers(self, kind: str, tenant: str, names: Iterable[str]) -> dict[str, int]:
        """Return the number of each name; one that has none is given one."""
        asked = _words("names", names)
        known = dict(
            self._rows(
                "SELECT n.name, n.number FROM json_each(?) a"
                " JOIN numbers n ON n.kind = ? AND n.tenant = ? AND n.name = a.value",
                (dumps(asked), kind, tenant),
            )
        )
        return {name: known[name] if name in known else self._give(kind, tenant, name) for name in asked}

    def named(self, kind: str, tenant: str, number: int) -> str | None:
        """Return the name that has a number; None if no name of the tenant has it."""
        rows = self._rows(
            "SELECT name FROM numbers WHERE kind = ? AND number = ? AND tenant = ?", (kind, number, tenant)
        )
        return rows[0][0] if rows else None

    def _give(self, kind: str, tenant: str, name: str) -> int:
        with self._file.writing() as connection:
            rows = self._rows(_NUMBER, (kind, tenant, name))  # another process may have come first
            number = rows[0][0] if rows else self._next(kind)
            connection.execute(_NUMBERED, (kind, number, tenant, name))
            return int(number)

    def _next(self, kind: str) -> int:
        (last,) = self._rows("SELECT ifnull(max(number), 0) FROM numbers WHERE kind = ?", (kind,))[0]
        return int(last) + 1

    # --- filling --------------------------------------------------------------------------------------------------

    def put_user(self, number: int, tenant: str, name: str = "") -> User:
        """Add a user, or change one; the journeys of the tenant are the user's.

        Raises InvalidInput for a number or tenant that cannot be, and for a tenant of another user.
        """
        found = [*_number_faults(id=number), *_text_faults(name=name)]
        found += [f"tenant: {fault}"] if (fault := id_fault(tenant)) else []
        _refuse(found)
        with self._file.writing() as connection:
            others = self._rows("SELECT id FROM users WHERE tenant = ? AND id <> ?", (tenant, number))
            _refuse([f"tenant: {tenant!r} is that of user {each}" for (each,) in others])
            connection.execute(
                "INSERT INTO users VALUES (:id, :tenant, :name)"
                " ON CONFLICT (id) DO UPDATE SET tenant = :tenant, name = :name",
                {"id": number, "tenant": tenant, "name": name},
            )
        return User(number, tenant, name)

    def add_secret(
        self,
        kind: str,
        *,
        user: int | None = None,
        secret: str | None = None,
        permissions: Iterable[str] = PERMISSIONS,
        expires_at: int | None = None,
    ) -> str:
        """Add a secret of a user, or of an administrator, and return it: this is the only time that it is known.

        It is drawn unless one is given, such as a key that clients have already. `expires_at` is in microseconds; None
        is never. Raises InvalidInput for what cannot be, NotFound for an unknown user.
        """
        drawn = token_urlsafe(32) if secret is None else secret
        granted = sorted({*_words("permissions", permissions)})
        found = _kind_faults(kind, SECRETS)
        found += [f"permissions: unknown permission {quoted(each)}" for each in granted if each not in PERMISSIONS]
        found += ["user: an administrator is not a user"] if kind == "admin" and user is not None else []
        found += ["user: name the user"] if kind != "admin" and user is None else []
        found += [] if drawn else ["secret: must not be empty"]
        found += [] if expires_at is None or _is_askable(expires_at) else ["expires_at: must be microseconds, or None"]
        _refuse(found)
        if user is not None and self.user(user) is None:
            what = "user"
            raise NotFound(what, user)
        hashed = _hash(drawn)
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?, ?, ?)",
                (hashed[:PREFIX], hashed, kind, user, dumps(granted), expires_at),
            )
        return drawn

    def remove_secrets(self, *, user: int | None = None, secret: str | None = None) -> int:
        """Remove a secret, or all of a user, and return how many there were."""
        _refuse([] if user is None else _number_faults(user=user))
        with self._file.writing() as connection:
            found = connection.execute(
                "DELETE FROM secrets WHERE hash = ? OR user = ?", (None if secret is None else _hash(secret), user)
            )
            return int(found.rowcount)

    def put_resource(
        self, kind: str, number: int, tenant: str, name: str = "", data: Mapping[str, object] | None = None
    ) -> Resource:
        """Add a resource, or change one.

        Raises InvalidInput for what cannot be, and for the number of a resource of another tenant.
        """
        found = [*_number_faults(id=number), *_text_faults(name=name)]
        found += [*_kind_faults(kind, KINDS), *_data_faults(data)]
        found += [f"tenant: {fault}"] if (fault := id_fault(tenant)) else []
        _refuse(found)
        row = Resource(kind, number, tenant, name, dict(data or {}))
        with self._file.writing() as connection:
            others = self._rows(
                "SELECT tenant FROM resources WHERE kind = ? AND id = ? AND tenant <> ?", (kind, number, tenant)
            )
            _refuse([f"id: {kind} {number} belongs to another tenant" for _ in others])
            connection.execute(
                "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)", (kind, number, tenant, name, dumps(row.data))
            )
        return row

    def copy_resource(self, kind: str, tenant: str, number: int, to: str) -> int | None:
        """Copy a resource to another tenant and return the number of the copy; None if there is no such resource."""
        with self._file.writing():
            found = self.resource(kind, tenant, number)
            if found is None:
                return None
            (last,) = self._rows("SELECT max(id) FROM resources WHERE kind = ?", (kind,))[0]
            return self.put_resource(kind, last + 1, to, found.name, found.data).id

    def put_subscriber(
        self, list_: int, number: int, tenant: str, email: str = "", data: Mapping[str, object] | None = None
    ) -> Subscriber:
        """Add a subscriber of a list, or change one.

        Raises InvalidInput for what cannot be, NotFound for a list that the tenant does not have.
        """
        _refuse([*_number_faults(id=number), *_text_faults(email=email), *_data_faults(data)])
        if self.resource("list", tenant, list_) is None:
            what = "list"
            raise NotFound(what, list_)
        row = Subscriber(list_, number, tenant, email, dict(data or {}))
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO subscribers VALUES (?, ?, ?, ?, ?)",
                (list_, number, tenant, email, dumps(row.data)),
            )
        return row

    def remove_resource(self, kind: str, tenant: str, number: int) -> bool:
        """Remove a resource, a list with its subscribers; return whether there was one."""
        with self._file.writing() as connection:
            found = connection.execute(
                "DELETE FROM resources WHERE kind = ? AND tenant = ? AND id = ?", _askable(kind, tenant, number)
            )
            if kind == "list" and found.rowcount:
                connection.execute("DELETE FROM subscribers WHERE list = ?", (number,))
            return bool(found.rowcount)

    # --- the file -------------------------------------------------------------------------------------------------

    def _rows(self, sql: str, parameters: Iterable[object] = ()) -> list[Any]:
        asked = _askable(*parameters)
        with self._file.reading() as connection:
            return list(connection.execute(sql, asked))

    def _read(self, make: Callable[[Any], Made], sql: str, parameters: Iterable[object] = ()) -> list[Made]:
        """Return what is made of rows; raises CorruptDatabase for a row that a directory does not write."""
        rows = self._rows(sql, parameters)
        try:
            return [sound(make(row)) for row in rows]
        except (TypeError, ValueError, RecursionError) as error:
            raise CorruptDatabase(self.path, f"a row cannot be read: {error}", RESTORE) from error

    def together(self) -> DirectoryBlock:
        """Store what a `with` block puts in all at once; nothing of it if the block raises."""
        return self._file.writing()


_RESOURCES = "SELECT kind, id, tenant, name, data FROM resources"

_NUMBER = "SELECT number FROM numbers WHERE kind = ? AND tenant = ? AND name = ?"

_NUMBERED = "INSERT OR IGNORE INTO numbers VALUES (?, ?, ?, ?)"


def _caller(row: Any) -> Caller:  # noqa: ANN401 a row
    _, permissions, *user = row
    return Caller(None if user[0] is None else sound(_user(user)), frozenset(json.loads(permissions)))


def _user(row: Any) -> User:  # noqa: ANN401 a row
    return User(*row)


def _data(text: str) -> dict[str, object]:
    found = json.loads(text)
    if not isinstance(found, dict):
        msg = f"its data is {describe(found)}, no object"
        raise TypeError(msg)
    return found


def _resource(row: Any) -> Resource:  # noqa: ANN401 a row
    kind, number, tenant, name, data = row
    return Resource(kind, number, tenant, name, _data(data))


def _subscriber(row: Any) -> Subscriber:  # noqa: ANN401 a row
    list_, number, tenant, email, data = row
    return Subscriber(list_, number, tenant, email, _data(data))


def _name(number: int, within: str) -> str:
    return f"{within}/{number}" if within else str(number)


def _number_faults(**given: object) -> list[str]:
    return [
        f"{name}: must be a whole number from 1 up, not {describe(value)}"
        for name, value in given.items()
        if type(value) is not int or not 0 < value <= MAX_NUMBER
    ]


def _text_faults(**given: object) -> list[str]:
    told = {
        name: text_fault(text) if isinstance(text, str) else f"must be text, not {describe(text)}"
        for name, text in given.items()
    }
    return [f"{name}: {fault}" for name, fault in told.items() if fault]


def _kind_faults(kind: object, known: Iterable[str]) -> list[str]:
    fits = isinstance(kind, str) and kind in known
    return [] if fits else [f"kind: must be one of {', '.join(known)}, not {quoted(kind)}"]


def _data_faults(data: object) -> list[str]:
    fits = data is None or isinstance(data, Mapping)
    return [*value_faults(data, "data")] if fits else [f"data: must be an object, not {describe(data)}"]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and text_fault(value) is None


def _words(name: str, given: object) -> list[str]:
    """Return several texts as a list; raises InvalidInput for anything else."""
    found: list[Any] = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    wrong = [each for each in found if not _is_text(each)]
    if wrong or isinstance(given, str):
        raise InvalidInput([f"{name}: must be several texts, not {describe(wrong[0] if wrong else given)}"])
    return found


def _is_askable(value: object) -> bool:
    """Return whether a value can stand in a file: a number of at most 64 bits, a text, or nothing."""
    return value is None or _is_text(value) or (type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX)


def _askable(*values: object) -> tuple[object, ...]:
    _refuse([f"{describe(each)} can be no number, id or text" for each in values if not _is_askable(each)])
    return values


def _refuse(found: list[str]) -> None:
    if found:
        raise InvalidInput(found)
