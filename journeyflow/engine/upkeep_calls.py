"""What a host calls now and then: forget, prune, export, give space back (R86)."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from journeyflow.basics.moments import to_micros
from journeyflow.basics.values import describe, id_faults
from journeyflow.engine.core import Bound
from journeyflow.engine.inputs import (
    check_limit,
    one_or_many,
)
from journeyflow.errors import InvalidInput
from journeyflow.questions import paging
from journeyflow.questions.paging import name_faults, refuse
from journeyflow.records.public import PruneResult
from journeyflow.stores.fresh import draw_nonce

if TYPE_CHECKING:
    from journeyflow.engine.exports import ExportJob


class UpkeepCalls(Bound):
    """The calls that keep a store in order; a part of `Engine`."""

    def forget(
        self, customers: str | Iterable[str], *, at: datetime, scrub: bool = True, allow_jump: bool = False
    ) -> int:
        """Remove everything personal of one customer or many; return how many enrollments that ended (R86).

        Their enrollments stay as rows of an anonymous customer, EXITED "forgotten", so that statistics keep their sums.
        Inputs given later for the same id make a new customer. Nothing of what was removed is left in the file's free
        space or its log; with `scrub=False` that waits for `vacuum`.

        All work with instants before `at` is done first, without deliveries; raises ClockJump as a tick does, unless
        `allow_jump` (R3, R11). Raises NotFound, with no customer forgotten, if nothing is known of one of the
        customers, and InvalidInput for a malformed id.
        """
        from journeyflow.engine.housekeeping import forget  # noqa: PLC0415 seldom needed

        refuse(name_faults(scrub=scrub))
        many = list(one_or_many(customers, str, "customers"))
        refuse([fault for each in many for fault in id_faults(customer=each)])
        named = dict.fromkeys(many)
        return forget(self._core, self._tenant, named, to_micros(at), scrubbed=scrub, allow_jump=allow_jump)

    def prune(
        self,
        before: datetime,
        *,
        journey: str | None = None,
        all_tenants: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], object] | None = None,
    ) -> PruneResult:
        """Turn history that was finished before an instant into opening balances; return how many rows went (R86).

        Prunes this tenant, one journey of it, or all tenants. Statistics and results stay what they are, and no later
        decision changes; but single runs of that time can no longer be explained. Events about pruned messages will be
        "unmatched", so choose an instant so far back that no customer still opens a mail of that time, or unsubscribes
        by it.

        With `dry_run` nothing changes. `progress` is called with how much is done, and of how much. A call that was cut
        short goes on when it is made again. `vacuum` gives the space back. Raises NotFound for an unknown journey,
        InvalidInput for a journey together with `all_tenants`.
        """
        from journeyflow.engine.housekeeping import Scope, prune  # noqa: PLC0415 seldom needed

        refuse(name_faults(all_tenants=all_tenants, dry_run=dry_run))
        if progress is not None and not callable(progress):
            raise InvalidInput([f"progress: must be a function of two numbers, not {describe(progress)}"])
        if all_tenants and journey is not None:
            raise InvalidInput([f"journey: {journey!r} is one of a tenant; leave out all_tenants or journey"])
        instant = to_micros(before, "before")
        with self._core.store.transaction(write=False) as transaction:
            records = self._core.refresh(transaction).by_name.values()
            named = None if journey is None else self._find(transaction, journey)
        chosen = [named] if named is not None else records
        mine = frozenset(each.number for each in chosen if all_tenants or each.tenant == self._tenant)
        scope = Scope(instant, mine, None if all_tenants else self._tenant, journey is None, dry_run)
        return prune(self._core, scope, progress or (lambda *_: None))

    def export_customer(self, customer: str) -> dict[str, object]:
        """Return everything that is kept about a customer as plain values, ready for JSON (R86).

        Attributes, lists, enrollments with their visits and the values that decisions compared, messages, entries that
        wait for a slot, refusals, every input about the customer, also those that no tick has handled, and what
        channels answered: all that `forget` removes. Instants are ISO 8601 text in UTC. Raises NotFound, and
        InvalidInput for what is not text.
        """
        from journeyflow.questions.dossier import dossier  # noqa: PLC0415 seldom needed

        refuse(name_faults("customer", customer=customer))
        with self._core.store.reader() as reader:
            return paging.required(dossier(reader, self._tenant, customer), "customer", customer)

    def submit_export(
        self,
        *,
        at: datetime,
        since: date | str | None = None,
        until: date | str | None = None,
        status: str | None = None,
        include_steps: bool = False,
        channel: str | None = None,
    ) -> "ExportJob":
        """Queue a job that writes the statistics of this tenant's journeys as CSV, and return it (F190, F191).

        The window is that of `stats`. `status` chooses journeys by state, or by "Enabled" and "Disabled", by default
        all; `include_steps` adds a line for each Send and channel; `channel` restricts the file to messages of one
        channel. `work_exports` does the work. Raises InvalidInput with every fault.
        """
        from journeyflow.engine import exports as exportjobs  # noqa: PLC0415 seldom needed

        days = [day.isoformat() if isinstance(day, date) else day for day in (since, until)]
        options = {
            "since": days[0], "until": days[1], "status": status, "include_steps": include_steps, "channel": channel,
        }  # fmt: skip
        return exportjobs.submit(self._core, self._tenant, to_micros(at), options)

    def work_exports(self, *, at: datetime, limit: int = 100) -> int:
        """Process queued export jobs of all tenants, the first submitted first; return how many (F193, F194).

        The host may call this wherever it likes: after a tick, in another process, in many at once. Each job is taken
        by one of them. Raises ValueError for a `limit` below 1.
        """
        from journeyflow.engine import exports as exportjobs  # noqa: PLC0415 seldom needed

        check_limit(limit)
        return exportjobs.work(self._core, to_micros(at), limit)

    def export_job(self, export: int) -> "ExportJob":
        """Return a job of this tenant as it stands: PENDING, PROCESSING, COMPLETED or FAILED (F192).

        Raises NotFound.
        """
        from journeyflow.engine import exports as exportjobs  # noqa: PLC0415 seldom needed

        refuse(name_faults("export", export=export))
        return exportjobs.job_of(self._core, self._tenant, export)

    def download_export(self, export: int) -> str:
        """Return the CSV of a COMPLETED job of this tenant (F195, F197).

        Raises NotFound, and Conflict for a job that is not COMPLETED.
        """
        from journeyflow.engine import exports as exportjobs  # noqa: PLC0415 seldom needed

        refuse(name_faults("export", export=export))
        return exportjobs.download(self._core, self._tenant, export)

    def vacuum(self) -> None:
        """Rebuild the file without its free space: nothing of what was deleted is left in it, nor in its log (R86).

        This needs as much free space again on the disk. Raises StorageError if another connection still reads the old
        file.
        """
        from journeyflow.engine.housekeeping import vacuum  # noqa: PLC0415 seldom needed

        vacuum(self._core)

    def renew_nonce(self, nonce: str | None = None) -> str:
        """Begin the ids of messages with another nonce from now on, given or drawn, and return it (R70).

        Call it after restoring a backup, before the first tick: messages made after the backup are lost, and their ids
        must not be used again. Call it on a copy that runs beside its original, which would give the same ids. Existing
        messages keep theirs. It applies to all tenants. Raises InvalidInput for a nonce that cannot be an id, or was
        used before.
        """
        from journeyflow.engine.housekeeping import renew_nonce  # noqa: PLC0415 seldom needed

        renewed = draw_nonce() if nonce is None else nonce
        refuse(id_faults(nonce=renewed))
        renew_nonce(self._core, renewed)
        return renewed
