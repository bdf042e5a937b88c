"""What a commit erases from the store in memory: personal data, finished history, whole journeys (R15, R86).

Like all that a commit does, these are steps that may be repeated (see `commits.py`).
"""

from collections.abc import Iterable

from journeyflow.records.changes import Erased, Forgotten, Pruned
from journeyflow.records.forgetting import (
    FORGOTTEN,
    anonymized,
    anonymous,
    bare_post,
    is_anonymous,
    without_error,
    without_person,
)
from journeyflow.records.message_ids import message_key
from journeyflow.records.rows import Input, Suppression
from journeyflow.records.suppression import KEY, known_events, suppressions
from journeyflow.stores.batch import TIMER, DueKey
from journeyflow.stores.memory.contents import MemoryRows, input_row


def rename(store: MemoryRows, people: Iterable[Forgotten]) -> None:
    """Rename customers to their anonymous names."""
    for person in people:
        if person.number in store.customers:
            store.customers[person.number] = (person.tenant, person.name, {})
            store.pulls.forget(person.tenant, person.id)
            store.numbers.pop((person.tenant, person.id), None)
            store.numbers[person.tenant, person.name] = person.number


def forget(store: MemoryRows, erased: Erased) -> None:
    """Remove the personal data of customers who have been renamed to their anonymous names (R86)."""
    for seq, text in erased.retold:
        store.inputs[seq] = input_row(store.input(seq)._replace(text=text))
    _suppress(store, erased.suppressed)
    for seq in erased.dismissed:
        _forget_input(store, store.input(seq), FORGOTTEN, anonymous(0))
    people = erased.forgotten
    if not people:
        return
    inbox = {person.number: person.inbox for person in people}
    serials = {serial: inbox[run.customer] for serial, run in store.runs.items() if run.customer in inbox}
    for serial in sorted(serials):
        store.runs[serial] = anonymized(store.runs[serial], "enrollments")
    for number in inbox.keys() & store.newest.keys():  # runs have lost their keys
        newest = {store.runs[serial].journey: serial for serial in store.newest[number]}
        store.newest[number] = tuple(sorted(newest.values()))
    store.moves = [anonymized(move, "moves") if move.serial in serials else move for move in store.moves]
    store.posts.update((key, bare_post(post)) for key, post in store.posts.items() if key[0] in serials)
    store.refusals = [anonymized(each, "last_refusals") if each.customer in inbox else each for each in store.refusals]
    for person in people:
        store.limits.forget(person.number)
        store.pulls.step_back(person.id, *_before(store, person))
        _forget_inputs(store, person)
    for item in store.told():
        key = message_key(item.id) if item.kind == "nack" else None
        if key is not None and key[0] in serials and (serials[key[0]] or item.seq in store.outcomes):
            without = without_error(item)
            store.inputs[item.seq] = input_row(without)
            store.pending.update({item.seq: without} if item.seq in store.pending else {})


def _before(store: MemoryRows, person: Forgotten) -> tuple[str, set[int]]:
    """Return the id before that of a forgotten customer of a tenant, "" for none, and the tenant's journeys."""
    names = (name for tenant, name, _ in store.customers.values() if tenant == person.tenant)
    before = max((name for name in names if name < person.id and not is_anonymous(name)), default="")
    return before, {each.number for each in store.journeys if each.tenant == person.tenant}


def _forget_inputs(store: MemoryRows, person: Forgotten) -> None:
    """Remove personal data from inputs about a customer; from waiting ones only if the inbox is to be emptied."""
    later = set(person.later)
    told = [
        item
        for item in store.told()
        if (item.tenant, item.customer) == (person.tenant, person.id) and item.seq not in later
        if person.inbox or item.seq in store.outcomes
    ]
    events = known_events((item, store.outcomes.get(item.seq)) for item in told)
    _suppress(store, suppressions(store.meta[KEY], person, events))  # first: ids are found by the customer's
    for item in told:
        _forget_input(store, item, store.outcomes.get(item.seq), person.name)


def _suppress(store: MemoryRows, entries: Iterable[Suppression]) -> None:
    """Add to the suppression list; what is on it already keeps the later instant."""
    for entry in entries:
        store.suppressions[entry.hash] = max(entry, store.suppressions.get(entry.hash, entry))


def _forget_input(store: MemoryRows, item: Input, outcome: str | None, name: str) -> None:
    bare, store.outcomes[item.seq] = without_person(item, outcome, name)
    store.pending.pop(item.seq, None)
    _unlearn(store, item)
    store.inputs[item.seq] = input_row(bare)  # last: until then it is found by the customer's id


def _unlearn(store: MemoryRows, item: Input) -> None:
    """Forget the id of an event."""
    if item.kind == "event" and item.id is not None:
        key = (item.tenant, item.type, item.id)
        left = [each for each in store.known.pop(key, []) if each[1] != item.seq]
        store.known.update({key: left} if left else {})


def prune(store: MemoryRows, pruned: Pruned) -> None:
    """Remove finished history (R86)."""
    store.runs.update((run.serial, run) for run in pruned.bared)
    for serial in pruned.gone:
        store.runs.pop(serial, None)
    emptied = {*pruned.gone, *(run.serial for run in pruned.bared)}
    _drop_history(store, emptied)
    store.arms.update(dict.fromkeys(pruned.arms))
    for seq in store.inputs.keys() & pruned.inputs:
        _unlearn(store, store.input(seq))
        store.outcomes.pop(seq, None)
        del store.inputs[seq]


def purge(store: MemoryRows, journey: int) -> None:
    """Remove a journey with everything recorded for it (R15)."""
    gone = {serial for serial, run in store.runs.items() if run.journey == journey}
    _drop_history(store, gone)
    store.arms = {each: None for each in store.arms if each[0] not in gone}
    for customer, newest in store.newest.items():
        store.newest[customer] = tuple(serial for serial in newest if serial not in gone)
    store.limits.purge(journey)
    store.pulls.purge(journey)
    store.journey_timers.keep(lambda key: key[2] != journey)
    store.refusals = [each for each in store.refusals if each.journey != journey]
    store.counters = {key: sums for key, sums in store.counters.items() if key[0] != journey}
    store.openings = {key: sums for key, sums in store.openings.items() if key[0] != journey}
    store.journeys = [each for each in store.journeys if each.number != journey]
    store.versions = {number: each for number, each in store.versions.items() if each.journey != journey}
    store.edited = {number: at for number, at in store.edited.items() if number in store.versions}
    store.publications = [each for each in store.publications if each[0] != journey]
    store.transitions = [each for each in store.transitions if each.journey != journey]
    store.flags = [each for each in store.flags if each.journey != journey]
    store.runs = {serial: run for serial, run in store.runs.items() if serial not in gone}  # last: they say what goes


def _drop_history(store: MemoryRows, gone: set[int]) -> None:
    """Remove the moves, messages and timers of runs, by serial."""
    store.moves = [move for move in store.moves if move.serial not in gone]
    store.posts = {key: post for key, post in store.posts.items() if key[0] not in gone}
    store.posts_of = {serial: numbers for serial, numbers in store.posts_of.items() if serial not in gone}
    store.posts_by_customer = None
    store.timers.keep(lambda key: _serial(key) not in gone)
    store.leases.keep(lambda key: key[2] not in gone)
    store.outbox.keep(lambda place: place[1] not in gone)


def _serial(key: DueKey) -> int:
    """Return the serial of the run whose timer has a place."""
    return key[2] if key[1] == TIMER else key[3]
