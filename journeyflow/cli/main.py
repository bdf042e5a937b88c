"""The group of commands, put together from the other modules of this package."""

from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

import click

from journeyflow.cli import (
    analysis,
    cassettes,
    channels,
    covering,
    database,
    definitions,
    delivery,
    directory,
    forecasts,
    housekeeping,
    inputs,
    journeys,
    lifecycle,
    numbers,
    plans,
    policies,
    questions,
    replays,
    reports,
    serving,
    simulations,
)
from journeyflow.cli.output import as_text, in_utf8
from journeyflow.cli.shared import LOCAL, faults_shown

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Begin": ("demo", "check", "show", "schema", "backtest"),
    "Plan": ("analyze", "paths", "diff", "simulate", "compare", "power", "forecast", "calibrate"),
    "Run": ("deploy", "put-customers", "feed", "tick", "enroll", "exit", "retry", "set-aside"),
    "Deliver": (
        "claim", "ack", "nack", "release", "requeue", "messages", "unmatched",
        "hold-channel", "release-channel", "held-channels",
    ),
    "Change journeys": (
        "journeys", "draft", "versions", "steps", "activate", "pause", "resume", "edit", "clone", "migrate",
        "archive", "purge", "delete", "bulk", "policies",
    ),
    "Ask": (
        "enrollments", "people", "deferred", "unreadable", "refusals", "refused", "explain", "why-not", "at",
        "timeline", "stats", "benchmark", "results", "report", "coverage", "record",
    ),
    "Serve": ("serve", "directory"),
    "Keep in order": ("audit", "copy", "export", "forget", "prune", "vacuum", "renew-nonce"),
}  # fmt: skip
"""The commands by purpose, in the order in which they are needed."""


class Sections(click.Group):
    """A group whose help lists its commands by purpose, each with its whole first sentence, and that prints safely."""

    def main(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 as click
        """Run a command, whatever it will print; what it sets in the context, such as a zone, ends with it."""
        in_utf8()
        return copy_context().run(super().main, *args, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 as click
        """Run a command; errors become messages, and what click says of its arguments is shown as text too."""
        try:
            with faults_shown():
                return super().invoke(ctx)
        except click.ClickException as error:
            error.message = as_text(error.message)  # type: ignore[misc]  # final for those who make such errors
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections; commands that are in none come last."""
        listed = {name for names in SECTIONS.values() for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in listed)
        width = max(map(len, self.commands))
        for title, names in (*SECTIONS.items(), ("Other", rest)):
            rows = [(name.ljust(width), _sentence(self.commands[name])) for name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _sentence(command: click.Command) -> str:
    """Return the first sentence of a command's help.

    >>> _sentence(click.Command("x", help="Do a thing. At once."))
    'Do a thing.'
    """
    return command.get_short_help_str(1_000)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="journeyflow", prog_name="journeyflow")
def main() -> None:
    """Define, run, replay and query customer journeys, kept in one file.

    Exit status: 0 on success, 1 when the input or the database has faults (each is printed), 2 for wrong usage,
    3 when all was done but the output could not be written. A file of rows with faults is a success if any of its
    rows could be taken; the others are printed.
    Instants are shown in UTC, or in the zone of --timezone.
    """


def _with_zone(command: click.Command) -> click.Command:
    """Return a command on a database with `--timezone`, unless that says there how a file is to be read."""
    names = {parameter.name for parameter in command.params}
    return LOCAL(command) if "db" in names and "timezone" not in names else command


for module in (
    forecasts,
    replays,
    plans,
    simulations,
    analysis,
    definitions,
    lifecycle,
    inputs,
    database,
    journeys,
    delivery,
    channels,
    questions,
    policies,
    numbers,
    reports,
    directory,
    housekeeping,
    covering,
    cassettes,
    serving,
):
    for command in module.COMMANDS:
        main.add_command(_with_zone(command))
