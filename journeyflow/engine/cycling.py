"""A cycle of a host in one commit: what a `with` block gives, a tick and a claim (R75)."""

from typing import Self

from journeyflow.basics.answer_rows import RowTuple
from journeyflow.engine.batches import Batch
from journeyflow.engine.core import Core
from journeyflow.engine.ticking import NOTHING_DONE, TickResult, tick
from journeyflow.engine.working import HostCall
from journeyflow.records.public import Message
from journeyflow.work.outbox import Claimant


class Cycling(Batch):
    """A `with` block whose inputs are handled when it ends, with all that is due; see `Engine.cycle`.

    After the block, `result` says what was done, as that of a tick, and `messages` are those that were claimed, oldest
    first.
    """

    result: TickResult = NOTHING_DONE
    messages: RowTuple[Message] = RowTuple()

    def __init__(self, core: Core, now: int, claim: Claimant | None, *, allow_jump: bool) -> None:
        """Begin without inputs."""
        super().__init__(core)
        self._call = HostCall(core, now, claim, allow_jump=allow_jump)

    def __repr__(self) -> str:
        """Return how many inputs were handled, and how many messages were claimed."""
        return f"Cycling({self.result.inputs} handled, {len(self.messages)} claimed)"

    def __enter__(self) -> Self:  # type: ignore[override]  # a plain batch has nothing to say
        """Open the block; raises RuntimeError inside another batch of the same thread."""
        super().__enter__()
        return self

    def _close(self) -> None:
        """Store the inputs, do what is due, and claim."""
        self._call.inputs = self.inputs
        with self._core.ticking():
            self.result = tick(self._call)
        self.messages = RowTuple(self._call.messages)
