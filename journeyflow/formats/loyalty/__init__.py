"""The journey JSON of a loyalty platform: steps linked by pointers, conditions in flat lists.

How it is read:

- The TRIGGER step and `triggerType` with `triggerConfig` are one definition of the entry: either may say it, both may
  say the same, and saying two things is a fault. The TRIGGER is no step of the journey; where it points, the journey
  begins, otherwise at the first other step.
- A path whose pointer is absent or null ends there (R40), unless no step has a pointer at all: then each step goes on
  at the one written after it. On a CONDITION or SPLIT `nextStepId` is for people to whom no other pointer applies.
- `stepNumber` must not contradict the order written; what the platform only records (`status`, totals, instants) is
  lost. An absent id is made up and noted.
- The conditions of a trigger are all to be true; a CONDITION says AND (the default) or OR. Operators are those of the
  native file. A field such as `lastEmailOpenAt` is an attribute of the customer: any email counts, not only those of
  this journey, and each such use is noted among the losses (F79).
- Durations are whole minutes, hours, days or weeks: "30 minutes", "2 hours", "3 days", "1 week".

What is written reads back as an equal journey where nothing was lost, but for groups of a single rule, which are
written as that rule.
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
