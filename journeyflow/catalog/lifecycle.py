"""Publishing and the lifecycle calls: pure functions from the catalog to `CatalogChanges` (R11, R12, R15)."""

from collections.abc import Collection, Mapping
from typing import Any

from attrs import evolve

from journeyflow import formats
from journeyflow.basics.values import describe
from journeyflow.basics.words import State
from journeyflow.catalog.catalog import NONE, Catalog, JourneyRecord
from journeyflow.catalog.migration import Plan, mapping_faults
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.policies import Policies
from journeyflow.definition.unpublished import flag_problems
from journeyflow.errors import ERROR, Conflict, InvalidInput, InvalidJourney, NotFound, Superseded, did_you_mean
from journeyflow.records.changes import CatalogChanges, Flag, Hold, NewJourney, NewPolicies, NewVersion, Transition
from journeyflow.records.public import PublishedVersion

ALLOWED: Mapping[str, frozenset[tuple[str, State]]] = {
    "activate": frozenset({("DRAFT", "ACTIVE")}),
    "pause": frozenset({("ACTIVE", "PAUSED")}),
    "resume": frozenset({("PAUSED", "ACTIVE")}),
    "archive": frozenset({("ACTIVE", "ARCHIVED"), ("PAUSED", "ARCHIVED")}),
}
"""The transitions that each lifecycle call may make (R11)."""

GOALS: Mapping[str, State] = {"activate": "ACTIVE", "pause": "PAUSED", "resume": "ACTIVE", "archive": "ARCHIVED"}

REMOVALS: Mapping[str, tuple[State, str]] = {"delete": ("DRAFT", "deleted"), "purge": ("ARCHIVED", "purged")}
"""The calls that remove a journey, each with the state it requires and the word for its effect (R15)."""

SWITCHES: Mapping[tuple[str, State], str] = {
    ("enable", "DRAFT"): "activate",
    ("enable", "PAUSED"): "resume",
    ("disable", "ACTIVE"): "pause",
}
"""Octeth's two calls: Enabled is ACTIVE, Disabled is DRAFT or PAUSED (R11)."""

FINAL = "an archived journey is final; use another id"

REMEDIES = {
    ("delete", "ACTIVE"): "archive it, then purge it",
    ("delete", "PAUSED"): "archive it, then purge it",
    ("delete", "ARCHIVED"): "purge it instead",
    ("purge", "DRAFT"): "delete it instead",
    ("purge", "ACTIVE"): "archive it first",
    ("purge", "PAUSED"): "archive it first",
    ("enable", "ACTIVE"): "it is enabled already",
    ("disable", "DRAFT"): "it is disabled already",
    ("disable", "PAUSED"): "it is disabled already",
    ("activate", "ACTIVE"): "it is active already",
    ("activate", "PAUSED"): "resume it instead",
    ("resume", "ACTIVE"): "it is active already",
    ("pause", "PAUSED"): "it is paused already",
    ("archive", "DRAFT"): "delete it instead",
    ("archive", "ARCHIVED"): "it is archived already",
    **dict.fromkeys([("activate", "ARCHIVED"), ("pause", "ARCHIVED"), ("resume", "ARCHIVED")], FINAL),
    ("resume", "DRAFT"): "activate it instead",
    ("pause", "DRAFT"): "nothing runs in a draft",
}


def find(catalog: Catalog, tenant: str, journey: str) -> JourneyRecord:
    """Return a journey of a tenant. Raise NotFound, with a suggestion, if it does not exist (R91)."""
    record = catalog.by_name.get((tenant, journey))
    if record is None:
        known = [each.id for each in catalog.of_tenant(tenant)]
        kind = "journey"
        raise NotFound(kind, journey, did_you_mean(journey, known))
    return record


def published(
    catalog: Catalog,
    tenant: str,
    journey: Journey,
    at: int,
    *,
    rollback: bool = False,
    hidden: frozenset[str] | None = None,
    inhabited: Collection[int] = (),
) -> tuple[PublishedVersion, CatalogChanges]:
    """Publish a definition, with the flags of its steps: return the number of its version, and the changes (R12, R17).

    Of the definition's steps, those in `hidden` become unpublished and the others published; None leaves the flags as
    they are. `inhabited` are the numbers of the versions that customers are in. Raise NotFound for an unpublished step
    that the definition does not have, and what `_published` and `_flags` raise.
    """
    record = catalog.by_name.get((tenant, journey.id))
    before = NONE if record is None else record.newest_unpublished
    if hidden is None:
        return _published(catalog, tenant, journey, at, before, rollback=rollback)
    for step in sorted(hidden - journey.index.keys()):
        kind = "step"
        raise NotFound(kind, step, did_you_mean(step, journey.index), journey=journey.id)
    after = before - journey.index.keys() | hidden
    check_flags(journey, after)
    version, changes = _published(catalog, tenant, journey, at, after, rollback=rollback)
    if record is not None:
        return version, changes._replace(flags=_flags(record, after, at, inhabited))
    flags = tuple(Flag(catalog.next_journey, at, step, published=False) for step in sorted(after))
    return version, changes._replace(flags=flags)


