"""Drafts that may be unfinished: the file of a journey that is being written, kept with an empty journey (R13)."""

from collections.abc import Iterator, Mapping
from typing import Any, Self, cast

from attrs import evolve, field, frozen

from journeyflow.basics.values import describe, thaw
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.options import as_data
from journeyflow.errors import InvalidInput, InvalidJourney, Problem, brief, did_you_mean
from journeyflow.formats.native import content, digest
from journeyflow.formats.port import DRAFT
from journeyflow.formats.registry import DIALECTS


@frozen
class Draft:
    """A journey as it is being written: the JSON object of a journey file, finished or not.

    `journey_id` is the id of the journey, which the file need not have. `dialect` is the format of the file: "native",
    "loyalty" or "octeth". A `Journey` is always valid, so an unfinished one is none; publish `kept()` in its place, and
    get the file back with `Draft.of`.

    >>> draft = Draft("hi", {"trigger": {"event": "joined"}, "steps": [{"kind": "wait", "id": "rest", "next": "more"}]})
    >>> [(problem.code, problem.path) for problem in draft.problems]
    [('wait', 'steps[0]'), ('dangling', 'steps[0].next')]
    >>> draft.kept(), Draft.of(draft.kept()) == draft
    (Journey('hi', trigger 'joined', 0 steps: none), True)
    """

    journey_id: str
    file: Mapping[str, Any] = field(converter=as_data, hash=False, repr=brief)
    dialect: str = "native"

    def __attrs_post_init__(self) -> None:
        """Raise InvalidInput for a dialect that there is not."""
        if self.dialect not in DIALECTS:
            hint = did_you_mean(self.dialect, DIALECTS)
            raise InvalidInput([f"dialect: must be one of {', '.join(DIALECTS)}, not {describe(self.dialect)}{hint}"])

    @classmethod
    def of(cls, journey: Journey) -> Self | None:
        """Return the draft that a journey was published from; None if there is none, or the journey is another by now.

        Whether it is another is decided by its content: texts and meta may have been edited. In a copy, the draft has
        the id of the copy.
        """
        kept = thaw(journey.meta.get(DRAFT))
        if not isinstance(kept, dict) or kept.get("of") != _content(journey):
            return None
        return cls(journey.id, kept["file"], kept["dialect"])

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the file, each with its place in it; of a journey that is whole, its warnings."""
        try:
            return problems(self.journey())
        except InvalidJourney as error:
            return error.problems

    def journey(self) -> Journey:
        """Return the journey. Raises InvalidJourney with every problem as long as it is unfinished."""
        return self._read(self.file)

    def kept(self) -> Journey:
        """Return what to publish: the journey, or while it is unfinished one without steps; its meta holds the file.

        One without steps has whatever else can be read, such as trigger and name, or else the id alone. Raises
        InvalidJourney for an id or a file that cannot be stored.
        """
        made = next(self._readable())
        kept = {"of": _content(made), "file": self.file, "dialect": self.dialect}
        return evolve(made, meta={**made.meta, DRAFT: kept})

    def _readable(self) -> Iterator[Journey]:
        """Yield the journey as far as it can be read: all of it, what is beside its steps, its id."""
        steps = DIALECTS[self.dialect].steps
        for file, options in ((self.file, {}), ({**self.file, steps: []}, {"steps": ()})):
            try:
                yield evolve(self._read(file), **cast("dict[str, Any]", options))
            except InvalidJourney:
                continue
        yield Journey(self.journey_id, steps=())

    def _read(self, file: Mapping[str, Any]) -> Journey:
        dialect = DIALECTS[self.dialect]
        return dialect.read(thaw({**file, **dialect.named(self.journey_id)}))[0]


def _content(journey: Journey) -> str:
    """Return the fingerprint of a journey, whatever its id."""
    return digest({**content(journey), "id": None})
