"""The composition root: from configuration to a :class:`Desk`. The only importer of connectors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.actions.catalog import Catalog, cached_specs
from helpdesk.config import Config, load
from helpdesk.errors import (
    BadCredentials,
    ConfigError,
    NotSignedIn,
    UsageError,
)
from helpdesk.events import Outcome, Question, Result, Warned
from helpdesk.platform import Paths, paths, private_folder
from helpdesk.ports import Clock, Directory, Interaction, Keychain, Model, SignedIn, Tickets
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.actions.approve import Approvals
    from helpdesk.actions.call import Call
    from helpdesk.actions.runner import Runner
    from helpdesk.conversation.loop import Conversation
    from helpdesk.gate.audit import AuditLog
    from helpdesk.gate.authorization import Authorization
    from helpdesk.gate.keys import HostKey
    from helpdesk.gate.requests import Requests
    from helpdesk.gate.roles import Roles
    from helpdesk.gate.session import SessionStore
    from helpdesk.spec import ActionSpec


def utc_now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """Everything a surface needs, made when it is first used.

    Args:
        config: the loaded configuration. paths: where state and cache live.
        clock: now, in UTC.
    """

    def __init__(self, config: Config, paths: Paths, clock: Clock = utc_now) -> None:
        self.config = config
        self.paths = paths
        self.clock = clock
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

    # ── what it is made of ────────────────────────────────────────────────────────────────────

    @cached_property
    def catalog(self) -> Catalog:
        return cached_specs(self.paths.cache)

    @cached_property
    def directory(self) -> Directory:
        settings = self.config.directory
        if not settings.configured:
            raise ConfigError(
                "No directory is configured, so nobody can sign in.",
                hint="Try a whole company on this machine: helpdesk demo. Or write [directory] in config.toml.",
            )
        if settings.kind == "embedded":
            from helpdesk.connectors.embedded import EmbeddedDirectory

            return EmbeddedDirectory(self.paths.state / "directory.db", self.clock)
        from helpdesk.connectors.ldap.directory import LdapDirectory, LdapSettings

        return LdapDirectory(
            LdapSettings(
                url=settings.url,
                base=settings.base,
                ca_file=settings.ca_file or self.config.network.ca_file,
                start_tls=settings.start_tls,
                people_base=settings.people_base,
                groups_base=settings.groups_base,
                login_attribute=settings.login_attribute,
                login_dn=settings.login_dn,
                bind_dn=settings.bind_dn,
                bind_password=self._referenced(settings.bind_password),
            ),
            self.clock,
        )

    @cached_property
    def keychain(self) -> Keychain:
        from helpdesk.connectors.keychain import OsKeychain

        return OsKeychain()

    @cached_property
    def tickets(self) -> Tickets:
        from helpdesk.connectors.tickets import EmbeddedTickets

        return EmbeddedTickets(self.paths.state / "tickets.db", self.clock)

    @cached_property
    def host_key(self) -> HostKey:
        from helpdesk.gate.keys import HostKey

        return HostKey.load_or_create(self.paths.state / "keys")

    @cached_property
    def audit(self) -> AuditLog:
        from helpdesk.gate.audit import AuditLog

        return AuditLog(self.paths.state / "log", self.clock, lambda: self.host_key)

    @cached_property
    def requests(self) -> Requests:
        from helpdesk.gate.requests import Requests

        return Requests(self.paths.state / "requests", self.clock, self.host_key)

    @cached_property
    def sessions(self) -> SessionStore:
        from helpdesk.gate.session import SessionStore

        settings = self.config.session
        return SessionStore(
            self.paths.state / "session",
            self.keychain,
            self.clock,
            idle=settings.idle,
            absolute=settings.absolute,
            enabled=settings.store == "keyring",
        )

    @cached_property
    def authorization(self) -> Authorization:
        from helpdesk.gate.authorization import Authorization

        return Authorization.load(self.catalog.specs, self.config.authorization.policies)

    @cached_property
    def roles(self) -> Roles:
        from helpdesk.gate.roles import Roles

        return Roles(self.config.roles)

    @cached_property
    def sign_in(self) -> Any:
        from helpdesk.gate.signin import DirectorySignIn

        return DirectorySignIn(self.directory, self.roles, self.audit, self.clock)

    @cached_property
    def runner(self) -> Runner:
        from helpdesk.actions.authorise import Authoriser
        from helpdesk.actions.context import Systems
        from helpdesk.actions.journal import Journal
        from helpdesk.actions.runner import Runner

        return Runner(
            catalog=self.catalog,
            authorise=Authoriser(self.authorization, self.roles),
            systems=Systems(
                directory=self.directory,
                tickets=self.tickets,
                clock=self.clock,
                settings=self.config.plugin_settings,
                cache_dir=self._plugin_cache,
            ),
            journal=Journal(self.audit),
            requests=self.requests,
            sign_in=self.sign_in,
            shared=self.config.requests.shared,
        )

    @cached_property
    def approvals(self) -> Approvals:
        from helpdesk.actions.approve import Approvals

        return Approvals(self.runner)

    @cached_property
    def model(self) -> Model | None:
        settings = self.config.llm
        if settings.kind != "openai":
            return None
        from helpdesk.connectors.llm import ChatCompletions

        return ChatCompletions(
            settings.url,
            settings.model,
            self._referenced(settings.api_key),
            proxy=self.config.network.proxy,
            ca_file=self.config.network.ca_file,
            trust=self.config.network.trust,
        )

    def _plugin_cache(self, plugin: str) -> Path:
        folder = self.paths.cache / "plugins" / plugin
        private_folder(folder)
        return folder

    def _referenced(self, reference: str) -> Secret | None:
        """The secret behind ``keyring:NAME`` or ``env:NAME``. Raises ConfigError when it is not there."""
        if not reference:
            return None
        kind, _, name = reference.partition(":")
        found = self.keychain.get(name) if kind == "keyring" else Secret(os.environ.get(name, ""))
        if not found:
            raise ConfigError(
                f"The secret {reference} of the configuration is not there.",
                hint=f"Store it in the {'keyring' if kind == 'keyring' else 'environment'} as {name}.",
            )
        return found

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
        current = self._current()
        if current is None:
            current = await self._kept(interaction) or await self._asked(interaction)
            self._signed_in = current
        self._last_used = self.clock()
        await self._reconcile_own(current, interaction)
        return current

    async def login(
        self, interaction: Interaction, login: str = "", password: Secret | None = None
    ) -> SignedIn:
        """Sign in now, and keep it for the session where the operating system has a keyring."""
        login = login or await interaction.ask(_LOGIN)
        password = password or await interaction.ask_secret(_password_of(login))
        signed_in = await self.sign_in(login, password)
        self._signed_in, self._last_used = signed_in, self.clock()
        if not signed_in.actor.must_change:
            self.sessions.save(signed_in.actor.person, password)
        await self._reconcile_own(signed_in, interaction)
        return signed_in

    async def logout(self) -> bool:
        """Forget the kept session; false when there was none."""
        had = self.sessions.load() is not None
        self.sessions.forget()
        self._forget()
        return had

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
        self._signed_in, self._last_used = await self.sign_in(login, password), self.clock()
        await self._reconcile_own(self._signed_in, interaction)
        return self._signed_in

    async def _kept(self, interaction: Interaction) -> SignedIn | None:
        saved = await asyncio.to_thread(self.sessions.load)
        if saved is None:
            return None
        try:
            signed_in: SignedIn = await self.sign_in(saved.login, saved.password)
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
        try:
            login = await interaction.ask(_LOGIN)
            password = await interaction.ask_secret(_password_of(login))
        except UsageError as error:
            raise NotSignedIn(
                "You are not signed in.", hint="helpdesk login, or add --as LOGIN --password-stdin"
            ) from error
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
        result = await self.runner.run(call, signed_in, interaction, dry_run=dry_run, case=case)
        if call.action == "password.change" and result.outcome is Outcome.DONE:
            self.sessions.forget()
        return result

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

    async def may_run(self, signed_in: SignedIn) -> list[tuple[ActionSpec, bool]]:
        """Every action, and whether the policy leaves a way for this person to run it."""
        authorise = self.runner.authorise
        return await asyncio.to_thread(
            authorise.possible, self.catalog.specs, signed_in.directory, signed_in.actor
        )

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
        if mine:
            from helpdesk.actions.reconcile import Reconciler

            for result in await Reconciler(self.runner)(mine, signed_in, interaction):
                interaction.emit(Warned(result.message, result.error.hint if result.error else ""))

    async def explain_lock(
        self, interaction: Interaction, login: str = "", password: Secret | None = None
    ) -> Result:
        """Why somebody cannot sign in, when that ends, who can lift it, and what to do now."""
        from helpdesk.gate.lockout import LockExplainer

        login = login or await interaction.ask(_LOGIN)
        password = password or await interaction.ask_secret(_password_of(login))
        return await LockExplainer(self.directory, self.sign_in, self.roles, self.audit, self.clock)(
            login, password
        )

    def conversation(self) -> Conversation:
        from helpdesk.conversation.loop import Conversation

        return Conversation(
            specs=self.catalog.specs,
            run=self.run,
            sign_in=self.signed_in,
            explain_lock=self.explain_lock,
            model=self.model,
            may_see=frozenset(self.config.llm.may_see),
            clock=self.clock,
        )

    def close(self) -> None:
        """Close connections; safe to call twice."""
        self._forget()
        if "directory" in self.__dict__:
            self.directory.close()


_LOGIN = Question("login", "Login", "--as LOGIN --password-stdin")


def _password_of(login: str) -> Question:
    return Question("password", f"Password of {login}", "--password-stdin", secret=True)
