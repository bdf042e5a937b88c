"""Work on many tasks: one after the other, or side by side by an executor."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from journeyflow.basics.expecting import expect_with
from journeyflow.engine.housekeeping import Progress

Task = TypeVar("Task")

Worked = TypeVar("Worked")


def worked(
    work: Callable[[Task], Worked], tasks: Sequence[Task], executor: Executor | None, progress: Progress | None
) -> Iterator[Worked]:
    """Yield what the work on each task returns, in their order, and show before each how many are done.

    With an executor all tasks are submitted at once.
    """
    expect_with("submit", "an executor", optional=True, executor=executor)
    results = map(work, tasks) if executor is None else _submitted(executor, work, tasks)
    for number, result in enumerate(results, 1):
        if progress is not None:
            progress(number, len(tasks))
        yield result


def _submitted(executor: Executor, work: Callable[[Task], Worked], tasks: Sequence[Task]) -> Iterator[Worked]:
    for future in [executor.submit(work, task) for task in tasks]:
        yield future.result()
