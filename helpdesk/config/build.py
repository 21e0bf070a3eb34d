"""From the strongest written values to typed settings, with what only makes sense together checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpdesk.config.addresses import (
    checkpoint_problem,
    endpoint_problem,
    host_key_problem,
    store_problem,
    stream_problem,
)
from helpdesk.config.approvals import approvals
from helpdesk.config.build_mail import mail, notices
from helpdesk.config.model import (
    AuthorizationSettings,
    Config,
    DirectorySettings,
    LimitSettings,
    LlmSettings,
    LogSettings,
    NetworkSettings,
    PolicySettings,
    RequestSettings,
    ServiceSettings,
    SessionSettings,
    StoreSettings,
    UiSettings,
    WorkerSettings,
)
from helpdesk.config.schema import BY_NAME, SECTIONS, key_of
from helpdesk.config.values import Written, value_of
from helpdesk.errors import ConfigError
from helpdesk.text import folded, shorten

Merged = Mapping[str, Mapping[str, Written]]


def build(merged: Merged, *, home: str, files: tuple[Path, ...], warnings: tuple[str, ...]) -> Config:
    """The configuration.

    Raises:
        ConfigError: a value does not fit its key, or two values do not fit each other.
    """
    values = {name: _values(merged, name, home) for name in SECTIONS}
    origins = {
        f"{section}.{key}": written.origin
        for section, content in merged.items()
        for key, written in content.items()
        if section not in SECTIONS or key_of(section, key) is not None
    }
    directory = _directory(values["directory"], origins)
    services = _services(values["services"], origins)
    return Config(
        directory=directory,
        roles=values["roles"],
        authorization=AuthorizationSettings(**values["authorization"]),
        policy=PolicySettings(**values["policy"]),
        llm=_llm(values["llm"], origins),
        session=_session(values["session"], origins),
        network=_network(values["network"], origins),
        requests=RequestSettings(**{"shared": directory.kind == "embedded", **values["requests"]}),
        ui=UiSettings(**values["ui"]),
        limits=LimitSettings(**values["limits"]),
        log=_log(values["log"], origins),
        services=services,
        approvals=approvals(values["approvals"], origins),
        store=_store(values["store"], origins),
        worker=_worker(values["worker"], services, origins),
        mail=mail(values["mail"], directory.kind if directory.configured else "", origins),
        notices=notices(values["notices"], origins),
        plugins={
            section: {key: written.value for key, written in content.items()}
            for section, content in merged.items()
            if section not in SECTIONS
        },
        origins=origins,
        warnings=(*warnings, *_unused(directory)),
        files=files,
    )


def _values(merged: Merged, section: str, home: str) -> dict[str, Any]:
    found = {}
    for name, written in merged.get(section, {}).items():
        key = key_of(section, name)
        if key is not None:
            found[name] = value_of(key, written, home)
    return found


def _default(section: str, name: str, home: str = "") -> Any:
    key = BY_NAME[section, name]
    return value_of(key, Written(key.default, "the default"), home)


def _wrong(origins: Mapping[str, str], name: str, what: str, hint: str) -> ConfigError:
    section, _, key = name.partition(".")
    where = origins.get(name)
    return ConfigError(f"{where + ': ' if where else ''}[{section}] {key} {what}.", hint=hint)


def _somewhere(section: str, origins: Mapping[str, str]) -> str:
    """A source that says something in the section."""
    return next(origin for name, origin in origins.items() if name.startswith(f"{section}."))


def _directory(values: dict[str, Any], origins: Mapping[str, str]) -> DirectorySettings:
    if not values:
        return DirectorySettings()
    kind = values.setdefault("kind", _default("directory", "kind"))
    if kind == "ldap" and not values.get("url"):
        raise ConfigError(
            f"{_somewhere('directory', origins)}: [directory] does not say where the directory is.",
            hint='Add url = "ldaps://ldap.example.com", or kind = "embedded" for one of your own.',
        )
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    return DirectorySettings(configured=True, **values)


def _unused(directory: DirectorySettings) -> list[str]:
    """A warning where an address is set and another kind of directory is used."""
    if directory.kind == "embedded" and directory.url:
        return [f'[directory] url is not used, because kind is "embedded": {directory.url}']
    return []


def _llm(values: dict[str, Any], origins: Mapping[str, str]) -> LlmSettings:
    url = values.get("url", "")
    kind = values.setdefault("kind", "openai" if url else _default("llm", "kind"))
    values.setdefault("may_see", _default("llm", "may_see"))
    if url:
        _web_address(url, "llm.url", origins)
    for name in ("url", "model"):
        if kind == "openai" and not values.get(name):
            raise ConfigError(
                f"{_somewhere('llm', origins)}: [llm] {name} is missing for a model of the kind openai.",
                hint=f'Set {name}, or set kind = "guided" to work without a model.',
            )
    return LlmSettings(**values)


def _session(values: dict[str, Any], origins: Mapping[str, str]) -> SessionSettings:
    for name in ("store", "idle", "absolute"):
        values.setdefault(name, _default("session", name))
    if values["idle"] > values["absolute"]:
        if "session.idle" in origins:
            raise _wrong(
                origins,
                "session.idle",
                "is longer than [session] absolute",
                "Make idle the shorter one of the two.",
            )
        values["idle"] = values["absolute"]
    return SessionSettings(**values)


def _services(values: dict[str, Any], origins: Mapping[str, str]) -> dict[str, ServiceSettings]:
    services = {name: ServiceSettings(name=name, **found) for name, found in values.items()}
    logins: dict[str, str] = {}
    for name, service in services.items():
        other = logins.setdefault(folded(service.login), name)
        if other != name:
            raise ConfigError(
                f"{origins[f'services.{name}']}: [services] {other} and {name} are one account, {service.login}.",
                hint="Give each service an account of its own, or declare everything in one.",
            )
    return services


def _store(values: dict[str, Any], origins: Mapping[str, str]) -> StoreSettings:
    problem = store_problem(values.get("url", ""))
    if problem:  # the address is not repeated: it may hold a password
        raise _wrong(origins, "store.url", f"has an address that {problem}", "Correct the address.")
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    return StoreSettings(**values)


def _worker(
    values: dict[str, Any], services: Mapping[str, ServiceSettings], origins: Mapping[str, str]
) -> WorkerSettings:
    settings = WorkerSettings(**values)
    if settings.service and settings.service not in services:
        raise _wrong(
            origins,
            "worker.service",
            f"is {settings.service!r}, and there is no such service identity",
            f"Declare what it may do: [services.{settings.service}] with its login and actions.",
        )
    if settings.configured and not settings.password:
        raise _wrong(
            origins,
            "worker.service",
            "has no password, and a worker signs in when nobody is there",
            'Set [worker] password to a reference, such as "credential:helpdesk-worker" or "keyring:NAME".',
        )
    if settings.takeover_seconds < 3 * settings.heartbeat_seconds:
        raise _wrong(
            origins,
            "worker.takeover_seconds",
            f"must be at least three times heartbeat_seconds ({settings.heartbeat_seconds})",
            "A worker that was merely slow would be taken for dead.",
        )
    for host in settings.trusted_hosts:
        if host_key_problem(host):
            raise _wrong(
                origins,
                "worker.trusted_hosts",
                f"holds {shorten(host, 40)!r}, which is no public key of a host",
                "Take the line that helpdesk worker key prints there.",
            )
    problem = endpoint_problem(settings.metrics)
    if problem:
        raise _wrong(origins, "worker.metrics", problem, 'Write "127.0.0.1:9464", or only the port.')
    return settings


def _network(values: dict[str, Any], origins: Mapping[str, str]) -> NetworkSettings:
    proxy = values.get("proxy", "")
    if proxy and proxy != "environment":
        _web_address(proxy, "network.proxy", origins)
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    return NetworkSettings(**values)


def _log(values: dict[str, Any], origins: Mapping[str, str]) -> LogSettings:
    found = [("log.checkpoints", address, checkpoint_problem) for address in values.get("checkpoints", ())]
    if values.get("stream"):
        found.append(("log.stream", values["stream"], stream_problem))
    for name, address, problem_of in found:
        problem = problem_of(address)
        if problem:  # the address is not repeated: it may hold a password
            raise _wrong(origins, name, f"has an address that {problem}", "Correct the address.")
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    return LogSettings(**values)


def _web_address(url: str, name: str, origins: Mapping[str, str]) -> None:
    """Raises ConfigError when it is no http address, or holds a password; neither is repeated."""
    key = BY_NAME[name.partition(".")[0], name.partition(".")[2]]
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _wrong(origins, name, f"must be {key.expected}", "Correct the address.")
    if "@" in parts.netloc:
        raise _wrong(
            origins,
            name,
            "holds a name or password, which would stand readable in the file",
            "Take it out of the address.",
        )
