"""The contract of stores: what can be queried in SQL."""

from pathlib import Path

from journeyflow.basics.words import ACTIVE, COMPLETED
from journeyflow.records.changes import Changes
from journeyflow.records.rows import Counter, Move, Refusal
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import everything, expect, refused, rows, write
from journeyflow.testing.conformance.samples import (
    COUNTED_OF_RUNS,
    MINUTE,
    NOON,
    SEEN,
    VIEWED,
    ended,
    entry,
    event,
    post,
    run,
)

COUNTED = ", ".join(Counter._fields)


class Asking(Begun):
    """Tests of what can be queried in SQL."""

    def test_refusals_are_counted(self, tmp_path: Path) -> None:
        """Refusals are counted by journey, reason and day; the last one of each customer is kept whole (R21)."""
        refusals = (
            Refusal(1, 1, "re-entry", NOON, "2026-01-01", {}),
            Refusal(1, 2, "re-entry", NOON + 1, "2026-01-01", {"plan": "free"}),
            Refusal(1, 1, "consent", NOON + 2, "2026-01-02", {"a": [1]}),
            Refusal(2, 1, "re-entry", NOON + 3, "2026-01-01", {}),
        )
        again = Refusal(1, 2, "re-entry", NOON + 4, "2026-01-02", {})
        with self.begun(tmp_path) as store:
            write(store, Changes(refusals=refusals), Changes(refusals=(again,)))
            expect(
                rows(store, "SELECT journey, day, reason, count FROM refusals ORDER BY 1, 2, 3"),
                [
                    (1, "2026-01-01", "re-entry", 2),
                    (1, "2026-01-02", "consent", 1),
                    (1, "2026-01-02", "re-entry", 1),
                    (2, "2026-01-01", "re-entry", 1),
                ],
            )
            expect(
                rows(store, "SELECT journey, customer, reason, at, seen FROM last_refusals ORDER BY 1, 2"),
                [
                    (1, 1, "consent", NOON + 2, '{"a":[1]}'),
                    (1, 2, "re-entry", NOON + 4, None),
                    (2, 1, "re-entry", NOON + 3, None),
                ],
            )

    def test_counters_add_up(self, tmp_path: Path) -> None:
        """Counts are added to existing ones; the newest instant stays, whatever the order (R80)."""

        def counted(journey: int, day: str, step: str, total: int, uniques: int, last_at: int) -> Counter:  # noqa: PLR0917 a row
            return Counter(journey, day, "*", step, "visited", "", total, uniques, last_at)

        first = (counted(1, "*", "hello", 5, 2, NOON), counted(1, "2026-01-01", "hello", 5, 2, NOON))
        again = (counted(1, "*", "hello", 2, 1, NOON - 1), counted(2, "*", "hello", 1, 0, NOON + 1))
        back = (counted(1, "*", "hello", -1, 0, NOON + 2),)
        with self.begun(tmp_path) as store:
            write(store, Changes(counters=first), Changes(counters=again), Changes(counters=back))
            expect(
                rows(store, f"SELECT {COUNTED} FROM counters ORDER BY journey, day DESC"),
                [
                    counted(1, "2026-01-01", "hello", 5, 2, NOON),
                    counted(1, "*", "hello", 6, 3, NOON + 2),
                    counted(2, "*", "hello", 1, 0, NOON + 1),
                ],
            )

    def test_views_show_what_was_written(self, tmp_path: Path) -> None:
        """Every store answers the same queries with the same rows (R80)."""
        leaving = Move(
            1, 2, NOON + MINUTE, (("breathe", COMPLETED, "elapsed"), ("end", COMPLETED, "")), {"0": {"a": 1}}
        )
        done = ended(1, 1, last_at=NOON + MINUTE, ended_at=NOON + MINUTE)
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 3, 3)), moves=(entry(1), entry(2)), new_posts=(post(1),)))
            write(
                store, Changes(runs=(done,), moves=(leaving,), new_posts=(post(2, data='{"a":1}', error="no route"),))
            )
            write(store, Changes(inputs=(event(id="e", text="{}"), event("bob")), handled=((1, "handled"),)))
            write(store, Changes(counters=tuple(COUNTED_OF_RUNS)))
            for view, wanted in VIEWED.items():
                expect(rows(store, f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4, 5"), wanted, view)
            expect(rows(store, "SELECT number, attributes FROM customers WHERE id = ?", ("bob",)), [(2, "{}")])
            expect(rows(store, "SELECT enrollment, visit, seen FROM moves WHERE seen IS NOT NULL"), [(1, 2, SEEN)])

    def test_long_paths_are_shown(self, tmp_path: Path) -> None:
        """A move through many hundred visits is shown visit by visit, like any other."""
        path = (*((f"s{n}", COMPLETED, "") for n in range(700)), ("breathe", ACTIVE, ""))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1, visit=701),), moves=(Move(1, 0, NOON, path, {}),)))
            found = rows(store, "SELECT n, step FROM visits_view ORDER BY n")
            expect(found, [(n + 1, step) for n, (step, _, _) in enumerate(path)])

    def test_questions_can_be_streamed(self, tmp_path: Path) -> None:
        """Rows come one by one; a stream that is left half-way blocks nothing."""
        with self.begun(tmp_path) as store:
            write(store, Changes(inputs=tuple(event() for _ in range(1_000))))
            with store.reader() as reader:
                stream = reader.stream("SELECT seq FROM inputs WHERE seq > ? ORDER BY seq", (10,))
                expect((next(stream), next(stream)), ((11,), (12,)))
            write(store, Changes(inputs=(event(),)))
            expect(rows(store, "SELECT count(*) FROM inputs"), [(1_001,)])

    def test_questions_change_nothing(self, tmp_path: Path) -> None:
        """Any change that a query makes to the rows is discarded with the view."""
        with self.begun(tmp_path) as store:
            before = everything(store)
            with store.reader() as reader:
                reader.rows("DELETE FROM customers WHERE number = 2")
            expect(everything(store), before)

    def test_wrong_questions_are_refused(self, tmp_path: Path) -> None:
        """An invalid query raises StorageError; the store stays usable."""
        with self.begun(tmp_path) as store:
            with refused("a question about no table"), store.reader() as reader:
                reader.rows("SELECT * FROM nothing")
            expect(rows(store, "SELECT count(*) FROM customers"), [(4,)])
