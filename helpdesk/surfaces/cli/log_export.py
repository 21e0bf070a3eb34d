"""``log export``: the log for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current


def export(
    file: Annotated[str, typer.Argument(help="The SQLite file to make.", show_default=False, metavar="FILE")],
) -> int:
    """Copy the log into a table to search: one SQLite file, with a full-text index over people and messages.

    The copy holds names and proves nothing; keep it as private as the log itself.
    """
    from pathlib import Path

    from helpdesk.gate.audit_export import export_table
    from helpdesk.surfaces.look import clean

    run = current()
    count = export_table(run.desk.audit, Path(file))
    document = {"schema": "helpdesk.export/1", "file": file, "entries": count}
    return run.answer(document, [f"{count} entries are in {clean(file)}, in the table log."])
