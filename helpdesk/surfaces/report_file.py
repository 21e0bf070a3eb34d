"""The report of the log as a file of its own: a page or a picture, private, never over another file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from helpdesk.errors import Failed, UsageError
from helpdesk.gate.audit_report import Report

FORMS = (".html", ".svg")


def save_report(name: str, told: Report, now: datetime) -> Path:
    """Write the report; its whole path.

    Args:
        name: ends in .html or .svg. now: is named in it.

    Raises:
        UsageError: the name ends otherwise. Failed: something stands there already, or it cannot be written.
    """
    from helpdesk.platform import create_private
    from helpdesk.surfaces.report_page import page
    from helpdesk.surfaces.report_svg import picture

    path = Path(name).expanduser()
    check_name(path)
    text = page(told, now) if path.suffix.lower() == ".html" else picture(told, now)
    create_private(path, text.encode())
    return path.absolute()


def check_name(path: Path) -> None:
    """Raises UsageError, Failed: before anything is counted, what can be known about the name is told."""
    if path.suffix.lower() not in FORMS:
        raise UsageError(
            f"{path.name or path} is neither a page nor a picture.", hint="End the name in .html or .svg."
        )
    if path.exists() or path.is_symlink():
        raise Failed(
            f"{path} is there already, and a report never takes the place of another file.",
            hint="Give another name, or move that file away.",
            code="file-exists",
        )
