"""What a service asks of a directory."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from journeyflow.services.directory.records import Caller, Resource, Subscriber, User


class Directory(Protocol):
    """Users, secrets and resources, and the numbers by which an interface calls what the engine calls by id.

    What belongs to another tenant is not found. A number is given once and never again.
    """

    def caller(self, secret: str, kind: str, now: int) -> Caller | None:
        """Return who has a secret of a kind ("key", "session", "admin") at an instant; None for nobody.

        How long it takes says nothing about the secrets that exist.
        """

    def user(self, number: int) -> User | None:
        """Return a user by number."""

    def resource(self, kind: str, tenant: str, number: int) -> Resource | None:
        """Return a resource of a tenant."""

    def resources(self, kind: str, tenant: str) -> Mapping[int, Resource]:
        """Return all resources of a kind of a tenant, by number."""

    def copy_resource(self, kind: str, tenant: str, number: int, to: str) -> int | None:
        """Copy a resource to another tenant and return the number of the copy; None if there is no such resource."""

    def subscriber(self, tenant: str, list_: int, number: int) -> Subscriber | None:
        """Return a subscriber of a list of a tenant."""

    def reserve(self, kind: str, tenant: str, within: str = "") -> int:
        """Return a new number for something that gets its text as its name: within a journey "journey/number"."""

    def numbers(self, kind: str, tenant: str, names: Iterable[str]) -> Mapping[str, int]:
        """Return the number of each name; one that has none is given one."""

    def named(self, kind: str, tenant: str, number: int) -> str | None:
        """Return the name that has a number; None if no name of the tenant has it."""
