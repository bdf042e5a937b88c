"""Octeth's Journeys API, answered by an engine: four versions of its documents, by path or by `Command`.

`Octeth(engine, directory).handle(request, now)` is the whole service. Everything about its calls stands in one table,
`table.OPERATIONS`: it drives routing, checks, the OpenAPI document and the documentation.

Where the documents leave something open:

- Every call is answered in every version; `version` chooses the shape of answers where documents differ.
- Parameters come in the query, in a form or in a JSON object, which takes precedence; names are read in any case.
- All faults of parameters are reported at once, in the order of their codes. What a caller may not see is not found.
- What the engine finds wrong beyond the codes of a call, such as a window of more than ten years, has the HTTP status
  as its code.
- Who has no valid key or session gets 99998 with status 401, who lacks a permission 99999 with 403. What is wrong with
  a request as such, before it is one of the calls, has the HTTP status as its code.
- Instants are in UTC, days in the zone of the journey. Amounts are in units of the currency.
- A journey that was never enabled is Disabled; one that is ARCHIVED does not exist here.
- A changed journey is a new version: subscribers inside go on in theirs.
- A subscriber of a list is the customer "LIST:SUBSCRIBER" of the engine.
"""

from journeyflow.services.octeth.codes import VERSIONS
from journeyflow.services.octeth.openapi import openapi
from journeyflow.services.octeth.service import Octeth
from journeyflow.services.octeth.table import OPERATIONS

__all__ = ["OPERATIONS", "VERSIONS", "Octeth", "openapi"]
