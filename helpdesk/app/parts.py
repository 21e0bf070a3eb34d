"""What a desk is made of: each part is made from the configuration when it is first used."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.actions.catalog import Catalog
from helpdesk.config import Config
from helpdesk.errors import ConfigError, HelpdeskError
from helpdesk.platform import Paths, private_folder
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.actions.approve import Approvals
    from helpdesk.actions.erase import Erasure
    from helpdesk.actions.runner import Runner
    from helpdesk.actions.upkeep import Upkeep
    from helpdesk.actions.words import Words
    from helpdesk.app.casework import Casework
    from helpdesk.app.noticing import Telling
    from helpdesk.connectors.durable.client import DbosEngine
    from helpdesk.conversation.cases import Cases
    from helpdesk.database import Database
    from helpdesk.gate.asked import Routes
    from helpdesk.gate.attempts import Attempts
    from helpdesk.gate.audit import AuditLog
    from helpdesk.gate.audit_rotate import RotateWhen
    from helpdesk.gate.audit_search import SearchIndex
    from helpdesk.gate.authorization import Authorization
    from helpdesk.gate.counters import Counters
    from helpdesk.gate.keys import HostKey
    from helpdesk.gate.limits import Limits
    from helpdesk.gate.requests import Requests
    from helpdesk.gate.roles import Roles
    from helpdesk.gate.seals import Seals
    from helpdesk.gate.services import Services
    from helpdesk.gate.session import SessionStore
    from helpdesk.gate.shipping import Shipping
    from helpdesk.identity import Person
    from helpdesk.mail import Mail
    from helpdesk.ports import Clock, Directory, Keychain, Model, Tickets
    from helpdesk.workflows.grants import Grants


def utc_now() -> datetime:
    return datetime.now(UTC)


class Later:
    """A part that is made when it is first used: signing in reaches the network before the rules are loaded.

    Args:
        make: gives the part.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


@dataclass(slots=True)
class Once:
    """A password that was given once: it is tried once, so that a wrong one locks nobody out."""

    password: Secret | None

    def take(self) -> Secret | None:
        given, self.password = self.password, None
        return given


