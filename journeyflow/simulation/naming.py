"""The names of journeys and those that a behavior uses: a typo in an exception would silently change nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeGuard

from journeyflow.definition.journey import Journey
from journeyflow.definition.steps import Send, Split
from journeyflow.errors import did_you_mean
from journeyflow.simulation.behavior import Behavior, When

if TYPE_CHECKING:
    from journeyflow.simulation.background import Lift


def unknown_names(behavior: Behavior, journeys: Iterable[Journey]) -> list[str]:
    """Return the faults of exceptions and lifts that can be about no message of some journeys.

    `simulate` only warns of them, since one behavior may serve journeys that are simulated apart.

    >>> unknown_names(Behavior(when=[When(channel="SMS", opened=0.9)]), [Journey(id="j", steps=[])])
    ["when[0].channel: no message has 'SMS'"]
    """
    known = _names(journeys)
    about: list[tuple[str, When | Lift]] = [(f"when[{n}]", each) for n, each in enumerate(behavior.when)]
    about += [
        (f"background[{n}].lifts[{m}]", lift)
        for n, each in enumerate(behavior.background)
        for m, lift in enumerate(each.lifts)
    ]
    return [
        f"{place}.{name}: no message has {value!r}{did_you_mean(value, filter(_is_text, known[name]))}"
        for place, each in about
        for name in known
        if (value := getattr(each, name, None)) is not None and value not in known[name]
    ]


def journey_faults(journeys: Iterable[Journey]) -> list[str]:
    """Return the faults of journeys that are to be played together: there are some, each with an id of its own."""
    ids = Counter(each.id for each in journeys)
    if not ids:
        return ["journeys: give one at least"]
    twice = ((name, count) for name, count in ids.items() if count > 1)
    return [
        f"journeys: the id {name!r} is there {count} times; compare shows versions side by side"
        for name, count in twice
    ]


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _names(journeys: Iterable[Journey]) -> Mapping[str, set[object]]:
    """Return what exceptions can be about, by the name of their field."""
    known: dict[str, set[object]] = {name: set() for name in ("channel", "template", "journey", "step", "arm")}
    for journey in journeys:
        known["journey"].add(journey.id)
        for step in journey.steps:
            if isinstance(step, Send):
                known["channel"].add(step.channel)
                known["template"].add(step.template)
                known["step"].add(step.id)
            elif isinstance(step, Split):
                known["arm"] |= {(step.id, arm.label) for arm in step.arms}
    return known
