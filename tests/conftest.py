"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.servers.postgres import postgres, postgres_place
from tests.servers.slapd import slapd_closed, slapd_people, slapd_staff

__all__ = ["postgres", "postgres_place", "slapd_closed", "slapd_people", "slapd_staff"]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the files or the settings of whoever runs it."""
    for name in [n for n in os.environ if n.startswith(("HELPDESK_", "XDG_"))]:
        if not name.startswith("HELPDESK_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real policy corpora and RFC 6962 vectors, where they lie beside the checkout."""
    root = Path(
        os.environ.get("HELPDESK_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    )
    if not root.is_dir():
        pytest.skip("the shared test data (policy corpora, RFC 6962 vectors) is not on this machine")
    return root