class Parts:
    """The systems, stores and rules behind a desk.

    Args:
        config: the loaded configuration. paths: where state and cache live.
        clock: now, in UTC.
    """

    def __init__(self, config: Config, paths: Paths, clock: Clock = utc_now) -> None:
        self.config = config
        self.paths = paths
        self.clock = clock
        self._caches: set[Path] = set()

    @cached_property
    def catalog(self) -> Catalog:
        from helpdesk.app.working import ensure_worker
        from helpdesk.workflows.installed import catalog_of

        return catalog_of(self.paths.cache, lambda: self.engine, lambda: ensure_worker(self))

    @cached_property
    def words(self) -> Words:
        from helpdesk.actions.words import Words

        return Words(self.paths.cache)

    def require_directory(self) -> None:
        """Raises ConfigError where none is configured, before anybody is asked for a password."""
        if not self.config.directory.configured:
            raise ConfigError(
                "No directory is configured, so nobody can sign in.",
                hint="Try a whole company on this machine: helpdesk demo. Or write [directory] in config.toml.",
            )

    @cached_property
    def directory(self) -> Directory:
        self.require_directory()
        settings = self.config.directory
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
                bind_password=self.referenced(settings.bind_password),
                server_hashes=settings.server_hashes,
                new_people_base=settings.new_people_base,
                new_person_name=settings.new_person_name,
                new_person_classes=settings.new_person_classes,
                new_person_attributes=settings.new_person_attributes,
                trust=self.config.network.trust,
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
    def mail(self) -> Mail | None:
        from helpdesk.app.mailing import mail_of

        return mail_of(self.config, self.paths.state, self.clock, self.referenced)

    @cached_property
    def host_key(self) -> HostKey:
        from helpdesk.gate.keys import HostKey

        return HostKey.load_or_create(self.paths.state / "keys")

    @cached_property
    def seals(self) -> Seals:
        """This host's key, and whose else is believed. Raises ConfigError where a listed key is none."""
        from helpdesk.gate.seals import Seals

        return Seals.of(self.host_key, self.config.worker.trusted_hosts)

    @cached_property
    def audit(self) -> AuditLog:
        from helpdesk.gate.audit import AuditLog

        log = AuditLog(self.paths.state / "log", self.clock, lambda: self.host_key)
        if self.shipping:
            log.on_signed = self.shipping.wake
        return log

    @cached_property
    def shipping(self) -> Shipping:
        from helpdesk.app.outside import shipping_of

        return shipping_of(self.config, self.paths.state / "log", self.clock)

    @cached_property
    def log_search(self) -> SearchIndex:
        from helpdesk.gate.audit_search import SearchIndex

        return SearchIndex(self.audit, self.paths.state / "log")

    @cached_property
    def store(self) -> Database:
        """Where requests are kept. Raises ConfigError when the database's password is not there."""
        from helpdesk.app.storing import store_of

        return store_of(self)

    @cached_property
    def requests(self) -> Requests:
        from helpdesk.gate.requests import Requests

        made = Requests(self.store, self.clock, self.seals)
        made.told = self.telling.request
        return made

    @cached_property
    def telling(self) -> Telling:
        from helpdesk.app.noticing import Telling

        return Telling(self)

    @cached_property
    def cases(self) -> Cases:
        from helpdesk.conversation.cases import Cases

        return Cases(self.paths.state / "cases.db", self.clock)

    @cached_property
    def casework(self) -> Casework:
        from helpdesk.app.casework import Casework

        return Casework(self)

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
    def counters(self) -> Counters:
        from helpdesk.gate.counters import Counters

        return Counters(self.paths.state / "limits.db", self.clock)

    @cached_property
    def attempts(self) -> Attempts:
        from helpdesk.gate.attempts import Attempts

        return Attempts(self.counters, self.config.limits, self.directory, self.clock)

    @cached_property
    def limits(self) -> Limits:
        from helpdesk.gate.limits import Limits

        return Limits(self.counters, self.config.limits, self.clock)

    @cached_property
    def routes(self) -> Routes:
        from helpdesk.gate.asked import Routes

        return Routes(tuple(self.config.approvals.values()))

    @cached_property
    def services(self) -> Services:
        from helpdesk.gate.services import Services

        return Services(self.config.services)

    @cached_property
    def sign_in(self) -> Any:
        from helpdesk.gate.signin import DirectorySignIn

        roles: Any = Later(lambda: self.roles)
        audit: Any = Later(lambda: self.audit)
        services = self.services if self.config.services else None
        return DirectorySignIn(self.directory, roles, audit, self.clock, self.attempts, services)

    @cached_property
    def engine(self) -> DbosEngine | None:
        """Who keeps what outlives this process; ``None`` where no worker is configured."""
        from helpdesk.app.working import engine_of

        return engine_of(self)

    @cached_property
    def grants(self) -> Grants | None:
        """What ends by itself; ``None`` where no worker is configured."""
        from helpdesk.app.granting import grants_of

        return grants_of(self)

    @cached_property
    def runner(self) -> Runner:
        from helpdesk.actions.authorise import Authoriser
        from helpdesk.actions.context import Systems
        from helpdesk.actions.guard import Guard
        from helpdesk.actions.journal import Journal
        from helpdesk.actions.runner import Runner
        from helpdesk.app.granting import ending_of

        systems = Systems(
            directory=self.directory,
            tickets=self.tickets,
            mail=Later(lambda: self.mail) if self.config.mail.kind != "none" else None,
            clock=self.clock,
            settings=self.config.plugin_settings,
            cache_dir=self._plugin_cache,
            password_set=self._forgive,
        )
        systems.ending = ending_of(self, systems)
        return Runner(
            catalog=self.catalog,
            authorise=Authoriser(self.authorization, self.roles, self.services, self.routes),
            systems=systems,
            journal=Journal(self.audit, self.telling.done),
            requests=self.requests,
            sign_in=self.sign_in,
            shared=self.config.requests.shared,
            guard=Guard(self.services, self.limits),
        )

    @cached_property
    def approvals(self) -> Approvals:
        from helpdesk.actions.approve import Approvals

        if not self.config.worker.configured:
            return Approvals(self.runner)
        from helpdesk.app.approving import WorkersHands

        return Approvals(self.runner, self.seals.host, WorkersHands(self))

    @property
    def rotate_when(self) -> RotateWhen:
        from helpdesk.gate.audit_rotate import RotateWhen

        days = self.config.log.rotate_days
        return RotateWhen(self.config.log.rotate_entries, None if days is None else timedelta(days=days))

    @cached_property
    def upkeep(self) -> Upkeep:
        from helpdesk.actions.upkeep import Upkeep

        return Upkeep(self.runner, self.log_search, self.shipping, self.clock, self.config.log.keep_days)

    @cached_property
    def erasure(self) -> Erasure:
        from helpdesk.actions.erase import Erasure

        return Erasure(self.runner, self.log_search)

    @cached_property
    def model(self) -> Model | None:
        settings = self.config.llm
        if settings.kind != "openai":
            return None
        from helpdesk.connectors.llm import ChatCompletions

        return ChatCompletions(
            settings.url,
            settings.model,
            self.referenced(settings.api_key),
            proxy=self.config.network.proxy_for(settings.url, os.environ),
            ca_file=self.config.network.ca_file,
            trust=self.config.network.trust,
        )

    def _forgive(self, person: Person) -> None:
        """Whoever got a new password may use it at once, however often the old one was mistyped here (R9)."""
        with suppress(HelpdeskError):  # a count that cannot be written holds them up for a while, and no more
            self.attempts.forgive(person)

    def _plugin_cache(self, plugin: str) -> Path:
        folder = self.paths.cache / "plugins" / plugin
        if folder not in self._caches or not folder.is_dir():
            private_folder(folder)
            self._caches.add(folder)
        return folder

    def referenced(self, reference: str) -> Secret | None:
        """The secret behind a reference; ``None`` where there is none. Raises ConfigError when it is not there."""
        from helpdesk.app.references import referenced

        return referenced(reference, lambda: self.keychain, os.environ)
