"""For the tests of those who write journeys or stores."""

from journeyflow.testing.conformance import StoreConformance
from journeyflow.testing.running import (
    START,
    Ack,
    Call,
    Enroll,
    Leave,
    Life,
    Lifecycle,
    Put,
    Reaction,
    Run,
    run,
)
from journeyflow.testing.strategies import journeys, lives

__all__ = [
    "START",
    "Ack",
    "Call",
    "Enroll",
    "Leave",
    "Life",
    "Lifecycle",
    "Put",
    "Reaction",
    "Run",
    "StoreConformance",
    "journeys",
    "lives",
    "run",
]
