"""What `python -m journeyflow.cli` runs."""

from journeyflow.cli.main import main

main(prog_name="journeyflow")
