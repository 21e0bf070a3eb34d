"""``log``: the record of everything that was asked, refused and done. Which commands there are."""

from __future__ import annotations

from helpdesk.surfaces.cli.commands import CONTEXT, EPILOG, group
from helpdesk.surfaces.cli.log_erase import erase
from helpdesk.surfaces.cli.log_export import export, stats
from helpdesk.surfaces.cli.log_proofs import check_proof, checkpoint, prove, verify
from helpdesk.surfaces.cli.log_read import list_, search, show
from helpdesk.surfaces.cli.log_report import report
from helpdesk.surfaces.cli.log_segments import retain, rotate, segments

app = group("The log of everything that was asked, refused and done.")
for _name, _command in (
    ("list", list_),
    ("search", search),
    ("show", show),
    ("verify", verify),
    ("checkpoint", checkpoint),
    ("prove", prove),
    ("check-proof", check_proof),
    ("export", export),
    ("stats", stats),
    ("report", report),
    ("segments", segments),
    ("rotate", rotate),
    ("retain", retain),
    ("erase", erase),
):
    app.command(_name, context_settings=CONTEXT, epilog=EPILOG)(_command)
