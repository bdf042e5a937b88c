"""Printing: in UTF-8 whatever the locale, as text whatever the terminal, and with a word when it cannot be written."""

import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

import click

UNWRITTEN: Final = 3
"""The exit status of a command whose output could not be written; what it has changed stands."""

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_COMMANDS_TO_TERMINALS = re.compile(f"[{_CONTROLS}]")
_BREAKING_A_CELL = re.compile(rf"[\t\n{_CONTROLS}]")


class Unwritten(click.ClickException):
    """The output of a command could not be written."""

    exit_code = UNWRITTEN

    def __init__(self, error: Exception, what: str | None = None) -> None:
        """Name the reason, and say what stands; of a file, `what` is the reason with the remedy."""
        self.error = error
        super().__init__(f"the output could not be written: {what or f'{error}; what the command changed stands'}")

    def show(self, file: object = None) -> None:  # noqa: ARG002 click's signature
        """Print it, unless a reader closed the pipe: it has seen enough."""
        if getattr(self.error, "errno", None) != errno.EPIPE:
            echo(f"Error: {self.message}", err=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a file there, or a folder of files. Raises Unwritten if that fails."""
    try:
        yield
    except OSError as error:
        why = f"{error.filename or path}: {error.strerror or error}"
        raise Unwritten(error, f"{why}; name a place that is there, is writable and has room") from error


def in_utf8() -> None:
    """Have standard output and error take every text: what UTF-8 has no bytes for, parts of file names, is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def as_text(text: str) -> str:
    r"""Return a text with its control characters escaped as in JSON, so that a terminal shows them; lines stay lines.

    >>> as_text("\x1b[31mred\n")
    '\\u001b[31mred\n'
    """
    return _COMMANDS_TO_TERMINALS.sub(_escaped, text)


def as_cell(text: str) -> str:
    r"""Return a text as `as_text` does, on one line and without tabs.

    >>> as_cell("a\nb")
    'a\\u000ab'
    """
    return _BREAKING_A_CELL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def echo(text: str, *, err: bool = False) -> None:
    """Print a text and end the line.

    Raises Unwritten if standard output does not take it. Standard error is for words that nobody has to get.
    """
    error = _written(sys.stderr if err else sys.stdout, f"{as_text(text)}\n")
    if error is not None and not err:
        raise Unwritten(error)


def _written(stream: TextIO | None, text: str) -> Exception | None:
    """Write a text; return why that failed, or None."""
    if stream is None:  # it was closed before the program began
        return OSError(errno.EBADF, os.strerror(errno.EBADF))
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):  # else Python tries again at its end, and complains
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
