"""journeyflow: an embedded, in-process customer-journey engine; the SQLite of marketing automation."""

import typing as _typing

from journeyflow.basics.hours import Until, Window
from journeyflow.basics.moments import Duration
from journeyflow.definition.edits.editing import (
    add_step,
    remove_step,
    reorder_steps,
    replace_step,
    replace_steps,
    update_journey,
    update_step,
)
from journeyflow.definition.edits.outline import outline
from journeyflow.definition.edits.renaming import rename_step
from journeyflow.definition.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.definition.journey import Journey, problems
from journeyflow.definition.policies import Cap, Policies, QuietHours
from journeyflow.definition.retry import Retry
from journeyflow.definition.rules.chains import Chain
from journeyflow.definition.rules.changes import Change, field, tag
from journeyflow.definition.rules.conditions import all_of, any_of, not_
from journeyflow.definition.steps import Condition, End, Send, Split, Update, Wait, arm, branch
from journeyflow.engine.engine import Engine
from journeyflow.engine.ticking import TickResult
from journeyflow.errors import (
    CannotMigrate,
    ClockJump,
    Conflict,
    Forbidden,
    InvalidInput,
    InvalidJourney,
    JourneyflowError,
    NotFound,
    Problem,
    StorageError,
)
from journeyflow.questions.paging import Page
from journeyflow.records.public import Customer, Enrollment, Event, Message, Visit
from journeyflow.stores.memory.store import MemoryStore

__all__ = [
    "CannotMigrate",
    "Cap",
    "Chain",
    "Change",
    "ClockJump",
    "Condition",
    "Conflict",
    "Customer",
    "Duration",
    "End",
    "Engine",
    "Enrollment",
    "Event",
    "Exit",
    "Forbidden",
    "Goal",
    "InvalidInput",
    "InvalidJourney",
    "Journey",
    "JourneyflowError",
    "Limits",
    "MemoryStore",
    "Message",
    "NotFound",
    "Page",
    "Policies",
    "Problem",
    "Pull",
    "QuietHours",
    "Reentry",
    "Retry",
    "Send",
    "Split",
    "StorageError",
    "TickResult",
    "Trigger",
    "Until",
    "Update",
    "Visit",
    "Wait",
    "Window",
    "add_step",
    "all_of",
    "any_of",
    "arm",
    "branch",
    "field",
    "not_",
    "outline",
    "problems",
    "remove_step",
    "rename_step",
    "reorder_steps",
    "replace_step",
    "replace_steps",
    "tag",
    "update_journey",
    "update_step",
]

__version__: str

if not _typing.TYPE_CHECKING:  # else a type checker would accept every name

    def __getattr__(name: str) -> str:
        """Return the version, which is looked up on demand: few ask, and reading package metadata is slow."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 needed here alone

            return version(__name__)
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
