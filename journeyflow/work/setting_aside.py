"""What becomes of an item whose handling raised an exception, so that it never stops the others (R9).

The engine first makes the batch smaller, until the item stands alone, and then sets it aside: carefully, with all that
belongs to the end of a run, or, if that raises too, barely, with no more than what keeps the item from being due again.
"""

from collections.abc import Callable

from journeyflow.basics.words import FAILED, INTERNAL_ERROR, SET_ASIDE
from journeyflow.catalog.catalog import Catalog
from journeyflow.machine.behaviours import advance
from journeyflow.machine.compiled_steps import NOWHERE
from journeyflow.machine.notes import Situation
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.stores.batch import HELD, INPUT, JOURNEY, PULL, QUEUE, TIMER, Due, DueKey, Request, timer_key
from journeyflow.stores.contract import Transaction
from journeyflow.work.entries import turn_away_first
from journeyflow.work.happenings import Tally
from journeyflow.work.outbox import put_aside
from journeyflow.work.pulls import turn_away_next
from journeyflow.work.scheduler import lay_out, plan
from journeyflow.work.working_set import Work

SettingAside = Callable[[Transaction, Due, Catalog, int, str], tuple[Changes, Tally]]
"""A way to set the first due item aside: from `now` and the error, the changes and what they come to."""


def set_aside(transaction: Transaction, due: Due, catalog: Catalog, now: int, error: str) -> tuple[Changes, Tally]:
    """Return the changes that set the first due item aside, loading little, since loading may fail too.

    The item is an input, a run, a message whose lease ended, or the next customer of a journey's timer.
    """
    key = due.keys[0]
    of_journey, about = key[1] == JOURNEY, Request(serials=frozenset(serial for serial, _ in due.posts))
    loaded = transaction.load(plan(due, catalog) if of_journey else about)
    work = lay_out(due, loaded, catalog, now, grace=catalog.grace)
    _WAYS[_kind(key)](work, key, error)
    return work.changes(), work.tally(1, errors=1)


def set_barely_aside(
    _transaction: Transaction, due: Due, _catalog: Catalog, _now: int, _error: str
) -> tuple[Changes, Tally]:
    """Return the least that keeps the first due item from being due again.

    No visit is written and nothing is counted; the audit says so.
    """
    key = due.keys[0]
    return _BARE_WAYS[_kind(key)](due, key), Tally(items=1, errors=1)


def name_item(due: Due, catalog: Catalog, key: DueKey) -> str:
    """Return what an item is, for the log."""
    instant, rank, first, second = key
    if rank == INPUT:
        item = due.inputs[first]
        return f"input {first} ({item.kind} {item.type!r} of customer {item.customer!r}, tenant {item.tenant!r})"
    if rank == JOURNEY:
        record = catalog.journeys[first]
        return f"the {'queue' if second == QUEUE else 'pull'} of journey {record.id!r}, tenant {record.tenant!r}"
    if rank == TIMER and second:
        return f"message {first}-{second}"
    run = due.runs[second if rank == HELD else first]
    return f"enrollment {run.serial} in journey {catalog.journeys[run.journey].id!r}, due at {instant}"


def _kind(key: DueKey) -> str:
    """Return the kind of work that stands at a place in the total order."""
    _, rank, _, second = key
    return {HELD: "run", INPUT: "input", TIMER: "message" if second else "run", JOURNEY: "journey"}[rank]


def _serial(key: DueKey) -> int:
    return key[3] if key[1] == HELD else key[2]


# --- carefully --------------------------------------------------------------------------------------------------------


def _input_aside(work: Work, key: DueKey, _error: str) -> None:
    work.handled.append((key[2], SET_ASIDE))


def _run_aside(work: Work, key: DueKey, error: str) -> None:
    """End a run as FAILED where it rests; the error stands among the values of that visit (R43, R85)."""
    run = work.runs[_serial(key)]
    at = max(work.effective(key[0]), run.last_at)
    ended = advance(
        work.program(run), run, "FAIL", Situation("", {}), at, reason=INTERNAL_ERROR, asked={"error": error}
    )
    work.set_run(ended.run)
    work.moves += [ended.move] if ended.move else []


def _message_aside(work: Work, key: DueKey, error: str) -> None:
    work.messages.set(put_aside(work.messages.posts[key[2:]], error))


def _journey_aside(work: Work, key: DueKey, error: str) -> None:
    """Refuse the customer whom a journey's timer is about, and go on with the next."""
    instant, _, number, which = key
    turn_away = {QUEUE: turn_away_first, PULL: turn_away_next}[which]
    turn_away(work, number, instant, {"error": error})


_WAYS: dict[str, Callable[[Work, DueKey, str], None]] = {
    "input": _input_aside,
    "run": _run_aside,
    "message": _message_aside,
    "journey": _journey_aside,
}


# --- barely -----------------------------------------------------------------------------------------------------------


def _bare_run(due: Due, key: DueKey) -> Changes:
    run = next(run for run in due.runs.values() if timer_key(run) == key)
    at = max(key[0], run.last_at)
    return Changes(
        runs=(
            run._replace(
                status=FAILED, reason=INTERNAL_ERROR, last_at=at, ended_at=at, step=NOWHERE,
                due=None, held=None, awaits=None,
            ),
        )
    )  # fmt: skip


_BARE_WAYS: dict[str, Callable[[Due, DueKey], Changes]] = {
    "input": lambda _, key: Changes(handled=((key[2], SET_ASIDE),)),
    "run": _bare_run,
    "message": lambda due, key: Changes(posts=(put_aside(due.posts[key[2:]], "no history could be written"),)),
    "journey": lambda _, key: Changes(limits=LimitChanges(stopped=(key[2:],))),
}
