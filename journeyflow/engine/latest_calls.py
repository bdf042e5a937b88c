"""The methods of an engine that return the newest of long lists, at a cost that does not grow with the lists (R84)."""

from typing import TYPE_CHECKING

from journeyflow.basics.values import INTEGER_MAX
from journeyflow.engine.core import Bound
from journeyflow.errors import NotFound, did_you_mean
from journeyflow.questions.paging import Cursor, Latest, cursor_faults, name_faults, page_faults, refuse
from journeyflow.records.public import Enrollment, Message

if TYPE_CHECKING:
    from journeyflow.catalog.trail import AuditEntry


class LatestCalls(Bound):
    """The methods of an `Engine` about what is newest; none of them changes anything."""

    def latest_enrollments(
        self,
        journey: str,
        *,
        step: str | None = None,
        failed: bool = False,
        take: int = 25,
        after: Cursor | None = None,
    ) -> Latest[Enrollment]:
        """Return the newest enrollments of a journey, without their visits and without the holdout (R84).

        With `step`, those that rest there now; with `failed`, those that failed. Unlike `enrollments`, this does not
        count them and costs the same however many there are. `after` is the cursor of the part before. Raises NotFound
        for an unknown journey or step, InvalidInput with every fault.
        """
        from journeyflow.questions.latest import latest_at_step, latest_enrollments  # noqa: PLC0415 needed here alone

        place = after if type(after) is int and abs(after) <= INTEGER_MAX else None
        found = _faults(take, after, place) + name_faults("journey", journey=journey, step=step, failed=failed)
        refuse(found + (["failed: who failed rests at no step"] if failed is True and step is not None else []))
        record = self._known(journey)
        with self._core.store.reader() as reader:
            if step is None:
                return latest_enrollments(reader, record.number, take, place, failed=failed)
            programs = {program.number: program.journey for _, program in record.versions}
            places = {
                (number, position)
                for number, definition in programs.items()
                for position, each in enumerate(definition.steps)
                if each.id == step
            }
            if not places:
                kind, known = "step", {each.id for definition in programs.values() for each in definition.steps}
                raise NotFound(kind, step, did_you_mean(step, sorted(known)), journey=journey)
            return latest_at_step(reader, sorted(places), take, place)

    def latest_messages(
        self, journey: str, *, failed: bool = False, take: int = 25, after: Cursor | None = None
    ) -> Latest[Message]:
        """Return the messages of a journey from the newest enrollment back, or with `failed` those given up (R70, R84).

        Unlike `messages`, this does not count them and costs the same however many there are: it looks at some
        thousands of enrollments, or of failed messages, and may return fewer than `take`, or none, with a cursor that
        leads on. Raises NotFound for an unknown journey, InvalidInput with every fault.
        """
        from journeyflow.questions.latest import latest_messages, read_message_cursor  # noqa: PLC0415 needed here alone

        place = read_message_cursor(after)
        refuse(_faults(take, after, place) + name_faults("journey", journey=journey, failed=failed))
        record = self._known(journey)
        with self._core.store.reader() as reader:
            return latest_messages(reader, record.number, take, place, failed=failed)

    def audit_trail(
        self, journey: str | None = None, *, take: int = 25, after: Cursor | None = None
    ) -> "Latest[AuditEntry]":
        """Return what was changed by hosts, newest first: versions, states, unpublished steps, channels, policies.

        Of one journey, or of everything that this tenant has. It says what and when, not by whom: the library knows no
        users. What a purge removed is not in it. Raises NotFound for an unknown journey, InvalidInput with every fault.
        """
        from journeyflow.catalog.trail import audit_entry, audit_trail  # noqa: PLC0415 needed here alone

        place = after if type(after) is int and 0 < after <= INTEGER_MAX else None
        refuse(_faults(take, after, place) + name_faults(journey=journey))
        with self._core.store.transaction(write=False) as transaction:
            catalog = self._core.refresh(transaction)
            record = None if journey is None else self._find(transaction, journey)
        found = audit_trail(catalog, self._tenant, record)[:place]
        shown = tuple(audit_entry(*each) for each in reversed(found[-take:]))
        return Latest(shown, len(found) - take if len(found) > take else None)


def _faults(take: object, after: object, place: object) -> list[str]:
    """Return the faults of a part that is asked for: everything at once cannot be."""
    found = ["take: must be a whole number"] if take is None else page_faults(0, take)
    return found + cursor_faults(after, place)
