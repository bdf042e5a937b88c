"""The shape of a definition: what validation, references and pictures read, of a journey or of one being parsed."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from journeyflow.definition.entry import Exit, Goal, Limits, Reentry, Trigger
from journeyflow.definition.rules.conditions import Rule
from journeyflow.definition.steps import Step


class Definition(Protocol):
    """The options of a journey, each as `Journey` describes it. Values may be invalid: validation reports them."""

    @property
    def id(self) -> str:
        """The id of the journey, unique within its tenant."""

    @property
    def tenant(self) -> str | None:
        """The only tenant that may deploy the journey; None for any."""

    @property
    def meta(self) -> Mapping[str, object]:
        """What the host keeps with the journey."""

    @property
    def timezone(self) -> str:
        """The IANA zone of the journey's calendar."""

    @property
    def consent(self) -> str:
        """Whether entry requires consent: "optional" or "required"."""

    @property
    def max_visits(self) -> int:
        """How many visits one run may make."""

    @property
    def holdout(self) -> float:
        """The percentage of customers in the holdout."""

    @property
    def trigger(self) -> Trigger:
        """The trigger, which decides who enters."""

    @property
    def run_criteria(self) -> Rule | None:
        """The rule that a customer must match to enter; None for no rule."""

    @property
    def reentry(self) -> Reentry:
        """The re-entry policy."""

    @property
    def limits(self) -> Limits:
        """The entry limits, per hour and per day."""

    @property
    def goal(self) -> Goal | None:
        """The goal; None for no goal."""

    @property
    def exits(self) -> Sequence[Exit]:
        """The exits, which end a run early."""

    @property
    def steps(self) -> Sequence[Step]:
        """The flat graph, in the order written."""
