"""Build the package, install it into empty environments, and run the tests there, far from the source.

    python -m tests.packages            a choice of the tests, on the Python of `.venv`: a part of `python3 dev.py test`
    python -m tests.packages PYTHON...  all but the slow ones, on each of these: `python3 dev.py packages` finds them

The wheel is built from what the sdist holds, so that a file missing in either is noticed. Each Python gets two
environments inside `.venv`, one without extras and one with all of them. Those of the Pythons that are named are
filled by pip and kept until the requirements change; the wheel is put in anew each time. Those of the Python of `.venv`
link to what is installed there: what the wheel asks for and what that asks for, and nothing else.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import Distribution, PackageNotFoundError, PathDistribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

import dev

FOLDER = dev.VENV / "packages"
EXTRAS = {"without extras": "", "with extras": "[http,pandas,regex,testing]"}
OF_EXTRAS = ("google-re2", "pandas")
"""What the tests need besides is installed everywhere; these only where the extras bring them."""

PAGE = "tests/test_docs.py::test_examples_do_what_the_page_says[{}]"

QUICK = {
    "without extras": (
        *(
            *(f"tests/cli/test_{part}.py" for part in ("cli", "definitions", "housekeeping", "lifecycle", "replays")),
            "tests/test_examples.py",
            "tests/test_public_api.py",
            "tests/formats/test_events.py",
        ),
        *("tests/basics/test_patterns.py", "tests/simulation/test_backtest.py"),
        *map(PAGE.format, ("docs/questions.md", "docs/testing.md")),
    ),
    "with extras": ("-m", "regex and not source"),
}
"""A choice that goes through every file and every dependency of the package, in seconds."""

MARK = "pytest.mark.regex"

SLOW = (
    *("tests/properties", "tests/stateful", "tests/stores/sqlite/test_processes.py", "tests/simulation/test_cdnow.py"),
    "tests/packages.py",
)
"""What says nothing about packaging that the rest does not say."""

IN_WHEEL = ("journeyflow/py.typed", "journeyflow/journey.schema.json", "journeyflow/stores/sqlite/store.py")
IN_SDIST = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "pyproject.toml",
    "dev.py",
    "docs/semantics.md",
    "tests/conftest.py",
)

INSIDE = """
import importlib.util, pathlib, sys
import journeyflow
place = pathlib.Path(journeyflow.__file__).resolve()
assert place.is_relative_to(pathlib.Path(sys.prefix).resolve()), f"imported from {place}"
for extra in ("pandas", "re2"):
    assert (importlib.util.find_spec(extra) is not None) == (sys.argv[1] == "with extras"), f"{extra} is wrongly there"
"""

SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def ask(*command: str, cwd: Path | None = None) -> str:
    """Run a command and give what it prints; stop everything with its output where it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed: {' '.join(command)}")
    return done.stdout


# --- building ---------------------------------------------------------------------------------------------------------


def build() -> tuple[Path, Path]:
    """Build the sdist, and the wheel from what the sdist holds; give the wheel and the unpacked sdist."""
    made, tree = FOLDER / "made", FOLDER / "tree"
    for old in (made, tree):
        shutil.rmtree(old, ignore_errors=True)
    ask(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(made), cwd=dev.ROOT)
    (sdist,) = made.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        # a filter as an argument is unknown to the first releases of Python 3.11; without one the newest warn
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(tree)  # noqa: S202 it was built the line before
    (unpacked,) = tree.iterdir()
    ask(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made), cwd=unpacked)
    (wheel,) = made.glob("*.whl")
    return wheel, unpacked


