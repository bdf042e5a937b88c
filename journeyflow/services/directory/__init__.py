"""What a host knows beside journeys: users and their keys, lists, subscribers, tags, fields, emails, sender domains.

A service asks a `Directory`; `SQLiteDirectory` is one in a file of its own, which `journeyflow directory` fills.
"""

from journeyflow.services.directory.contract import Directory
from journeyflow.services.directory.records import KINDS, PERMISSIONS, Caller, Resource, Subscriber, User
from journeyflow.services.directory.sqlite import SQLiteDirectory

__all__ = ["KINDS", "PERMISSIONS", "Caller", "Directory", "Resource", "SQLiteDirectory", "Subscriber", "User"]
