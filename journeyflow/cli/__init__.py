"""The command line.

Exit status: 0 on success, 1 when the input or the database has faults (each is printed), 2 for wrong usage.
"""

from journeyflow.cli.main import main

__all__ = ["main"]
