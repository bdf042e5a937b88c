"""The types of what an engine answers, for annotations: statistics, results, timelines, explanations and the like.

What is given to an engine, and what most answers consist of, is in `journeyflow` itself.

Answers are made by an engine and are not checked: one that a host makes itself, as in its own tests, has what was put
in, and figures that follow from wrong ones are wrong. What is given back to an engine is checked there: messages, runs
and inputs that were set aside.
"""

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.catalog.migration import Migration, Moved
from journeyflow.catalog.trail import AuditEntry
from journeyflow.definition.edits.copying import Copied, Reset
from journeyflow.definition.edits.outline import OutlineStep
from journeyflow.engine.copy_calls import Bulk
from journeyflow.engine.cycling import Cycling
from journeyflow.engine.exports import ExportJob
from journeyflow.engine.settling import Handled, Settling
from journeyflow.questions.explanation import Decision, Explanation
from journeyflow.questions.journeys import JourneyInfo
from journeyflow.questions.messages import Answer, SetAside
from journeyflow.questions.numbers.figures import (
    Benchmark,
    Count,
    DayStats,
    JourneyStats,
    MessageStats,
    PeopleStats,
    StepStats,
)
from journeyflow.questions.numbers.intervals import Comparison, Group, Interval, SampleRatio
from journeyflow.questions.numbers.lengths import EndedWithin, TimeToEnd
from journeyflow.questions.numbers.results import Results, SplitResults
from journeyflow.questions.numbers.strata import Stratum
from journeyflow.questions.paging import Latest
from journeyflow.questions.people import Person
from journeyflow.questions.refusals import RefusalCount, RefusedEntry
from journeyflow.questions.timeline_moments import Moment, Timeline
from journeyflow.questions.versions import SendInfo, StepInfo, VersionInfo
from journeyflow.questions.why_not import WhyNot
from journeyflow.records.public import DeferredEntry, Engagement, PruneResult, PublishedVersion, Unreadable

__all__ = [
    "Answer",
    "AuditEntry",
    "Benchmark",
    "Bulk",
    "Comparison",
    "Copied",
    "Count",
    "Cycling",
    "DayStats",
    "Decision",
    "DeferredEntry",
    "EndedWithin",
    "Engagement",
    "Explanation",
    "ExportJob",
    "Group",
    "Handled",
    "Interval",
    "JourneyInfo",
    "JourneyStats",
    "Latest",
    "MessageStats",
    "Migration",
    "Moment",
    "Moved",
    "OutlineStep",
    "PeopleStats",
    "Person",
    "PruneResult",
    "PublishedVersion",
    "RefusalCount",
    "RefusedEntry",
    "Reset",
    "Results",
    "RowTuple",
    "SampleRatio",
    "SendInfo",
    "SetAside",
    "Settling",
    "SplitResults",
    "StepInfo",
    "StepStats",
    "Stratum",
    "TimeToEnd",
    "Timeline",
    "Unreadable",
    "VersionInfo",
    "WhyNot",
]
