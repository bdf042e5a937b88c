"""Changes that are about journeys: an Update that enrolls the customer elsewhere, or ends runs (R39).

What this run does to itself happens at once; what it does to other runs goes through the queue of emitted events, as an
order (`work/orders.py`).
"""

from collections.abc import Iterator
from typing import NamedTuple, cast

from attrs import field, frozen

from journeyflow.basics.values import describe, id_fault
from journeyflow.errors import ERROR, Problem, did_you_mean

CHAINS = {
    "enroll": "Enroll the customer in journeys, as if by hand.",
    "exit": "End the customer's runs of journeys.",
    "exit_this": "End this run.",
    "exit_others": "End the customer's runs of all other journeys.",
    "exit_all": "End this run, and all other runs of the customer.",
    "forget": "Forget the customer: all runs end, and everything personal goes (R86).",
}
"""Every action that is about journeys, with what it does."""

NAMING = frozenset({"enroll", "exit"})
"""The actions that name journeys."""

ORDERING = frozenset({"enroll", "exit", "exit_others", "exit_all", "forget"})
"""The actions that touch other runs: each is an order, which takes its turn among emitted events."""


class Order(NamedTuple):
    """What an Update wants of other runs: an action, the journey that is named or "", the reason of what it ends."""

    action: str
    journey: str
    reason: str


def _names(value: object) -> tuple[str, ...]:
    """Take one id or many; what is neither is told about later."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else cast("tuple[str, ...]", value)


@frozen
class Chain:
    """A change that is about journeys: `enroll`, `exit`, `exit_this`, `exit_others`, `exit_all` or `forget` (R39).

    `journeys` are ids, one or many, of the customer's own tenant. What an Update ends is EXITED; the reason names the
    journey and the step that did it, or is "forgotten".

    >>> Chain.enroll("second-order"), str(Chain.exit("welcome", "trial"))
    (Chain(action='enroll', journeys=('second-order',)), 'exit from welcome, trial')
    """

    action: str
    journeys: tuple[str, ...] = field(default=(), converter=_names)

    @classmethod
    def enroll(cls, *journeys: str) -> "Chain":
        """Enroll the customer in journeys, in this order, as if by hand (R24)."""
        return cls("enroll", journeys)

    @classmethod
    def exit(cls, *journeys: str) -> "Chain":
        """End the customer's active runs of journeys; naming its own journey a run ends itself too."""
        return cls("exit", journeys)

    @classmethod
    def exit_this(cls) -> "Chain":
        """End this run, once the other changes of the Update are made."""
        return cls("exit_this")

    @classmethod
    def exit_others(cls) -> "Chain":
        """End the customer's active runs of all other journeys."""
        return cls("exit_others")

    @classmethod
    def exit_all(cls) -> "Chain":
        """End this run, and all other active runs of the customer."""
        return cls("exit_all")

    @classmethod
    def forget(cls) -> "Chain":
        """Forget the customer, once the other changes of the Update are made: as `Engine.forget` does (R86)."""
        return cls("forget")

    def __str__(self) -> str:
        """Write the change in words."""
        if self.journeys:
            return f"{'exit from' if self.action == 'exit' else 'enroll in'} {', '.join(self.journeys)}"
        return self.action.replace("_", " ")

    def leaves(self, journey: str) -> bool:
        """Tell whether a run of a journey ends itself by this.

        >>> Chain.exit("a").leaves("a"), Chain.exit("a").leaves("b"), Chain.exit_all().leaves("b")
        (True, False, True)
        """
        return self.action in {"exit_this", "exit_all", "forget"} or (
            self.action == "exit" and journey in self.journeys
        )

    def orders(self, reason: str) -> list[Order]:
        """Return what it wants of other runs: one order for each journey that it names.

        >>> Chain.exit("a", "b").orders("j/u")
        [Order(action='exit', journey='a', reason='j/u'), Order(action='exit', journey='b', reason='j/u')]
        """
        if self.action not in ORDERING:
            return []
        return [Order(self.action, journey, reason) for journey in self.journeys or ("",)]


def chain_problems(chain: Chain, where: str) -> Iterator[Problem]:
    """Yield every problem of a change that is about journeys, with its place (R13).

    >>> [str(problem) for problem in chain_problems(Chain.enroll(), "changes[0]")]
    ['changes[0].journeys: action enroll needs the id of a journey [journeys]']
    """
    if not isinstance(chain.action, str) or chain.action not in CHAINS:
        hint = did_you_mean(chain.action, CHAINS) or f"; known are {', '.join(CHAINS)}"
        yield Problem("action", ERROR, f"{where}.action", f"unknown action {chain.action!r}{hint}")
    elif not isinstance(chain.journeys, tuple):
        yield Problem("journeys", ERROR, f"{where}.journeys", f"expected ids, not {describe(chain.journeys)}")
    elif bool(chain.journeys) != (chain.action in NAMING):
        needs = "takes no journeys" if chain.journeys else "needs the id of a journey"
        yield Problem("journeys", ERROR, f"{where}.journeys", f"action {chain.action} {needs}")
    else:
        for position, journey in enumerate(chain.journeys):
            if fault := id_fault(journey):
                yield Problem("id", ERROR, f"{where}.journeys[{position}]", f"the journey's id {fault}")
