"""What ``helpdesk doctor`` looks at of mail and webhooks, and of what could not be told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from helpdesk.app.checkup import Check
from helpdesk.app.desk import Desk
from helpdesk.errors import HelpdeskError

LATELY = timedelta(days=7)
_MOST = 200


async def notice_checks(desk: Desk) -> list[Check]:
    """Whether letters can leave, whether the webhook's server can be trusted, and who was not told."""
    found = [await asyncio.to_thread(_mail, desk), *await asyncio.to_thread(_webhook, desk)]
    return [*found, *await asyncio.to_thread(_untold, desk)]


def _mail(desk: Desk) -> Check:
    if desk.config.mail.kind == "none":
        hint = "Set [mail] url and sender to tell people by mail."
        return Check("mail", "ok", "none is configured; nobody is told by mail", hint)
    try:
        mail = desk.mail
        assert mail is not None  # it is configured
        told = mail.check()
        unsure = mail.unsure()
    except HelpdeskError as error:
        return Check("mail", "problem", error.message, error.hint or "Correct [mail] in config.toml.")
    if unsure:
        return Check(
            "mail",
            "warning",
            f"{told} Nobody knows whether {len(unsure)} message{'s' * (len(unsure) != 1)} arrived.",
            f"Ask {unsure[-1].to}; they are not sent again.",
            {"unsure": str(len(unsure))},
        )
    return Check("mail", "ok", told)


def _webhook(desk: Desk) -> list[Check]:
    """That its key is there and its server can be reached and trusted; nothing is posted."""
    if not desk.config.notices.webhook:
        return []
    from helpdesk.app.mailing import webhook_of

    try:
        hook = webhook_of(desk.config, desk.clock, desk.referenced)
        assert hook is not None  # it is configured
        return [Check("webhook", "ok", hook.check())]
    except HelpdeskError as error:
        return [Check("webhook", "problem", error.message, error.hint or "Correct [notices] in config.toml.")]


def _untold(desk: Desk) -> list[Check]:
    try:
        entries = desk.audit.entries(limit=_MOST, newest_first=True, kinds=("notice",))
    except HelpdeskError:
        return []  # what is wrong with the log is told by its own check
    lately = [entry for entry in entries if entry.time >= desk.clock() - LATELY]
    if not lately:
        return []
    last = lately[0]
    return [
        Check(
            "notices",
            "warning",
            f"{len(lately)} notice{'s' * (len(lately) != 1)} of the last seven days could not be sent; "
            f"the last one: {last.personal.get('message', '')}",
            "See them: helpdesk log list --kind notice",
            {"untold": str(len(lately))},
        )
    ]
