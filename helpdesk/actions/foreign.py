"""Words in a call that are nobody's own: a model, a ticket or a document put them there (L2, L3)."""

from __future__ import annotations

from helpdesk.actions.call import Provenance
from helpdesk.actions.prepare import Prepared
from helpdesk.plugin import Preview
from helpdesk.text import visible


def foreign_words(prepared: Prepared, preview: Preview) -> tuple[str, ...]:
    """One sentence for every argument that the requester neither typed nor chose, and that no change shows.

    Whoever confirms or approves reads them whole: what goes out in somebody's name must not be hidden (L3).
    """
    changes = preview.changes
    shown = {prepared.target, *(c.target for c in changes), *(c.after for c in changes)}
    return tuple(
        f"The {name.replace('_', ' ')} was not worded by {prepared.requester.login}: “{visible(str(value))}”"
        for name, value in prepared.values.items()
        if prepared.call.provenance.get(name) is Provenance.TEXT
        and value not in (None, "")
        and str(value) not in shown
    )
