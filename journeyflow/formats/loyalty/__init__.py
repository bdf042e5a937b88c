"""The journey JSON of a loyalty platform: steps linked by pointers, conditions in flat lists.

How it is read:

- The entry is defined by the TRIGGER step, or by `triggerType` with `triggerConfig`. Both may be given if they agree;
  if they differ, that is a fault. The TRIGGER is not a step of the journey: the journey starts at the step that it
  points to.
- A path ends at a step whose pointer is absent or null (R40), unless no step has any pointer: then each step continues
  at the next one in the file. On a CONDITION or SPLIT, `nextStepId` is for customers to whom no other pointer applies.
- Where each step has a `stepNumber`, the numbers are the order; else the file is, and numbers must not contradict it.
  Without a TRIGGER that points to it and without numbers, the journey starts at the one step that leads to all others
  and that none leads to, if there is one, else at the first. A step that no path leads to is among the losses.
- Answers of the platform are read as they come: `{"data": ...}`, `{"journey": ...}`, a list with one journey, steps
  under `data`. What the platform only records (`status`, totals, instants) is lost. A missing id is made up, and noted
  among the losses. `createdBy` and the `source` of the trigger, which only the host understands, are kept in `meta`.
- `segmentId` is read as run criteria: the attribute `segments` of the customer, which the host keeps, contains it.
- `exitConditions` are exits: each is a comparison, a group of them, or an event with conditions (see `exits.py`).
- All conditions of a trigger must be true; a CONDITION combines its rules with AND (the default) or OR. Operators are
  those of the native file. A field such as `lastEmailOpenAt` is an attribute of the customer: any email counts, not
  only those of this journey, and each such use is noted among the losses (F79).
- Durations are whole minutes, hours, days or weeks: "30 minutes", "2 hours", "3 days", "1 week".

A journey that is written without losses reads back as an equal journey, except that a group of a single rule becomes
that rule.
"""

from collections.abc import Mapping
from typing import cast

from journeyflow.formats.loyalty.reading import is_platform_step, read, unwrapped
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.port import Dialect, has_steps_with

__all__ = ["DIALECT", "read", "write"]


def _is_ours(value: object) -> bool:
    """Return whether a JSON value is a journey of the platform, or several, or steps alone."""
    if isinstance(value, list) and value:
        return is_platform_step(value[0]) or _is_ours(value[0])
    return isinstance(value, Mapping) and ("triggerType" in value or has_steps_with(value, "type"))


DIALECT = Dialect(
    "loyalty",
    recognise=lambda value: _is_ours(unwrapped(value)),
    read=read,
    write=write,
    is_draft=lambda value: cast("dict[str, object]", unwrapped(value)).get("status", "ACTIVE") != "ACTIVE",
)
