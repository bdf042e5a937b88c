"""How many cases a property draws: a part of them always, all of them in a long run."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

Case = TypeVar("Case")

SHARE = 4
"""One in so many cases is drawn, unless the profile is `long`."""


def long() -> bool:
    """Return whether all cases are asked for."""
    return settings.get_current_profile_name() == "long"


def share(most: int) -> int:
    """Return the part of so many cases that is always drawn."""
    return -(-most // SHARE)


def cases(most: int) -> settings:
    """Return the settings of a property of at most so many cases: the same ones in every run that is not `long`."""
    return settings(
        max_examples=most if long() else share(most),
        derandomize=not long(),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


def part(every: Sequence[Case]) -> Sequence[Case]:
    """Return a part of very many cases that are alike."""
    return every if long() else every[::SHARE]
