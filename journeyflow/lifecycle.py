"""What publishing and the lifecycle calls change: pure functions from the catalog to `Changes` (R11, R12, R15)."""

from collections.abc import Mapping, Sequence

from journeyflow import patterns
from journeyflow.catalog import Catalog, JourneyRecord, build_catalog
from journeyflow.codec import dumps_journey, fingerprint, loads_journey
from journeyflow.errors import (
    ERROR,
    Conflict,
    CorruptDatabase,
    InvalidInput,
    InvalidJourney,
    MissingExtra,
    NotFound,
    did_you_mean,
)
from journeyflow.journey import Journey, problems
from journeyflow.policies import Policies, Terms, Timeline
from journeyflow.policyfile import dumps_policies, loads_policies
from journeyflow.program import Program, compile_journey
from journeyflow.records import Changes, NewJourney, NewPolicies, NewVersion, State, Transition
from journeyflow.store import Shelf

ALLOWED: Mapping[str, frozenset[tuple[str, State]]] = {
    "activate": frozenset({("DRAFT", "ACTIVE")}),
    "pause": frozenset({("ACTIVE", "PAUSED")}),
    "resume": frozenset({("PAUSED", "ACTIVE")}),
    "archive": frozenset({("ACTIVE", "ARCHIVED"), ("PAUSED", "ARCHIVED")}),
}
"""Every lifecycle call with the transitions it makes (R11)."""

GOALS: Mapping[str, State] = {"activate": "ACTIVE", "pause": "PAUSED", "resume": "ACTIVE", "archive": "ARCHIVED"}

REMEDIES = {
    ("activate", "PAUSED"): "resume it instead",
    ("resume", "DRAFT"): "activate it instead",
    ("pause", "DRAFT"): "nothing runs in a draft",
}


def find(catalog: Catalog, tenant: str, journey: str) -> JourneyRecord:
    """Give a journey of a tenant; raises NotFound with a suggestion (R91)."""
    record = catalog.by_name.get((tenant, journey))
    if record is None:
        known = [name for of, name in catalog.by_name if of == tenant]
        kind = "journey"
        raise NotFound(kind, journey, did_you_mean(journey, known))
    return record


def published(
    catalog: Catalog, tenant: str, journey: Journey, at: int, *, rollback: bool = False
) -> tuple[int, Changes]:
    """Publish a definition: the version it has, and what changes (R12).

    The same content over all versions changes nothing but name, description and notes, which are edited in place. An
    old content becomes newest again only with `rollback`. A draft is replaced. An `at` before the newest version's
    instant means that instant. Raises Conflict for an ARCHIVED journey, InvalidJourney for a version without steps of
    one that people can enter.
    """
    record = catalog.by_name.get((tenant, journey.id))
    text, mark = dumps_journey(journey, indent=None), fingerprint(journey)
    if record is None:
        number = max(catalog.journeys, default=0) + 1
        first = NewVersion(_free(catalog), number, 1, at, mark, text)
        return 1, Changes(journeys=(NewJourney(number, tenant, journey.id),), versions=(first,))
    if record.newest_state == "ARCHIVED":
        raise Conflict(record.id, record.newest_state, "published", "an archived journey is final; use another id")
    same = next((program for _, program in record.versions if fingerprint(program.journey) == mark), None)
    newest_at = record.versions[-1][0]
    if same is not None and (same is record.newest or not rollback):
        described = () if dumps_journey(same.journey, indent=None) == text else ((same.number, text),)
        return same.version, Changes(described=described)
    if same is not None:  # later than the newest version, or it would not be the newest again
        again = NewVersion(same.number, record.number, same.version, max(at, newest_at + 1), mark, text)
        return same.version, Changes(versions=(again,))
    number, version = record.newest.number, record.newest.version
    if record.newest_state != "DRAFT":
        check_startable(journey)
        number, version = _free(catalog), max(program.version for _, program in record.versions) + 1
    return version, Changes(versions=(NewVersion(number, record.number, version, max(at, newest_at), mark, text),))


