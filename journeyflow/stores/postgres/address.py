"""Addresses of PostgreSQL stores: those of the server, with the schema that the host chooses as a parameter."""

from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from journeyflow.basics.values import describe
from journeyflow.errors import StorageError

SCHEMA = "journeyflow"
"""The schema unless the host names another one."""

LONGEST = 63
"""How many bytes PostgreSQL keeps of a name; it cuts the rest off without a word."""


class Address(NamedTuple):
    """Where a store is: what to hand to the driver, the name of the schema, and what errors may show."""

    server: str
    schema: str
    shown: str

    @classmethod
    def of(cls, text: str, schema: str | None = None) -> "Address":
        """Return the parts of an address.

        >>> Address.of("postgresql://jo:secret@db/shop?schema=mail&sslmode=require")[:2]
        ('postgresql://jo:secret@db/shop?sslmode=require', 'mail')
        >>> Address.of("postgresql://jo:secret@db/shop").shown
        'postgresql://jo@db/shop?schema=journeyflow'
        """
        parts = urlsplit(text)
        asked = parse_qsl(parts.query, keep_blank_values=True)
        named = schema if schema is not None else dict(asked).get("schema", SCHEMA)
        shown = [(name, value) for name, value in asked if name not in {"schema", "password"}]
        host = parts.netloc.rpartition("@")
        user = f"{host[0].partition(':')[0]}{host[1]}{host[2]}"
        whole = urlunsplit((*parts[:1], user, parts.path, urlencode([*shown, ("schema", named)], safe="/"), ""))
        if fault := _fault(named):
            raise StorageError(whole, f"schema: {fault}", "name another one")
        kept = urlencode([(name, value) for name, value in asked if name != "schema"], quote_via=quote)
        return cls(urlunsplit((*parts[:3], kept, "")), named, whole)


def _fault(schema: object) -> str | None:
    """Return why a name is none of a schema, or None.

    >>> _fault("mail"), _fault("pg_mail")
    (None, "'pg_mail': names that begin with pg_ are PostgreSQL's own")
    """
    if not isinstance(schema, str):
        return f"must be text, not {describe(schema)}"
    if not schema or "\x00" in schema:
        return "must not be empty, and must have no NUL character"
    if len(schema.encode()) > LONGEST:
        return f"has more than {LONGEST} bytes"
    return f"{schema!r}: names that begin with pg_ are PostgreSQL's own" if schema.startswith("pg_") else None
