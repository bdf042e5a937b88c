"""journeyflow: an embedded, in-process customer-journey engine; the SQLite of marketing automation."""

import typing as _typing

from journeyflow.calls import Bulk
from journeyflow.chains import Chain
from journeyflow.changes import Change, field, tag
from journeyflow.copying import Copied, Reset
from journeyflow.editing import add_step, remove_step, reorder_steps, replace_step, replace_steps, update_step
from journeyflow.engine import Engine
from journeyflow.entry import Exit, Goal, Limits, Pull, Reentry, Trigger
from journeyflow.errors import (
    CannotMigrate,
    ClockJump,
    Conflict,
    CorruptDatabase,
    Forbidden,
    ForeignDatabase,
    InvalidInput,
    InvalidJourney,
    JourneyflowError,
    MissingExtra,
    NewerSchema,
    NotFound,
    Problem,
    ReadOnlyDatabase,
    StorageError,
)
from journeyflow.experiments import Results, SplitResults
from journeyflow.explanation import Decision, Explanation
from journeyflow.exportjobs import ExportJob
from journeyflow.figures import Benchmark, Count, DayStats, JourneyStats, MessageStats, PeopleStats, StepStats
from journeyflow.journey import Journey, problems
from journeyflow.migration import Migration, Moved
from journeyflow.moments import Duration
from journeyflow.openings import Until, Window
from journeyflow.paging import Page
from journeyflow.people import Person
from journeyflow.policies import Cap, Policies, QuietHours
from journeyflow.queries import Answer, JourneyInfo
from journeyflow.records import Customer, DeferredEntry, Engagement, Enrollment, Event, Message, PruneResult, Visit
from journeyflow.results import Comparison, Group, Interval, SampleRatio
from journeyflow.rules import all_of, any_of, not_
from journeyflow.steps import Condition, End, Send, Split, Update, Wait, arm, branch
from journeyflow.stores.memory import MemoryStore
from journeyflow.ticking import TickResult
from journeyflow.timeline import Moment, Timeline
from journeyflow.versions import SendInfo, StepInfo, VersionInfo
from journeyflow.whynot import WhyNot

__all__ = [
    "Answer",
    "Benchmark",
    "Bulk",
    "CannotMigrate",
    "Cap",
    "Chain",
    "Change",
    "ClockJump",
    "Comparison",
    "Condition",
    "Conflict",
    "Copied",
    "CorruptDatabase",
    "Count",
    "Customer",
    "DayStats",
    "Decision",
    "DeferredEntry",
    "Duration",
    "End",
    "Engagement",
    "Engine",
    "Enrollment",
    "Event",
    "Exit",
    "Explanation",
    "ExportJob",
    "Forbidden",
    "ForeignDatabase",
    "Goal",
    "Group",
    "Interval",
    "InvalidInput",
    "InvalidJourney",
    "Journey",
    "JourneyInfo",
    "JourneyStats",
    "JourneyflowError",
    "Limits",
    "MemoryStore",
    "Message",
    "MessageStats",
    "Migration",
    "MissingExtra",
    "Moment",
    "Moved",
    "NewerSchema",
    "NotFound",
    "Page",
    "PeopleStats",
    "Person",
    "Policies",
    "Problem",
    "PruneResult",
    "Pull",
    "QuietHours",
    "ReadOnlyDatabase",
    "Reentry",
    "Reset",
    "Results",
    "SampleRatio",
    "Send",
    "SendInfo",
    "Split",
    "SplitResults",
    "StepInfo",
    "StepStats",
    "StorageError",
    "TickResult",
    "Timeline",
    "Trigger",
    "Until",
    "Update",
    "VersionInfo",
    "Visit",
    "Wait",
    "WhyNot",
    "Window",
    "add_step",
    "all_of",
    "any_of",
    "arm",
    "branch",
    "field",
    "not_",
    "problems",
    "remove_step",
    "reorder_steps",
    "replace_step",
    "replace_steps",
    "tag",
    "update_step",
]

__version__: str

if not _typing.TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> str:
        """Look the version up when it is asked for: few ask, and it costs reading what is installed."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 wanted here alone

            return version(__name__)
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
