"""The types of the table of calls: operations, their codes and permissions, and the envelopes of faults."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from journeyflow.services.parameters import Parameter

VERSIONS = ("2023", "2024", "2025", "2026")
"""The four documents, oldest first."""

OLD = frozenset(VERSIONS[:2])
"""The versions before the answers became flat."""


@frozen
class Code:
    """A code of one call: its number, the HTTP status, and the message; `newer` is the message from 2025 on."""

    number: int
    status: int
    message: str
    newer: str = ""
    since: str = VERSIONS[0]

    def words(self, version: str) -> str:
        """Return the message in a version."""
        return self.newer if self.newer and version not in OLD else self.message


Envelope = Callable[[Sequence[Mapping[str, object]]], Mapping[str, object]]
"""A function from objects with Code and Message to the body of an answer."""


def errors(found: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """Return the usual envelope of faults."""
    return {"Errors": list(found)}


def unsuccessful_errors(found: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """Return the envelope of journey.copytouser."""
    return {"Success": False, "Errors": list(found)}


def codes(found: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """Return the envelope of journeys.delete: numbers alone."""
    return {"Success": False, "ErrorCode": [each["Code"] for each in found]}


def coded_errors(found: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """Return the envelope of journey.action.subscribers since 2025."""
    return {"Success": False, "ErrorCode": list(found)}


ENVELOPES: tuple[Envelope, ...] = (errors, unsuccessful_errors, codes, coded_errors)

CREATE, DELETE, ADMIN = "Campaign.Create", "Campaign.Delete", "Admin"
"""What a caller must be permitted; Admin is for the key of an administrator."""


@frozen
class Operation:
    """One call: its command, the methods and the path below /api/v1, and all that it may answer.

    `parameters` are of the kinds in `checks.PARAMETER_KINDS`. `codes` are the faults that are found while it is done,
    by reason. `envelopes` maps versions to their envelope of faults, where it is not the usual one. Without a `path`
    the call is made by its command alone. `seeds` are the versions whose documents have the call. `call` is the
    function that does it.
    """

    command: str
    methods: tuple[str, ...]
    path: str | None
    summary: str
    call: Callable[[Any, Mapping[str, Any]], object]
    parameters: tuple[Parameter[Code], ...] = ()
    codes: Mapping[str, Code] = field(factory=dict)
    envelopes: Mapping[str, Envelope] = field(factory=dict)
    permission: str = CREATE
    seeds: tuple[str, ...] = VERSIONS

    def envelope(self, version: str) -> Envelope:
        """Return the envelope of faults in a version."""
        return self.envelopes.get(version, errors)

    @property
    def all_codes(self) -> tuple[Code, ...]:
        """Every code of the call, by number and status."""
        found = {code for each in self.parameters for code in (each.missing, each.invalid) if code is not None}
        return tuple(sorted(found | set(self.codes.values()), key=lambda code: (code.number, code.status)))
