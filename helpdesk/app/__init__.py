"""The composition root: from configuration to a :class:`Desk`. The only importer of connectors."""

from __future__ import annotations

from helpdesk.app.desk import Desk

__all__ = ["Desk"]
