"""The loaded configuration as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class DirectorySettings:
    """``[directory]``: what is left empty is asked of the server.

    Attributes:
        configured: somebody said which directory to use.
        bind_password: a reference such as ``keyring:helpdesk-look-ups``, never the password.
    """

    configured: bool = False
    kind: Literal["ldap", "embedded"] = "ldap"
    url: str = ""
    base: str = ""
    ca_file: str | None = None
    start_tls: bool | None = None
    people_base: str = ""
    groups_base: str = ""
    login_attribute: str = ""
    login_dn: str = ""
    bind_dn: str = ""
    bind_password: str = ""
    server_hashes: bool = False
    new_people_base: str = ""
    new_person_name: str = ""
    new_person_classes: tuple[str, ...] = ()
    new_person_attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthorizationSettings:
    """``[authorization]``: ``None`` means the policy that ships with the program."""

    policies: Path | None = None


@dataclass(frozen=True)
class PolicySettings:
    """``[policy]``: folders of the company's policies; absolute."""

    sources: tuple[Path, ...] = ()


@dataclass(frozen=True)
class LlmSettings:
    """``[llm]``. ``api_key`` is a reference, never the key; ``may_see`` names data classes."""

    kind: Literal["openai", "guided"] = "guided"
    url: str = ""
    model: str = ""
    api_key: str = ""
    may_see: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionSettings:
    """``[session]``: whether a sign-in is kept, and how long (R8)."""

    store: Literal["keyring", "none"]
    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True)
class NetworkSettings:
    """``[network]``. ``proxy`` is "" for none, "environment", or an address."""

    proxy: str = ""
    ca_file: str | None = None
    trust: Literal["system", "bundled"] = "system"

    def proxy_for(self, url: str, environ: Mapping[str, str]) -> str | None:
        """The proxy that a request to ``url`` goes through; ``None`` means straight there (S9).

        The environment's variables count only with ``proxy = "environment"``.
        """
        if self.proxy != "environment":
            return self.proxy or None
        from urllib.parse import urlsplit
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

        parts = urlsplit(url)
        values = {name.lower(): value for name, value in environ.items() if value}
        bypass = {"no": values.get("no_proxy", "")}
        if proxy_bypass_environment(parts.hostname or "", bypass):
            return None
        return values.get(f"{parts.scheme}_proxy") or values.get("all_proxy")


@dataclass(frozen=True)
class RequestSettings:
    """``[requests]``: whether approvers see the same state as the people who ask.

    One account of the operating system on one machine is shared by everyone who uses it (the embedded
    directory of a trial, a jump host); anywhere else nothing reaches an approver by itself.
    """

    shared: bool = False


@dataclass(frozen=True)
class UiSettings:
    """``[ui]``: how the program looks.

    Attributes:
        linear: the chat as labelled lines, for screen readers; ``helpdesk`` alone is that chat then.
        theme: the colours of the full-screen app. animation: its parts may glide.
    """

    linear: bool = False
    theme: str = "helpdesk"
    animation: bool = True


@dataclass(frozen=True)
class LogSettings:
    """``[log]``: where the log is known outside this machine (A3).

    Attributes:
        checkpoints: addresses that signed checkpoints go to. stream: the one that every entry goes to, or "".
        stream_personal: personal values go with the entries, in the clear.
        ca_file: only these authorities; ``None``: those of ``[network]``.
        rotate_entries, rotate_days: a segment is closed at so many entries, or when its first is so old;
            ``None``: only by command. keep_days: what ``log retain`` keeps; ``None``: it has to be told.
    """

    checkpoints: tuple[str, ...] = ()
    stream: str = ""
    stream_personal: bool = False
    ca_file: str | None = None
    rotate_entries: int | None = None
    rotate_days: int | None = None
    keep_days: int | None = None


@dataclass(frozen=True)
class LimitSettings:
    """``[limits]``: how much may happen on this machine, in an hour unless a window is named (R9).

    Attributes:
        wrong_passwords: for one name; ``None``: one fewer than the directory's own rule.
        wrong_password_window: the quiet time after which they are forgotten.
        high_risk_per_actor: of the changes, those of high risk; likewise for the other two.
    """

    wrong_passwords: int | None = None
    wrong_passwords_machine: int = 100
    wrong_password_window: timedelta = timedelta(minutes=15)
    changes_per_actor: int = 2000
    changes_per_target: int = 100
    changes_per_machine: int = 10_000
    high_risk_per_actor: int = 1000
    high_risk_per_target: int = 30
    high_risk_per_machine: int = 5000


