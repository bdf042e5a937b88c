"""The contract of stores: what a commit writes, and what remains of a failed one."""

import threading
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from journeyflow.basics.values import dumps
from journeyflow.basics.words import CANCELLED, COMPLETED
from journeyflow.records.changes import CatalogChanges, Changes, Erased, Forgotten, Pruned
from journeyflow.records.rows import Counter, Crowd, Move, Refusal, Run, Suppression
from journeyflow.records.suppression import KEY, hashed
from journeyflow.stores.batch import Request
from journeyflow.stores.inquiries import ExportsRequest, Finished, InputNumbersRequest, PastRequest, PruneRequest
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import (
    Raised,
    ask,
    due,
    everything,
    expect,
    load,
    people,
    refused,
    rows,
    shelf,
    write,
)
from journeyflow.testing.conformance.samples import (
    GIVEN,
    MINUTE,
    NOON,
    PAST,
    ended,
    entry,
    event,
    everything_else,
    history,
    job,
    leased,
    post,
    run,
)


class Writing(Begun):
    """Tests of what a commit writes, and what remains of a failed one."""

    def test_nothing_stays_of_a_block_that_raises(self, tmp_path: Path) -> None:
        """An exception inside the block undoes everything committed in it, including the revision (R70)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(post(1),), inputs=(event(),)))
            before = everything(store)
            for error in (Raised, KeyboardInterrupt):
                with suppress(error), store.transaction() as transaction:
                    transaction.commit(everything_else())
                    raise error
                expect(everything(store), before, f"after {error.__name__}")
            write(store, everything_else())
            if everything(store) == before:
                msg = "the same changes are kept when nothing is raised"
                raise AssertionError(msg)

    def test_serials_are_not_lost_to_a_block_that_raises(self, tmp_path: Path) -> None:
        """Numbers assigned inside a block that raised are assigned again, so that runs are reproducible (R90)."""
        with self.begun(tmp_path) as store:
            with suppress(Raised), store.transaction() as transaction:
                transaction.commit(Changes(runs=(run(1, 1),), customers=((5, "t", "dan", {}),), inputs=(event(),)))
                raise Raised
            write(store, Changes(inputs=(event("bob"),)))
            found = load(store)
            expect((found.next_serial, found.next_customer), (1, 5))
            expect(due(store).inputs, {1: event("bob")._replace(seq=1)})

    def test_commits_of_one_block_add_up(self, tmp_path: Path) -> None:
        """Several commits in one transaction are all written, in order."""
        with self.begun(tmp_path) as store:
            with store.transaction() as transaction:
                transaction.commit(Changes(runs=(run(1, 1),), moves=(entry(1),), inputs=(event("ann"),)))
                transaction.commit(Changes(runs=(run(2, 2),), moves=(entry(2),), inputs=(event("bob"),)))
                transaction.commit(Changes(runs=(ended(1, 1),)))
            expect(dict(load(store, serials=frozenset({1, 2})).runs), {1: ended(1, 1), 2: run(2, 2)})
            expect([item.customer for item in due(store).inputs.values()], ["ann", "bob"])

    def test_a_crowd_is_written_like_each_of_it(self, tmp_path: Path) -> None:
        """Customers who moved together are stored like those who moved one by one; values that never change stay."""
        few, many = [(1, 1), (2, 2)], [(serial, serial + 10) for serial in range(3, 15)]
        newcomers: tuple[tuple[int, str, str, dict[str, object]], ...] = tuple(
            (number, "t", f"c{number}", {"k": 0, "n": 5, "v": 1}) for _, number in many
        )
        leaving = Move(1, 2, NOON, (("breathe", COMPLETED, "elapsed"), ("end", COMPLETED, "")), {"0": {"a": 1}})

        def told(serial: int, customer: int) -> Run:
            return run(serial, customer, number=customer, trigger=dumps({"a": customer}), key=f"k{customer}")

        def moved(*people: tuple[int, int]) -> Changes:
            """Return the changes of runs that enter."""
            return Changes(
                runs=tuple(run(*each) for each in people),
                moves=tuple(entry(serial) for serial, _ in people),
                new_posts=tuple(post(serial) for serial, _ in people),
            )

        def left(*people: tuple[int, int]) -> Changes:
            now = {"k": 0, "v": "ü", "m": [1, {"o": None}]}
            return Changes(
                customers=tuple((number, "t", f"c{number}", now) for _, number in people),
                runs=tuple(told(*each)._replace(status=COMPLETED, step=-1, due=None) for each in people),
                moves=tuple(leaving._replace(serial=serial) for serial, _ in people),
                new_posts=tuple(post(serial, 2) for serial, _ in people),
            )

        def together(changes: Changes, people: list[tuple[int, int]]) -> Changes:
            (first, *_), (move, *_), (sent, *_) = changes.runs, changes.moves, changes.new_posts
            news = {"n": None, "m": [1, {"o": None}], "v": "ü"} if changes.customers else {}
            return Changes(crowds=(Crowd(first, move, [sent], news, dict(people)),))

        kept: list[object] = []
        for way in (lambda changes, _: changes, together):
            path = tmp_path / str(len(kept))
            path.mkdir()
            with self.begun(path) as store:
                write(store, Changes(customers=newcomers), *(way(moved(*some), some) for some in (few, many)))
                later = [(serial + 20, customer) for serial, customer in many]
                write(store, Changes(runs=tuple(told(*each) for each in later)))
                write(store, *(way(left(*some), some) for some in (later[:3], later[3:])))
                kept.append((everything(store), load(store).next_serial))
        expect(kept[1], kept[0])

    def test_nothing_personal_stays_of_the_forgotten(self, tmp_path: Path) -> None:
        """A forgotten customer keeps number, runs, moves and messages; their personal data is gone (R86)."""
        told = dumps({"note": "ann"})
        before = Changes(
            inputs=(
                event(id="e1", text=told),
                event(type="message.opened", text=dumps({"message": "k-1-1", "note": "ann"})),
                event("bob", id="e2", text=told),
                event("", kind="nack", type="", id="k-1-1", text=dumps({"token": GIVEN, "error": "ann"})),
                event("", kind="nack", type="", id="k-2-1", text=dumps({"token": GIVEN, "error": "bob"})),
                event(at=NOON + MINUTE, text=told),
            ),
            runs=(ended(1, 1, trigger=told, memory={"wait": {}}, key="ann"), run(2, 2, trigger=told)),
            moves=(entry(1)._replace(seen={"entry": {"name": "ann"}}), entry(2)),
            new_posts=(post(1, data=told, error=told), post(2, data=told, error=told), leased(1, 2, NOON)),
            refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {"name": "ann"}),),
        )
        with self.begun(tmp_path) as store:
            write(store, before, Changes(handled=((1, "handled"), (2, "handled"), (3, "handled"))))
            write(
                store,
                Changes(erased=Erased(forgotten=(Forgotten(1, "t", "ann", "nobody", inbox=True),), scrubbed=True)),
            )
            loaded = load(store, names=frozenset({("t", "nobody"), ("t", "ann"), ("u", "ann")}))
            expect(
                [(each.number, each.id, each.attributes) for each in loaded.people],
                [(1, "nobody", {}), (3, "ann", {"plan": "paid"})],
            )
            expect(loaded.runs[1], ended(1, 1), "the run")
            expect(dict(load(store, serials=frozenset({2})).runs), {2: run(2, 2, trigger=told)}, "a run of others")
            posts = load(store, posts=frozenset({(1, 1), (1, 2), (2, 1)})).posts
            expect(posts[1, 1], post(1, status=CANCELLED), "a message that waited")
            expect((posts[1, 2], posts[2, 1]), (leased(1, 2, NOON), post(2, data=told, error=told)), "other messages")
            expect(rows(store, "SELECT enrollment, seen FROM moves ORDER BY 1"), [(1, None), (2, None)])
            expect(rows(store, "SELECT customer, reason, seen FROM last_refusals"), [(1, "re-entry", None)])
            expect(rows(store, "SELECT sum(count) FROM refusals"), [(1,)])
            expect(
                rows(store, "SELECT seq, customer, id, data, outcome FROM inputs ORDER BY seq"),
                [
                    (1, "nobody", None, None, "handled"),
                    (2, "nobody", None, dumps({"message": "k-1-1"}), "handled"),
                    (3, "bob", "e2", told, "handled"),
                    (4, "", "k-1-1", dumps({"token": GIVEN}), None),
                    (5, "", "k-2-1", dumps({"token": GIVEN, "error": "bob"}), None),
                    (6, "nobody", None, None, "forgotten"),
                ],
            )
            found = due(store, NOON + MINUTE)
            expect(sorted(found.inputs), [4, 5], "inputs that wait")
            expect(found.inputs[4].text, dumps({"token": GIVEN}), "a nack that waits")
            known = load(store, events=frozenset({("t", "order.placed", "e1"), ("t", "order.placed", "e2")})).known
            expect({key: list(known.get(key, ())) for key in known if known[key]},
                   {("t", "order.placed", "e2"): [(NOON, "bob", told)]})  # fmt: skip

    def test_the_id_of_the_forgotten_is_free(self, tmp_path: Path) -> None:
        """A new customer may have the id and be forgotten too; without a number only inputs are affected (R86)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(erased=Erased(forgotten=(Forgotten(1, "t", "ann", "nobody 1"),))))
            write(store, Changes(customers=((5, "t", "ann", {"new": True}),), inputs=(event(), event("eve"))))
            gone = Forgotten(5, "t", "ann", "nobody 5", inbox=True), Forgotten(0, "t", "eve", "nobody", inbox=True)
            write(store, Changes(erased=Erased(forgotten=gone)))
            expect(
                rows(store, "SELECT number, id, attributes FROM customers WHERE tenant = 't' ORDER BY 1"),
                [(1, "nobody 1", "{}"), (2, "bob", "{}"), (4, "cid", '{"tags":["x"]}'), (5, "nobody 5", "{}")],
            )
            expect(rows(store, "SELECT customer, outcome FROM inputs"), [("nobody 5", "forgotten"),
                   ("nobody", "forgotten")])  # fmt: skip
            expect(load(store).next_customer, 6)

    def test_the_suppression_list_outlives_the_forgotten(self, tmp_path: Path) -> None:
        """Id, addresses and known events are listed as hashes; the later instant counts; old inputs get bare (R86)."""
        with self.begun(tmp_path) as store:
            key = found.meta[KEY] if (found := shelf(store)) else ""
            write(store, Changes(inputs=(event(id="e1"), event(id="e2"), event(id="e3"), event("bob", id="e1"))))
            write(store, Changes(handled=((1, "handled"), (2, "duplicate"))))
            gone = Forgotten(1, "t", "ann", "nobody 1", 9, (("EMAIL", "a@b.c"),))
            write(store, Changes(erased=Erased(forgotten=(gone,))))
            write(store, Changes(erased=Erased(forgotten=(Forgotten(0, "t", "ann", "nobody", 5, inbox=True),))))
            of_ann = (("customer", "ann"), ("address", "EMAIL", "a@b.c"), ("event", "ann", "order.placed", "e1"))
            wanted = [(hashed(key, "t", *each), each[0], 9) for each in of_ann]
            wanted += [(hashed(key, "t", "event", "ann", "order.placed", "e3"), "event", 5)]
            expect(rows(store, "SELECT hash, kind, before FROM suppressions ORDER BY 1"), sorted(wanted))
            asked = frozenset({wanted[0][0], hashed(key, "u", "customer", "ann")})
            expect(dict(load(store, suppressed=asked).suppressed), {wanted[0][0]: 9})
            write(store, Changes(handled=((4, "forgotten"),), erased=Erased(dismissed=(4,))))
            expect(rows(store, "SELECT id, data, outcome FROM inputs WHERE seq = 4"), [(None, None, "forgotten")])
            write(store, Changes(erased=Erased(suppressed=(Suppression("h", "t", "customer", 7),))))
            expect(dict(load(store, suppressed=frozenset({"h"})).suppressed), {"h": 7})

    def test_somebody_new_may_come_in_the_commit_that_forgets(self, tmp_path: Path) -> None:
        """Later and waiting inputs of the id belong to a new customer; error texts of channels are removed (R86)."""
        told, nack = dumps({"note": "ann"}), dumps({"token": GIVEN, "error": "ann"})
        before = Changes(
            inputs=(
                *(event(id=f"e{n}", text=told) for n in (1, 2, 3, 4)),
                *(event("", kind="nack", type="", id="k-1-1", text=nack) for _ in (5, 6, 7)),
            ),
            runs=(run(1, 1),),
            moves=(entry(1),),
            new_posts=(post(1),),
        )
        with self.begun(tmp_path) as store:
            write(store, before, Changes(handled=((1, "handled"), (5, "stale"))))
            after = Changes(
                handled=((2, "handled"), (3, "handled"), (6, "stale")),
                customers=((1, "t", "nobody", {}), (5, "t", "ann", {"new": True})),
                runs=(ended(1, 1),),
                erased=Erased(
                    forgotten=(Forgotten(1, "t", "ann", "nobody", later=(3,)),), retold=((6, dumps({"token": GIVEN})),)
                ),
            )
            write(store, after)
            people = load(store, names=frozenset({("t", "nobody"), ("t", "ann")})).people
            expect(sorted((each.number, each.id) for each in people), [(1, "nobody"), (5, "ann")])
            expect(
                rows(store, "SELECT seq, customer, id, outcome FROM inputs WHERE seq < 5 ORDER BY 1"),
                [
                    (1, "nobody", None, "handled"),
                    (2, "nobody", None, "handled"),
                    (3, "ann", "e3", "handled"),
                    (4, "ann", "e4", None),
                ],
            )
            said = rows(store, "SELECT data ->> 'error' FROM inputs WHERE seq > 4 ORDER BY seq")
            expect(said, [(None,), (None,), ("ann",)], "what channels said before, then, and of what waits")
            key = ("t", "order.placed", "e3")
            expect(
                load(store, events=frozenset({("t", "order.placed", "e1"), key})).known.keys(), {key}, "ids of events"
            )

    def test_finished_runs_come_with_all_that_belongs_to_them(self, tmp_path: Path) -> None:
        """Runs that ended before an instant and have something left to delete come by serial (R86)."""
        after = NOON + MINUTE
        with self.begun(tmp_path) as store:
            write(store, *history())
            wanted = PruneRequest(after, frozenset({1}), 0, 10)
            found = ask(store, wanted)
            expect([run.serial for run in found.runs], [1, 3, 4], "those with a history, a memory, or a newer run")
            expect(sorted(found.current), [1, 4], "the newest of each customer")
            expect([(move.serial, move.visit, move.seen) for move in found.moves], [(1, 0, {}), (4, 0, {})])
            expect([(post.serial, post.n) for post in found.posts], [(1, 1), (4, 1)])
            expect(
                [(item.seq, outcome) for item, outcome in found.told],
                [(1, "handled"), (2, None), (4, "attributed to k-4-1"), (5, "handled")],
                "what was reported about messages, acks only where sent was reported twice",
            )
            expect(found.answered, frozenset({(4, 1)}), "what answers that wait are about")
            expect([run.serial for run in ask(store, evolve(wanted, after=1, limit=1)).runs], [3])
            expect(ask(store, evolve(wanted, before=NOON)), Finished(), "nothing had ended by then")
            expect(ask(store, evolve(wanted, journeys=frozenset())), Finished(), "of no journey")

    def test_what_was_told_long_ago_comes_by_number(self, tmp_path: Path) -> None:
        """Handled inputs from before an instant come by number, of one tenant or of all (R86)."""
        with self.begun(tmp_path) as store:
            write(store, *history())
            wanted = PastRequest(NOON + MINUTE, 0, 10, None)
            expect([(item.seq, outcome) for item, outcome in ask(store, wanted)], list(PAST))
            expect([item.seq for item, _ in ask(store, evolve(wanted, after=1, limit=2))], [3, 4])
            expect([item.seq for item, _ in ask(store, evolve(wanted, tenant="u"))], [3])
            expect(tuple(ask(store, evolve(wanted, before=NOON))), ())

    def test_what_is_pruned_is_gone(self, tmp_path: Path) -> None:
        """Pruned rows go, bare ones stay, balances add up; numbers are not reused, ids of events are free (R86)."""
        opening = Counter(1, "*", "*", "", "entered", "", 2, 1, NOON)
        with self.begun(tmp_path) as store:
            write(store, *history())
            pruned = Pruned((3,), (ended(1, 1),), ((1, 1, "which", "A"),), (1, 3))
            write(
                store, Changes(pruned=pruned._replace(openings=(opening,))), Changes(pruned=Pruned(openings=(opening,)))
            )
            expect(rows(store, "SELECT serial, trigger_data, memory FROM enrollments ORDER BY 1"),
                   [(1, None, None), (2, None, None), (4, None, None), (5, None, None)])  # fmt: skip
            expect(rows(store, "SELECT enrollment FROM moves ORDER BY 1"), [(4,)])
            expect(rows(store, "SELECT enrollment FROM messages ORDER BY 1"), [(4,)])
            expect(rows(store, "SELECT enrollment, version, step, label FROM arms"), [(1, 1, "which", "A")])
            expect(
                rows(store, "SELECT journey, day, domain, step, what, label, total, uniques, last_at FROM openings"),
                [opening._replace(total=4, uniques=2)],
            )
            expect(rows(store, "SELECT seq FROM inputs ORDER BY 1"), [(2,), (4,), (5,), (6,), (7,)])
            expect(load(store, events=frozenset({("t", "message.opened", "o")})).known, {}, "the id of an event")
            expect([run.serial for run in load(store, names=frozenset({("t", "ann")})).runs.values()], [1])
            expect(load(store).next_serial, 6)
            write(store, Changes(inputs=(event(),)))
            expect(rows(store, "SELECT max(seq) FROM inputs"), [(8,)])
            expect(ask(store, InputNumbersRequest(["t", "t"])), (9, 10))
            expect(sorted(due(store, NOON).inputs), [2, 7, 8], "what waits")
            write(store, Changes(catalog=CatalogChanges(purged=(1,))))
            expect(rows(store, "SELECT (SELECT count(*) FROM arms), (SELECT count(*) FROM openings)"), [(0, 0)])

    def test_jobs_wait_in_the_order_of_their_numbers(self, tmp_path: Path) -> None:
        """Unfinished jobs come back by number; a finished one can be read (F194)."""
        with self.begun(tmp_path) as store:
            jobs, number = ask(store, ExportsRequest())
            expect((list(jobs), number), ([], 1), "a new store")
            write(store, Changes(exports=(job(1), job(2, tenant="u"))), Changes(exports=(job(3),)))
            done = job(1, status="COMPLETED", finished_at=NOON, content="a,b\n")
            write(store, Changes(exports=(job(2, tenant="u", status="PROCESSING", started_at=NOON), done)))
            jobs, number = ask(store, ExportsRequest())
            expect((list(jobs), number), ([job(2, tenant="u", status="PROCESSING", started_at=NOON), job(3)], 4))
            expect(rows(store, "SELECT * FROM exports WHERE number = 1"), [tuple(done)])

    def test_reading_writes_nothing(self, tmp_path: Path) -> None:
        """A transaction that was opened for reading refuses to commit."""
        with self.begun(tmp_path) as store:
            before = everything(store)
            with refused("to commit what was opened for reading"), store.transaction(write=False) as transaction:
                transaction.commit(Changes(inputs=(event(),)))
            expect(everything(store), before)

    def test_transactions_do_not_nest(self, tmp_path: Path) -> None:
        """Inside a transaction or a view the same thread can open no other; the outer one stays usable."""
        with self.begun(tmp_path) as store:
            with store.transaction() as transaction:
                with refused("a transaction in a transaction"), store.transaction():
                    pass
                with refused("a view in a transaction"), store.reader():
                    pass
                transaction.commit(Changes(inputs=(event(),)))
            with store.reader() as reader:
                with refused("a transaction in a view"), store.transaction(write=False):
                    pass
                expect(reader.rows("SELECT count(*) FROM inputs"), [(1,)])

    def test_closed_store_refuses(self, tmp_path: Path) -> None:
        """A closed store raises StorageError; closing it again does nothing."""
        with self.begun(tmp_path) as store:
            store.close()
            store.close()
            with refused("a transaction on a closed store"), store.transaction():
                pass
            with refused("a view of a closed store"), store.reader():
                pass

    def test_writers_wait_for_one_another(self, tmp_path: Path) -> None:
        """What a writing transaction reads stays true until it ends: no thread's change is lost (R72)."""
        threads, times = 6, 20

        def count() -> None:
            for _ in range(times):
                with store.transaction() as transaction:
                    person = transaction.load(Request(numbers=frozenset({2}))).people[0]
                    so_far = person.attributes.get("count", 0)
                    after: dict[str, object] = {"count": so_far + 1 if isinstance(so_far, int) else 0}
                    transaction.commit(Changes(customers=((2, "t", "bob", after),)))

        with self.begun(tmp_path) as store:
            crowd = [threading.Thread(target=count) for _ in range(threads)]
            for each in crowd:
                each.start()
            for each in crowd:
                each.join()
            expect(people(load(store, numbers=frozenset({2})))[2][2], {"count": threads * times})
