"""Signing in: bind, prove who it is, read their roles, and log it, refused or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.errors import BadCredentials, HelpdeskError, NotFound, TooManyAttempts, Unreachable
from helpdesk.identity import Actor
from helpdesk.secrets import Secret
from helpdesk.text import shorten

if TYPE_CHECKING:
    from helpdesk.gate.attempts import Attempts
    from helpdesk.gate.audit import AuditLog
    from helpdesk.gate.roles import Roles
    from helpdesk.gate.services import Services
    from helpdesk.ports import Clock, Directory, DirectorySession, SignedIn

MAX_TYPED = 256
"""What is logged of a name that was typed, in characters."""
NOBODY = "(a name that nobody has)"
UNTOLD = "(a name that could not be looked up)"
NOT_TRIED = "(a name that was not looked up)"


def told_name(directory: Directory, login: str, error: HelpdeskError) -> str:
    """What is logged of the name in a refused sign-in: one that somebody has, and never another text; blocking.

    Where the name belongs, a password is typed by mistake; it must not stay in the log (S1). A name that
    nobody has takes the same look-up as a wrong password (I6).
    """
    if isinstance(error, TooManyAttempts):
        return NOT_TRIED
    if isinstance(error, Unreachable):
        return UNTOLD
    try:
        return directory.look_up().person(login).login
    except NotFound:
        return NOBODY
    except HelpdeskError:  # not everybody may look names up; what is locked or disabled has this name
        return UNTOLD if isinstance(error, BadCredentials) else shorten(login, MAX_TYPED)


@dataclass(slots=True)
class DirectorySignIn:
    """Implements :class:`helpdesk.ports.SignIn` on a directory.

    Attributes:
        attempts: counts wrong passwords, so that nobody's account is locked from here (R9).
        services: the accounts of scripts; the log tells them apart.
    """

    directory: Directory
    roles: Roles
    audit: AuditLog
    clock: Clock
    attempts: Attempts | None = None
    services: Services | None = None

    async def __call__(self, login: str, password: Secret) -> SignedIn:
        return await asyncio.to_thread(self._sign_in, login, password)

    def _sign_in(self, login: str, password: Secret) -> SignedIn:
        try:
            session = self._bound(login, password)
        except HelpdeskError as error:
            self.audit.append(
                "sign-in",
                {"outcome": "refused", "code": error.code},
                {"actor": told_name(self.directory, login, error), "message": error.message},
            )
            raise
        try:
            if self.attempts is not None:
                self.attempts.learn(session)
            actor = self._actor(session)
            self.audit.append(
                "sign-in",
                {
                    "outcome": "done",
                    "actor_id": actor.person.id,
                    "must_change": actor.must_change,
                    **actor.marks,
                },
                {"actor": actor.login},
            )
        except HelpdeskError:
            session.close()
            raise
        from helpdesk.ports import SignedIn

        return SignedIn(actor, session)

    def _bound(self, login: str, password: Secret) -> DirectorySession:
        if self.attempts is None:
            return self.directory.sign_in(login, password)
        session: DirectorySession | None = None
        try:
            with self.attempts.counted(login, password):
                session = self.directory.sign_in(login, password)
        except HelpdeskError:
            if session is not None:  # it opened, but that could not be counted
                session.close()
            raise
        return session

    def _actor(self, session: DirectorySession) -> Actor:
        roles: frozenset[str] = frozenset()
        groups: frozenset[str] = frozenset()
        if not session.must_change:
            roles = self.roles.subject(session, session.me).roles
            groups = frozenset(group.dn for group in session.groups_of(session.me))
        service = self.services.of(session.me) if self.services else None
        return Actor(
            person=session.me,
            roles=roles,
            groups=groups,
            signed_in_at=self.clock(),
            must_change=session.must_change,
            notices=session.notices,
            service=service.name if service else "",
        )
