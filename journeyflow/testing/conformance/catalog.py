"""The contract of stores: journeys, versions, states, flags, policies and held channels."""

from pathlib import Path
from typing import Any

from journeyflow.basics.words import SENT, State
from journeyflow.records.changes import (
    CatalogChanges,
    Changes,
    Flag,
    Hold,
    LimitChanges,
    NewJourney,
    NewPolicies,
    NewVersion,
    PullChanges,
    Transition,
)
from journeyflow.records.rows import Refusal, Round
from journeyflow.stores.batch import JOURNEY, Due, Request
from journeyflow.stores.contract import Store
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import claimable, due, expect, load, revision, rows, shelf, write
from journeyflow.testing.conformance.samples import DEFINITION, MINUTE, NOON, ended, entry, event, leased, post, run


class Catalogs(Begun):
    """Tests of journeys, versions, states, flags and policies."""

    def test_new_store_holds_nothing(self, tmp_path: Path) -> None:
        """A new store has no journeys, no customers, nothing due, and counts from 1; it has a nonce (R70)."""
        store = self.make_store(tmp_path)
        try:
            found = shelf(store)
            expect(found and [*found.journeys, *found.versions, *found.transitions], [], "catalog")
            expect(found and sorted({"nonce", "revision"} - found.meta.keys()), [], "settings that are missing")
            expect(due(store), Due(), "due work")
            loaded = load(store, names=frozenset({("t", "ann")}))
            expect((loaded.people, loaded.next_serial, loaded.next_customer), ((), 1, 1), "people")
            expect(claimable(store), [], "messages")
        finally:
            store.close()

    def test_shelf_gives_the_catalog(self, tmp_path: Path) -> None:
        """The catalog comes back as it was written: journeys, versions, transitions, settings."""
        with self.begun(tmp_path) as store:
            found = shelf(store)
            if found is None:
                msg = "a shelf is given when no revision is known"
                raise AssertionError(msg)
            expect(list(found.journeys), [(1, "t", "welcome"), (2, "t", "birthday"), (3, "u", "welcome")])
            versions = [(number, number, 1, NOON, f"mark {number}", DEFINITION) for number in (1, 2, 3)]
            expect(list(found.versions), versions)
            expect(list(found.transitions), [(number, NOON, "ACTIVE") for number in (1, 2, 3)])
            expect(found.meta["nonce"], "k")

    def test_renewed_nonces_are_kept_beside_the_first(self, tmp_path: Path) -> None:
        """A message keeps the nonce under which it was made, and is shown with the id it was handed out with (R70)."""
        old, new = post(1), post(1, n=2, nonce=1)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(old,)))
            write(store, Changes(catalog=CatalogChanges(meta=(("nonce.1", "l"),))))
            write(store, Changes(new_posts=(new,)))
            write(store, Changes(posts=(old._replace(attempts=1), new._replace(attempts=1))))
            found = shelf(store)
            expect(found and [found.meta["nonce"], found.meta["nonce.1"]], ["k", "l"])
            loaded = load(store, posts=frozenset({(1, 1), (1, 2)}))
            expect({place: each.nonce for place, each in loaded.posts.items()}, {(1, 1): 0, (1, 2): 1})
            expect(rows(store, "SELECT id FROM messages_view ORDER BY n"), [("k-1-1",), ("l-1-2",)])

    def test_shelf_is_asked_once_per_revision(self, tmp_path: Path) -> None:
        """A caller that knows the current revision gets None; one that knows another gets the catalog."""
        with self.begun(tmp_path) as store:
            known = revision(store)
            expect(shelf(store, known), None, "shelf of a known revision")
            if shelf(store, known - 1) is None:
                msg = "a shelf is given when another revision is known"
                raise AssertionError(msg)

    def test_revision_changes_with_the_catalog_alone(self, tmp_path: Path) -> None:
        """Every change of the catalog makes the next revision, one each; customers, runs and messages make none."""
        catalog = [
            Changes(
                catalog=CatalogChanges(
                    journeys=(NewJourney(4, "t", "new"),), versions=(NewVersion(4, 4, 1, NOON, "m", DEFINITION),)
                )
            ),
            Changes(catalog=CatalogChanges(versions=(NewVersion(5, 1, 2, NOON, "other", DEFINITION),))),
            Changes(catalog=CatalogChanges(described=((1, DEFINITION, NOON),))),
            Changes(catalog=CatalogChanges(flags=(Flag(1, NOON, "hello", published=False),))),
            Changes(catalog=CatalogChanges(holds=(Hold("t", NOON, "EMAIL", held=True),))),
            Changes(catalog=CatalogChanges(purged=(3,))),
            Changes(catalog=CatalogChanges(transitions=(Transition(1, NOON, "PAUSED"),))),
            Changes(catalog=CatalogChanges(policies=(NewPolicies("t", NOON, '{"format":1}'),))),
            Changes(catalog=CatalogChanges(meta=(("grace", ""),))),
        ]
        others = [
            Changes(inputs=(event(),)),
            Changes(handled=((1, "handled"),)),
            Changes(customers=((5, "t", "dan", {}),)),
            Changes(runs=(run(1, 1),), moves=(entry(1),), new_posts=(post(1),)),
            Changes(posts=(post(1, status=SENT),)),
            Changes(refusals=(Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),)),
            Changes(released=((1, NOON),)),
        ]
        with self.begun(tmp_path) as store:
            for changes, differs in [*((each, True) for each in catalog), *((each, False) for each in others)]:
                before = revision(store)
                write(store, changes)
                expect(revision(store) - before, int(differs), f"revisions made by {changes}")
            before = revision(store)
            with store.transaction() as transaction:
                for changes in (catalog[-1], others[0], catalog[-1]):
                    transaction.commit(changes)
            expect(revision(store) - before, 2, "revisions made by two commits in one transaction")

    def test_draft_is_replaced_under_its_number(self, tmp_path: Path) -> None:
        """A version that is written again under its number replaces the old one (R12)."""
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(catalog=CatalogChanges(versions=(NewVersion(1, 1, 1, NOON + 1, "new mark", '{"steps":[]}'),))),
            )
            found = shelf(store)
            expect(found and found.versions[1], (1, 1, 1, NOON + 1, "new mark", '{"steps":[]}'))
            expect(found and found.versions[0][-1], '{"steps":[]}')
            expect(found and len({row[0] for row in found.versions}), 3)

    def test_publications_stand_in_order(self, tmp_path: Path) -> None:
        """A version that is published again is listed twice, each time with its instant (R12)."""
        second = NewVersion(4, 1, 2, NOON + 1, "second", DEFINITION)
        again = NewVersion(1, 1, 1, NOON + 2, "mark 1", DEFINITION)
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(catalog=CatalogChanges(versions=(second,))),
                Changes(catalog=CatalogChanges(versions=(again,))),
            )
            found = shelf(store)
            wanted = [(1, 1, NOON), (4, 2, NOON + 1), (1, 1, NOON + 2), (2, 1, NOON), (3, 1, NOON)]
            expect(found and [(row[0], *row[2:4]) for row in found.versions], wanted)

    def test_holds_keep_their_order(self, tmp_path: Path) -> None:
        """Holds of channels come back in the order in which they were written, those of each tenant together (R71)."""
        told = [("u", "SMS", True), ("t", "EMAIL", True), ("u", "EMAIL", True), ("t", "EMAIL", False)]
        with self.begun(tmp_path) as store:
            for tenant, channel, held in told:
                write(store, Changes(catalog=CatalogChanges(holds=(Hold(tenant, NOON, channel, held),))))
            found = shelf(store)
            wanted = [(tenant, NOON, channel, held) for tenant, channel, held in sorted(told, key=lambda each: each[0])]
            expect(found and [tuple(row) for row in found.holds], wanted)
            expect(rows(store, "SELECT channel, held FROM holds_view WHERE tenant = 't'"), [("EMAIL", 1), ("EMAIL", 0)])

    def test_flags_keep_their_order(self, tmp_path: Path) -> None:
        """Flags come back journey by journey in the order written, even at one instant (R17)."""
        flags = [(2, "a", False), (1, "b", False), (1, "b", True), (2, "c", False)]
        with self.begun(tmp_path) as store:
            told = tuple(Flag(journey, NOON, step, published) for journey, step, published in flags)
            write(store, Changes(catalog=CatalogChanges(flags=told)))
            found = shelf(store)
            wanted = [(1, NOON, "b", False), (1, NOON, "b", True), (2, NOON, "a", False), (2, NOON, "c", False)]
            expect(found and [tuple(row) for row in found.flags], wanted)

    def test_purged_journey_leaves_nothing(self, tmp_path: Path) -> None:
        """Everything that belongs to a journey is deleted with it; other journeys, customers and inputs stay (R15)."""
        of_both = Changes(
            inputs=(event(),),
            runs=(run(1, 1, due=NOON), run(2, 2, 2), ended(3, 2)),
            moves=(entry(1), entry(2), entry(3)),
            new_posts=(leased(1, 1, NOON), post(2), post(3)),
            refusals=tuple(Refusal(journey, 1, "re-entry", NOON, "2026-01-01", {}) for journey in (1, 2)),
            catalog=CatalogChanges(flags=tuple(Flag(journey, NOON, "hello", published=False) for journey in (1, 2))),
            limits=LimitChanges(timers=((1, 0, NOON), (2, 0, NOON))),
            pulls=PullChanges(rounds=(Round(1), Round(2))),
        )
        with self.begun(tmp_path) as store:
            write(store, of_both)
            kept = self._of(store, 2)
            write(store, Changes(catalog=CatalogChanges(purged=(1,))))
            expect(self._of(store, 2), kept, "the other journey")
            expect([rows for rows in self._of(store, 1) if rows], [], "the purged journey")
            expect(rows(store, "SELECT count(*) FROM customers"), [(4,)], "customers")
            found = due(store)
            expect((set(found.runs), set(found.inputs), set(found.posts)), ({2}, {1}, set()), "due work")
            expect([key for key in found.keys if key[1] == JOURNEY], [(NOON, JOURNEY, 2, 0)], "timers of journeys")
            expect(claimable(store, at=NOON + MINUTE), [(2, 1)], "messages")
            expect(load(store, serials=frozenset({1, 2, 3})).runs.keys(), {2}, "runs")

    @staticmethod
    def _of(store: Store, journey: int) -> list[list[tuple[Any, ...]]]:
        """Return the rows of every table that belong to a journey."""
        inside = f"enrollment IN (SELECT serial FROM enrollments WHERE journey = {journey})"
        conditions = {
            "journeys": f"number = {journey}",
            "moves": inside,
            "messages": inside,
            "paths": f"version IN (SELECT number FROM versions WHERE journey = {journey})",
        }
        columns = {"paths": "version, steps", "moves": "enrollment, visit, at, steps, seen"}
        tables = ("journeys", "versions", "publications", "transitions", "flags", "enrollments")
        found = []
        for table in (*tables, "paths", "moves", "messages", "refusals", "last_refusals", "pulls"):
            condition = conditions.get(table, f"journey = {journey}")
            found.append(rows(store, f"SELECT {columns.get(table, '*')} FROM {table} WHERE {condition}"))
        return found

    def test_numbers_are_never_given_again(self, tmp_path: Path) -> None:
        """Numbers are not reused, even if the journey with the highest is gone: old references must stay dead."""
        with self.begun(tmp_path) as store:
            write(
                store,
                Changes(runs=(run(1, 3, journey=3, version=3),), moves=(entry(1),)),
                Changes(catalog=CatalogChanges(purged=(3,))),
            )
            found = shelf(store)
            expect(found and (found.next_journey, found.next_version), (4, 4))
            with store.transaction(write=False) as transaction:
                expect(transaction.load(Request()).next_serial, 2)

    def test_description_is_edited_in_place(self, tmp_path: Path) -> None:
        """A new text of a version changes nothing else about it (R12)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(catalog=CatalogChanges(described=((2, '{"name":"n"}', NOON + 1),))))
            found = shelf(store)
            expect(found and found.versions[1], (2, 2, 1, NOON, "mark 2", '{"name":"n"}'))

    def test_policies_keep_their_order(self, tmp_path: Path) -> None:
        """A tenant's policies come back in the order in which they were set, even at one instant (R31)."""
        texts = ['{"format":1}', '{"format":1,"timezone":"UTC"}', '{"format":1,"caps":[]}']
        with self.begun(tmp_path) as store:
            for text in texts:
                write(
                    store,
                    Changes(
                        catalog=CatalogChanges(policies=(NewPolicies("u", NOON, text), NewPolicies("t", NOON, text)))
                    ),
                )
            found = shelf(store)
            in_order = [(name, NOON, text) for name in "tu" for text in texts]
            expect(found and [(*row,) for row in found.policies], in_order)

    def test_transitions_keep_their_order(self, tmp_path: Path) -> None:
        """Transitions come back journey by journey in the order written, even at one instant (R11)."""
        with self.begun(tmp_path) as store:
            states: list[State] = ["PAUSED", "ACTIVE", "PAUSED", "ARCHIVED"]
            transitions = tuple(Transition(1, NOON, state) for state in states)
            write(store, Changes(catalog=CatalogChanges(transitions=transitions)))
            found = shelf(store)
            wanted = [(1, NOON, state) for state in ["ACTIVE", *states]]
            expect(found and [row for row in found.transitions if row[0] == 1], wanted)
