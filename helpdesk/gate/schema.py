"""Every family of tables in the store; a module with tables of its own adds its family here."""

from __future__ import annotations

from typing import Final

from helpdesk.database.schema import Family
from helpdesk.gate.delegations import DELEGATIONS
from helpdesk.gate.requests_schema import REQUESTS

FAMILIES: Final[tuple[Family, ...]] = (REQUESTS, DELEGATIONS)
