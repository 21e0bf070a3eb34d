"""The desk: who is signed in, and every way to the one door that a surface may take."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpdesk.app.parts import Once, Parts, utc_now
from helpdesk.config import Config, load
from helpdesk.errors import (
    BadCredentials,
    Exit,
    Failed,
    HelpdeskError,
    NotSignedIn,
    TooManyAttempts,
    UsageError,
)
from helpdesk.events import Outcome, Progress, Question, Result, Said, Warned
from helpdesk.platform import Paths, paths
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.actions.call import Call
    from helpdesk.actions.why import CallWhy, EntryWhy
    from helpdesk.actions.why_request import RequestWhy
    from helpdesk.conversation.case import Case
    from helpdesk.conversation.loop import Conversation
    from helpdesk.gate.sealed import Request
    from helpdesk.ports import Clock, Interaction, SignedIn
    from helpdesk.spec import ActionSpec

TELLING_SECONDS = 20.0
"""For so long the end of a command waits for letters that go out without a worker."""


class Desk(Parts):
    """Everything a surface needs.

    Args:
        config: the loaded configuration. paths: where state and cache live.
        clock: now, in UTC.
    """

    def __init__(self, config: Config, paths: Paths, clock: Clock = utc_now) -> None:
        super().__init__(config, paths, clock)
        self._signed_in: SignedIn | None = None
        self._last_used: datetime | None = None
        self._reconciled = False

    @classmethod
    def open(
        cls,
        *,
        profile: str = "",
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
    ) -> Desk:
        """Load the configuration of a profile.

        Raises:
            ConfigError: a file is malformed, or a managed file cannot be trusted.
        """
        environ = os.environ if environ is None else environ
        places = paths(profile, environ)
        return cls(load(profile, environ, flags or {}, places), places)

    # ── signing in ────────────────────────────────────────────────────────────────────────────

    async def signed_in(
        self, interaction: Interaction, *, login: str = "", password: Secret | None = None
    ) -> SignedIn:
        """Who is there: named on the command line, kept from ``login``, or asked for now.

        Raises:
            NotSignedIn: none of these; or the directory did not accept it.
        """
        if login:
            return await self._named(interaction, login, password)
        current = await self.current(interaction)
        if current is None:
            current = self._signed_in = await self._asked(interaction)
            self._last_used = self.clock()
            await self._reconcile_own(current, interaction)
        return current

    async def current(self, interaction: Interaction) -> SignedIn | None:
        """Who is signed in already, in this process or kept from ``login``; nobody is asked.

        Raises:
            NotSignedIn: the directory refused the kept sign-in. Unreachable: it gave no answer.
        """
        current = self._current()
        if current is None:
            current = self._signed_in = await self._kept(interaction)
        if current is not None:
            self._last_used = self.clock()
            await self._reconcile_own(current, interaction)
        return current

    async def login(
        self, interaction: Interaction, login: str = "", password: Secret | None = None
    ) -> SignedIn:
        """Sign in now, and keep it for the session where the operating system has a keyring."""
        login = login or await interaction.ask(_LOGIN)
        password = password or await interaction.ask_secret(_password_of(login))
        signed_in = await self._bind(interaction, login, password)
        self._forget()  # whoever was here before: their connection ends with them
        self._signed_in, self._last_used = signed_in, self.clock()
        if not signed_in.actor.must_change:
            reason = "it is a service identity's, which signs in with each command"
            if not signed_in.actor.service:
                reason = await asyncio.to_thread(self.sessions.save, signed_in.actor.person, password)
            if reason:
                interaction.emit(Said(f"This sign-in ends with the program: {reason}."))
            await self._note_groups(signed_in)
        await self._reconcile_own(signed_in, interaction)
        return signed_in

    async def logout(self) -> bool:
        """Forget the kept session; false when there was none."""
        had = self.sessions.load() is not None
        self.sessions.forget()
        self._forget()
        return had

    @property
    def present(self) -> SignedIn | None:
        """Who is signed in in this process, unless that has expired; nobody is asked and nothing is read."""
        return self._current()

    def _current(self) -> SignedIn | None:
        """The sign-in of this process while it has not expired (R8)."""
        if self._signed_in is None or self._last_used is None:
            return None
        now, settings = self.clock(), self.config.session
        since = self._signed_in.actor.signed_in_at or self._last_used
        idle, age = now - self._last_used, now - since
        if idle.total_seconds() < 0 or idle > settings.idle or age > settings.absolute:
            self._forget()
        return self._signed_in

    def _forget(self) -> None:
        if self._signed_in is not None:
            self._signed_in.directory.close()
        self._signed_in = None

    async def _named(self, interaction: Interaction, login: str, password: Secret | None) -> SignedIn:
        current = self._signed_in
        if current is not None and current.actor.login == login and password is None:
            return current
        password = password or await interaction.ask_secret(_password_of(login))
        self._forget()
        self._signed_in, self._last_used = await self._bind(interaction, login, password), self.clock()
        await self._reconcile_own(self._signed_in, interaction)
        return self._signed_in

    async def _kept(self, interaction: Interaction) -> SignedIn | None:
        saved = await asyncio.to_thread(self.sessions.load)
        if saved is None:
            return None
        try:
            signed_in = await self._bind(interaction, saved.login, saved.password)
        except TooManyAttempts:  # it was not tried, so nothing is known about it
            raise
        except NotSignedIn as error:
            self.sessions.forget()  # never tried again: a stale password must not lock its owner out
            interaction.emit(Warned(f"The kept sign-in no longer works: {error.message}", "helpdesk login"))
            raise
        if signed_in.actor.person.id != saved.person_id:
            self.sessions.forget()
            signed_in.directory.close()
            raise BadCredentials("The kept sign-in belongs to another account.", hint="helpdesk login")
        self.sessions.touch()
        return replace(signed_in, actor=replace(signed_in.actor, signed_in_at=saved.signed_in_at))

    async def _asked(self, interaction: Interaction) -> SignedIn:
        self.require_directory()
        try:
            login = await interaction.ask(_LOGIN)
            password = await interaction.ask_secret(_password_of(login))
        except UsageError as error:
            raise NotSignedIn(
                "You are not signed in.", hint="helpdesk login, or add --as LOGIN --password-stdin"
            ) from error
        return await self._bind(interaction, login, password)

    async def _bind(self, interaction: Interaction, login: str, password: Secret) -> SignedIn:
        """Sign in; told before the network is used, which may take as long as it does."""
        interaction.emit(Progress("sign-in", f"Signing in as {login}"))
        signed_in: SignedIn = await self.sign_in(login, password)
        return signed_in

    # ── doing ─────────────────────────────────────────────────────────────────────────────────

    async def run(
        self,
        call: Call,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        case: str = "",
    ) -> Result:
        """Carry one call out through the door; see :meth:`Runner.run`."""
        from helpdesk.app.flows import told

        result = await self.runner.run(call, signed_in, interaction, dry_run=dry_run, case=case)
        result = await told(self, call, result)
        if call.action == "password.change" and result.outcome is Outcome.DONE:
            self.sessions.forget()
            if signed_in.actor.must_change:  # the connection may still do nothing else; the next one may
                self._forget()
        self._note(result)
        return result

    async def wait(self, asked: Result, interaction: Interaction, within: float | None = None) -> Result:
        """How a pending request ends; see :func:`helpdesk.app.waiting.wait`."""
        from helpdesk.app.waiting import wait

        return await wait(self, asked, interaction, within)

    async def approve(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool = False
    ) -> Result:
        return await self.approvals.approve(id, signed_in, interaction, dry_run=dry_run)

    async def deny(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, reason: str = ""
    ) -> Result:
        return await self.approvals.deny(id, signed_in, interaction, reason=reason)

    async def withdraw(self, id: str, signed_in: SignedIn, interaction: Interaction) -> Result:
        return await self.approvals.withdraw(id, signed_in, interaction)

    async def undo(
        self,
        entry: int,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        chosen: Callable[[str], None] | None = None,
        case: str = "",
    ) -> Result:
        """Take the done action of a log entry back through the door; see :class:`Undo`."""
        from helpdesk.actions.undo import Undo

        undo = Undo(self.runner)
        return await undo(entry, signed_in, interaction, dry_run=dry_run, chosen=chosen, case=case)

    async def why_entry(self, entry: int, signed_in: SignedIn) -> EntryWhy:
        """What the log holds about an entry, and how the same call stands today; see :class:`EntryExplainer`."""
        from helpdesk.actions.explain_entry import EntryExplainer

        return await EntryExplainer(self.runner)(entry, signed_in)

    async def why_request(self, id: str, signed_in: SignedIn, interaction: Interaction) -> RequestWhy:
        """Where a request stands, and what would move it; see :class:`RequestExplainer`."""
        from helpdesk.actions.why_request import RequestExplainer
        from helpdesk.app.approving import run_standing

        run = await asyncio.to_thread(run_standing, self, id)
        return await RequestExplainer(self.runner)(id, signed_in, interaction, run)

    async def why_call(self, call: Call, signed_in: SignedIn, interaction: Interaction) -> CallWhy:
        """What would happen now if this person ran the call; see :class:`Explainer`."""
        from helpdesk.actions.explain import Explainer

        return await Explainer(self.runner)(call, signed_in, interaction)

    async def may_run(self, signed_in: SignedIn) -> list[tuple[ActionSpec, bool]]:
        """Every action, and whether the policy leaves a way for this person to run it."""
        authorise = self.runner.authorise
        allowed = await asyncio.to_thread(
            authorise.possible, self.catalog.specs, signed_in.directory, signed_in.actor
        )
        await self._note_groups(signed_in)
        runnable = set(self.runnable)
        return [(spec, may and spec in runnable) for spec, may in allowed]

    @property
    def runnable(self) -> tuple[ActionSpec, ...]:
        """The actions that can be carried out here: workflows only where a worker is configured."""
        if self.config.worker.configured:
            return self.catalog.specs
        return tuple(spec for spec in self.catalog.specs if not spec.process)

    # ── words for the shell's completion ──────────────────────────────────────────────────────

    def _note(self, result: Result) -> None:
        """Keep the names in a good result, so that the shell can complete them."""
        if result.outcome.exit in (Exit.OK, Exit.WAITING):
            spec = next((spec for spec in self.catalog.specs if spec.name == result.action), None)
            self.words.saw(result, spec)

    async def _note_groups(self, signed_in: SignedIn) -> None:
        """Keep the names of the groups there are; whoever may not list them completes fewer."""
        if signed_in.actor.must_change:
            return
        try:
            groups = await asyncio.to_thread(signed_in.directory.groups)
        except HelpdeskError:
            return  # nothing that was asked for depends on it
        self.words.groups(group.name for group in groups)

    async def reconcile(self, signed_in: SignedIn, interaction: Interaction) -> list[Result]:
        """Read back everything whose outcome is unknown."""
        from helpdesk.actions.reconcile import Reconciler

        self._reconciled = True
        return await Reconciler(self.runner)(self.audit.open_intents(), signed_in, interaction)

    async def _reconcile_own(self, signed_in: SignedIn, interaction: Interaction) -> None:
        """What this person began and a crash interrupted is read back at their next sign-in (R2)."""
        if self._reconciled or signed_in.actor.must_change:
            return
        self._reconciled = True
        mine = [
            intent
            for intent in await asyncio.to_thread(self.audit.interrupted)
            if intent.body.get("actor_id") == signed_in.actor.person.id
        ]
        if mine or await self._claimed(interaction):
            from helpdesk.actions.reconcile import Reconciler

            for result in await Reconciler(self.runner)(mine, signed_in, interaction):
                interaction.emit(Warned(result.message, result.error.hint if result.error else ""))

    async def _claimed(self, interaction: Interaction) -> bool:
        """Whether an approval was begun and not ended; requests that cannot be read keep nobody out."""
        try:
            return bool(await asyncio.to_thread(self.requests.claimed))
        except Failed as error:
            interaction.emit(Warned(error.message, error.hint))
            return False

    async def explain_lock(
        self, interaction: Interaction, login: str = "", password: Secret | None = None
    ) -> Result:
        """Why somebody cannot sign in, when that ends, who can lift it, and what to do now."""
        from helpdesk.gate.lockout import LockExplainer

        login = login or await interaction.ask(_LOGIN)
        password = password or await interaction.ask_secret(_password_of(login))
        interaction.emit(Progress("sign-in", f"Asking the directory about {login}"))
        explain = LockExplainer(
            self.directory, self.sign_in, self.roles, self.audit, self.clock, self._arrived
        )
        return await explain(login, password)

    def _arrived(self, signed_in: SignedIn) -> bool:
        """Take a sign-in over where nobody is signed in yet."""
        if self._current() is not None:
            return False
        self._signed_in, self._last_used = signed_in, self.clock()
        return True

    def conversation(
        self, login: str = "", password: Secret | None = None, *, case: Case | None = None, keep: bool = True
    ) -> Conversation:
        """A conversation with whoever is signed in, or with the person named here, once they sign in.

        Args:
            login, password: as on the command line; the password is tried once.
            case: the case to go on with, as ``casework`` opened it for whoever is signed in.
            keep: whether it is kept as a case.
        """
        from helpdesk.conversation.loop import Conversation

        given, named = Once(password), login

        async def sign_in(interaction: Interaction) -> SignedIn:
            return await self.signed_in(interaction, login=login, password=given.take())

        async def explain_lock(interaction: Interaction, login: str = named) -> Result:
            return await self.explain_lock(interaction, login, given.take())

        async def current(interaction: Interaction) -> SignedIn | None:
            if not login:
                return await self.current(interaction)
            here = self._current()
            return here if here is not None and here.actor.login == login else None

        async def requests(signed_in: SignedIn) -> Sequence[Request]:
            return await asyncio.to_thread(self.requests.made_by, signed_in.actor.person.id)

        return Conversation(
            specs=self.runnable,
            run=self.run,
            sign_in=sign_in,
            explain_lock=explain_lock,
            model=self.model,
            may_see=frozenset(self.config.llm.may_see),
            clock=self.clock,
            current=current,
            cases=self.cases if keep else None,
            case=case,
            present=self._current,
            recover=self.casework.recover,
            requests=requests,
        )

    def close(self, *, at_once: bool = False) -> None:
        """Sign what was logged, send that outside, and close connections; safe to call twice.

        Args:
            at_once: the process ends now: no waiting for a connection that a thread still holds.

        Raises:
            LogUnavailable: the last entries are there, but could not be signed, or not moved into a segment.
        """
        if not at_once:
            if "telling" in self.__dict__:
                self.telling.wait(TELLING_SECONDS)
            self._forget()
            if "directory" in self.__dict__:
                self.directory.close()
            if "counters" in self.__dict__:
                self.counters.close()
            if "store" in self.__dict__:
                self.store.close()
            if self.__dict__.get("engine") is not None:
                self.__dict__["engine"].close()
        if "audit" in self.__dict__:
            try:
                if not at_once:
                    self.audit.rotate_when_due(self.rotate_when)
            finally:
                try:
                    self.audit.close()
                finally:
                    if self.shipping and not at_once:
                        self.shipping.flush()


_LOGIN = Question("login", "Login", "--as LOGIN --password-stdin")


def _password_of(login: str) -> Question:
    return Question("password", f"Password of {login}", "--password-stdin", secret=True)
