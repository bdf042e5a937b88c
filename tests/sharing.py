"""A plugin of pytest for processes that share the tests: each claims a file, runs it, and claims the next.

`python3 dev.py test` starts the processes and names one folder to all. A file is claimed by making the file of its
number in that folder, which only one process can. So each process compiles, imports and collects its own share;
workers of pytest-xdist would each collect everything, and send every report to another process, which costs more than
a short test.
"""

from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import pytest

FIRST = (
    *("tests/properties/", "tests/test_docs.py", "tests/simulation/", "tests/test_hostile.py", "tests/analysis/"),
    *("tests/definition/rules/test_clock_turns.py", "tests/stores/", "tests/questions/numbers/", "tests/testing/"),
    *("tests/test_bad_input.py", "tests/stateful/", "tests/work/together/"),
)
"""Where a file takes many seconds: the others follow, so that the processes end together."""

CLAIMED = pytest.StashKey[Iterator[list[pytest.Item]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the folder."""
    parser.addoption("--shared", metavar="FOLDER", type=Path, help="run the files that no process has claimed there")


def pytest_collection(session: pytest.Session) -> bool:
    """Collect the next file that no process has claimed; nothing, if there is none."""
    if CLAIMED not in session.stash:
        session.stash[CLAIMED] = claimed(session)
    files = session.stash[CLAIMED]
    session.items = next(files, [])
    session.testscollected += len(session.items)
    return True


def claimed(session: pytest.Session) -> Iterator[list[pytest.Item]]:
    """Claim one file after the other; yield the tests of those that have any."""
    root = session.config.rootpath
    paths = sorted(path for folder in session.config.args for path in (root / folder).rglob("test_*.py"))
    paths.sort(key=lambda path: not path.relative_to(root).as_posix().startswith(FIRST))
    for number, file in enumerate(session.perform_collect(list(map(str, paths)), genitems=False)):
        if claim(session.config.option.shared / str(number)):
            items = list(session.genitems(file))
            session.config.hook.pytest_collection_modifyitems(session=session, config=session.config, items=items)
            if items:
                yield items


def claim(path: Path) -> bool:
    """Return whether this process is the first to claim a file."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests of the files that this process claims."""
    for item, following in pairwise(chain(collected(session), [None])):
        assert item is not None  # it is what follows the last
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return True


def collected(session: pytest.Session) -> Iterator[pytest.Item]:
    """Yield the tests that are collected, and collect more when they are used up."""
    while session.items:
        yield from session.items
        session.config.hook.pytest_collection(session=session)
