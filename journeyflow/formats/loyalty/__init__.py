"""The journey JSON of a loyalty platform: steps linked by pointers, conditions in flat lists.

How it is read:

- The entry is defined by the TRIGGER step, or by `triggerType` with `triggerConfig`. Both may be given if they agree;
  if they differ, that is a fault. The TRIGGER is not a step of the journey: the journey starts at the step that it
  points to, or else at the first other step.
- A path ends at a step whose pointer is absent or null (R40), unless no step has any pointer: then each step continues
  at the next one in the file. On a CONDITION or SPLIT, `nextStepId` is for customers to whom no other pointer applies.
- `stepNumber` must not contradict the order of the file. What the platform only records (`status`, totals, instants) is
  lost. A missing id is made up, and noted among the losses.
- All conditions of a trigger must be true; a CONDITION combines its rules with AND (the default) or OR. Operators are
  those of the native file. A field such as `lastEmailOpenAt` is an attribute of the customer: any email counts, not
  only those of this journey, and each such use is noted among the losses (F79).
- Durations are whole minutes, hours, days or weeks: "30 minutes", "2 hours", "3 days", "1 week".

A journey that is written without losses reads back as an equal journey, except that a group of a single rule becomes
that rule.
"""

from journeyflow.formats.loyalty.reading import read
from journeyflow.formats.loyalty.writing import write
from journeyflow.formats.port import Dialect, has_steps_with

__all__ = ["DIALECT", "read", "write"]

DIALECT = Dialect(
    "loyalty",
    recognise=lambda value: "triggerType" in value or has_steps_with(value, "type"),
    read=read,
    write=write,
)
