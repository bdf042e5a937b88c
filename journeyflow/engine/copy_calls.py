"""The methods of an engine that copy journeys, and those that do one thing to many of them (R18)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args

from attrs import field, frozen

from journeyflow.basics.answer_rows import Rows
from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe, id_faults
from journeyflow.catalog.lifecycle import created
from journeyflow.definition.edits.copying import Copied, Resources, Templates, clone_of, copy_of
from journeyflow.definition.edits.renaming import renamed
from journeyflow.engine.inputs import one_or_many
from journeyflow.engine.version_calls import VersionCalls
from journeyflow.errors import MISSING, Fault, JourneyflowError
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.changes import Changes

BulkCall = Literal["enable", "disable", "clone", "delete", "remove"]
"""What `bulk` can do to many journeys."""


@frozen
class Bulk(Rows):
    """The result of a call on many journeys: every distinct id is in `processed` or in `failed` (F107).

    `failed` maps ids to the error that stood against each, such as NotFound or Conflict. `clones` maps the ids of
    cloned journeys to the new ones.
    """

    processed: tuple[str, ...]
    failed: Mapping[str, JourneyflowError]
    clones: Mapping[str, str] = field(factory=dict)


class CopyCalls(VersionCalls):
    """The methods of an `Engine` that copy journeys, and that change many of them."""

    # --- copies ---------------------------------------------------------------------------------------------------

    def clone(
        self,
        journey: str,
        to: str,
        *,
        at: datetime,
        name: str | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> JourneyInfo:
        """Make a DRAFT of the same steps under the id `to`: no enrollments, no statistics (R18, F103).

        It is a copy of the newest version; unpublished steps stay unpublished. The name is "Copy of ..." unless given;
        the notes name the original. `steps` maps ids of steps to those that they have in the copy, for hosts whose ids
        are unique over all journeys; whatever names a step follows. Raises NotFound, Conflict if the id is taken, and
        InvalidJourney for ids of steps that cannot be.
        """
        renames = _renames(steps)
        with self._core.amending() as transaction:
            record = self._find(transaction, journey)
            made = renamed(clone_of(record.newest.journey, to, name), renames)
            catalog = self._core.refresh(transaction)
            hidden = frozenset(renames.get(step, step) for step in record.newest_unpublished)
            changes = created(catalog, self._tenant, made, to_micros(at), of=journey, unpublished=hidden)
            transaction.commit(Changes(catalog=changes))
        return self.journey(to)

    def copy_to(
        self,
        tenant: str,
        journey: str,
        *,
        at: datetime,
        to: str | None = None,
        name: str | None = None,
        templates: Templates | None = None,
        data: Resources | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> Copied:
        """Copy a journey to another tenant as a DRAFT that is entered by hand; return what was changed (R18).

        The copy has the same id unless `to` is given. Lists, tags and other journeys that it names are reset and
        reported, and the steps that name them are unpublished. `templates` returns the other tenant's template for one
        of this tenant's, and is called once for each; without it the templates stay. `data` is called with each place
        in the data of Sends, such as "sender.domain" or "headers[0]", and the value there; where it returns what kind
        of resource of this tenant that is, and not None, the value is reset and reported too. `steps` renames steps, as
        in `clone`. Raises NotFound,
        InvalidInput for a malformed tenant, Conflict if the other tenant has a journey of that id.
        """
        found: list[str] = [*id_faults(tenant=tenant)]
        for what, function in (("templates", templates), ("data", data)):
            if function is not None and not callable(function):
                found.append(f"{what}: must be a function, not {describe(function)}")
        refuse(found + name_faults(to=to))
        renames = _renames(steps)
        record = self._known(journey)
        made, copied = copy_of(renamed(record.newest.journey, renames), to or journey, tenant, name, templates, data)
        hidden = frozenset(renames.get(step, step) for step in record.newest_unpublished).union(copied.unpublished)
        with self._core.amending() as transaction:
            catalog = self._core.refresh(transaction)
            changes = created(catalog, tenant, made, to_micros(at), of=journey, unpublished=hidden)
            transaction.commit(Changes(catalog=changes))
        return copied

    # --- many at once ---------------------------------------------------------------------------------------------

    def bulk(
        self,
        call: BulkCall,
        journeys: Iterable[str],
        *,
        at: datetime,
        suffix: str = " (copy)",
        to: Mapping[str, str] | Callable[[str], str] | None = None,
        allow_jump: bool = False,
    ) -> Bulk:
        """Enable, disable, clone, delete or remove many journeys, one by one: a failure does not stop the rest.

        Each distinct id is processed once, in the order given, and is then in `processed` or `failed` of the result
        (F104 to F108). Clones have `suffix` added to the name, and the id that `to` has or returns for the original;
        without it, or where it has none, the first free id of "x-copy", "x-copy-2", ...
        Raises InvalidInput only for an unknown call, an empty list, or one that holds something that cannot be an id.
        """
        named = list(one_or_many(journeys, str, "journeys"))
        faults = [fault for name in named for fault in id_faults(journeys=name)]
        if call not in get_args(BulkCall):
            faults.append(f"call: expected one of {', '.join(get_args(BulkCall))}, not {describe(call)}")
        if to is not None and not isinstance(to, Mapping) and not callable(to):
            faults.append(Fault("to", f"must map ids to those of their clones, not {describe(to)}"))
        if not named:
            faults.append(Fault("journeys", "name at least one", MISSING))
        refuse(faults)
        clones: dict[str, str] = {}
        calls: Mapping[str, Callable[[str], object]] = {
            "enable": lambda name: self.enable(name, at=at),
            "disable": lambda name: self.disable(name, at=at),
            "clone": lambda name: clones.update({name: self._clone_beside(name, suffix, at, to)}),
            "delete": self.delete,
            "remove": lambda name: self.remove(name, at=at, allow_jump=allow_jump),
        }
        processed, failed = list[str](), dict[str, JourneyflowError]()
        for name in dict.fromkeys(named):
            try:
                calls[call](name)
            except JourneyflowError as error:
                failed[name] = error.with_traceback(None)  # which holds this frame, and so the answer itself
            else:
                processed.append(name)
        return Bulk(tuple(processed), failed, clones)

    def _clone_beside(
        self, journey: str, suffix: str, at: datetime, to: Mapping[str, str] | Callable[[str], str] | None
    ) -> str:
        """Clone a journey under the id that is given, else under the first free one that shows where it comes from."""
        with self._core.store.transaction(write=False) as transaction:
            name = self._find(transaction, journey).newest.journey.name or journey
            taken = self._core.refresh(transaction).by_name
        wanted = to.get(journey) if isinstance(to, Mapping) else None if to is None else to(journey)
        beside, count = wanted or f"{journey}-copy", 2
        while wanted is None and (self._tenant, beside) in taken:
            beside, count = f"{journey}-copy-{count}", count + 1
        self.clone(journey, beside, at=at, name=f"{name}{suffix}")
        return beside


def _renames(steps: object) -> dict[str, str]:
    """Return what is given as new ids of steps; raises InvalidInput for anything but a mapping."""
    if steps is not None and not isinstance(steps, Mapping):
        refuse([Fault("steps", f"must map ids of steps to new ones, not {describe(steps)}")])
    return dict(steps) if isinstance(steps, Mapping) else {}
