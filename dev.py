"""Set the project up and run it, with nothing installed but Python 3.11 or newer and pip.

python3 dev.py demo [ARGS...]   show the engine at work
python3 dev.py test             lint, types, doctests, tests, the coverage of the core, and the built package
python3 dev.py test ARGS...     only pytest, with these arguments: `python3 dev.py test -k machine -x`
python3 dev.py lint             ruff check, ruff format --check, mypy
python3 dev.py packages [PY...] the tests against the built package, on every Python found here or on those named
python3 dev.py bench [NAMES]    the benchmarks but `peers` and `postgres`, or those whose file name holds one of the
                                names; with --keep, docs/performance.md shows the figures
python3 dev.py run COMMAND ...  any command inside the project's environment: `python3 dev.py run journeyflow --help`
python3 dev.py help             this page

The first use makes `.venv` beside this file and installs what the command needs; later uses do so again only when
the requirements in pyproject.toml or the Python version changed. Nothing outside this folder is touched; to start
afresh, delete `.venv`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must learn why this stops
    sys.exit("journeyflow needs Python 3.11 or newer; this is %s (%s)" % (sys.version.split()[0], sys.executable))  # noqa: UP031 - likewise

import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / ("python.exe" if os.name == "nt" else "python"))
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

LINT = {
    "ruff check": [PYTHON, "-m", "ruff", "check"],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check"],
    "mypy": [PYTHON, "-m", "mypy"],
}
BESIDE = {
    # what needs an extra that is not there is passed over; tests/conftest.py imports everything else
    "doctests": [PYTHON, "-m", "pytest", "-q", "--doctest-modules", "--doctest-ignore-import-errors", "journeyflow"],
    "package": [PYTHON, "-m", "tests.packages"],
}
MEASURED = (
    "errors.py", "basics/*", "drawing/*", "records/*", "definition/*", "formats/*", "machine/*", "stores/*",
    "catalog/*", "work/*", "questions/*", "engine/*",
)  # fmt: skip
"""The rooms in which every line and branch is covered by their tests."""

OF_OTHERS = ("loyalty/*", "port.py", "registry.py", "schema.py")
"""Of the formats, those that no engine needs: the files of other systems, and the JSON Schema."""

ON_A_SERVER = "journeyflow/stores/postgres/*"
"""The store whose tests need a server; they run where the dependency group `postgres` is installed."""

COVERAGE = {
    "core coverage": [
        # The host's interface and all that it imports; not what a host could have written itself.
        PYTHON, "-m", "coverage", "report", "--fail-under=100",
        f"--include={','.join(f'journeyflow/{room}' for room in MEASURED)}",
        f"--omit={','.join([*(f'journeyflow/formats/{name}' for name in OF_OTHERS), ON_A_SERVER])}",
    ],
}  # fmt: skip
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108 the folder is made by `tempfile`
"""Where Linux keeps files in memory, and how many bytes have to be free there for tests to use it."""

MOST = 32
"""How many processes share the tests at most: among more, all would wait for the longest file."""

MANY_PACKAGES = frozenset({"peers", "postgres"})
"""Benchmarks with a dependency group of their own, of the same name; they run only when they are named."""

OWN = frozenset({"journeyflow", "sqlite-utils"})
"""Commands that come with the package itself; any other, such as python or pytest, may need the group of the tests."""
VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
"""The versions of Python that are looked for; one that is too new for a dependency says so."""


# --- The environment


def succeeds(*command: str) -> bool:
    """Return whether a command exists and exits with 0, without showing its output."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    """Make `.venv`, unless there is one with the Python version that runs this script.

    It gets no pip of its own, which takes seconds, where this Python has one that can install for another (22.3 or
    newer), or where ensurepip is missing (Debian ships it apart from Python).
    """
    if succeeds(PYTHON, "-c", f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"):
        return
    print(f"making {VENV} with Python {RUNNING}", file=sys.stderr)
    venv = [sys.executable, "-m", "venv", "--clear"]
    ways = [[*venv, str(VENV)], [*venv, "--without-pip", str(VENV)]]
    if succeeds(sys.executable, "-m", "pip", "--python", sys.executable, "--version"):
        ways.reverse()
    if not any(succeeds(*way) for way in ways):
        sys.exit(f"`{sys.executable} -m venv {VENV}` fails: run it to see why (on Debian: apt install python3-venv)")


@cache
def pip(python: str = PYTHON) -> list[str]:
    """Return a pip that can install for a Python: its own, that of `.venv`, that of this Python, or any on the PATH."""
    others = ([PYTHON, "-m", "pip"], [sys.executable, "-m", "pip"], ["pip3"], ["pip"])
    for candidate in ([python, "-m", "pip"], *([*other, "--python", python] for other in others)):
        if succeeds(*candidate, "--version"):
            return candidate
    sys.exit(f"no pip (22.3 or newer) found for Python {RUNNING}; install it (on Debian: apt install python3-pip)")


def requirements(project: dict[str, dict[str, list[str | dict[str, str]]]], group: str) -> list[str]:
    """Return what a dependency group asks for, with the groups that it includes."""
    found = []
    for entry in project["dependency-groups"][group]:
        found += [entry] if isinstance(entry, str) else requirements(project, entry["include-group"])
    return found


def set_up(*groups: str, if_there: Sequence[str] = ()) -> None:
    """Install the package, editable, and dependency groups into `.venv`, unless they are there already.

    A group of `if_there` is passed over where its packages have no wheel for this system and this Python. What was
    installed is noted in a stamp inside `.venv`: per group, a digest of everything that decides the outcome.
    """
    make_environment()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {"": ["-e", f"{ROOT}[http]"]} | {group: requirements(project, group) for group in (*groups, *if_there)}
    state = json.dumps([str(ROOT), RUNNING, project["build-system"], project["project"]])
    digests = {name: hashlib.sha256(f"{state}{what}".encode()).hexdigest() for name, what in wanted.items()}
    stamp = VENV / "dev-stamp.json"
    installed = json.loads(stamp.read_text(encoding="utf-8")) if stamp.exists() else {}
    if digests.items() <= installed.items():
        return
    print(f"installing {', '.join(['journeyflow', *groups, *if_there])} into {VENV}", file=sys.stderr)
    if not install(requirement for name in ("", *groups) for requirement in wanted[name]):
        sys.exit("installing failed: pip says above what is missing; a network or a package index it can reach?")
    for group in if_there:
        if not install(["--only-binary", ":all:", *wanted[group]], quiet=True):
            print(
                f"{group} could not be installed, and its tests are skipped: no wheel for this system?", file=sys.stderr
            )
    stamp.write_text(json.dumps(installed | digests, indent=1), encoding="utf-8")


def install(what: Iterable[str], *, quiet: bool = False) -> bool:
    """Install what pip is asked for into `.venv`; return whether that went well."""
    options = ["--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-compile"]
    unseen = subprocess.DEVNULL if quiet else None
    return subprocess.run([*pip(), *options, *what], cwd=ROOT, check=False, stderr=unseen).returncode == 0


def chromium() -> str | None:
    """Return the path of a Chromium, in which pages are looked at; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


