"""Access through groups: list it, ask for it, give it, take it back, and hand groups over."""

from helpdesk_access import owners
from helpdesk_access.actions import plugin

__all__ = ["owners", "plugin"]
