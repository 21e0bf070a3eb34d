"""Signing in: bind, prove who it is, read their roles, and log it, refused or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.errors import HelpdeskError
from helpdesk.identity import Actor
from helpdesk.ports import Clock, Directory, DirectorySession, SignedIn
from helpdesk.secrets import Secret
from helpdesk.text import shorten

if TYPE_CHECKING:
    from helpdesk.gate.audit import AuditLog
    from helpdesk.gate.roles import Roles

MAX_TYPED = 256
"""What is logged of a name that was typed and belongs to nobody, in characters."""


@dataclass(slots=True)
class DirectorySignIn:
    """Implements :class:`helpdesk.ports.SignIn` on a directory."""

    directory: Directory
    roles: Roles
    audit: AuditLog
    clock: Clock

    async def __call__(self, login: str, password: Secret) -> SignedIn:
        return await asyncio.to_thread(self._sign_in, login, password)

    def _sign_in(self, login: str, password: Secret) -> SignedIn:
        try:
            session = self.directory.sign_in(login, password)
        except HelpdeskError as error:
            self.audit.append(
                "sign-in",
                {"outcome": "refused", "code": error.code},
                {"actor": shorten(login, MAX_TYPED), "message": error.message},
            )
            raise
        try:
            actor = self._actor(session)
            self.audit.append(
                "sign-in",
                {"outcome": "done", "actor_id": actor.person.id, "must_change": actor.must_change},
                {"actor": actor.login},
            )
        except HelpdeskError:
            session.close()
            raise
        return SignedIn(actor, session)

    def _actor(self, session: DirectorySession) -> Actor:
        roles: frozenset[str] = frozenset()
        groups: frozenset[str] = frozenset()
        if not session.must_change:
            roles = self.roles.subject(session, session.me).roles
            groups = frozenset(group.dn for group in session.groups_of(session.me))
        return Actor(
            person=session.me,
            roles=roles,
            groups=groups,
            signed_in_at=self.clock(),
            must_change=session.must_change,
            notices=session.notices,
        )
