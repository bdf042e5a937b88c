"""For testing journeys and stores.

Playing lives needs no extra. `journeys`, `lives` and `policies` draw random ones; they need Hypothesis, the extra
`testing`.
"""

from typing import TYPE_CHECKING

from journeyflow.records.public import Enroll, Put
from journeyflow.testing.as_python import as_code
from journeyflow.testing.cassettes import Cassette, record
from journeyflow.testing.conformance import StoreConformance
from journeyflow.testing.host_calls import (
    START,
    Ack,
    Call,
    Forget,
    Leave,
    Life,
    Lifecycle,
    Migrate,
    Prune,
    Reaction,
    RetryRun,
    SetPolicies,
    SetPublished,
)
from journeyflow.testing.running import Played, run

if TYPE_CHECKING:
    from journeyflow.testing.strategies import journeys, lives, policies

__all__ = [
    "START",
    "Ack",
    "Call",
    "Cassette",
    "Enroll",
    "Forget",
    "Leave",
    "Life",
    "Lifecycle",
    "Migrate",
    "Played",
    "Prune",
    "Put",
    "Reaction",
    "RetryRun",
    "SetPolicies",
    "SetPublished",
    "StoreConformance",
    "as_code",
    "journeys",
    "lives",
    "policies",
    "record",
    "run",
]


def __getattr__(name: str) -> object:
    """Load the strategies on first use. Raise MissingExtra without Hypothesis."""
    if name in {"journeys", "lives", "policies"}:
        from journeyflow.testing import strategies  # noqa: PLC0415 an optional dependency
        from journeyflow.testing.registering import register  # noqa: PLC0415 likewise

        register()  # an installed package has an entry point for it, a checkout has none
        return getattr(strategies, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """Return the public names, including those that are loaded on first use."""
    return sorted(__all__)
