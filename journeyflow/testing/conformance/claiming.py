"""The contract of stores: which messages may be handed out."""

from pathlib import Path

from journeyflow.basics.words import CLAIMED, SENT
from journeyflow.records.changes import Changes
from journeyflow.stores.inquiries import ClaimRequest
from journeyflow.testing.conformance.begun import Begun
from journeyflow.testing.conformance.helpers import claimable, due, expect, write
from journeyflow.testing.conformance.samples import NOON, event, leased, post, run


class Claiming(Begun):
    """Tests of which messages may be handed out."""

    def test_claimable_messages_have_an_order(self, tmp_path: Path) -> None:
        """Messages come by instant, serial and visit, up to the limit, none before its instant (R71)."""
        posts = (
            post(1, 3),
            post(1, 1, available_at=NOON - 1),
            post(2, 1),
            post(1, 2),
            post(2, 2, available_at=NOON + 1),
            post(2, 3, available_at=NOON - 2),
        )
        order = [(2, 3), (1, 1), (1, 2), (1, 3), (2, 1)]
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2)), new_posts=posts))
            for limit in (1, 2, 5, 100):
                expect(claimable(store, limit=limit), order[:limit], f"with limit {limit}")
            expect(claimable(store, at=NOON + 1), [*order, (2, 2)], "a moment later")

    def test_messages_of_unpublished_steps_are_kept_back(self, tmp_path: Path) -> None:
        """An unpublished step holds its messages back; its namesake in another journey does not (R17, R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2, 2)), new_posts=(post(1), post(2))))
            expect(claimable(store, steps=frozenset({(1, "hello")})), [(2, 1)])
            expect(claimable(store, steps=frozenset({(1, "other")})), [(1, 1), (2, 1)])

    def test_messages_of_held_channels_are_kept_back(self, tmp_path: Path) -> None:
        """A channel is held for one tenant, and its other channels are not (R71)."""
        posts = (post(1), post(1, 2, channel="SMS"), post(3))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(3, 3, 3)), new_posts=posts))
            expect(claimable(store, held=frozenset({("t", "EMAIL")})), [(1, 2), (3, 1)])
            expect(claimable(store, held=frozenset({("t", "SMS"), ("u", "EMAIL")})), [(1, 1)])

    def test_claimable_messages_are_filtered(self, tmp_path: Path) -> None:
        """A worker gets messages of its tenant and channels, none of paused journeys, up to its limit (R71)."""
        runs = (run(1, 1), run(2, 2, 2), run(3, 3, 3))
        posts = (post(1), post(1, 2, channel="SMS"), post(2), post(3), post(3, 2, channel="SMS"))
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=runs, new_posts=posts))
            expect(claimable(store, tenant="t"), [(1, 1), (1, 2), (2, 1)])
            expect(claimable(store, tenant="u"), [(3, 1), (3, 2)])
            expect(claimable(store, channels=frozenset({"SMS"})), [(1, 2), (3, 2)])
            expect(claimable(store, channels=frozenset({"SMS", "EMAIL"}), limit=1), [(1, 1)])
            expect(claimable(store, channels=frozenset()), [])
            expect(claimable(store, journeys=frozenset({1, 3})), [(2, 1)])
            expect(claimable(store, tenant="t", channels=frozenset({"EMAIL"}), journeys=frozenset({2})), [(1, 1)])

    def test_claimable_messages_are_withheld(self, tmp_path: Path) -> None:
        """No message goes to a customer with a waiting input of that instant or before, until it is handled (R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2), run(3, 3, 3)), new_posts=(post(1), post(2), post(3))))
            write(store, Changes(inputs=(event("ann"), event("bob", NOON + 1))))
            expect(claimable(store), [(2, 1), (3, 1)], "at the instant of the first input")
            expect(claimable(store, at=NOON + 1), [(3, 1)], "at the instant of the second")
            expect(claimable(store, at=NOON + 1, inputs=False), [(1, 1), (2, 1), (3, 1)], "if nobody asks for inputs")
            write(store, Changes(handled=((1, "handled"),)))
            expect(claimable(store), [(1, 1), (2, 1), (3, 1)], "when the first is handled")

    def test_claimable_messages_are_queued_ones(self, tmp_path: Path) -> None:
        """Claimed and finished messages are not handed out; a returned one is, once, from its new instant on (R71)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1),), new_posts=(post(1, 1), post(1, 2), post(1, 3))))
            expect(claimable(store), [(1, 1), (1, 2), (1, 3)])
            write(store, Changes(posts=(leased(1, 1, NOON + 5), post(1, 2, status=SENT), leased(1, 3, NOON + 5))))
            write(store, Changes(posts=(post(1, 1, attempts=1), post(1, 3, attempts=1, available_at=NOON + 9))))
            expect(claimable(store), [(1, 1)], "back at its old instant")
            expect(claimable(store, at=NOON + 9), [(1, 1), (1, 3)], "and at a later one")
            write(store, Changes(posts=(post(1, 1, attempts=1, flags={"opened": (NOON, 1)}),)))
            expect(claimable(store), [(1, 1)], "changed where it stands")
            write(store, Changes(posts=(leased(1, 1, NOON + 5), leased(1, 3, NOON + 5))))
            expect(claimable(store, at=NOON + 9), [], "claimed again")

    def test_messages_are_leased_in_a_transaction_for_that(self, tmp_path: Path) -> None:
        """It finds what may be handed out and writes it, for one tenant or for all (R92)."""
        with self.begun(tmp_path) as store:
            write(store, Changes(runs=(run(1, 1), run(2, 2, 2), run(3, 3, 3)), new_posts=(post(1), post(2), post(3))))
            for tenant, places in (("t", [(1, 1), (2, 1)]), (None, [(3, 1)])):
                with store.transaction(tenant=tenant, leasing=True) as transaction:
                    wanted = ClaimRequest(tenant=tenant, channels=None, at=NOON, limit=9, journeys=frozenset())
                    found = transaction.ask(wanted)
                    expect([each[:2] for each in found], places)
                    posts = (each._replace(status=CLAIMED, lease_until=NOON + each.serial) for each in found)
                    transaction.commit(Changes(posts=tuple(posts)))
            expect(claimable(store), [])
            expect([key[2] for key in due(store, NOON + 2).keys if key[0] > NOON], [1, 2], "leases that end")
