"""The command line, called inside the process of the tests."""

from click.testing import CliRunner

from journeyflow import Journey, Send, Trigger, Wait
from journeyflow.cli import main

JOURNEY = Journey(
    id="thanks",
    trigger=Trigger("buy"),
    steps=[Send("hello", channel="EMAIL", template="t"), Wait("w", "1 day")],
)


def call(*arguments):
    """Run the command line inside this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])