# --- The commands


def call(*command: str, cwd: Path | None = None) -> int:
    """Run a command in the foreground and return its exit code."""
    return subprocess.run(command, cwd=cwd, check=False).returncode


def call_all(*rounds: dict[str, list[str]]) -> int:
    """Run every part, even after one has failed; print how each went; return 1 if one failed, else 0.

    The parts of a round run side by side: while one waits for the network or another process, the others go on. The
    output of the last is shown as it comes, that of another when it has failed.
    """
    codes, lines = list[int](), list[str]()
    for parts in rounds:
        shown = [*[False] * (len(parts) - 1), True]
        with ThreadPoolExecutor(len(parts)) as pool:
            ends = pool.map(timed, parts, parts.values(), shown)
            for name, (code, seconds, said) in zip(parts, ends, strict=True):
                codes.append(code)
                how = f"FAILED (exit {code})" if code else "ok"
                lines.append(f"{name:15}{seconds:7.1f} s  {how}  {said}".rstrip())
    print("", *lines, sep="\n", flush=True)
    return int(any(codes))


def timed(name: str, command: list[str], shown: bool) -> tuple[int, float, str]:
    """Run a part; return its exit code, how many seconds it took, and the last line that it printed.

    What it prints is shown as it comes, or, if it is not to be shown, at the end if it fails.
    """
    start, heading, lines = time.perf_counter(), f"\n=== {name}", list[str]()
    if shown:
        print(heading, flush=True)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if shown:
                print(line, end="", flush=True)
    if process.returncode and not shown:
        print(heading, *lines, sep="\n", flush=True)
    return process.returncode, time.perf_counter() - start, next(filter(None, reversed(lines)), "")


