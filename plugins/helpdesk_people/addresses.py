"""Mail addresses that people are given: of the company's own domains, in plain letters."""

from __future__ import annotations

import re

from helpdesk.plugin import InvalidArgument, Person, ReadContext

_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")


def checked_address(ctx: ReadContext, address: str, like: Person | None) -> str:
    """The address as it is kept: its domain in small letters.

    Args:
        like: somebody whose address shows the company's domain, where ``[people] mail_domains`` names none.

    Raises:
        InvalidArgument: it is no address, or one outside the company.
    """
    local, at, domain = address.strip().rpartition("@")
    plain = (
        bool(at) and bool(_LOCAL.fullmatch(local)) and ".." not in local and bool(_DOMAIN.fullmatch(domain))
    )
    if not plain:
        raise InvalidArgument(
            f"{address!r} is no mail address that people are given here.",
            hint="Write it in plain letters, as name@company.example.",
        )
    domain = domain.lower()
    known = _domains(ctx, like)
    if known and domain not in known:
        raise InvalidArgument(
            f"{domain} is none of the company's mail domains ({', '.join(known)}).",
            hint="An administrator adds one to [people] mail_domains.",
        )
    return f"{local}@{domain}"


def _domains(ctx: ReadContext, like: Person | None) -> list[str]:
    configured = ctx.settings.get("mail_domains", ())
    if configured:
        listed = [configured] if isinstance(configured, str) else list(configured)
        return [str(one).strip().lower() for one in listed]
    shown = [person.mail for person in (like, ctx.actor.person) if person is not None and "@" in person.mail]
    return list(dict.fromkeys(mail.rpartition("@")[2].lower() for mail in shown))
