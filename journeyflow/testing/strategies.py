"""Hypothesis strategies: random valid journeys, and random lives made of what given journeys listen to."""

from journeyflow.errors import MissingExtra

try:
    from journeyflow.testing.definitions import journeys, policies
    from journeyflow.testing.telling import lives
except ImportError as error:
    feature = "making random journeys and lives (journeyflow.testing.journeys, lives)"
    raise MissingExtra(feature, "testing") from error

__all__ = ["journeys", "lives", "policies"]
