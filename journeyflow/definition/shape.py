"""The shape of a definition: what validation, references and pictures look at, in a journey or in one being read."""

from collections.abc import Sequence
from typing import Protocol

from journeyflow.definition.entry import Exit, Goal, Limits, Reentry, Trigger
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.steps import Step


class Definition(Protocol):
    """The options of a journey, each as `Journey` describes it. Values may be wrong: validation tells."""

    @property
    def id(self) -> str:
        """Its name within the tenant."""

    @property
    def tenant(self) -> str | None:
        """The only tenant that may deploy it, or None."""

    @property
    def timezone(self) -> str:
        """The IANA zone of its calendar."""

    @property
    def consent(self) -> str:
        """Whether people without consent are kept out: `optional` or `required`."""

    @property
    def max_visits(self) -> int:
        """How many visits one run may make."""

    @property
    def holdout(self) -> float:
        """The percentage of people who are kept out."""

    @property
    def trigger(self) -> Trigger:
        """What lets people in."""

    @property
    def run_criteria(self) -> Rule | None:
        """The rule that who enters has to pass."""

    @property
    def reentry(self) -> Reentry:
        """Who may come again."""

    @property
    def limits(self) -> Limits:
        """How many may enter in an hour and a day."""

    @property
    def goal(self) -> Goal | None:
        """What it is for."""

    @property
    def exits(self) -> Sequence[Exit]:
        """What ends a run early."""

    @property
    def steps(self) -> Sequence[Step]:
        """The flat graph, in the order written."""
