"""The catalog, read from a store's rows or amended by one's own commit (R11, R12)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import get_args

from attrs import evolve

from journeyflow import formats
from journeyflow.basics import patterns
from journeyflow.basics.moments import NO_ZONE
from journeyflow.basics.words import State
from journeyflow.catalog.catalog import NONE, Catalog, JourneyRecord, build_catalog
from journeyflow.definition.journey import Journey
from journeyflow.definition.policies import PolicyHistory, Terms
from journeyflow.errors import CorruptDatabase, InvalidInput, InvalidJourney, MissingExtra, StorageError
from journeyflow.machine.program import Program, compile_journey
from journeyflow.records.changes import CatalogChanges
from journeyflow.stores.contract import Shelf

Compiled = dict[tuple[int, str], Program]
"""Compiled programs by version number and text, kept from one revision of the catalog to the next."""


def read_catalog(shelf: Shelf, path: object, compiled: Compiled) -> Catalog:
    """Return the catalog in a store's rows. Programs in `compiled` are reused. Raise CorruptDatabase, MissingExtra."""
    _check_types(shelf, path)
    transitions: dict[int, list[tuple[int, State]]] = {}
    for journey, at, state in shelf.transitions:
        if state not in get_args(State):
            raise CorruptDatabase(path, f"the state {state!r} of journey {journey} is none that a journey can have")
        transitions.setdefault(journey, []).append((at, state))
    names = {number: (tenant, journey) for number, tenant, journey in shelf.journeys}
    versions: dict[int, list[tuple[int, Program]]] = {}
    read = {text: program.journey for (_, text), program in compiled.items()}  # many tenants may have the same journey
    for number, journey, version, published_at, _, text in shelf.versions:
        program = _program(text, names[journey][0], (number, journey, version), path, compiled, read=read)
        _add_version(versions.setdefault(journey, []), published_at, program)
    flags: dict[int, list[tuple[int, frozenset[str]]]] = {}
    for journey, at, step, published in shelf.flags:
        _add_flag(flags.setdefault(journey, []), at, step, published=published)
    records = [
        JourneyRecord(
            number,
            *names[number],
            tuple(transitions.get(number, ())),
            tuple(versions[number]),
            tuple(flags.get(number, ())),
        )
        for number in names
    ]
    holds: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for tenant, at, channel, held in shelf.holds:
        _add_flag(holds.setdefault(tenant, []), at, channel, published=not held)
    policies: dict[str, PolicyHistory] = {}
    for tenant, at, text in shelf.policies:
        policies[tenant] = _with_policies(policies.get(tenant), tenant, at, text, path)
    numbers = shelf.next_journey, shelf.next_version
    return evolve(build_catalog(shelf.revision, shelf.meta, records, policies, numbers), holds=holds)


KEPT = 64
"""How many definitions a process keeps as they were read, for engines that come and go and load the same ones. Those of
one store, of which there may be many more, are known from its compiled programs."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "journeys": (int, str, str),
    "versions": (int, int, int, int, str, str),
    "transitions": (int, int, str),
    "policies": (str, int, str),
    "flags": (int, int, str, int),
    "holds": (str, int, str, int),
}
"""The types of the rows of a shelf."""


def _check_types(shelf: Shelf, path: object) -> None:
    """Raise CorruptDatabase if a row has a value of another type than its column."""
    for name, wanted in _TYPES.items():
        for found in {tuple(map(type, row)) for row in getattr(shelf, name)}:
            if not all(map(issubclass, found, wanted)):
                raise CorruptDatabase(path, f"a row of {name} has values of other types than its columns")


def amended(catalog: Catalog, changes: CatalogChanges, path: object, compiled: Compiled) -> Catalog:
    """Return the catalog as a commit leaves it, at a cost proportional to the commit's changes.

    The committer holds the lock, so the catalog has not changed meanwhile, and the commit itself makes one revision.
    """
    if not changes:
        return catalog
    touched = _amended_records(catalog, changes, path, compiled)
    journeys, by_name, programs = {**catalog.journeys, **touched}, dict(catalog.by_name), dict(catalog.programs)
    for record in touched.values():
        by_name[record.tenant, record.id] = record
        programs.update((program.number, program) for _, program in record.versions)
    for number in changes.purged:
        record = journeys.pop(number)
        del by_name[record.tenant, record.id]
        for each in {program.number for _, program in record.versions}:
            del programs[each]
    policies = dict(catalog.policies)
    for new in changes.policies:
        policies[new.tenant] = _with_policies(policies.get(new.tenant), new.tenant, new.at, new.text, path)
    touched_holds = {hold.tenant: [*catalog.holds.get(hold.tenant, ())] for hold in changes.holds}
    for hold in changes.holds:
        _add_flag(touched_holds[hold.tenant], hold.at, hold.channel, published=not hold.held)
    return evolve(
        catalog,
        revision=catalog.revision + 1,
        settings={**catalog.settings, **dict(changes.meta)},
        journeys=journeys,
        programs=programs,
        by_name=by_name,
        policies=policies,
        holds={**catalog.holds, **touched_holds},
        next_journey=max([catalog.next_journey, *(each.number + 1 for each in changes.journeys)]),
        next_version=max([catalog.next_version, *(each.number + 1 for each in changes.versions)]),
    )


def _amended_records(
    catalog: Catalog, changes: CatalogChanges, path: object, compiled: Compiled
) -> Mapping[int, JourneyRecord]:
    """Return the journeys that a commit touches, by number, with its additions to their history."""
    news = {each.number: JourneyRecord(each.number, each.tenant, each.id, (), ()) for each in changes.journeys}

    def known(journey: int) -> JourneyRecord:
        return news.get(journey) or catalog.journeys[journey]

    for version in changes.versions:
        record = known(version.journey)
        numbers = version.number, record.number, version.version
        program = _program(version.text, record.tenant, numbers, path, compiled, read={})
        versions = _replaced(record, program)
        _add_version(versions, version.published_at, program)
        news[record.number] = evolve(record, versions=tuple(versions))
    for number, text, _ in changes.described:
        before = catalog.programs[number]
        record = known(before.journey_number)
        program = _program(text, record.tenant, (number, record.number, before.version), path, compiled, read={})
        news[record.number] = evolve(record, versions=tuple(_replaced(record, program)))
    for transition in changes.transitions:
        record = known(transition.journey)
        transitions = (*record.transitions, (transition.at, transition.state))
        news[record.number] = evolve(record, transitions=transitions)
    for flag in changes.flags:
        record = known(flag.journey)
        flags = list(record.flags)
        _add_flag(flags, flag.at, flag.step, published=flag.published)
        news[record.number] = evolve(record, flags=tuple(flags))
    return news


def _replaced(record: JourneyRecord, program: Program) -> list[tuple[int, Program]]:
    """Return a journey's versions with a program in place of the one that had its number."""
    return [(at, program if each.number == program.number else each) for at, each in record.versions]