def check_contents(wheel: Path, unpacked: Path) -> None:
    """See that both hold what they must, and the wheel nothing but the package."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    missing = [name for name in IN_WHEEL if name not in names]
    missing += [name for name in IN_SDIST if not (unpacked / name).exists()]
    foreign = [name for name in names if not name.startswith(("journeyflow/", "journeyflow-", "pytest_journeyflow.py"))]
    if missing or foreign:
        sys.exit(f"the package lacks {missing} and holds {foreign}, which is not the package's")


# --- environments -----------------------------------------------------------------------------------------------------


def environment(python: str, version: str, wheel: Path, name: str) -> str:
    """Return the Python of an environment that holds the wheel and what tests need; make it if it is not there."""
    needed = needed_by_tests()
    state = json.dumps([python, version, needed, project()["project"]])
    digest = hashlib.sha256(state.encode()).hexdigest()
    folder = FOLDER / f"{version}-{name.replace(' ', '-')}"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        inside = empty(python, folder)
        install(inside, f"journeyflow{EXTRAS[name]} @ {wheel.as_uri()}", *needed)
        stamp.write_text(digest, encoding="utf-8")
    else:
        inside = python_in(folder)
        install(inside, "--force-reinstall", "--no-deps", str(wheel))
    return inside


def linked_environment(version: str, wheel: Path, name: str) -> str:
    """Return the Python of a new environment that holds the wheel, and links to what it and tests need in `.venv`."""
    inside = empty(sys.executable, FOLDER / f"{version}-{name.replace(' ', '-')}")
    here, there = (Path(ask(python, "-c", SITE).strip()) for python in (sys.executable, inside))
    (metadata,) = (each for each in zipfile.Path(wheel).iterdir() if each.name.endswith(".dist-info"))
    roots = [f"journeyflow{EXTRAS[name]}", *needed_by_tests()]
    for found in closure(roots, {"journeyflow": PathDistribution(metadata)}):
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (there / top).exists():  # a namespace may belong to several
                (there / top).symlink_to(here / top)
    install(inside, "--no-deps", str(wheel))
    return inside


def closure(requirements: list[str], known: dict[str, Distribution]) -> Iterator[Distribution]:
    """Yield what is installed of all that is asked for, directly or by what is asked for."""
    todo, seen = [Requirement(text) for text in requirements], set[str]()
    while todo:
        asked = todo.pop()
        if str(asked) in seen:
            continue
        seen.add(str(asked))
        try:
            found = known.get(asked.name) or distribution(asked.name)
        except PackageNotFoundError:
            sys.exit(f"{asked} is not installed in {dev.VENV}: `python3 dev.py test` does that")
        if not asked.specifier.contains(found.version, prereleases=True):
            sys.exit(f"{asked} is asked for, and {found.version} is installed")
        extras = asked.extras or {""}
        todo += [
            each
            for each in map(Requirement, found.requires or ())
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
        if asked.name not in known:
            yield found


def project() -> dict[str, Any]:
    """Return what pyproject.toml says."""
    return tomllib.loads((dev.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def needed_by_tests() -> list[str]:
    """Return what tests need besides the package, but the hosts, which say nothing about packaging and are large."""
    hosts = dev.requirements(project(), "hosts")
    asked = dev.requirements(project(), "test")
    return [each for each in asked if each not in hosts and not each.startswith(OF_EXTRAS)]


def empty(python: str, folder: Path) -> str:
    """Make an empty environment; return its Python."""
    ask(python, "-m", "venv", "--clear", "--without-pip", str(folder))
    return python_in(folder)


def python_in(folder: Path) -> str:
    """Return the Python of an environment."""
    return str(folder / dev.BIN.name / Path(dev.PYTHON).name)


def install(python: str, *what: str) -> None:
    """Install into an environment, from outside."""
    ask(*dev.pip(python), "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-compile", *what)


# --- running ----------------------------------------------------------------------------------------------------------


def quick(name: str, unpacked: Path) -> tuple[str, ...]:
    """Choose some tests of an environment; those of the extra are looked for where they are, not in every file."""
    marked = [str(file) for file in sorted(unpacked.glob("tests/**/test_*.py")) if MARK in file.read_text("utf-8")]
    return (*QUICK[name], *marked) if name == "with extras" else QUICK[name]


def run_tests(python: str, name: str, unpacked: Path, chosen: tuple[str, ...]) -> tuple[bool, str]:
    """Run tests in an environment; give whether they passed, and how many in how much time."""
    start = time.perf_counter()
    ask(python, "-I", "-c", INSIDE, name)
    ask(str(Path(python).with_name("journeyflow")), "check", *map(str, (unpacked / "examples").glob("*.json")))
    command = [python, "-m", "pytest", "-q", "-m", "not source", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=unpacked, check=False, text=True, capture_output=True)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", flush=True)
    last = done.stdout.strip().rpartition("\n")[2].strip("= ")
    return not done.returncode, f"{time.perf_counter() - start:6.1f} s  {last}"


def main(pythons: list[str]) -> int:
    """Build once, then test on every Python with and without extras; return 1 if a test failed, else 0."""
    thorough = ("-n", "auto", *(f"--ignore={path}" for path in SLOW))
    wheel, unpacked = build()
    check_contents(wheel, unpacked)
    shutil.rmtree(unpacked / "journeyflow")  # from here on only the installed one can be imported
    os.environ.pop("PYTHONPATH", None)
    failed = False
    for python in pythons or [sys.executable]:
        version = ask(python, "-c", "import platform; print(platform.python_version())").strip()
        with ThreadPoolExecutor() as pool:  # installing waits for the network
            make = partial(environment, python) if pythons or os.name == "nt" else linked_environment  # no links there
            insides = list(pool.map(partial(make, version, wheel), EXTRAS))
        chosen = [thorough if pythons else quick(name, unpacked) for name in EXTRAS]
        at_once = 1 if pythons else len(EXTRAS)  # all tests take every processor, a choice takes one
        with ThreadPoolExecutor(at_once) as pool:
            ends = pool.map(run_tests, insides, EXTRAS, [unpacked] * len(EXTRAS), chosen)
            for name, (passed, told) in zip(EXTRAS, ends, strict=True):
                failed = failed or not passed
                print(f"Python {version:8} {name:15} {told}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
