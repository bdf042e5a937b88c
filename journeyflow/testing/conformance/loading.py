"""The contract of stores: what is loaded for a batch."""

from pathlib import Path
from typing import Any

from journeyflow.basics.words import ACTIVE, CLAIMED, EXITED, SENT
from journeyflow.records.changes import CatalogChanges, Changes, Erased, Forgotten, LimitChanges, PullChanges
from journeyflow.records.rows import Deferred, Round
from journeyflow.stores.batch import CapRequest, LimitRequest, PullRequest
from journeyflow.stores.inquiries import ActiveRequest
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import ask, coming, entries_of, expect, glimpses, load, people, rows, write
from journeyflow.testing.conformance.samples import GIVEN, MINUTE, NOON, ended, event, leased, numbered, post, run


class Loading(Begun):
    """Tests of what is loaded for a batch."""

    def test_load_slots(self, tmp_path: Path) -> None:
        """The newest slots of a journey after an instant, up to a limit; several may share an instant (R23)."""
        slots = (*((1, NOON + n) for n in (0, 1, 1, 1, 4, 2)), (2, NOON))
        wanted = LimitRequest(frozenset({1, 2}), ((1, NOON, 3), (2, NOON - 1, 9)))
        with self.begun(tmp_path) as store:
            write(store, Changes(limits=LimitChanges(slots[:3])), Changes(limits=LimitChanges(slots[3:])))
            found = load(store, limits=wanted).limits
            expect(found and {journey: list(instants) for journey, instants in found.slots.items()}, {
                1: [NOON + 1, NOON + 2, NOON + 4],
                2: [NOON],
            })  # fmt: skip
            expect(load(store).limits, None, "nothing is asked")

    def test_load_deferred_entries(self, tmp_path: Path) -> None:
        """The start of a queue with its customers, customers' entries in any queue, and the timers (R23)."""
        entries = [
            Deferred(1, 1, 1, "", NOON + 5, None),
            Deferred(2, 1, 2, "k", NOON, '{"n":1}'),
            Deferred(3, 2, 2, "", NOON, None),
            Deferred(4, 1, 4, "", NOON, None),
        ]
        timers = ((1, 0, NOON), (2, 0, None))
        wanted = LimitRequest(frozenset({1, 2}), queues=frozenset({1}), ahead=2)
        with self.begun(tmp_path) as store:
            write(store, Changes(limits=LimitChanges(joined=tuple(entries), timers=timers)))
            found = load(store, limits=wanted, names=frozenset({("t", "ann")}))
            expect(sorted(people(found)), [1, 2, 4], "customers")
            expect(found.limits and list(found.limits.queues[1]), [entries[1], entries[3]], "the queue")
            expect(found.limits and list(found.limits.deferred), entries, "what customers have")
            expect(found.limits and dict(found.limits.timers), {(1, 0): NOON, (2, 0): None}, "timers")
            expect(found.limits and found.limits.next_number, 5, "the next number")
            expect(found.limits and dict(found.limits.waiting), {1: 3, 2: 1}, "how many wait")
            alone = load(store, limits=LimitRequest(frozenset({1})), names=frozenset({("t", "ann")}))
            expect(alone.limits and alone.limits.waiting[1], 2, "of one that is loaded: there are others")
            write(store, Changes(limits=LimitChanges(gone=(2, 3))))
            found = load(store, limits=wanted, names=frozenset({("t", "bob")}))
            expect(found.limits and list(found.limits.queues[1]), [entries[3], entries[0]], "after some left")
            expect(found.limits and found.limits.next_number, 5, "numbers are not given again")
            write(store, Changes(limits=LimitChanges(emptied=(1,))))
            found = load(store, limits=wanted)
            expect(found.limits and (list(found.limits.queues[1]), dict(found.limits.timers)), ([], {(2, 0): None}))

    def test_load_who_comes_next(self, tmp_path: Path) -> None:
        """List members come by id, starting after the one asked last and wrapping around (R27)."""
        on_lists = (*(("t", "news", name) for name in ("cid", "ann", "bob")), ("u", "news", "ann"), ("t", "x", "ann"))
        wanted = PullRequest(((1, "t", "news"), (2, "t", "none"), (3, "u", "news")), 2)
        with self.begun(tmp_path) as store:
            expect(load(store).pulls, None, "nothing is asked")
            write(
                store, Changes(pulls=PullChanges(listed=on_lists[:2])), Changes(pulls=PullChanges(listed=on_lists[2:]))
            )
            expect(coming(store, wanted), ({1: ["ann", "bob"], 2: [], 3: ["ann"]}, {}), "before the first pull")
            expect(sorted(people(load(store, pulls=wanted))), [1, 2, 3], "customers")
            rounds = (Round(1, NOON, "ann", "", 7), Round(3, None, softened=True, anchor=NOON, version=1))
            write(store, Changes(pulls=PullChanges(rounds=rounds)))
            expect(coming(store, wanted), ({1: ["bob", "cid"], 2: [], 3: ["ann"]}, {1: rounds[0], 3: rounds[1]}))
            write(store, Changes(pulls=PullChanges(rounds=(Round(1, NOON + 1, "bob"),), unlisted=(on_lists[1],))))
            expect(coming(store, wanted)[0][1], ["cid", "bob"], "after the last comes the first again")
            expect(coming(store, wanted)[1][1], Round(1, NOON + 1, "bob"), "how far it has come")
            write(
                store, Changes(limits=LimitChanges(emptied=(1,)), pulls=PullChanges(unlisted=(("t", "news", "bob"),)))
            )
            expect(coming(store, wanted)[0][1], ["cid"], "from the beginning")
            write(store, Changes(catalog=CatalogChanges(purged=(3,))))
            expect(rows(store, "SELECT count(*) FROM pulls"), [(0,)])
            expect(rows(store, "SELECT * FROM list_members ORDER BY 1, 2, 3"), sorted((on_lists[0], *on_lists[3:])))

    def test_load_who_of_everybody_comes_next(self, tmp_path: Path) -> None:
        """Without a list, all customers of the tenant come, except the forgotten (R27, R86)."""
        wanted = PullRequest(((1, "t", None), (2, "v", None)), 9)
        with self.begun(tmp_path) as store:
            write(store, Changes(pulls=PullChanges(rounds=(Round(1, NOON, "bob"),))))
            expect(coming(store, wanted)[0], {1: ["cid", "ann", "bob"], 2: []})
            write(store, Changes(customers=((5, "t", "dan", {}), (6, "v", "eve", {}), (1, "t", "ann", {"n": 1}))))
            expect(coming(store, wanted)[0], {1: ["cid", "dan", "ann", "bob"], 2: ["eve"]}, "with new ones")
            write(
                store,
                Changes(
                    erased=Erased(forgotten=(Forgotten(5, "t", "dan", "\x1fnobody"), Forgotten(0, "t", "xaver", "x")))
                ),
            )
            expect(coming(store, wanted)[0], {1: ["cid", "ann", "bob"], 2: ["eve"]}, "without the forgotten")

    def test_who_was_forgotten_before_is_not_one_of_everybody(self, tmp_path: Path) -> None:
        """The same holds if no pull had asked for all customers before (R86)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(erased=Erased(forgotten=(Forgotten(2, "t", "bob", "\x1fnobody"),))))
            expect(coming(store, PullRequest(((1, "t", None),), 9))[0], {1: ["ann", "cid"]})
            write(store, Changes(customers=((5, "t", "\x1fsomebody", {}),)))
            expect(coming(store, PullRequest(((1, "t", None),), 9))[0], {1: ["ann", "cid"]}, "as soon as they came")

    def test_the_forgotten_are_on_no_list(self, tmp_path: Path) -> None:
        """A forgotten customer leaves all lists; a new one of the same id may join one in the same commit (R86)."""
        listed = (("t", "news", "ann"), ("t", "x", "ann"), ("t", "news", "bob"), ("u", "news", "ann"))
        forgotten = Changes(
            customers=((1, "t", "\x1fnobody", {}), (5, "t", "ann", {"lists": ["news"]})),
            erased=Erased(forgotten=(Forgotten(1, "t", "ann", "\x1fnobody"),)),
            pulls=PullChanges(unlisted=listed[:2], listed=listed[:1]),
        )
        with self.begun(tmp_path) as store:
            write(store, Changes(pulls=PullChanges(listed=listed)))
            write(store, forgotten)
            expect(rows(store, "SELECT * FROM list_members ORDER BY 1, 2, 3"), [listed[0], *listed[2:]])
            expect(
                people(load(store, pulls=PullRequest(((1, "t", "news"),), 1))),
                {5: ("t", "ann", {"lists": ["news"]}, [])},
            )

    def test_load_the_last_entries(self, tmp_path: Path) -> None:
        """The last entries of the next customers into a journey, up to a number, without a key, by run (R27)."""
        entered = [ended(serial, 1, number=serial, entered_at=NOON + serial) for serial in (1, 2, 3)]
        others = (ended(4, 2, key="k"), ended(5, 2, 2), ended(6, 4, entered_at=NOON + 9))
        wanted = PullRequest(((1, "t", None), (2, "t", "news")), 9, caps=((1, 2), (2, 1)))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(*entered, *others)))
            pulls = load(store, pulls=wanted).pulls
            expect(pulls and entries_of(pulls), {1: {1: [NOON + 2, NOON + 3], 4: [NOON + 9]}, 2: {2: [NOON]}})
            write(store, Changes(runs=(run(7, 1, number=4, entered_at=NOON + 5),)))
            pulls = load(store, pulls=wanted).pulls
            expect(pulls and entries_of(pulls)[1], {1: [NOON + 3, NOON + 5], 4: [NOON + 9]}, "with a new one")
            write(store, Changes(catalog=CatalogChanges(purged=(1,))))
            pulls = load(store, pulls=PullRequest(wanted.lists[1:], 9, caps=((2, 5),))).pulls
            expect(pulls and entries_of(pulls), {2: {}}, "nobody comes next")

    def test_load_names(self, tmp_path: Path) -> None:
        """A customer requested by name comes with attributes and the newest run of each journey, by serial."""
        older, newer, other = ended(1, 1), run(3, 1, number=2), run(2, 1, 2)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(older, other)), Changes(runs=(newer,)))
            found = load(store, names=frozenset({("t", "ann"), ("u", "ann"), ("t", "nobody")}))
            expect(people(found), {1: ("t", "ann", {"plan": "free"}, [2, 3]), 3: ("u", "ann", {"plan": "paid"}, [])})
            expect(dict(found.runs), {2: other, 3: newer})

    def test_load_who_is_there(self, tmp_path: Path) -> None:
        """Of customers who are merely mentioned comes who is there, by tenant and id, and nothing of theirs."""
        mentioned = frozenset({("t", "ann"), ("u", "ann"), ("t", "nobody"), ("nowhere", "ann"), ("t", "BOB")})
        with self.begun(tmp_path) as store:
            found = load(store, mentioned=mentioned, names=frozenset({("t", "bob")}))
            expect(set(found.present), {("t", "ann"), ("u", "ann")}, "who is there")
            expect([person.id for person in found.people], ["bob"], "who is named comes as ever")
            expect(set(load(store).present), set(), "nobody is mentioned")

    def test_the_newest_run_of_each_journey_and_key_comes_to_few_and_to_many(self, tmp_path: Path) -> None:
        """Whether one customer is asked for or a dozen, each comes with the newest run of all journeys and keys."""
        first = (ended(1, 1), *(ended(2 + n, 1, 2, key=key) for n, key in enumerate(("", "a", "b"))), run(5, 2))
        second = (run(6, 1, number=2), ended(7, 1, 2, number=2, key="a"), ended(8, 1, 2, number=2, key="b"))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=first), Changes(runs=second))
            write(store, Changes(runs=(run(9, 1, 2, number=3, key="b"),)))
            for whole in ({1}, {1, 2}, {*range(1, 13)}):
                found = {number: each[3] for number, each in people(load(store, whole=frozenset(whole))).items()}
                expect(found[1], [2, 6, 7, 9], f"of {len(whole)}")
                expect(found.get(2, [5]), [5], f"of {len(whole)}")

    def test_load_numbers(self, tmp_path: Path) -> None:
        """A customer requested by number comes with attributes only, a whole one with runs too."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2))))
            found = load(store, numbers=frozenset({1, 2, 99}), whole=frozenset({2, 4, 98}))
            expect({number: each[3] for number, each in people(found).items()}, {1: [], 2: [2], 4: []})
            expect(dict(found.runs), {2: run(2, 2)})

    def test_what_is_at_hand_may_be_left_out(self, tmp_path: Path) -> None:
        """The serials of a whole customer are complete; runs that are already at hand may be left out."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 1, 2), run(3, 2))))
            found = load(store, whole=frozenset({1, 2}), at_hand=frozenset({1, 3}))
            expect({number: each[3] for number, each in people(found).items()}, {1: [1, 2], 2: [3]})
            expect({**found.runs, 1: run(1, 1), 3: run(3, 2)}, {1: run(1, 1), 2: run(2, 1, 2), 3: run(3, 2)})

    def test_load_serials(self, tmp_path: Path) -> None:
        """A run requested by serial comes as it is, with its customer's attributes; with the whole one if asked for."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(ended(1, 1), run(2, 1, 2))), Changes(runs=(run(3, 1, number=2),)))
            found = load(store, serials=frozenset({1, 77}))
            expect(dict(found.runs), {1: ended(1, 1)})
            expect(people(found), {1: ("t", "ann", {"plan": "free"}, [])})
            found = load(store, serials=frozenset({1, 77}), whole_of=frozenset({1, 77}))
            expect(dict(found.runs), {1: ended(1, 1), 2: run(2, 1, 2), 3: run(3, 1, number=2)})
            expect(people(found), {1: ("t", "ann", {"plan": "free"}, [2, 3])})

    def test_load_posts(self, tmp_path: Path) -> None:
        """A message requested by its place comes as it is."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(post(1, 1), post(1, 2, step="later"))))
            found = load(store, posts=frozenset({(1, 2), (1, 3), (9, 1)}))
            expect(dict(found.posts), {(1, 2): post(1, 2, step="later")})

    def test_load_newest_posts(self, tmp_path: Path) -> None:
        """Runs whose rules read messages come with the newest message of each step (R59)."""
        flags = {"opened": (NOON, 2)}
        posts = (post(1, 1), post(1, 3, flags=flags, nonce=1), post(1, 5, step="later", at=NOON + 1), post(2, 1))
        newest = {1: {"hello": (3, "hello", NOON, flags, 1), "later": (5, "later", NOON + 1, {}, 0)}}
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2, 2)), new_posts=posts))
            by_version = load(store, whole=frozenset({1, 2}), reading=frozenset({1}))
            expect(glimpses(by_version), newest, "by version")
            expect(glimpses(load(store, posts_of=frozenset({1, 55}))), newest, "by serial")

    def test_load_newest_posts_of_ended_runs(self, tmp_path: Path) -> None:
        """A run that has ended needs them only for its goal (R42); one that has FAILED may be retried (R43)."""
        runs = (ended(1, 1), ended(2, 1, 2), ended(3, 2, 1, status="FAILED"))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=runs, new_posts=(post(1), post(2), post(3))))
            found = load(store, whole=frozenset({1, 2}), reading=frozenset({1, 2}), converting=frozenset({2}))
            expect(sorted(found.newest), [2, 3])

    def test_load_messages_that_caps_count(self, tmp_path: Path) -> None:
        """For customers of some tenants: messages queued, claimed or sent since an instant, over all runs (R31)."""
        later = NOON + MINUTE
        runs = (
            ended(1, 1, last_at=later),
            run(2, 1, number=2, last_at=later),
            run(3, 1, 2, last_at=later),
            run(4, 3, 3, last_at=later),
            run(5, 2, last_at=later),
        )
        posts = (
            post(1, at=NOON - 1),
            post(1, 2, at=NOON),
            post(1, 3, at=later, channel="SMS"),
            leased(2, 1, later),
            post(2, 2, status=SENT),
            *(post(2, 3 + place, status=status) for place, status in enumerate(("SUPPRESSED", "EXPIRED", "CANCELLED"))),
            post(3, status="FAILED"),
            post(3, 2, at=later),
            post(4),
            post(5),
        )
        ann = [
            (1, 1, 2, NOON, "EMAIL"),
            (1, 1, 3, later, "SMS"),
            (1, 2, 1, NOON, "EMAIL"),
            (1, 2, 2, NOON, "EMAIL"),
            (1, 3, 2, later, "EMAIL"),
        ]
        asked: dict[str, Any] = {"names": frozenset({("t", "ann")}), "caps": CapRequest(frozenset({"t", "v"}), NOON)}
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=runs[:2], new_posts=posts[:2]))
            expect(sorted(load(store, **asked).sent), ann[:1], "before the rest was written")
            write(store, Changes(runs=runs[2:], new_posts=posts[2:]))
            expect(sorted(load(store, **asked).sent), ann, "of ann")
            others = {**asked, "names": frozenset(), "numbers": frozenset({2, 3, 4})}
            expect([*load(store, **others).sent], [(2, 5, 1, NOON, "EMAIL")], "by number, of one tenant")
            expect(
                [*load(store, **{**asked, "caps": CapRequest(frozenset({"t", "v"}), later + 1)}).sent],
                [],
                "since later",
            )
            expect([*load(store, **{**asked, "caps": CapRequest(frozenset(), NOON)}).sent], [], "of no tenant")
            write(store, Changes(posts=(post(2, 2, status="FAILED"), post(3, status=SENT))))
            expect(sorted(load(store, **asked).sent), sorted([*ann[:3], (1, 3, 1, NOON, "EMAIL"), ann[4]]), "changed")

    def test_load_clicked_messages(self, tmp_path: Path) -> None:
        """For named customers: every message that was clicked, with its run, even an older one (R83)."""
        clicked = {"clicked": (NOON, 1)}
        old, new, other = (
            post(1, flags=clicked),
            post(2, flags={**clicked, "opened": (NOON, 2)}),
            post(3, flags=clicked),
        )
        runs = (ended(1, 1), run(2, 1, number=2), run(3, 2))
        asked: dict[str, Any] = {"names": frozenset({("t", "ann"), ("t", "bob")})}
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(runs=runs, new_posts=(post(1), new, other, post(2, 2), post(2, 3, flags={"sent": (NOON, 1)}))),
            )
            write(store, Changes(posts=(old,)))
            found = load(store, **asked, clicked=frozenset({("t", "ann"), ("t", "nobody")}))
            expect(dict(found.posts), {(1, 1): old, (2, 1): new}, "of ann")
            expect(sorted(found.runs), [1, 2, 3], "with their runs, and the newest of those who are named")
            expect(dict(load(store, **asked).posts), {}, "of nobody")

    def test_load_known_events(self, tmp_path: Path) -> None:
        """Handled events are found by tenant, type and id; pending ones and duplicates are not (R26)."""
        inputs = numbered(
            event(id="e1", text='{"a":1}'),
            event(id="e1"),
            event(id="e1", at=NOON - 1, customer="bob"),
            event(id="e2"),
            event(id="e1", type="other"),
            event(id="e1", tenant="u"),
            event(id="e3", kind="ack"),
            event(id="e1", customer="cid"),
        )
        outcomes = ("handled", "duplicate", "unchanged", "", "handled", "handled", "handled", "conflicting")
        with self.begun(tmp_path) as store:
            handled = tuple((place + 1, outcome) for place, outcome in enumerate(outcomes) if outcome)
            write(store, Changes(inputs=inputs), Changes(handled=handled))
            name, other, later = ("t", "order.placed", "e1"), ("t", "order.placed", "e3"), ("t", "order.placed", "e2")
            found = load(store, events=frozenset({name, other, later})).known
            expect(dict(found), {name: ((NOON - 1, "bob", None), (NOON, "ann", '{"a":1}'))})

    def test_load_active_runs(self, tmp_path: Path) -> None:
        """The serials of a journey's active runs, ascending, after one of them and up to a number."""
        runs = tuple(run(serial, 1 + serial % 2, number=serial) for serial in range(1, 7))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(*runs[:2], ended(3, 2, number=3), *runs[3:], run(7, 4, 2))))
            pages = [list(ask(store, ActiveRequest(1, after, 3))) for after in (0, 4, 6)]
            expect(pages, [[1, 2, 4], [5, 6], []])
            expect(list(ask(store, ActiveRequest(2, 0, 3))), [7], "of another journey")

    def test_load_counts(self, tmp_path: Path) -> None:
        """The next enrollment and the next customer are numbered after the last ones."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2))))
            found = load(store)
            expect((found.next_serial, found.next_customer), (3, 5))
            found = load(store, following=False)
            expect((found.next_serial, found.next_customer), (1, 1), "unless they are not asked for")

    def test_runs_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Every value of a run is kept, both when it is new and after a change."""
        rich = run(
            1,
            1,
            number=7,
            status=EXITED,
            reason="goal",
            ended_at=NOON + 1,
            converted_at=NOON + 2,
            due=None,
            awaits="order.placed",
            held=NOON - 3,
            softened=True,
            trigger='{"a":"ö"}',
            memory={"left": {"w": NOON}, "event": {"a": [1, 2.5, None, True, "x"]}},
        )
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(rich,)))
            expect(load(store, serials=frozenset({1})).runs[1], rich, "new")
            memories: tuple[dict[str, Any] | None, ...] = ({}, None)
            for memory in memories:
                changed = rich._replace(
                    status=ACTIVE,
                    reason="",
                    last_at=NOON + 9,
                    ended_at=None,
                    converted_at=None,
                    visit=3,
                    step=0,
                    since=NOON + 8,
                    due=NOON + 7,
                    held=None,
                    awaits=None,
                    softened=False,
                    memory=memory,
                )
                write(store, Changes(runs=(changed,)))
                expect(load(store, serials=frozenset({1})).runs[1], changed, "changed")

    def test_messages_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Every value of a message is kept, both when it is new and after a change."""
        rich = post(
            1,
            2,
            channel="in-app push",
            data='{"a":"ö"}',
            expires_at=NOON + 5,
            cancel_on_exit=False,
            available_at=NOON + 6,
            flags={"opened": (NOON, 2)},
            error="no route",
            forgiven=2,
        )
        claimed = rich._replace(status=CLAIMED, attempts=3, available_at=NOON, lease_until=NOON, token=GIVEN)
        changed = claimed._replace(flags={"clicked": (NOON, 1)}, error="busy", forgiven=3)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(rich,)))
            expect(load(store, posts=frozenset({(1, 2)})).posts[1, 2], rich, "new")
            write(store, Changes(posts=(changed,)))
            expect(load(store, posts=frozenset({(1, 2)})).posts[1, 2], changed, "changed")

    def test_customers_come_back_as_they_were(self, tmp_path: Path) -> None:
        """Attributes are kept exactly: types, order of names, text of any kind, the largest numbers."""
        attributes: dict[str, object] = {
            "z": [1, 1.0, -0.5, 2**63 - 1, -(2**63), True, False, None, ""],
            "a": {"nested": {"deep": ["é", "漢字", "🙂", "'; DROP TABLE customers; --", "line\nbreak", "\x1f"]}},
            "empty": [{}, []],
        }
        with self.begun(tmp_path) as store:
            write(store, Changes(customers=((1, "t", "ann", attributes), (5, "t", "'", {}), (6, "t", " Ann", {}))))
            found = people(load(store, names=frozenset({("t", "ann"), ("t", "'"), ("t", " Ann"), ("t", "ANN")})))
            expect(set(found), {1, 5, 6})
            expect(repr(found[1][2]), repr(attributes))