def _published(
    catalog: Catalog, tenant: str, journey: Journey, at: int, unpublished: frozenset[str], *, rollback: bool
) -> tuple[PublishedVersion, CatalogChanges]:
    """Publish a definition without flags: return the number of its version, and the changes (R12).

    Content equal to that of any version changes only name, description and notes, which are edited in place. Older
    content becomes the newest again only with `rollback`. A draft is replaced. An `at` before the newest version's
    instant means that instant. Raise Conflict for an ARCHIVED journey, and InvalidJourney if the version is not valid
    without the unpublished steps or, in a journey that is not a draft, has an error such as no steps.
    """
    record = catalog.by_name.get((tenant, journey.id))
    text, mark = formats.dumps_journey(journey, indent=None), formats.fingerprint(journey)
    if record is None:
        number = catalog.next_journey
        first = NewVersion(catalog.next_version, number, 1, at, mark, text)
        return PublishedVersion(1), CatalogChanges(
            journeys=(NewJourney(number, tenant, journey.id),), versions=(first,)
        )
    if record.newest_state == "ARCHIVED":
        raise Conflict(record.id, record.newest_state, "published", FINAL)
    same = next((program for _, program in record.versions if formats.fingerprint(program.journey) == mark), None)
    newest_at = record.versions[-1][0]
    if same is not None and (same is record.newest or not rollback):
        described = () if formats.dumps_journey(same.journey, indent=None) == text else ((same.number, text, at),)
        return PublishedVersion(same.version, newest=same is record.newest), CatalogChanges(described=described)
    check_flags(journey, unpublished)
    if same is not None:  # it becomes the newest again
        again = NewVersion(same.number, record.number, same.version, max(at, newest_at), mark, text)
        return PublishedVersion(same.version), CatalogChanges(versions=(again,))
    number, version = record.newest.number, record.newest.version
    if record.newest_state != "DRAFT":
        check_startable(journey)
        number, version = catalog.next_version, max(program.version for _, program in record.versions) + 1
    made = NewVersion(number, record.number, version, max(at, newest_at), mark, text)
    return PublishedVersion(version), CatalogChanges(versions=(made,))


def edited(record: JourneyRecord, texts: Mapping[str, object], at: int) -> CatalogChanges:
    """Edit name, description, notes or meta of the newest version in place (R12, F93).

    Raise Conflict for an ARCHIVED journey, InvalidJourney for texts that are not valid.
    """
    if record.newest_state == "ARCHIVED":
        raise Conflict(record.id, record.newest_state, "edited", FINAL)
    program = record.newest
    text = formats.dumps_journey(evolve(program.journey, **dict[str, Any](texts)), indent=None)
    same = text == formats.dumps_journey(program.journey, indent=None)
    return CatalogChanges(described=() if same else ((program.number, text, at),))


def check_newest(record: JourneyRecord, replacing: Journey | None) -> None:
    """Raise Superseded if the newest definition is another one than that which a change was made from (R12)."""
    if not isinstance(replacing, Journey | None):
        msg = f"replacing: expected a Journey, not {describe(replacing)}"
        raise TypeError(msg)
    if replacing is not None and record.newest.journey != replacing:
        raise Superseded(record.id, record.newest_state)


def created(
    catalog: Catalog, tenant: str, journey: Journey, at: int, *, of: str, unpublished: frozenset[str] = NONE
) -> CatalogChanges:
    """Create a draft as a copy of another journey, with its unpublished steps. Raise Conflict if the id is taken."""
    taken = catalog.by_name.get((tenant, journey.id))
    if taken is not None:
        raise Conflict(journey.id, taken.newest_state, f"a copy of {of!r}", "that id is taken; use another")
    changes = published(catalog, tenant, journey, at)[1]
    flags = tuple(Flag(catalog.next_journey, at, step, published=False) for step in sorted(unpublished))
    return changes._replace(flags=flags)


def removed(record: JourneyRecord, call: str) -> CatalogChanges:
    """Delete a draft, or purge an archived journey, with all its history (R15). Raise Conflict in any other state."""
    state, done = REMOVALS[call]
    if record.newest_state != state:
        raise Conflict(record.id, record.newest_state, done, REMEDIES[call, record.newest_state])
    return CatalogChanges(purged=(record.number,))