def demo(arguments: list[str]) -> int:
    """Run the demonstration."""
    set_up()
    os.environ["JOURNEYFLOW_RUN"] = f"{Path(sys.executable).name} {os.path.relpath(__file__)} run"
    return call(PYTHON, "-m", "journeyflow.cli", "demo", *arguments)


def test(arguments: list[str]) -> int:
    """Run all checks; with arguments, only pytest, in one process, so that --pdb and the like work."""
    musl = "musl" in (sysconfig.get_config_var("SOABI") or "")  # for which Playwright has no wheel
    set_up("lint", "test", *(["browser"] if chromium() and not musl else []), if_there=["postgres"])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # many Pythons start here, and each would compile everything anew
    if arguments:
        return call(PYTHON, "-m", "pytest", *arguments, cwd=ROOT)
    with temporary_files_in_memory(), tempfile.TemporaryDirectory(prefix="jf-tests-") as folder:
        combine = [PYTHON, "-m", "coverage", "combine", "--quiet", "--data-file=.coverage", folder]
        return call_all(LINT | BESIDE | shares(folder), {"coverage": combine}, COVERAGE)


def shares(folder: str) -> dict[str, list[str]]:
    """Return the processes that share the tests by way of a folder, in which they leave what they measured.

    They are one more than there are processors, since tests also wait: for servers, for locks, for other processes.
    """
    share = [
        *(PYTHON, "-m", "coverage", "run", f"--data-file={Path(folder, '.coverage')}"),
        *("-m", "pytest", "-q", "--override-ini=console_output_style=count", "-p", "no:cacheprovider"),
        *("-p", "tests.sharing", f"--shared={folder}"),
    ]
    return {f"tests {number}": share for number in range(1, min(processors() + 1, MOST) + 1)}


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def temporary_files_in_memory() -> Iterator[None]:
    """Have temporary files kept in memory where there is room: thousands of tests wait for the disk otherwise.

    No test asks what a power failure leaves; those that kill processes find in memory what they would find on a disk.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="jf-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # some tests run programs as another user
        os.environ["TMPDIR"] = folder
        yield


def lint(arguments: list[str]) -> int:
    """Run the linter, the formatter's check and the type checker."""
    refuse("lint", arguments)
    set_up("lint", "test")  # mypy reads the types of what the tests import
    return call_all(LINT)


def packages(arguments: list[str]) -> int:
    """Build the package and test it, installed in empty environments, on every Python that can be found."""
    set_up("test")
    return call(PYTHON, "-m", "tests.packages", *(arguments or found_pythons()), cwd=ROOT)


def found_pythons() -> list[str]:
    """Return a Python of each version: this one, and those on the PATH and of pyenv."""
    homes = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
    found = {RUNNING: sys.executable}
    for version in VERSIONS:
        for folder in (None, *map(str, homes)):
            python = shutil.which(f"python{version}", path=folder)
            if python is not None and succeeds(python, "-c", "import sqlite3, venv"):
                found.setdefault(version, python)
    return [found[version] for version in VERSIONS if version in found]


