"""journeyflow: an embedded, in-process customer-journey engine; the SQLite of marketing automation.

Importing the package loads nothing of it: a name is imported from its module when it is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeyflow.basics.durations import Duration
    from journeyflow.basics.hours import Until, Window
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
    from journeyflow.definition.rules.attribute_changes import Change, field, tag
    from journeyflow.definition.rules.chains import Chain
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

_MODULES = {
    "basics.hours": ("Until", "Window"),
    "basics.durations": ("Duration",),
    "definition.edits.editing": (
        "add_step",
        "remove_step",
        "reorder_steps",
        "replace_step",
        "replace_steps",
        "update_journey",
        "update_step",
    ),
    "definition.edits.outline": ("outline",),
    "definition.edits.renaming": ("rename_step",),
    "definition.entry": ("Exit", "Goal", "Limits", "Pull", "Reentry", "Trigger"),
    "definition.journey": ("Journey", "problems"),
    "definition.policies": ("Cap", "Policies", "QuietHours"),
    "definition.retry": ("Retry",),
    "definition.rules.chains": ("Chain",),
    "definition.rules.attribute_changes": ("Change", "field", "tag"),
    "definition.rules.conditions": ("all_of", "any_of", "not_"),
    "definition.steps": ("Condition", "End", "Send", "Split", "Update", "Wait", "arm", "branch"),
    "engine.engine": ("Engine",),
    "engine.ticking": ("TickResult",),
    "errors": (
        "CannotMigrate",
        "ClockJump",
        "Conflict",
        "Forbidden",
        "InvalidInput",
        "InvalidJourney",
        "JourneyflowError",
        "NotFound",
        "Problem",
        "StorageError",
    ),
    "questions.paging": ("Page",),
    "records.public": ("Customer", "Enrollment", "Event", "Message", "Visit"),
    "stores.memory.store": ("MemoryStore",),
}
"""The public names of each module."""

_PLACES = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # else a type checker would accept every name

    def __getattr__(name: str) -> object:
        """Return a public name from its module, and keep it here; or the version, from the metadata of the package."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 slow, and few ask

            return version(__name__)
        if name not in _PLACES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from importlib import import_module  # noqa: PLC0415 needed at the first use of a name alone

        member = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        return member

    def __dir__() -> list[str]:
        """Return the public names, whether they were used or not."""
        return [*__all__, "__version__"]
