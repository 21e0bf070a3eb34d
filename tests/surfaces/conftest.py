"""Fixtures of the surfaces' tests."""

from __future__ import annotations

from tests.surfaces.company import company

__all__ = ["company"]
