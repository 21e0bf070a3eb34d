"""The program in this very process, on streams of its own: for tests that run it often."""

from __future__ import annotations

import io
import os
import sys
from unittest.mock import patch

from tests.surfaces.company import PASSWORDS, Company, Ran
from tests.surfaces.hostile import signals_kept


def inside(company: Company, *arguments: str, stdin: str = "") -> Ran:
    """As :meth:`Company.run`, without a process of its own."""
    from helpdesk.surfaces.cli.main import run

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with (
        patch.dict(os.environ, company.environment(), clear=True),
        patch.object(sys, "stdout", out),
        patch.object(sys, "stderr", err),
        patch.object(sys, "stdin", given),
        signals_kept(),
    ):
        code = run(list(arguments))
        out.flush()
        err.flush()
    return Ran(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


def inside_as(company: Company, login: str, *arguments: str) -> Ran:
    """As :func:`inside`, signed in as somebody."""
    return inside(company, *arguments, "--as", login, "--password-stdin", stdin=f"{PASSWORDS[login]}\n")
