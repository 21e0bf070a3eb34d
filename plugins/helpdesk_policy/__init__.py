"""Policies: what the company's documents say, word for word, with file, heading and line."""

from helpdesk_policy.actions import plugin

__all__ = ["plugin"]
