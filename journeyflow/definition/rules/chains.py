"""Changes about journeys: an Update that enrolls the customer in other journeys, or ends runs (R39).

An effect on the run itself happens at once; an effect on other runs goes through the queue of emitted events, as an
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
"""Every action about journeys, with its description."""

NAMING = frozenset({"enroll", "exit"})
"""The actions that name journeys."""

ORDERING = frozenset({"enroll", "exit", "exit_others", "exit_all", "forget"})
"""The actions that affect other runs: each is an order, handled in turn among the emitted events."""


class Order(NamedTuple):
    """An order of an Update to other runs: the action, the journey named or "", the reason of the runs that it ends."""

    action: str
    journey: str
    reason: str


def _names(value: object) -> tuple[str, ...]:
    """Return one id or many as a tuple; any other value stays as it is, for validation to report."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else cast("tuple[str, ...]", value)


@frozen
class Chain:
    """A change about journeys: `enroll`, `exit`, `exit_this`, `exit_others`, `exit_all` or `forget` (R39).

    `journeys` is one id, or several, of journeys of the customer's own tenant; only `enroll` and `exit` take them. An
    empty id, as a copy for another tenant has it, is not a journey and does nothing. A run that an Update ends is
    EXITED; its reason is "journey/step", naming the Update, or "forgotten".

    >>> Chain.enroll("second-order"), str(Chain.exit("welcome", "trial"))
    (Chain(action='enroll', journeys=('second-order',)), 'exit from welcome, trial')
    """

    action: str
    journeys: tuple[str, ...] = field(default=(), converter=_names)

    @classmethod
    def enroll(cls, *journeys: str) -> "Chain":
        """Enroll the customer in journeys, in this order, as if by hand: whatever their triggers say (R24)."""
        return cls("enroll", journeys)

    @classmethod
    def exit(cls, *journeys: str) -> "Chain":
        """End the customer's active runs of journeys; a run that names its own journey ends itself too."""
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
        """Forget the customer as `Engine.forget` does, once the other changes of the Update are made (R86).

        All runs of the customer end, and all personal data is removed.
        """
        return cls("forget")

    def __str__(self) -> str:
        """Return the change in words."""
        if self.journeys:
            return f"{'exit from' if self.action == 'exit' else 'enroll in'} {', '.join(self.journeys)}"
        return self.action.replace("_", " ")

    def leaves(self, journey: str) -> bool:
        """Return whether a run of a journey ends itself by this change.

        >>> Chain.exit("a").leaves("a"), Chain.exit("a").leaves("b"), Chain.exit_all().leaves("b")
        (True, False, True)
        """
        return self.action in {"exit_this", "exit_all", "forget"} or (
            self.action == "exit" and journey in self.journeys
        )

    def orders(self, reason: str) -> list[Order]:
        """Return the orders to other runs: one for each journey named, one if the action names none, or no orders.

        >>> Chain.exit("a", "b").orders("j/u")
        [Order(action='exit', journey='a', reason='j/u'), Order(action='exit', journey='b', reason='j/u')]
        """
        if self.action not in ORDERING:
            return []
        return [Order(self.action, journey, reason) for journey in self.journeys or ("",)]


def chain_problems(chain: Chain, where: str) -> Iterator[Problem]:
    """Yield every problem of a change about journeys, with its place (R13).

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
            if journey != "" and (fault := id_fault(journey)):  # an empty one waits to be filled in (R18)
                yield Problem("id", ERROR, f"{where}.journeys[{position}]", f"the journey's id {fault}")