def flagged(record: JourneyRecord, flags: Mapping[str, bool], at: int, inhabited: Collection[int]) -> CatalogChanges:
    """Publish and unpublish steps, in all versions at once; flags that do not change are not written (R17).

    `inhabited` are the numbers of the versions that customers are in. An `at` before the newest flag's instant means
    that instant. Raise NotFound for a step that no version has, Conflict for an ARCHIVED journey, and InvalidJourney if
    a version that customers are in, or enter, would not be valid without those steps.
    """
    if record.newest_state == "ARCHIVED":
        raise Conflict(record.id, record.newest_state, "changed", FINAL)
    known = {step.id for _, program in record.versions for step in program.journey.steps}
    for step in flags:
        if step not in known:
            kind = "step"
            raise NotFound(kind, step, did_you_mean(step, known))
    after = (record.newest_unpublished | flags.keys()) - {step for step, published in flags.items() if published}
    return CatalogChanges(flags=_flags(record, after, at, {record.newest.number, *inhabited}))


def _flags(record: JourneyRecord, after: frozenset[str], at: int, versions: Collection[int]) -> tuple[Flag, ...]:
    """Return the flags that change, so that exactly the steps in `after` are unpublished, not before the newest flag.

    Raise InvalidJourney if one of these versions would not be valid without them.
    """
    programs = {program.number: program for _, program in record.versions}
    for number in sorted(versions):
        check_flags(programs[number].journey, after)
    instant = max(at, record.flags[-1][0]) if record.flags else at
    changed = sorted(after ^ record.newest_unpublished)
    return tuple(Flag(record.number, instant, step, step not in after) for step in changed)


def migration(record: JourneyRecord, version: int, mapping: Mapping[str, str | None], at: int) -> Plan:
    """Return a plan to move every active run to a version (R14), not before the journey's newest transition.

    Raise Conflict for a journey that is neither ACTIVE nor PAUSED, NotFound for an unknown version, InvalidInput for a
    mapping that names unknown steps, and InvalidJourney if the version is not valid without the unpublished steps.
    """
    if record.newest_state not in {"ACTIVE", "PAUSED"}:
        raise Conflict(record.id, record.newest_state, "migrated", "no customer is inside")
    found = {program.version: program for _, program in record.versions}
    if version not in found:
        kind = "version"
        raise NotFound(kind, version, journey=record.id)
    if faults := mapping_faults(record, found[version], mapping):
        raise InvalidInput(faults)
    check_flags(found[version].journey, record.newest_unpublished)
    return Plan(found[version], mapping, max(at, record.newest_at or at))


def check_flags(journey: Journey, unpublished: frozenset[str]) -> None:
    """Raise InvalidJourney for a version that is not valid without the unpublished steps (R17)."""
    found = tuple(flag_problems(journey, unpublished)) if unpublished else ()
    if found:
        raise InvalidJourney(journey.id, found)


def switch(record: JourneyRecord, word: str) -> str:
    """Return the call that enables or disables a journey in its state (F97, F98). Raise Conflict if there is none."""
    call = SWITCHES.get((word, record.newest_state))
    if call is None:
        raise Conflict(record.id, record.newest_state, f"{word}d", REMEDIES.get((word, record.newest_state), ""))
    return call


def check_startable(journey: Journey) -> None:
    """Raise InvalidJourney for a journey with an error: one without steps, or a draft that is unfinished (R13)."""
    wrong = [problem for problem in problems(journey) if problem.severity == ERROR]
    if wrong:
        draft = formats.Draft.of(journey)
        raise InvalidJourney(journey.id, wrong if draft is None else draft.problems)


def moved(record: JourneyRecord, call: str, at: int) -> Transition:
    """Return the transition of a lifecycle call, not before the journey's newest one (R11).

    Raise Conflict if the call is not allowed in the current state, InvalidJourney if the journey cannot be activated.
    """
    before, after = record.newest_state, GOALS[call]
    if (before, after) not in ALLOWED[call]:
        raise Conflict(record.id, before, after, REMEDIES[call, before])
    if call == "activate":
        check_startable(record.newest.journey)
    newest = record.newest_at
    return Transition(record.number, at if newest is None else max(at, newest), after)


def policies_set(
    catalog: Catalog, tenant: str, policies: Policies, at: int, replacing: Policies | None
) -> CatalogChanges:
    """Return the changes when a tenant sets policies: none if they are already in force (R31).

    An `at` before the newest instant means that instant (R11). Raise Superseded if the newest policies are others than
    those which a change was made from.
    """
    timeline = catalog.policies.get(tenant)
    since, before = (at, Policies()) if timeline is None else timeline.newest
    if replacing is not None and replacing != before:
        raise Superseded(tenant, kind="the policies of tenant")
    if before == policies:
        return CatalogChanges()
    return CatalogChanges(
        policies=(NewPolicies(tenant, max(at, since), formats.dumps_policies(policies, indent=None)),)
    )


def holding(catalog: Catalog, tenant: str, channel: str, at: int, *, hold: bool) -> CatalogChanges:
    """Return the changes when a tenant holds or releases a channel: none if it is so already (R71).

    An `at` before the newest instant means that instant (R11).
    """
    history = catalog.holds.get(tenant, ())
    since, before = history[-1] if history else (at, NONE)
    if hold == (channel in before):
        return CatalogChanges()
    return CatalogChanges(holds=(Hold(tenant, max(at, since), channel, hold),))
