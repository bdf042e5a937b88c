"""What `python -m journeyflow` runs."""

from journeyflow.cli.main import main

main(prog_name="journeyflow")
