"""A pytest plugin: which ways through the journeys of a folder the tests have taken.

It stands beside the package, so that pytest loads it without loading journeyflow. It does nothing without `--journeys`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from journeyflow.analysis.coverage import Coverage

BELOW = 1
"""The exit status of a session whose tests passed and took too few ways."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("journeyflow")
    group.addoption(
        "--journeys", metavar="DIR", type=Path, help="Report which ways through the journey files of DIR were taken."
    )
    group.addoption(
        "--journeys-fail-under",
        metavar="PERCENT",
        type=float,
        default=0.0,
        help="Fail if fewer percent of the ways were taken.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch engines, if journeys are given."""
    if folder := config.getoption("--journeys"):
        config.pluginmanager.register(Watch(folder, config.getoption("--journeys-fail-under")), "journeyflow-watch")


class Watch:
    """Reads what every engine of the session did: when it is closed, or else at the end of the test that made it."""

    def __init__(self, folder: Path, bound: float) -> None:
        """Read the journeys, and have new engines noted. Raise UsageError without any."""
        from journeyflow.analysis.coverage import Coverage, ways  # noqa: PLC0415 not before it is wanted
        from journeyflow.engine.core import Core  # noqa: PLC0415 likewise
        from journeyflow.engine.engine import Engine  # noqa: PLC0415 likewise
        from journeyflow.errors import JourneyflowError  # noqa: PLC0415 likewise
        from journeyflow.formats.registry import loads_any  # noqa: PLC0415 likewise

        try:
            texts = [path.read_text(encoding="utf-8-sig") for path in sorted(folder.glob("*.json"))]
            self.journeys = [loads_any(text)[0] for text in texts]
        except (OSError, ValueError, JourneyflowError) as error:
            msg = f"--journeys={folder}: {error}"
            raise pytest.UsageError(msg) from error
        if not self.journeys:
            msg = f"--journeys={folder}: there is no journey file (*.json)"
            raise pytest.UsageError(msg)
        self.bound = bound
        self.open: dict[int, Any] = {}
        self.found: dict[object, Coverage] = {}
        self.workers = Coverage(tuple(way for each in self.journeys for way in ways(each)))
        self.patch = pytest.MonkeyPatch()
        self._watch(Engine, Core)

    def _watch(self, engine: type[Any], core: type[Any]) -> None:
        """Note every engine that is made, and read it before it is closed."""
        made, closed = engine.__init__, core.close

        def make(one: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 as the engine's
            made(one, *args, **options)
            self.open[id(one._core)] = one  # noqa: SLF001 copies bound to a tenant share it

        def close(one: Any) -> None:  # noqa: ANN401 as the engine's
            if (known := self.open.pop(id(one), None)) is not None:
                self._read(known)
            closed(one)

        self.patch.setattr(engine, "__init__", make)
        self.patch.setattr(core, "close", close)

    def _read(self, engine: Any) -> None:  # noqa: ANN401 loaded late
        """Read what an engine did; a file that is opened again is read anew, and counts once."""
        from journeyflow.analysis.coverage import Coverage, coverage  # noqa: PLC0415 loaded by now
        from journeyflow.errors import JourneyflowError  # noqa: PLC0415 likewise

        path = getattr(engine.store, "path", None)
        place = object() if path in {None, ":memory:"} else str(path)
        total = Coverage(())
        try:
            for each in self.journeys:
                total += coverage(engine, journeys=[each], tenant=each.tenant or "default")
        except JourneyflowError:  # its store is closed, or was damaged on purpose
            return
        self.found[place] = total

    @pytest.hookimpl
    def pytest_runtest_logfinish(self) -> None:
        """Read what a test has left open."""
        while self.open:
            self._read(self.open.popitem()[1])

    def total(self) -> "Coverage":
        """Return everything that was taken, by this process and by its workers."""
        return sum(self.found.values(), self.workers)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what a worker has seen; else fail a session that passed and took too few ways."""
        self.pytest_runtest_logfinish()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["journeyflow"] = self.total().to_dicts()
        elif session.exitstatus == pytest.ExitCode.OK and 100 * self.total().share < self.bound:
            session.exitstatus = BELOW

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 of pytest-xdist
        """Add what a worker of pytest-xdist has seen."""
        from journeyflow.analysis.coverage import Coverage, CoveredWay  # noqa: PLC0415 loaded by now

        rows = getattr(node, "workeroutput", {}).get("journeyflow", [])
        self.workers += Coverage(tuple(CoveredWay(**row) for row in rows))

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the coverage, and whether it is too low."""
        total = self.total()
        terminalreporter.section("journeys")
        terminalreporter.write_line(str(total))
        if 100 * total.share < self.bound:
            said = f"{100 * total.share:.0f}% of the ways were taken, fewer than {self.bound:g}%"
            terminalreporter.write_line(f"FAIL --journeys-fail-under: {said}", red=True)

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """Watch no longer."""
        self.patch.undo()
