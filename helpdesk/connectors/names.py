"""How the names that people type are compared, in whatever directory."""

from __future__ import annotations

from helpdesk.text import folded as key
from helpdesk.text import says_nothing

__all__ = ["key", "says_nothing"]