def _free(catalog: Catalog) -> int:
    """Give the next number of a version."""
    return max(catalog.programs, default=0) + 1


def check_startable(journey: Journey) -> None:
    """Refuse to activate a journey with an error, such as one without steps (R13)."""
    wrong = [problem for problem in problems(journey) if problem.severity == ERROR]
    if wrong:
        raise InvalidJourney(journey.id, wrong)


def moved(record: JourneyRecord, call: str, at: int) -> Transition:
    """Give the transition of a lifecycle call, not before the journey's newest one; raises Conflict (R11)."""
    before, after = record.newest_state, GOALS[call]
    if (before, after) not in ALLOWED[call]:
        raise Conflict(record.id, before, after, REMEDIES.get((call, before), ""))
    if call == "activate":
        check_startable(record.newest.journey)
    newest = record.newest_at
    return Transition(record.number, at if newest is None else max(at, newest), after)


def read_catalog(shelf: Shelf, path: object, compiled: dict[tuple[int, str], Program]) -> Catalog:
    """Build the catalog from a store's rows; `compiled` keeps programs from one revision to the next."""
    transitions: dict[int, list[tuple[int, State]]] = {}
    for journey, at, state in shelf.transitions:
        transitions.setdefault(journey, []).append((at, state))
    names = {number: (tenant, journey) for number, tenant, journey in shelf.journeys}
    versions: dict[int, list[tuple[int, Program]]] = {}
    for row in shelf.versions:
        number, journey, version, published_at, _, text = row
        program = compiled.get((number, text))
        if program is None:
            program = _compiled(text, names[journey][0], (number, journey, version), path)
            compiled[number, text] = program
        versions.setdefault(journey, []).append((published_at, program))
    records = [
        JourneyRecord(number, *names[number], tuple(transitions.get(number, ())), tuple(versions[number]))
        for number in names
    ]
    grace = shelf.meta.get("grace")
    policies = _read_policies(shelf, path)
    return build_catalog(shelf.revision, shelf.meta["nonce"], int(grace) if grace else None, records, policies)


def _read_policies(shelf: Shelf, path: object) -> dict[str, Timeline]:
    """Read the policies of every tenant; what cannot be read means a damaged file."""
    history: dict[str, list[tuple[int, Terms]]] = {}
    for tenant, at, text in shelf.policies:
        try:
            history.setdefault(tenant, []).append((at, Terms(loads_policies(text))))
        except InvalidInput as error:
            what = f"the policies of tenant {tenant!r} cannot be read: {error.faults[0]}"
            raise CorruptDatabase(path, what) from error
    return {tenant: Timeline(tuple(rows)) for tenant, rows in history.items()}


def policies_set(catalog: Catalog, tenant: str, policies: Policies, at: int) -> Changes:
    """Give what changes when a tenant sets policies: nothing where they hold already (R31).

    An `at` before the newest instant means that instant (R11).
    """
    timeline = catalog.policies.get(tenant)
    since, before = (at, Policies()) if timeline is None else timeline.newest
    if before == policies:
        return Changes()
    return Changes(policies=(NewPolicies(tenant, max(at, since), dumps_policies(policies, indent=None)),))


def _compiled(text: str, tenant: str, numbers: Sequence[int], path: object) -> Program:
    """Read and compile a stored definition.

    One that cannot be read means a damaged file, or the extra that its regular expressions need is missing (R63).
    """
    number, journey_number, version = numbers
    try:
        journey = loads_journey(text)
    except InvalidJourney as error:
        if not patterns.available() and any(problem.code == "operand" for problem in error.problems):
            feature = f"journey {error.journey!r} of this database (operators matches, notMatches)"
            raise MissingExtra(feature, "regex") from error
        what = f"the definition of version {number} cannot be read: {error.problems[0]}"
        raise CorruptDatabase(path, what) from error
    return compile_journey(journey, number=number, journey_number=journey_number, version=version, tenant=tenant)
