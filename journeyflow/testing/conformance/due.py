"""The contract of stores: what is due, and in which order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from journeyflow.basics.words import SENT
from journeyflow.records.changes import Changes, LimitChanges
from journeyflow.stores.batch import HELD, INPUT, JOURNEY, TIMER, DueKey
from journeyflow.stores.inquiries import EarliestRequest, InputNumbersRequest, LastTickRequest, PastRequest
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import (
    ask,
    drained,
    due,
    due_of,
    expect,
    expect_contents,
    handle,
    load,
    write,
)
from journeyflow.testing.conformance.samples import (
    LIMITS,
    MINUTE,
    NOON,
    answer,
    busy_agenda,
    ended,
    event,
    leased,
    post,
    run,
    whole_order,
)


class DueWork(Begun):
    """Tests of what is due, and in which order."""

    def test_due_work_at_one_instant_has_an_order(self, tmp_path: Path) -> None:
        """At one instant: work that a pause held, then inputs, then timers and leases by serial (R7, R16)."""
        agenda = Changes(
            inputs=(event(), event("bob")),
            runs=(run(1, 1), run(2, 2, due=NOON, held=NOON - 5), run(3, 4), run(4, 1, 2, due=NOON, held=NOON - 9)),
            new_posts=(leased(1, 1, NOON), leased(2, 1, NOON)),
        )
        with self.begun(tmp_path) as store:
            write(store, agenda)
            expect(
                due(store).keys,
                (
                    (NOON, HELD, NOON - 9, 4),
                    (NOON, HELD, NOON - 5, 2),
                    (NOON, INPUT, 1, 0),
                    (NOON, INPUT, 2, 0),
                    (NOON, TIMER, 1, 0),
                    (NOON, TIMER, 1, 1),
                    (NOON, TIMER, 2, 1),
                    (NOON, TIMER, 3, 0),
                ),
            )

    def test_due_gives_a_prefix_of_the_order(self, tmp_path: Path) -> None:
        """Whatever the limit, the items are the earliest in total order, with exactly what belongs to them (R7)."""
        agenda = busy_agenda()
        order = whole_order(agenda)
        with self.begun(tmp_path) as store:
            write(store, agenda)
            for limit in (*LIMITS, len(order) - 1, len(order), len(order) + 1):
                found = due(store, NOON + MINUTE, limit)
                expect(list(found.keys), order[:limit], f"keys with limit {limit}")
                expect(found.more, len(order) > limit, f"more with limit {limit}")
                expect_contents(found)

    def test_due_stops_at_now(self, tmp_path: Path) -> None:
        """What is due exactly now is returned; what is due later is not (R3)."""
        agenda = busy_agenda()
        with self.begun(tmp_path) as store:
            write(store, agenda)
            for now in (NOON - MINUTE - 1, NOON - MINUTE, NOON, NOON + MINUTE - 1):
                wanted = [key for key in whole_order(agenda) if key[0] <= now]
                found = due(store, now, 10_000)
                expect((list(found.keys), found.more), (wanted, False), f"keys until {now}")

    def test_the_earliest_free_work_is_none_that_a_pause_will_hold(self, tmp_path: Path) -> None:
        """Rests and timers of paused journeys from an instant on are left out, and nothing else (R16, R73)."""
        agenda = busy_agenda()
        of = {run.serial: run.journey for run in agenda.runs}
        with self.begun(tmp_path) as store:
            write(store, agenda, Changes(limits=LimitChanges(timers=((1, 0, NOON), (2, 1, NOON + 1)))))
            keys: Sequence[DueKey] = due(store, NOON + MINUTE, 1_000).keys
            while keys:
                for paused in ({1: NOON}, {1: NOON - MINUTE, 2: NOON + 1}, dict.fromkeys(of.values(), NOON - MINUTE)):
                    free = [key[0] for key in keys if not _is_held(key, of, paused)]
                    wanted = keys[0][0], min(free, default=None)
                    expect(ask(store, EarliestRequest(paused)), wanted, f"paused {paused}")
                handle(store, limit=1)
                keys = keys[1:]

    def test_the_earliest_work_is_that_of_any_kind(self, tmp_path: Path) -> None:
        """However far ahead; what was handled or has ended does not count (R73)."""
        kinds = (
            Changes(limits=LimitChanges(timers=((1, 0, NOON + 4),))),
            Changes(runs=(run(1, 1, due=NOON + 3),)),
            Changes(new_posts=(leased(1, 1, NOON + 2),)),
            Changes(inputs=(event(at=NOON + 1),)),
        )
        with self.begun(tmp_path) as store:
            expect(ask(store, EarliestRequest({})), (None, None), "nothing")
            for instant, changes in zip((NOON + 4, NOON + 3, NOON + 2, NOON + 1), kinds, strict=True):
                write(store, changes)
                expect(ask(store, EarliestRequest({})), (instant, instant))
            write(store, Changes(handled=((1, "handled"),), posts=(post(1, 1, status=SENT),)))
            expect(ask(store, EarliestRequest({})), (NOON + 3, NOON + 3), "what is left")

    def test_the_earliest_work_after_a_commit_is_what_it_leaves(self, tmp_path: Path) -> None:
        """A transaction that has committed names the work that is left then, or None if it cannot tell yet (R73)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(at=NOON + 1), event(at=NOON + 2))))
            with store.transaction() as transaction:
                expect(transaction.ask(EarliestRequest({})), (NOON + 1, NOON + 1), "before the commit")
                transaction.commit(Changes(handled=((1, "handled"),)))
                found = transaction.ask(EarliestRequest({}))
                if found is not None:
                    expect(found, (NOON + 2, NOON + 2), "after the commit")
            expect(ask(store, EarliestRequest({})), (NOON + 2, NOON + 2), "in the next transaction")

    def test_due_work_of_some_customers_is_found_alone(self, tmp_path: Path) -> None:
        """Inputs about them, answers about their messages, rests and leases; others' events under their ids (R74)."""
        answers = [answer("ack", 1, 1), answer("nack", 2, 1), answer("requeue", 9, 9), answer("ack", 1, 9)]
        agenda = Changes(
            inputs=(event(id="e1"), event("bob", id="e1"), event("bob"), event(at=NOON + 1), event("new"), *answers),
            runs=(
                run(1, 1),
                run(2, 2),
                run(3, 4),
                run(4, 1, 2, due=NOON, held=NOON - 9),
                run(5, 1, 2, key="k", due=None),
            ),
            new_posts=(leased(1, 1, NOON), leased(2, 1, NOON), leased(1, 2, NOON + 1)),
        )
        with self.begun(tmp_path) as store:
            write(store, agenda)
            inputs = ((NOON, INPUT, 1, 0), (NOON, INPUT, 2, 0), (NOON, INPUT, 6, 0))
            ann = ((NOON, HELD, NOON - 9, 4), *inputs, (NOON, TIMER, 1, 0), (NOON, TIMER, 1, 1))
            expect(due_of(store, ("t", "ann")).keys, ann, "one customer")
            new = due_of(store, ("t", "new"))
            expect((new.keys, new.more), (((NOON, INPUT, 5, 0),), False), "one who is not known yet")
            expect(due_of(store, ("t", "nobody"), ("u", "ann")).keys, (), "nobody")
            everybody = due_of(store, ("t", "ann"), ("t", "bob"), limit=3)
            expect((everybody.keys[0], len(everybody.keys), everybody.more), (ann[0], 3, True), "so many at most")
            write(store, Changes(limits=LimitChanges(timers=((1, 0, NOON),))))
            expect(due_of(store, ("t", "ann")).keys, ann, "no timers of journeys")

    def test_due_may_be_asked_again(self, tmp_path: Path) -> None:
        """Asking removes nothing, in the same transaction or in the next."""
        with self.begun(tmp_path) as store:
            write(store, busy_agenda())
            with store.transaction() as transaction:
                first, second = transaction.due(NOON, 7), transaction.due(NOON, 9)
            expect(second.keys[:7], first.keys, "asked twice in one transaction")
            expect(due(store, NOON, 7).keys, first.keys, "asked in the next one")

    def test_due_work_is_taken_away_by_commits(self, tmp_path: Path) -> None:
        """A handled input, a run that moved on or ended, and a returned message are no longer due (R3)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(), event()), runs=(run(1, 1), run(2, 2), run(3, 4))))
            write(store, Changes(new_posts=(leased(1, 1, NOON), leased(1, 2, NOON))))
            write(
                store,
                Changes(
                    handled=((1, "handled"),),
                    runs=(run(1, 1, due=NOON + 1), ended(2, 2)),
                    posts=(post(1, 1, status=SENT), post(1, 2, available_at=NOON + MINUTE)),
                ),
            )
            expect(due(store).keys, ((NOON, INPUT, 2, 0), (NOON, TIMER, 3, 0)))
            expect(due(store, NOON + 1).keys[2:], ((NOON + 1, TIMER, 1, 0),))

    def test_batches_of_any_size_go_the_same_way(self, tmp_path: Path) -> None:
        """Handling due work batch by batch follows the total order, whatever the size of a batch (R7)."""
        agenda = busy_agenda()
        for limit in LIMITS:
            folder = tmp_path / str(limit)
            folder.mkdir()
            with self.begun(folder) as store:
                write(store, agenda)
                expect(drained(store, limit), whole_order(agenda), f"in batches of {limit}")

    def test_held_work_waits_for_its_release(self, tmp_path: Path) -> None:
        """Work that a pause holds without an instant is not due until its own journey is released (R16)."""
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(runs=(run(1, 1, due=None, held=NOON), run(2, 2, 2, due=None, held=NOON - 1))),
                Changes(runs=(run(3, 4, due=NOON + 5, held=NOON), run(4, 3, 3, due=None, awaits="x"))),
            )
            expect(due(store, NOON + 9).keys, ((NOON + 5, HELD, NOON, 3),), "before the release")
            write(store, Changes(released=((1, NOON + 3),)))
            expect(due(store, NOON + 9).keys, ((NOON + 3, HELD, NOON, 1), (NOON + 5, HELD, NOON, 3)), "after it")
            expect(load(store, serials=frozenset({1, 2, 4})).runs[4].due, None, "a run that waits for an event")

    def test_timers_of_journeys_ring_after_those_of_runs(self, tmp_path: Path) -> None:
        """At one instant they follow inputs and runs, by journey; a pause holds them until its release (R7, R23)."""
        timers = ((2, 0, NOON), (1, 0, NOON), (3, 0, None))
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(),), runs=(run(1, 1),), limits=LimitChanges(timers=timers)))
            first = ((NOON, INPUT, 1, 0), (NOON, TIMER, 1, 0), (NOON, JOURNEY, 1, 0), (NOON, JOURNEY, 2, 0))
            expect(due(store, NOON + 9).keys, first)
            expect(due(store, NOON, 3).keys, first[:3])
            expect(due(store, NOON - 1).keys, ())
            write(store, Changes(released=((3, NOON + 1), (1, NOON + 5))))
            expect(due(store, NOON + 9).keys, (*first, (NOON + 1, JOURNEY, 3, 0)))
            write(store, Changes(limits=LimitChanges(timers=((1, 0, NOON + 7),), stopped=((3, 0),), emptied=(2,))))
            expect(due(store, NOON + 9).keys, (*first[:2], (NOON + 7, JOURNEY, 1, 0)))

    def test_timers_are_found_without_the_inputs(self, tmp_path: Path) -> None:
        """However many inputs come before them (R3)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=tuple(event() for _ in range(5)), runs=(run(1, 1, due=NOON + 1),)))
            with store.transaction(write=False) as transaction:
                found = transaction.due(NOON + 9, 1, inputs=False)
            expect((found.keys, found.more, [*found.runs]), (((NOON + 1, TIMER, 1, 0),), False, [1]))

    def test_what_was_set_aside_can_be_due_again(self, tmp_path: Path) -> None:
        """Only an input with the outcome "error" is reopened; until then its id is not known (R9, R26)."""
        wanted = ("t", "order.placed", "e1")
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event(id="e1"), event(id="e2"))))
            write(store, Changes(handled=((1, "error"), (2, "handled"))))
            expect(due(store, NOON + 9).keys, (), "handled")
            expect(load(store, events=frozenset({wanted})).known, {}, "the id of what was set aside")
            write(store, Changes(reopened=(1, 2, 3)))
            expect(due(store, NOON + 9).keys, ((NOON, INPUT, 1, 0),), "reopened")
            write(store, Changes(handled=((1, "handled"),)))
            expect(load(store, events=frozenset({wanted})).known.keys(), {wanted}, "the id of what was handled")

    def test_what_comes_handled_is_never_due(self, tmp_path: Path) -> None:
        """Inputs may come with their numbers, and those of the same commit with their outcomes (R10)."""
        wanted = ("t", "order.placed", "e2")
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=(event("bob"),)))
            news = (event(seq=2, id="e2"), event(seq=3, at=NOON + 1), event("", seq=4, kind="ack", id="k-9-9"))
            write(store, Changes(inputs=news, handled=((2, "handled"), (4, "unmatched"))))
            expect(due(store, NOON).keys, ((NOON, INPUT, 1, 0),), "what was there")
            expect(due(store, NOON + 1).keys, ((NOON, INPUT, 1, 0), (NOON + 1, INPUT, 3, 0)), "what waits too")
            expect(load(store, events=frozenset({wanted})).known.keys(), {wanted}, "the id of what came handled")
            expect(ask(store, InputNumbersRequest(["t"])), (5,), "the next number")
            past = ask(store, PastRequest(NOON + 9, 0, 9, None))
            expect([(item.seq, outcome) for item, outcome in past], [(2, "handled"), (4, "unmatched")], "what is done")

    def test_the_last_tick_is_known(self, tmp_path: Path) -> None:
        """Its instant is kept in the same commit, and is not a change of the catalog (R3)."""
        with self.begun(tmp_path) as store:
            with store.transaction(write=False) as transaction:
                expect(transaction.ask(LastTickRequest()), None, "before any tick")
                revision = transaction.shelf(None).revision  # type: ignore[union-attr]  # none is known
            write(store, Changes(inputs=(event(),), last_tick=NOON))
            write(store, Changes(handled=((1, "handled"),), last_tick=NOON - 5))
            with store.transaction(write=False) as transaction:
                expect(transaction.ask(LastTickRequest()), NOON - 5, "the tick that came last")
                expect(transaction.shelf(revision), None, "the catalog")


def _is_held(key: DueKey, of: Mapping[int, int], paused: Mapping[int, int]) -> bool:
    """Return whether a place is that of a run's or a journey's timer that falls into a pause."""
    instant, rank, first, second = key
    if rank == INPUT or (rank == TIMER and second):
        return False
    journey = first if rank == JOURNEY else of[first if rank == TIMER else second]
    return instant >= paused.get(journey, instant + 1)
