"""The methods of an engine about channels: nothing of a held channel is handed out until it is released (R71)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from journeyflow.basics.moments import LAST, from_micros, to_micros
from journeyflow.basics.values import id_faults
from journeyflow.catalog.lifecycle import holding
from journeyflow.engine.core import LOG, Bound
from journeyflow.errors import did_you_mean, quoted
from journeyflow.questions.paging import refuse
from journeyflow.questions.versions import sends_of
from journeyflow.records.changes import Changes


class ChannelCalls(Bound):
    """The methods of an engine about channels."""

    def hold_channel(self, channel: str, *, at: datetime) -> None:
        """Stop handing out this tenant's messages of a channel, from an instant on, until it is released (R71).

        Call it when a provider is down: messages join the outbox as before and wait there without spending attempts, in
        every process that uses this store. Messages that a worker has already stay with it. Holding what is held
        changes nothing; an `at` before the newest call about a channel means that instant. Raises InvalidInput for what
        cannot be the name of a channel; a channel that no journey sends through is a warning in the log.
        """
        self._switch_channel(channel, at, hold=True)

    def release_channel(self, channel: str, *, at: datetime) -> None:
        """Hand out the messages of a held channel again, from an instant on, oldest first (R71).

        Each is checked then, as at any claim: it may have expired meanwhile. Releasing what is not held changes
        nothing, and is a warning in the log. Raises InvalidInput as `hold_channel` does.
        """
        self._switch_channel(channel, at, hold=False)

    def held_channels(self, *, at: datetime | None = None) -> Mapping[str, datetime]:
        """Return the held channels of this tenant, each with the instant in UTC since which it is held, by name.

        As of an instant, by default after all calls so far.
        """
        instant = LAST if at is None else to_micros(at)
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
        since: dict[str, int] = {}
        for moment, channels in catalog.holds.get(self._tenant, ()):
            if moment <= instant:
                since = {channel: since.get(channel, moment) for channel in channels}
        return {channel: from_micros(since[channel]) for channel in sorted(since)}

    def _switch_channel(self, channel: str, at: datetime, *, hold: bool) -> None:
        """Hold a channel, or release it."""
        refuse(id_faults(channel=channel))
        instant = to_micros(at)
        with self._core.amending() as transaction:
            catalog = self._core.refresh(transaction)
            changes = holding(catalog, self._tenant, channel, instant, hold=hold)
            if changes:
                transaction.commit(Changes(catalog=changes))
        records = catalog.of_tenant(self._tenant)
        known = {send.channel for send in sends_of(records, disabled=True, unpublished=True)}
        if hold and channel not in known:  # still held: a journey may come to use it
            LOG.warning("no journey of tenant %r sends through %s", self._tenant, _hinted(channel, known))
        elif not hold and not changes:
            LOG.warning("tenant %r does not hold %s", self._tenant, _hinted(channel, self.held_channels()))


def _hinted(channel: str, known: Iterable[str]) -> str:
    return f"{quoted(channel)}{did_you_mean(channel, known)}"
