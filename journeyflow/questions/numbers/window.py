"""What a question about numbers asks for: as of when, which days, of which step, mailbox domain and channel (F189)."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from attrs import frozen

from journeyflow.basics.moments import local_day
from journeyflow.basics.values import describe
from journeyflow.errors import ORDER, Fault, InvalidInput
from journeyflow.questions.paging import name_faults

DEFAULT_DAYS = 30
"""Days before the last one of a window, unless its first one is given: 31 rows (R82)."""

MAX_DAYS = 3_660
"""Days in one window: ten years, more than any page shows or an answer should hold by accident."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_DOMAIN = re.compile(r"[a-zA-Z0-9.-]*")


@frozen
class Asked:
    """What is asked for: as of when, which days (None for the default), a step, a mailbox domain, a channel."""

    at: int
    since: object = None
    until: object = None
    step: str | None = None
    domain: str | None = None
    channel: str | None = None

    @property
    def of_people(self) -> bool:
        """Whether the answer is about people too: they belong to no channel and no mailbox domain."""
        return self.domain is None and self.channel is None


def window(asked: Asked, where: ZoneInfo) -> list[date]:
    """Return the days that are asked for, ascending; raise InvalidInput with all faults of the question (F189).

    >>> days = window(Asked(0), ZoneInfo("UTC"))
    >>> print(days[0], days[-1], len(days))
    1969-12-02 1970-01-01 31
    """
    until, fault = _date("until", asked.until, date.fromisoformat(local_day(asked.at, where)))
    usual = date.fromordinal(max(until.toordinal() - DEFAULT_DAYS, 1))
    since, another = _date("since", asked.since, usual)
    found = [*name_faults(step=asked.step), *(each for each in (another, fault) if each)]
    if not found and since > until:
        found.append(Fault("since", f"{since} is after until {until}", ORDER))
    if not found and (until - since).days >= MAX_DAYS:
        found.append(f"since: from {since} to {until} it is more than {MAX_DAYS} days; ask for fewer")
    if asked.domain is not None and not (isinstance(asked.domain, str) and _DOMAIN.fullmatch(asked.domain)):
        found.append(f"domain: {describe(asked.domain)} is not a mailbox domain such as 'example.com'")
    if asked.channel is not None and not isinstance(asked.channel, str):
        found.append(f"channel: {describe(asked.channel)} is not a channel such as 'EMAIL'")
    else:
        found += name_faults(channel=asked.channel)
    if found:
        raise InvalidInput(found)
    return days_between(since, until)


def _date(name: str, value: object, usual: date) -> tuple[date, str]:
    """Read a date strictly; return it with its fault, which is empty if there is none."""
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value or usual, ""
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value), ""
    except ValueError:
        pass
    return usual, f"{name}: {describe(value)} is not a date such as '2026-01-31'"


@lru_cache(64)
def positions_of(since: date, until: date) -> Mapping[str, int]:
    """Return the place of each day in a window, by its ISO date; cached, because most questions are of few windows."""
    return {day.isoformat(): place for place, day in enumerate(days_between(since, until))}


def days_between(since: date, until: date) -> list[date]:
    """Return the days from one to another, both included."""
    return [date.fromordinal(day) for day in range(since.toordinal(), until.toordinal() + 1)]
