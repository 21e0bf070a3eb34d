"""People: who am I, who is that, my own contact data, and the entries of those who come, move and go."""

from helpdesk_people import entries, newcomers
from helpdesk_people.actions import plugin

__all__ = ["entries", "newcomers", "plugin"]