@dataclass(frozen=True)
class StoreSettings:
    """``[store]``: where requests and runs are kept.

    Attributes:
        url: "" for SQLite files in the state folder; else an address of Postgres, without name and password.
        password: a reference, never the password. ca_file: the authorities for a server on another machine.
    """

    url: str = ""
    user: str = ""
    password: str = ""
    ca_file: str | None = None


@dataclass(frozen=True)
class WorkerSettings:
    """``[worker]``: who carries out what outlives the terminal.

    Attributes:
        service: the name of its ``[services.NAME]``; "" for no worker: everything ends with its process.
        password: a reference, never the password.
        trusted_hosts: public keys, as ``helpdesk worker key`` prints them; this host's own is always believed.
        runs: at a time. heartbeat_seconds, takeover_seconds: see :mod:`helpdesk.connectors.durable`.
        metrics: host:port, or "" for none.
    """

    service: str = ""
    password: str = ""
    start: Literal["on-demand", "manual"] = "on-demand"
    trusted_hosts: tuple[str, ...] = ()
    runs: int = 16
    heartbeat_seconds: int = 5
    takeover_seconds: int = 30
    metrics: str = ""

    @property
    def configured(self) -> bool:
        return bool(self.service)


@dataclass(frozen=True)
class MailSettings:
    """``[mail]``. ``password`` is a reference, never the password."""

    kind: Literal["none", "smtp", "embedded"] = "none"
    url: str = ""
    start_tls: bool = True
    sender: str = ""
    sender_name: str = "IT Helpdesk"
    user: str = ""
    password: str = ""
    ca_file: str | None = None


@dataclass(frozen=True)
class NoticeSettings:
    """``[notices]``: who is told, and how. ``webhook_key`` is a reference; ``operator`` a mail address, or ""."""

    mail: bool = True
    webhook: str = ""
    webhook_key: str = ""
    operator: str = ""
    ca_file: str | None = None


@dataclass(frozen=True)
class ServiceSettings:
    """``[services.NAME]``: the account of a script, and all that it may do.

    Attributes:
        groups: the groups it may act on, by name or DN; empty: any, as far as the policy allows.
        per_hour: the most changes it makes in an hour; ``None``: as anybody.
        interactive: a person may use it at a terminal, and confirm with it.
    """

    name: str
    login: str
    actions: tuple[str, ...]
    groups: tuple[str, ...] = ()
    per_hour: int | None = None
    interactive: bool = False


@dataclass(frozen=True)
class ApprovalRule:
    """``[approvals.NAME]``: who is asked, and how many must say yes. The policy decides whether each of them may.

    Attributes:
        actions, groups: names or patterns; no group: all, and what is about none.
        any_of: of whom one says yes. all_of: of whom each says yes. Both: "owner", "manager", "manager-chain:N",
            "group:NAME".
        escalate_after, escalate_to: who may say yes instead once nobody has for so long.
    """

    name: str
    actions: tuple[str, ...]
    groups: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    escalate_after: timedelta | None = None
    escalate_to: str = ""


@dataclass(frozen=True)
class Config:
    """Everything that was configured, with the origin of every value.

    Attributes:
        roles: role name → groups, by name or DN. services: the service identities by name.
        approvals: who is asked, by the name of the rule, in the order of the file.
        plugins: the sections of plugins, as written.
        origins: ``section.key`` → the file, variable or flag that decided it; absent for defaults.
        warnings: one sentence each, for a person.
        files: the files that were read, the strongest first.
    """

    directory: DirectorySettings
    roles: Mapping[str, tuple[str, ...]]
    authorization: AuthorizationSettings
    policy: PolicySettings
    llm: LlmSettings
    session: SessionSettings
    network: NetworkSettings
    requests: RequestSettings
    ui: UiSettings = UiSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    services: Mapping[str, ServiceSettings] = field(default_factory=dict)
    approvals: Mapping[str, ApprovalRule] = field(default_factory=dict)
    store: StoreSettings = StoreSettings()
    worker: WorkerSettings = WorkerSettings()
    mail: MailSettings = MailSettings()
    notices: NoticeSettings = NoticeSettings()
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def plugin_settings(self, name: str) -> Mapping[str, Any]:
        """The plugin's own section; empty when there is none. Paths of ``[policy]`` come as absolute texts."""
        if name == "policy":
            return {"sources": tuple(str(path) for path in self.policy.sources)}
        return self.plugins.get(name, {})

    def origin(self, name: str) -> str:
        """Where the value of ``section.key`` comes from; "default" when nobody set it."""
        return self.origins.get(name, "default")
