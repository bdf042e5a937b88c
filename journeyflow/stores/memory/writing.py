"""How a commit is put in place in the store in memory: by steps that may be repeated (see `commits.py`)."""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, repeat

from attrs import evolve

from journeyflow.basics.words import QUEUED, SET_ASIDE, UNKNOWN_AFTER
from journeyflow.records.changes import CatalogChanges, Changes
from journeyflow.records.rows import Crowd, Post, Run, make_input, make_move, patched, posts_of, runs_of
from journeyflow.stores.batch import INPUT, TIMER, at_of, seq_of, serial_of, timer_key
from journeyflow.stores.contract import LAST_TICK
from journeyflow.stores.memory.commits import Unfinished
from journeyflow.stores.memory.contents import MemoryRows, input_row
from journeyflow.stores.memory.erasing import forget, prune, purge, rename


class MemoryWriting(MemoryRows):
    """The rows of a store in memory, and how a commit changes them."""

    def _take(self, changes: Changes, prepared: Unfinished) -> None:
        """Apply one part of a commit. What is done twice comes to the same as what is done once."""
        if changes.catalog:
            self._take_catalog(changes.catalog)
        rename(self, changes.erased.forgotten)
        self._take_inputs(changes)
        self._take_customers(changes)
        self._take_runs(changes.runs)
        self.moves += changes.moves
        self._take_posts(changes.new_posts)
        for crowd in changes.crowds:
            self._take_crowd(crowd)
        self._take_posts(changes.posts)
        self.refusals += changes.refusals
        self.counters.update(prepared.counters)
        self.openings.update(prepared.openings)
        for journey, at in changes.released:
            self._release(journey, at)
        self.pulls.take(changes.pulls, changes.limits.emptied)
        if changes.limits:
            self.journey_timers.add(self.limits.take(changes.limits))
        self.exports.update((job.number, job) for job in changes.exports)
        if changes.erased:
            forget(self, changes.erased)
        if changes.pruned:
            prune(self, changes.pruned)
        if changes.last_tick is not None:
            self.meta[LAST_TICK] = str(changes.last_tick)

    def _take_customers(self, changes: Changes) -> None:
        for number, tenant, name, attributes in changes.customers:
            if number not in self.customers:
                self.pulls.come(tenant, name)
                self.numbers[tenant, name] = number
            self.customers[number] = (tenant, name, attributes)  # last: of a customer who is there, all else is

    def _numbered(self, committed: Iterable[Changes]) -> Iterator[Changes]:
        """Yield the changes with numbered inputs; copied inputs keep their numbers."""
        numbers = count(self.last["input"] + 1)
        for changes in committed:
            if not changes.inputs or changes.inputs[0].seq:
                yield changes
            else:
                yield changes._replace(inputs=tuple(make_input((next(numbers), *item[1:])) for item in changes.inputs))

    def _take_inputs(self, changes: Changes) -> None:
        inputs, pending, handled = self.inputs, self.pending, dict(changes.handled)
        inputs.update(zip(map(seq_of, changes.inputs), map(input_row, changes.inputs), strict=True))
        self._number("input", *map(seq_of, changes.inputs[-1:]))  # ascending
        waiting = [item for item in changes.inputs if item[0] not in handled]
        pending.update(zip(map(seq_of, waiting), waiting, strict=True))
        self.inbox.add(zip(map(at_of, waiting), repeat(INPUT), map(seq_of, waiting), repeat(0)))
        self.outcomes.update(handled)
        for seq, outcome in handled.items():
            pending.pop(seq, None)
            _, tenant, customer, kind, name, at, told_as, text = inputs[seq]
            if told_as is not None and kind == "event" and outcome not in UNKNOWN_AFTER:
                known = self.known.setdefault((tenant, name, told_as), [])
                if (event := (at, seq, customer, text)) not in known:
                    insort(known, event)
        for seq in changes.reopened:
            self._reopen(seq)

    def _reopen(self, seq: int) -> None:
        """Put an input that was set aside back into the inbox."""
        if self.outcomes.get(seq) == SET_ASIDE:
            item = self.pending[seq] = self.input(seq)
            self.inbox.add([(item.at, INPUT, seq, 0)])
            del self.outcomes[seq]

    def _release(self, journey: int, at: int) -> None:
        """Release held work of a journey at an instant, but not before its own if the resume comes late (R16)."""
        held = [run for run in self.runs.values() if run.journey == journey and run.due is None]
        self._take_runs([run._replace(due=max(at, run.held)) for run in held if run.held is not None])
        self.journey_timers.add(self.limits.release(journey, at))

    def _take_catalog(self, changes: CatalogChanges) -> None:
        self.journeys += changes.journeys
        self._number("journey", *(each.number for each in changes.journeys))
        for version in changes.versions:
            self.versions[version.number] = version
            self.publications.append((version.journey, version.published_at, version.number))
        self._number("version", *(each.number for each in changes.versions))
        for number, text, at in changes.described:
            self.versions[number] = evolve(self.versions[number], text=text)
            self.edited[number] = at
        self.transitions += changes.transitions
        self.flags += changes.flags
        self.holds += changes.holds
        self.policies += changes.policies
        self.meta.update(changes.meta)
        self.meta["revision"] = str(int(self.meta["revision"]) + 1)
        for journey in changes.purged:
            purge(self, journey)

    def _number(self, what: str, *numbers: int) -> None:
        """Remember the highest number of a kind: a number is never used again, even if its owner is removed."""
        self.last[what] = max([self.last[what], *numbers])

    def _take_runs(self, runs: Sequence[Run]) -> None:
        """Put runs in place last: of a run that is there, all else is."""
        self.timers.add([timer_key(run) for run in runs if run.due is not None])
        self._number("run", *map(serial_of, runs))
        kept, newest, pulls = self.runs, self.newest, self.pulls
        for run in runs:
            serial = run.serial
            if serial not in kept:
                own = newest.get(run.customer)
                newest[run.customer] = (serial,) if own is None else self._with(own, run)
                pulls.enter(run)
            kept[serial] = run

    def _with(self, newest: Sequence[int], run: Run) -> tuple[int, ...]:
        """Return the newest run of each journey and key of a customer, with one that may take the place of another."""
        runs, place = self.runs, (run.journey, run.key)
        others = (each for each in newest if each != run.serial and (runs[each].journey, runs[each].key) != place)
        return tuple(sorted((*others, run.serial)))

    def _take_crowd(self, crowd: Crowd) -> None:
        """Apply what a crowd came to."""
        for customer in crowd.people.values() if crowd.news else ():
            tenant, name, attributes = self.customers[customer]
            self.customers[customer] = tenant, name, patched(attributes, crowd.news)
        self._take_runs(runs_of(crowd, self.runs))
        _, *rest = crowd.move
        self.moves += [make_move((serial, *rest)) for serial in crowd.people]
        self._take_posts([*posts_of(crowd)])

    def _take_posts(self, posts: Sequence[Post]) -> None:
        """Put messages in place last: of a message that is there, all else is."""
        kept, numbers, by_customer = self.posts, self.posts_of, self.posts_by_customer
        self.outbox.add([(post.available_at, *post[:2]) for post in posts if post.status == QUEUED])
        self.leases.add([(post.lease_until, TIMER, *post[:2]) for post in posts if post.lease_until is not None])
        for post in posts:
            serial, n = key = post[:2]
            if key not in kept:
                if n not in (own := numbers.get(serial, ())):  # pragma: no branch - interrupts
                    numbers[serial] = (*own, n)
                if by_customer is not None:
                    by_customer.setdefault(self.runs[serial].customer, []).append(key)
            kept[key] = post
