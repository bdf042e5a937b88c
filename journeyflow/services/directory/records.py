"""What a directory holds, as values."""

from collections.abc import Mapping

from attrs import field, frozen

KINDS = ("list", "tag", "field", "email", "domain", "export")
"""The kinds of resource: subscriber lists, tags, custom fields, emails, sender domains, exports of other things than
journeys."""

PERMISSIONS = ("Campaign.Create", "Campaign.Delete")
"""What a key or a session may do."""

SECRETS = ("key", "session", "admin")
"""The kinds of secret: the key of a user, a session of one, the key of an administrator, who is not a user."""


@frozen
class User:
    """A user: a number, the tenant of the engine whose journeys are the user's, and a name."""

    id: int
    tenant: str
    name: str = ""


@frozen
class Caller:
    """Who sent a request, known by a secret: the user, or None for an administrator; and what the secret permits."""

    user: User | None
    permissions: frozenset[str]


@frozen
class Resource:
    """A resource of a tenant: its kind, its number, which is unique for the kind, its name, and what else is known."""

    kind: str
    id: int
    tenant: str
    name: str = ""
    data: Mapping[str, object] = field(factory=dict, hash=False)


@frozen
class Subscriber:
    """A subscriber of a list: the number is unique within the list. `customer` is the engine's id, "LIST:NUMBER"."""

    list: int
    id: int
    tenant: str
    email: str = ""
    data: Mapping[str, object] = field(factory=dict, hash=False)

    @property
    def customer(self) -> str:
        """The id of the customer in the engine.

        >>> Subscriber(26, 1, "acme").customer
        '26:1'
        """
        return f"{self.list}:{self.id}"
