"""How many cases a property draws that plays whole lives: a part of them always, all of them in a long run."""

from hypothesis import HealthCheck, settings

SHARE = 3
"""One in so many cases is drawn, unless the profile is `long`."""


def cases(most: int) -> settings:
    """Return the settings of a property of at most so many cases, the same ones in every run."""
    count = most if settings.get_current_profile_name() == "long" else -(-most // SHARE)
    return settings(
        max_examples=count, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
