"""Passwords: change one's own, give somebody a new one, lift a lock, and say what the matter is."""

from helpdesk_password.actions import plugin

__all__ = ["plugin"]
