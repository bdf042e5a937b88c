"""Reading and writing files of journeys, policies, events and customers.

A public name is imported from its module on first use: an engine needs only the native format, and a host that reads no
files imports none of these modules.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeyflow.formats.drafts import Draft
    from journeyflow.formats.events import read_customers, read_events
    from journeyflow.formats.file_tally import FileCounts
    from journeyflow.formats.files import BadLine, FileOptions
    from journeyflow.formats.native import dumps_journey, fingerprint, to_dict
    from journeyflow.formats.native_reading import from_dict, loads_journey
    from journeyflow.formats.policies import dumps_policies, loads_policies
    from journeyflow.formats.port import Dialect, Loss
    from journeyflow.formats.registry import DIALECTS, loads_any, recognise

__all__ = [
    "DIALECTS",
    "BadLine",
    "Dialect",
    "Draft",
    "FileCounts",
    "FileOptions",
    "Loss",
    "dumps_journey",
    "dumps_policies",
    "fingerprint",
    "from_dict",
    "loads_any",
    "loads_journey",
    "loads_policies",
    "read_customers",
    "read_events",
    "recognise",
    "to_dict",
]

_HOMES = {
    "file_tally": ("FileCounts",),
    "drafts": ("Draft",),
    "events": ("read_customers", "read_events"),
    "files": ("BadLine", "FileOptions"),
    "native": ("dumps_journey", "fingerprint", "to_dict"),
    "native_reading": ("from_dict", "loads_journey"),
    "policies": ("dumps_policies", "loads_policies"),
    "port": ("Dialect", "Loss"),
    "registry": ("DIALECTS", "loads_any", "recognise"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found