def bench(arguments: list[str]) -> int:
    """Run benchmarks one after the other: a JSON line per figure as they come, and a table at the end (stderr).

    A file whose name begins with an underscore is a helper. With `--keep`, the lines replace those of the same
    benchmarks in `benchmarks/run.jsonl`, from which a page of the documentation is made.
    """
    names = [name for name in arguments if name != "--keep"]
    scripts = [script for script in sorted((ROOT / "benchmarks").glob("*.py")) if not script.name.startswith("_")]
    chosen = [script for script in scripts if any(name in script.stem for name in names or [script.stem])]
    if not names:
        chosen = [script for script in chosen if script.stem not in MANY_PACKAGES]
    if not chosen:
        sys.exit(f"no such benchmark; there are: {', '.join(script.stem for script in scripts) or 'none'}")
    groups = {script.stem for script in chosen} & MANY_PACKAGES
    set_up("bench", *sorted(groups), if_there=["postgres"] if groups == {"peers"} else ())
    figures, failed = list[dict[str, object]](), 0
    for script in chosen:
        with subprocess.Popen([PYTHON, str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                figures.append(json.loads(line))
        failed += process.returncode != 0
    print(as_table(figures), file=sys.stderr)
    if "--keep" in arguments:
        keep(figures)
    return int(failed > 0)


def as_table(figures: list[dict[str, object]]) -> str:
    """Return figures as a table for people, which ends with what the ratio compares with."""
    names = ("bench", "figure", "n", "value", "unit", "ratio", "spread", "against")
    rows = [names, *(tuple("" if figure[name] is None else str(figure[name]) for name in names) for figure in figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(names))]
    return "\n" + "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def keep(figures: list[dict[str, object]]) -> None:
    """Store figures in place of the older ones of the same benchmarks."""
    path = ROOT / "benchmarks" / "run.jsonl"
    made = {"python": sys.version.split()[0], "cores": os.cpu_count(), "day": time.strftime("%Y-%m-%d", time.gmtime())}
    benches = {figure["bench"] for figure in figures}
    old = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    kept = [figure for figure in old if figure["bench"] not in benches] + [figure | made for figure in figures]
    kept.sort(key=lambda figure: str(figure["bench"]))
    path.write_text("".join(f"{json.dumps(figure)}\n" for figure in kept), "utf-8")


def run(arguments: list[str]) -> int:
    """Run any command of the project's environment, in the folder of the caller."""
    if not arguments:
        sys.exit("run what? For example: python3 dev.py run journeyflow --help")
    set_up(*(() if arguments[0] in OWN else ("test",)))
    command = shutil.which(arguments[0], path=str(BIN))
    if command is None:
        sys.exit(f"{BIN} has no command {arguments[0]!r}")
    return call(command, *arguments[1:])


def show_help(arguments: list[str]) -> int:
    """Print what this script can do."""
    refuse("help", arguments)
    print((__doc__ or "").strip())
    return 0


def refuse(command: str, arguments: list[str]) -> None:
    """Stop with a message if a command that takes no arguments was given some."""
    if arguments:
        sys.exit(f"{command} takes no arguments, got: {' '.join(arguments)}")


COMMANDS = {
    "demo": demo, "test": test, "lint": lint, "packages": packages, "bench": bench, "run": run, "help": show_help,
}  # fmt: skip


def main() -> int:
    """Run the command that was named; without one, print the help."""
    name, *arguments = sys.argv[1:] or ["help"]
    name = "help" if name in {"-h", "--help"} else name
    if name not in COMMANDS:
        sys.exit(f"no command {name!r}; there are: {', '.join(COMMANDS)}")
    try:
        return COMMANDS[name](arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
