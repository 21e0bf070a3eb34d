"""Helpdesk: an internal IT helpdesk that carries requests out and reads the result back."""

__version__ = "0.1.0"
