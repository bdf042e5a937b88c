"""Journeys as the loyalty platform's documents: steps linked by pointers, edited one by one (F118 to F122).

A document is what `formats.loyalty` reads. It may be unfinished: a pointer may name a step that is to come. It is kept
with the journey as a `Draft`; a journey that was changed by other means since is written anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, cast

from attrs import evolve, field, frozen

from journeyflow.basics.values import thaw
from journeyflow.definition.edits.editing import reorder_steps
from journeyflow.definition.journey import Journey
from journeyflow.errors import ERROR, InvalidJourney, Problem
from journeyflow.formats import Draft
from journeyflow.formats.json_parts import JsonObject
from journeyflow.formats.loyalty import write
from journeyflow.formats.loyalty.keys import HOST, POINTERS
from journeyflow.formats.loyalty.rules import present
from journeyflow.formats.port import DRAFT

ENTRY = "TRIGGER"
"""The type of a step that is the entry, and no step of the journey."""

DIALECT = "loyalty"
"""The format of the documents."""

OPEN = frozenset({"dangling"})
"""The problems of a document that is not finished yet: a step that others lead to is still to be added."""

LIMITED = ("triggerType", "triggerConfig", "segmentId", "exitConditions", "allowReentry", "timezone")
"""The keys of a journey that say who is in it and when: an ACTIVE one keeps them."""

EDITABLE = ("name", "description", *LIMITED)
"""The keys of a journey that a request may change."""


@frozen
class Document:
    """A journey as the platform has it: the keys of the journey, its steps in order, and who created it."""

    keys: JsonObject
    steps: tuple[JsonObject, ...] = ()
    created_by: str | None = None
    meta: Mapping[str, object] = field(factory=dict)
    """What others keep with the journey."""
    of: Journey | None = None
    """The definition that it was read from."""

    @property
    def inside(self) -> list[JsonObject]:
        """The steps that people are at: all but the TRIGGER."""
        return [step for step in self.steps if step["type"] != ENTRY]

    def step(self, step_id: str) -> JsonObject | None:
        """Return a step, or None."""
        return next((step for step in self.steps if step["id"] == step_id), None)

    def number(self, step_id: str) -> int | None:
        """Return the place of a step, from 1; the TRIGGER has none."""
        return next((n for n, step in enumerate(self.inside, 1) if step["id"] == step_id), None)


def document_of(journey: Journey) -> Document:
    """Return the document of a journey: the one that it was made from, or one that is written from its definition."""
    document = write(journey)[0]
    others = {name: value for name, value in journey.meta.items() if name not in {DRAFT, HOST}}
    keys = {key: document[key] for key in EDITABLE if key in document}
    draft = Draft.of(journey)
    if draft is not None and draft.dialect == DIALECT:
        document = cast("JsonObject", thaw(draft.file))
        keys |= {key: document[key] for key in ("triggerConfig", "exitConditions") if key in document}
    steps = tuple({key: value for key, value in step.items() if key != "stepNumber"} for step in document["steps"])
    return Document(keys, steps, document.get("createdBy"), others, journey)


def journey_of(name: str, document: Document, *, draft: bool) -> Journey:
    """Return the journey that a document stands for, which holds the document too.

    A draft may be unfinished: then the journey has no steps yet. Raises InvalidJourney with every problem, each with
    its place in the document.
    """
    made = Draft(name, present({**document.keys, "createdBy": document.created_by, "steps": document.steps}), DIALECT)
    wrong = [each for each in made.problems if each.severity == ERROR and each.code != "no-steps"]
    if wrong and not (draft and {each.code for each in wrong} <= OPEN):
        raise InvalidJourney(name, wrong)
    kept = made.kept()
    return evolve(kept, meta={**document.meta, **kept.meta})


# --- edits ------------------------------------------------------------------------------------------------------------


def added(document: Document, step: JsonObject, after: str | None) -> tuple[Document, str]:
    """Return a document with a step added, and the step's id; one without an id gets the first free number.

    With `after`, it follows that step, and leads where that one led; on a CONDITION or SPLIT, where none of its ways
    says anything else. Without it, it follows the last step, unless another step leads to it already, or its own
    pointers are given. Raises InvalidJourney for an unknown `after`, or one that nothing can come after.
    """
    made = {"id": _free(document) if step["type"] != ENTRY else "trigger", **step}
    if document.step(made["id"]) is not None:
        _refuse("duplicate", "id", f"there is a step {made['id']!r} already")
    place = _entered if made["type"] == ENTRY else _at_the_end
    steps = _after(document, made, after) if after is not None else place(document, made)
    return evolve(document, steps=steps), made["id"]


def _after(document: Document, made: JsonObject, after: str) -> tuple[JsonObject, ...]:
    """Return the steps with a new one after another."""
    before = document.step(after)
    if before is None:
        _refuse("unknown-step", "afterStepId", f"there is no step {after!r}")
    if before["type"] == "END":
        _refuse("place", "afterStepId", f"step {after!r} is an END: nothing comes after it")
    if before["type"] in {"CONDITION", "SPLIT"} and not _open_ways(before):
        sentence = f"every way of step {after!r} leads to a step; change one of its pointers to {made['id']!r} instead"
        _refuse("place", "afterStepId", sentence)
    follow = before.get("nextStepId")
    linked = {**made, "nextStepId": follow} if follow and made["type"] != "END" and not targets_of(made) else made
    steps = list[JsonObject]()
    for each in document.steps:
        steps += [{**each, "nextStepId": made["id"]}, linked] if each["id"] == after else [each]
    return tuple(steps)


def _entered(document: Document, trigger: JsonObject) -> tuple[JsonObject, ...]:
    """Return the steps with a TRIGGER in front, which leads to the first one."""
    first = document.steps[0]["id"] if document.steps else None
    return ({"nextStepId": first, **trigger} if first else trigger, *document.steps)


def _at_the_end(document: Document, made: JsonObject) -> tuple[JsonObject, ...]:
    """Return the steps with a new last one, to which the last one leads unless something else leads to it."""
    steps = [*document.steps]
    led_to = any(made["id"] in targets_of(step) for step in steps)
    if (
        steps
        and not led_to
        and steps[-1]["type"] != "END"
        and not steps[-1].get("nextStepId")
        and _open_ways(steps[-1])
    ):
        steps[-1] = {**steps[-1], "nextStepId": made["id"]}
    return (*steps, made)


def _free(document: Document) -> str:
    number = len(document.inside) + 1
    while document.step(f"step_{number}") is not None:
        number += 1
    return f"step_{number}"


def targets_of(step: JsonObject) -> list[str]:
    """Return the ids that a step leads to, in the order of its ways."""
    splits = [part.get("nextStepId") for part in step.get("config", {}).get("splits", ())]
    return [target for target in (*(step.get(name) for name in POINTERS), *splits) if target]


def _open_ways(step: JsonObject) -> bool:
    """Return whether a step goes on at its `nextStepId`: where one of its ways leads nowhere else."""
    if step["type"] == "CONDITION":
        return not (step.get("nextStepYesId") and step.get("nextStepNoId"))
    if step["type"] == "SPLIT":
        return not all(part.get("nextStepId") for part in step["config"].get("splits", ()))
    return bool(step["type"] != "END")


def changed(document: Document, step_id: str, changes: JsonObject) -> Document:
    """Return a document with keys of a step changed; null removes a key."""
    steps = [
        {key: value for key, value in {**step, **changes}.items() if value is not None}
        if step["id"] == step_id
        else step
        for step in document.steps
    ]
    return evolve(document, steps=tuple(steps))


def without_step(document: Document, step_id: str) -> Document:
    """Return a document without a step: what led to it leads where it led.

    A CONDITION led to its `nextStepId`, else to where nobody matched, else to where everybody did; a SPLIT to its
    first way. Steps that nothing leads to any more go with it.
    """
    gone = document.step(step_id)
    ways = [] if gone is None else [gone.get("nextStepId"), gone.get("nextStepNoId"), *targets_of(gone)]
    follow = next((way for way in ways if way and way != step_id), None)
    before = _reached(document.steps)
    left = [_redirected(step, step_id, follow) for step in document.steps if step["id"] != step_id]
    first = document.inside[:1]
    if follow is not None and first and first[0]["id"] == step_id:
        left.sort(key=lambda step: (step["type"] != ENTRY, step["id"] != follow))
    after = _reached(left)
    return evolve(document, steps=tuple(step for step in left if step["id"] in after or step["id"] not in before))


def _redirected(step: JsonObject, gone: str, follow: str | None) -> JsonObject:
    """Return a step that leads to another one instead of one that is gone."""
    moved = {key: follow if key in POINTERS and value == gone else value for key, value in step.items()}
    if splits := step.get("config", {}).get("splits"):
        ways = [{**part, "nextStepId": follow} if part.get("nextStepId") == gone else part for part in splits]
        ways = [{key: value for key, value in part.items() if value is not None} for part in ways]
        moved["config"] = {**step["config"], "splits": ways}
    return {key: value for key, value in moved.items() if value is not None}


def _reached(steps: Sequence[JsonObject]) -> set[str]:
    """Return the ids of the steps that can be reached."""
    of = {step["id"]: step for step in steps}
    begins = [step for step in steps if step["type"] == ENTRY] + [step for step in steps if step["type"] != ENTRY][:1]
    found, left = set[str](), [step["id"] for step in begins]
    while left:
        name = left.pop()
        if name in of and name not in found:
            found.add(name)
            left += targets_of(of[name])
    return found


def reordered(name: str, document: Document, order: Sequence[str]) -> Document:
    """Return a document with its steps in another order, which names every step once; the TRIGGER stays in front.

    Steps of one list change places; those of a branch stay in it. Raises InvalidJourney with every problem.
    """
    definition = journey_of(name, document, draft=False)
    known = {step["id"] for step in document.inside}
    implied = [step.id for step in definition.steps if step.id not in known]
    front = [step for step in document.steps if step["type"] == ENTRY]
    try:
        moved = reorder_steps(definition, [*order, *implied])
    except InvalidJourney as error:
        found = [evolve(each, path=each.path.replace("order", "stepIds", 1)) for each in error.problems]
        raise InvalidJourney(name, found) from None
    if set(order) != known:  # an END that the platform does not have is named, or left out
        _refuse("missing", "stepIds", "name every step once")
    pointers = {step["id"]: dict(_pointers(step, set(implied))) for step in write(moved)[0]["steps"]}
    steps = [_pointing(document.step(step_id) or {}, pointers[step_id]) for step_id in order]
    return evolve(document, steps=tuple([{**step, "nextStepId": order[0]} for step in front] + steps))


def _pointers(step: JsonObject, implied: set[str]) -> Iterator[tuple[str, object]]:
    """Yield the pointers of a written step, without those to an END that is implied."""
    yield from ((key, step[key]) for key in POINTERS if key in step and step[key] not in implied)
    if "splits" in step.get("config", {}):
        yield (
            "splits",
            [{key: value for key, value in part.items() if value not in implied} for part in step["config"]["splits"]],
        )


def _pointing(step: JsonObject, pointers: Mapping[str, object]) -> JsonObject:
    """Return a step with other pointers."""
    bare = {key: value for key, value in step.items() if key not in POINTERS}
    splits = pointers.get("splits")
    if splits is not None:
        bare["config"] = {**step["config"], "splits": splits}
    return {**bare, **{key: value for key, value in pointers.items() if key in POINTERS}}


def _refuse(code: str, path: str, sentence: str) -> NoReturn:
    """Raise InvalidJourney with one problem of a request."""
    raise InvalidJourney(path, [Problem(code, ERROR, path, sentence)])