def _add_version(versions: list[tuple[int, Program]], at: int, program: Program) -> None:
    """Add a publication; a draft that is published again is listed once."""
    if versions and versions[-1][1] is program:
        versions.pop()
    versions.append((at, program))


def _add_flag(flags: list[tuple[int, frozenset[str]]], at: int, step: str, *, published: bool) -> None:
    """Add a flag: the steps that are unpublished after it (R17), or the channels that are held (R71)."""
    before = flags[-1][1] if flags else NONE
    flags.append((at, before - {step} if published else before | {step}))


def _with_policies(timeline: PolicyHistory | None, tenant: str, at: int, text: str, path: object) -> PolicyHistory:
    """Add policies to a tenant's history. Raise CorruptDatabase if they cannot be read (R31)."""
    try:
        terms = Terms(formats.loads_policies(text))
    except InvalidInput as error:
        _check_zones(error.faults, f"tenant {tenant!r} has policies", path, error)
        what = f"the policies of tenant {tenant!r} cannot be read: {error.faults[0]}"
        raise CorruptDatabase(path, what) from error
    return PolicyHistory((*(() if timeline is None else timeline.history), (at, terms)))


def _program(
    text: str,
    tenant: str,
    numbers: tuple[int, int, int],
    path: object,
    compiled: Compiled,
    *,
    read: dict[str, Journey],
) -> Program:
    """Return the program of a version, compiled at most once; its text is read at most once into `read`.

    `numbers` are those of the version, of its journey, and of the version within the journey.
    """
    number, journey_number, version = numbers
    program = compiled.get((number, text))
    if program is None:
        journey = read[text] = read.get(text) or _read(text, number, path)
        program = compile_journey(journey, number=number, journey_number=journey_number, version=version, tenant=tenant)
        compiled[number, text] = program
    return program


def _read(text: str, number: int, path: object) -> Journey:
    """Read a stored definition.

    Raise CorruptDatabase if it cannot be read, MissingExtra if the extra for its regular expressions is missing (R63),
    or StorageError if this machine lacks its time zone.
    """
    try:
        return _journey(text)
    except InvalidJourney as error:
        if not patterns.available() and any(problem.code == "operand" for problem in error.problems):
            feature = f"journey {error.journey!r} of this database (operators matches, notMatches)"
            raise MissingExtra(feature, "regex") from error
        _check_zones([each.message for each in error.problems], f"journey {error.journey!r} is", path, error)
        what = f"the definition of version {number} cannot be read: {error.problems[0]}"
        raise CorruptDatabase(path, what) from error


@lru_cache(KEPT)
def _journey(text: str) -> Journey:
    """Return the journey of a text, the same one for every engine of the process: it never changes."""
    return formats.loads_journey(text)


def _check_zones(faults: Iterable[str], whose: str, path: object, cause: Exception) -> None:
    """Raise StorageError with the remedy if a fault is about a time zone: it was known when this was stored."""
    for fault in faults:
        if NO_ZONE in fault:
            zone = fault.partition(f" {NO_ZONE}")[0].rpartition(": ")[2]
            what = f"{whose} in the time zone {zone}, which this machine does not know"
            raise StorageError(path, what, "install newer time zones: pip install -U tzdata") from cause
