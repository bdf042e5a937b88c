"""`python -m journeyflow.cli`."""

from journeyflow.cli.main import main

main()
