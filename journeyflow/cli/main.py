"""The group of commands, put together from the modules beside this one."""

import click

from journeyflow.cli import (
    database,
    definitions,
    delivery,
    housekeeping,
    journeys,
    numbers,
    policies,
    questions,
    replays,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="journeyflow", prog_name="journeyflow")
def main() -> None:
    """Define, run, replay and question customer journeys, kept in one file.

    Exit status: 0 when all went well, 1 when the input or the database has faults (each is printed), 2 for wrong usage.
    """


for module in (replays, definitions, database, journeys, delivery, questions, policies, numbers, housekeeping):
    for command in module.COMMANDS:
        main.add_command(command)
