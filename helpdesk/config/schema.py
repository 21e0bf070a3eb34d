"""Every key of the configuration: its kind, its default and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "text",
    "choice",
    "boolean",
    "path",
    "paths",
    "names",
    "classes",
    "secret",
    "duration",
    "number",
    "service",
    "approval",
]

MANAGED: Final = (
    "directory",
    "roles",
    "authorization",
    "llm",
    "session",
    "limits",
    "services",
    "log",
    "store",
    "worker",
    "mail",
    "notices",
    "approvals",
)
"""The sections that the administrator's file decides; a key nobody knows is an error there."""
WHOLE: Final = (
    "directory",
    "roles",
    "authorization",
    "limits",
    "services",
    "log",
    "store",
    "worker",
    "mail",
    "notices",
    "approvals",
)
"""Managed sections that are taken as one: parts of two would make a third that nobody approved."""
DATA_CLASSES: Final = ("words", "actions", "policies", "results", "people", "groups", "tickets")
USUAL_ROLES: Final = ("helpdesk", "privileged", "auditor")
SHIPPED_PLUGINS: Final = ("password", "account", "access", "policy", "ticket", "people", "process", "mail")


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        default: as a person would write it; ``None`` means that it is found out, or not used.
        expected: what a right value is, as it reads after "must be".
    """

    section: str
    name: str
    kind: Kind
    default: Any
    meaning: str
    expected: str = ""
    choices: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"HELPDESK_{self.section}_{self.name}".upper()


KEYS: Final[tuple[Key, ...]] = (
    Key("directory", "kind", "choice", "ldap", "which kind of directory", choices=("ldap", "embedded")),
    Key("directory", "url", "text", None, "its address", 'an address such as "ldaps://ldap.example.com"'),
    Key("directory", "base", "text", None, "the DN that everything is below", "a DN"),
    Key("directory", "ca_file", "path", None, "the authorities that its certificate is checked against"),
    Key("directory", "start_tls", "boolean", None, "StartTLS, for an ldap:// address"),
    Key(
        "directory", "server_hashes", "boolean", False, "whether it hashes a plainly written password itself"
    ),
    Key("directory", "people_base", "text", None, "the DN that people are below", "a DN"),
    Key("directory", "groups_base", "text", None, "the DN that groups are below", "a DN"),
    Key("directory", "login_attribute", "text", None, "the attribute of login names", 'such as "uid"'),
    Key(
        "directory",
        "login_dn",
        "text",
        None,
        "a template for the DN that somebody signs in with",
        'a template such as "uid={login},ou=people,dc=example,dc=com"',
    ),
    Key("directory", "bind_dn", "text", None, "the account for look-ups", "a DN"),
    Key("directory", "bind_password", "secret", None, "where the password of bind_dn is kept"),
    Key("directory", "new_people_base", "text", None, "the DN that new people are added below", "a DN"),
    Key(
        "directory",
        "new_person_name",
        "text",
        None,
        "a template for what a new entry is called",
        'a template such as "uid={login}"',
    ),
    Key(
        "directory",
        "new_person_classes",
        "names",
        (),
        "the object classes of new people",
        'a list of classes, such as ["inetOrgPerson"]',
    ),
    Key(
        "directory",
        "new_person_attributes",
        "names",
        (),
        "what else the entries of new people hold",
        'a list such as ["loginShell=/bin/bash"]',
    ),
    Key("authorization", "policies", "path", None, "a file of Cedar policies"),
    Key("policy", "sources", "paths", (), "folders of the company's policies", "a list of folders"),
    Key("llm", "kind", "choice", "guided", "a model, or none", choices=("openai", "guided")),
    Key("llm", "url", "text", None, "the model's address", 'an address such as "https://llm.example.com/v1"'),
    Key("llm", "model", "text", None, "the model's name as its server knows it", "a name"),
    Key("llm", "api_key", "secret", None, "where the model's key is kept"),
    Key(
        "llm",
        "may_see",
        "classes",
        ("words", "actions", "policies"),
        "the data classes that may reach the model",
        f"a list of data classes ({', '.join(DATA_CLASSES)})",
        choices=DATA_CLASSES,
    ),
    Key("session", "store", "choice", "keyring", "where a sign-in is kept", choices=("keyring", "none")),
    Key("session", "idle", "duration", "15m", "how long a sign-in lasts without use"),
    Key("session", "absolute", "duration", "8h", "how long a sign-in lasts at all"),
    Key(
        "network",
        "proxy",
        "text",
        "",
        "the proxy to the model",
        '"", "environment", or an address such as "http://proxy.example.com:3128"',
    ),
    Key("network", "ca_file", "path", None, "the only authorities that are believed"),
    Key(
        "network",
        "trust",
        "choice",
        "system",
        "whose authorities are believed",
        choices=("system", "bundled"),
    ),
    Key("limits", "wrong_passwords", "number", None, "wrong passwords let through for one name"),
    Key("limits", "wrong_passwords_machine", "number", 100, "wrong passwords let through for all names"),
    Key("limits", "wrong_password_window", "duration", "15m", "the quiet time that they are forgotten after"),
    Key("limits", "changes_per_actor", "number", 2000, "changes by one person in an hour"),
    Key("limits", "changes_per_target", "number", 100, "changes to one account or membership in an hour"),
    Key("limits", "changes_per_machine", "number", 10_000, "changes on this machine in an hour"),
    Key("limits", "high_risk_per_actor", "number", 1000, "changes of high risk by one person in an hour"),
    Key("limits", "high_risk_per_target", "number", 30, "changes of high risk to one account in an hour"),
    Key("limits", "high_risk_per_machine", "number", 5000, "changes of high risk here in an hour"),
    Key("ui", "linear", "boolean", False, "whether the chat is labelled lines, for screen readers"),
    Key(
        "ui",
        "theme",
        "choice",
        "helpdesk",
        "the colours of the full-screen app",
        choices=("helpdesk", "high-contrast", "terminal"),
    ),
    Key("ui", "animation", "boolean", True, "whether parts of the full-screen app glide"),
    Key("requests", "shared", "boolean", None, "whether approvers see the requests made here"),
    Key(
        "log",
        "checkpoints",
        "names",
        (),
        "where signed checkpoints are sent",
        'a list of addresses, such as ["syslog+tls://log.example.com"]',
    ),
    Key("log", "stream", "text", "", "where every entry is sent", 'such as "syslog+tls://log.example.com"'),
    Key("log", "stream_personal", "boolean", False, "whether names and texts are sent with the entries"),
    Key("log", "ca_file", "path", None, "the authorities that these servers are checked against"),
    Key("log", "rotate_entries", "number", None, "how many entries close a segment of the log"),
    Key("log", "rotate_days", "number", None, "after how many days a segment of the log is closed"),
    Key("log", "keep_days", "number", None, "how many days log retain keeps"),
    Key(
        "store",
        "url",
        "text",
        "",
        "where requests and runs are kept",
        'such as "postgresql://db.example.com/helpdesk"',
    ),
    Key("store", "user", "text", "", "the name that the database knows this program by", "a name"),
    Key("store", "password", "secret", None, "where the password of the database is kept"),
    Key("store", "ca_file", "path", None, "the authorities that the database is checked against"),
    Key(
        "worker",
        "service",
        "text",
        "",
        "the service identity that carries requests out",
        'a name, such as "worker"',
    ),
    Key("worker", "password", "secret", None, "where the password of that service identity is kept"),
    Key(
        "worker",
        "start",
        "choice",
        "on-demand",
        "whether a worker is started when one is needed",
        choices=("on-demand", "manual"),
    ),
    Key(
        "worker",
        "trusted_hosts",
        "names",
        (),
        "the keys of the hosts that are believed",
        "a list of hosts' public keys",
    ),
    Key("worker", "runs", "number", 16, "how many runs one worker carries out at a time"),
    Key("worker", "heartbeat_seconds", "number", 5, "how often a worker says that it is there, in seconds"),
    Key("worker", "takeover_seconds", "number", 30, "after how many seconds of silence others take over"),
    Key(
        "worker",
        "metrics",
        "text",
        "",
        "where health and figures are served",
        'an address such as "127.0.0.1:9464"',
    ),
    Key(
        "mail",
        "kind",
        "choice",
        None,
        "how letters leave",
        choices=("none", "smtp", "embedded"),
    ),
    Key("mail", "url", "text", "", "the mail server", 'an address such as "smtp://mail.example.com"'),
    Key("mail", "start_tls", "boolean", True, "STARTTLS, for an smtp:// address"),
    Key("mail", "sender", "text", "", "whom letters come from", "a mail address"),
    Key("mail", "sender_name", "text", "IT Helpdesk", "the sender's name", "a name"),
    Key("mail", "user", "text", "", "whom the mail server knows the program as", "a name"),
    Key("mail", "password", "secret", None, "where the password for the mail server is kept"),
    Key("mail", "ca_file", "path", None, "the authorities that the mail server is checked against"),
    Key("notices", "mail", "boolean", True, "whether people are told by mail"),
    Key(
        "notices",
        "webhook",
        "text",
        "",
        "where notices are posted",
        'such as "https://chat.example.com/hook"',
    ),
    Key("notices", "webhook_key", "secret", None, "where the key is kept that signs what is posted"),
    Key(
        "notices", "operator", "text", "", "who is told when access could not be taken back", "a mail address"
    ),
    Key("notices", "ca_file", "path", None, "the authorities that the webhook's server is checked against"),
)

_ASKED: Final = '"owner", "manager", "manager-chain:2" and "group:NAME"'

SERVICE_KEYS: Final[tuple[Key, ...]] = (
    Key("services", "login", "text", None, "the login name that it signs in with", "a login name"),
    Key(
        "services",
        "actions",
        "names",
        None,
        "the actions that it may run",
        'a list of actions, such as ["password.unlock"]',
    ),
    Key("services", "groups", "names", (), "the groups that it may act on", "a list of groups"),
    Key("services", "per_hour", "number", None, "how many changes it may make in an hour"),
    Key("services", "interactive", "boolean", False, "whether a person may use it at a terminal"),
)
"""The keys of each table below ``[services]``."""

APPROVAL_KEYS: Final[tuple[Key, ...]] = (
    Key(
        "approvals",
        "actions",
        "names",
        None,
        "the actions that it is about",
        'a list of actions or patterns, such as ["access.*"]',
    ),
    Key("approvals", "groups", "names", (), "the groups that it is about", 'a list such as ["finance-*"]'),
    Key("approvals", "any_of", "names", (), "of whom one says yes", f"a list of {_ASKED}"),
    Key("approvals", "all_of", "names", (), "of whom each says yes", f"a list of {_ASKED}"),
    Key("approvals", "escalate_after", "duration", None, "after which time others are asked, too"),
    Key("approvals", "escalate_to", "text", None, "who is asked then", f"one of {_ASKED}"),
)
"""The keys of each table below ``[approvals]``."""

BY_NAME: Final = {(key.section, key.name): key for key in KEYS}
SECTIONS: Final = tuple(dict.fromkeys([*(key.section for key in KEYS), "roles", "services", "approvals"]))
_APPROVAL: Final = "a table of its own, such as [approvals.finance]"
_SERVICE: Final = "a table of its own, such as [services.nightly]"
_ROLE_GROUPS: Final = 'a group or a list of groups, such as ["service-desk"]'


def key_of(section: str, name: str) -> Key | None:
    """The key, or ``None`` when nobody knows it. Every name under ``[roles]`` is a role, under ``[services]`` a service.

    Every name under ``[approvals]`` is a rule about who is asked.
    """
    if section == "roles" and name.replace("-", "_").isidentifier():
        return Key("roles", name, "names", (), "the groups that give this role", _ROLE_GROUPS)
    if section == "services" and name.replace("-", "_").isidentifier():
        return Key("services", name, "service", None, "a service identity", _SERVICE)
    if section == "approvals" and name.replace("-", "_").isidentifier():
        return Key("approvals", name, "approval", None, "who is asked", _APPROVAL)
    return BY_NAME.get((section, name))


def names_in(section: str) -> list[str]:
    return [key.name for key in KEYS if key.section == section]
