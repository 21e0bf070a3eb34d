"""Tickets: hand a matter to the people of the service desk, and follow it."""

from helpdesk_tickets.actions import plugin

__all__ = ["plugin"]
