"""What both databases do alike where they look for due work (R16)."""

from collections.abc import Mapping


def unless_held(paused: Mapping[int, int]) -> str:
    """Return a condition that leaves out what a pause will hold: of these journeys from an instant each (R16).

    >>> unless_held({3: 50})
    ' AND NOT (journey = 3 AND due >= 50)'
    """
    return "".join(f" AND NOT (journey = {journey:d} AND due >= {since:d})" for journey, since in paused.items())
