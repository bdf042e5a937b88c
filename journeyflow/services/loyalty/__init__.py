"""The loyalty platform's Journeys API, answered by an engine.

`Loyalty` answers requests as values: a method, a path, a query and a body go in, a status and a body come out. Whatever
serves HTTP is built around it. `table.OPERATIONS` lists every operation; routing and checks are driven by it.
"""

from journeyflow.services.loyalty.calls import Loyalty
from journeyflow.services.loyalty.openapi import openapi

__all__ = ["Loyalty", "openapi"]
