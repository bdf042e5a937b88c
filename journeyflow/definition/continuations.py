"""Where the outcomes of a step lead, and steps with other continuations or options (R40)."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, fields_dict

from journeyflow.definition.steps import Arm, Branch, Condition, End, Send, Split, Step, Target, Update, Wait


def with_options(step: Step, options: Mapping[str, Any]) -> Step:
    """Return a step with some options changed, by name.

    >>> from journeyflow.definition.steps import arm
    >>> with_options(Split("s", arm(100)), {"name": "Test"})
    Split('s', Arm(100, None, 'A'), name='Test')
    """
    said = {name: options.get(name, getattr(step, name)) for name in fields_dict(type(step))}
    if isinstance(step, Split):
        return Split(said.pop("id"), *said.pop("arms"), **said)
    if isinstance(step, Update):
        return Update(said.pop("id"), *said.pop("changes"), **said)
    return type(step)(**said)


# --- continuations ----------------------------------------------------------------------------------------------------


def targets(step: Step) -> list[tuple[str, Target]]:
    """Return the continuations of a step as (place in a journey file, target), `next` first; none for an End.

    >>> targets(Wait("w", event="x", next="a", on_timeout="b"))
    [('next', 'a'), ('on_event', None), ('on_timeout', 'b'), ('on_missing', None), ('on_past', None)]
    """
    if isinstance(step, End):
        return []
    edges: list[tuple[str, Target]] = [("next", step.next)]
    if isinstance(step, Wait):
        edges += [(name, getattr(step, name)) for name in ("on_event", "on_timeout", "on_missing", "on_past")]
    elif isinstance(step, Condition):
        edges += [*_of_parts("branches", step.branches), ("else", step.otherwise)]
    elif isinstance(step, Split):
        edges += _of_parts("arms", step.arms)
    return edges


def _of_parts(word: str, parts: object) -> list[tuple[str, Target]]:
    """Return the continuations of branches or arms; a part that is neither has none."""
    found = enumerate(parts if isinstance(parts, tuple) else ())
    return [(f"{word}[{n}].next", each.next) for n, each in found if isinstance(each, Branch | Arm)]


def with_targets(step: Step, place: Mapping[str, Target]) -> Step:
    """Return a step with some continuations replaced, by the places that `targets` gives them.

    >>> from journeyflow.definition.steps import arm
    >>> with_targets(Split("s", arm(100, "a")), {"arms[0].next": "b", "next": "c"})
    Split('s', Arm(100, 'b', 'A'), next='c')
    """
    if isinstance(step, End) or not place:
        return step
    if isinstance(step, Send | Wait):
        return evolve(step, **place)  # type: ignore[arg-type]  # the places are names of options
    said: dict[str, Any] = {"next": place.get("next", step.next)}
    if isinstance(step, Condition):
        said["branches"] = _moved("branches", step.branches, place)
        said["otherwise"] = place.get("else", step.otherwise)
    elif isinstance(step, Split):
        said["arms"] = _moved("arms", step.arms, place)
    return with_options(step, said)


def _moved(word: str, parts: Any, place: Mapping[str, Target]) -> Any:  # noqa: ANN401 branches or arms
    """Return branches or arms with their new continuations; a part that is neither stays as it is."""
    if not isinstance(parts, tuple):
        return parts
    return tuple(
        evolve(each, next=place.get(f"{word}[{n}].next", each.next)) if isinstance(each, Branch | Arm) else each
        for n, each in enumerate(parts)
    )
