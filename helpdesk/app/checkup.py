"""What ``helpdesk doctor`` looks at: each part of an installation, whether it works, and what to do.

Every check is a plain, blocking function from a desk to findings. They change nothing, except that
private folders come into being, as they would with the first command.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

from helpdesk.app.desk import Desk
from helpdesk.errors import HelpdeskError, Unreachable
from helpdesk.platform import Paths, private_folder

State = Literal["ok", "warning", "problem"]

LITTLE_ROOM: Final = 200_000_000
NO_ROOM: Final = 10_000_000
"""Bytes free below which the log may soon be, or already is, unable to take an entry."""
DEADLINE: Final = 30.0
"""Seconds that one check may take; what it waits for has shorter deadlines of its own."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at. message: what was found. hint: what to do about it.
        facts: the same for scripts.
    """

    name: str
    state: State
    message: str
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Look = Callable[[], Iterable[Check]]


async def examined(name: str, look: Look, deadline: float = DEADLINE) -> list[Check]:
    """What one check found; an error is a finding too, so that one broken part hides no other."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(lambda: list(look())), deadline)
    except TimeoutError:
        error: HelpdeskError = Unreachable(f"No answer within {deadline:.0f} seconds.")
    except HelpdeskError as found:
        error = found
    except Exception as broken:  # noqa: BLE001 - a check that breaks is a finding; the others still count
        return [Check(name, "problem", f"The check broke: {type(broken).__name__}: {broken}")]
    return [Check(name, "problem", error.message, error.hint, {"code": error.code})]


async def local_checks(desk: Desk) -> list[Check]:
    """Everything on this machine that the configuration leads to."""
    from helpdesk.app.checkup_grants import grants

    looks: Sequence[tuple[str, Look]] = (
        ("config", lambda: configuration(desk)),
        ("key", lambda: host_key(desk)),
        ("log", lambda: log(desk)),
        ("log outside", lambda: log_outside(desk)),
        ("requests", lambda: requests(desk)),
        ("plugins", lambda: plugins(desk)),
        ("authorization", lambda: authorization(desk)),
        ("policies", lambda: policy_sources(desk)),
        ("keyring", lambda: keyring(desk)),
        ("limits", lambda: limits(desk)),
        ("services", lambda: services(desk)),
        ("approvals", lambda: approvals(desk)),
        ("grants", lambda: grants(desk)),
    )
    return [check for name, look in looks for check in await examined(name, look)]


def configuration(desk: Desk) -> Iterable[Check]:
    config = desk.config
    for warning in config.warnings:
        yield Check("config", "warning", warning, "helpdesk config show --origin shows what is in use.")
    own = [str(file) for file in config.files if file != desk.paths.managed]
    yield Check(
        "config", "ok", f"read from {', '.join(own)}" if own else "no file; everything has its default"
    )
    if desk.paths.managed in config.files:
        yield Check("managed file", "ok", f"{desk.paths.managed} is root's alone, and decides")
    else:
        yield Check("managed file", "ok", "none; the directory's own rights are the last word")


def state_folder(places: Paths) -> Iterable[Check]:
    """Whether the state can be kept: rights, owner and room."""
    folder = places.state
    before = stat.S_IMODE(folder.stat().st_mode) if folder.is_dir() else 0o700
    private_folder(folder)
    if not os.access(folder, os.W_OK):
        yield Check(
            "state", "problem", f"{folder} cannot be written.", "Set XDG_STATE_HOME to a place that can."
        )
        return
    if before & 0o077 and os.name == "posix":
        yield Check("state", "warning", f"{folder} was open to others; it is private again.")
    free = shutil.disk_usage(folder).free
    room = f"{free // 1_000_000:,} MB free"
    facts = {"folder": str(folder), "free": free}
    if free < NO_ROOM:
        yield Check(
            "state",
            "problem",
            f"{folder}: {room}; what cannot be logged does not happen.",
            "Make room.",
            facts,
        )
    elif free < LITTLE_ROOM:
        yield Check(
            "state", "warning", f"{folder}: only {room}.", "Make room before the log has none.", facts
        )
    else:
        yield Check("state", "ok", f"{folder} is private and writable, {room}", facts=facts)


def host_key(desk: Desk) -> Iterable[Check]:
    folder = desk.paths.state / "keys"
    if not folder.is_dir():
        yield Check("key", "ok", "none yet; it is made with the first entry of the log")
        return
    name = desk.host_key.public.name
    yield Check("key", "ok", f"{name} in {folder}", facts={"name": name})


def log(desk: Desk) -> Iterable[Check]:
    if not _holds_something(desk.paths.state / "log"):
        yield Check("log", "ok", "no entry yet")
        return
    found = desk.audit.verify()
    if not found.ok:
        hint = "helpdesk log verify says more; keep a copy of the state folder before anything else."
        yield Check("log", "problem", found.problem, hint, found.plain())
        return
    yield Check("log", "ok", f"{found.entries:,} entries, unbroken", facts=found.plain())
    left = len(desk.audit.open_intents())
    if left:
        yield Check(
            "log", "warning", f"{left} actions have no outcome yet.", "helpdesk reconcile reads them back."
        )


def log_outside(desk: Desk) -> Iterable[Check]:
    """How far places that this machine's owner does not rule know the log."""
    from helpdesk.gate.shipping_told import window

    if not desk.shipping:
        yield Check(
            "log outside", "ok", "checkpoints stay on this machine; [log] checkpoints sends them away"
        )
        return
    if not _holds_something(desk.paths.state / "log"):
        yield Check("log outside", "ok", "no entry to send yet")
        return
    desk.shipping.flush()
    found = desk.shipping.deliveries()
    for one in found:
        late = "It is sent again at the end of the next commands; see [log] if the address is wrong."
        hint = "helpdesk log verify says more; keep a copy of the state folder." if one.gone else late
        state: State = "problem" if one.gone else "ok" if one.current and not one.problem else "warning"
        yield Check("log outside", state, one.words(), "" if state == "ok" else hint, one.plain())
    if window(found):
        yield Check("log outside", "warning", window(found), "Repair one of the places, then run this again.")


def requests(desk: Desk) -> Iterable[Check]:
    if desk.config.store.url:
        standing = desk.store.standing()
        if not all(one.usable for one in standing):
            what = ", ".join(one.family for one in standing if not one.usable)
            hint = "helpdesk store status says more; its owner runs helpdesk store migrate."
            yield Check("store", "problem", f"{desk.store.place}: tables of another version ({what}).", hint)
            return
        yield Check("store", "ok", f"Postgres, {desk.store.place}")
    elif not _holds_something(desk.paths.state / "requests"):
        yield Check("requests", "ok", "none yet")
        return
    altered = desk.requests.altered()
    if altered:
        yield Check(
            "requests",
            "problem",
            f"Altered since they were made, so they have no effect: {', '.join(altered)}.",
            "Find out who can write to the store; whoever asked must ask again.",
            {"altered": altered},
        )
    pending = desk.requests.count_pending()
    reach = "shared" if desk.config.requests.shared else "not shared: nothing reaches an approver by itself"
    yield Check("requests", "ok", f"{pending} pending, {reach}", facts={"pending": pending})


def plugins(desk: Desk) -> Iterable[Check]:
    catalog = desk.catalog
    for problem in catalog.problems:
        yield Check(
            "plugins",
            "problem",
            f"{problem.plugin} is not used: {problem.message}",
            "Correct or remove it; the others go on.",
            {"plugin": problem.plugin},
        )
    names = [info.name for info in catalog.plugins]
    if not names:
        yield Check(
            "plugins", "problem", "None is installed, so there is no action.", "Install helpdesk again."
        )
        return
    yield Check(
        "plugins", "ok", f"{', '.join(names)}: {len(catalog.specs)} actions", facts={"plugins": names}
    )


def authorization(desk: Desk) -> Iterable[Check]:
    file = desk.config.authorization.policies
    source = str(file) if file else "the policy that ships with helpdesk"
    rules = desk.authorization
    for problem in rules.problems:
        yield Check("authorization", "problem", problem, f"Correct {source}.")
    if not rules.problems:
        yield Check("authorization", "ok", f"{source}, every rule in force")


def policy_sources(desk: Desk) -> Iterable[Check]:
    sources = desk.config.policy.sources
    if not sources:
        yield Check(
            "policies",
            "warning",
            "No folder of policies is configured, so questions about them have no answer.",
            "Set [policy] sources in config.toml.",
        )
    for folder in sources:
        if not folder.is_dir():
            yield Check("policies", "problem", f"{folder} is not a folder.", "Correct [policy] sources.")
        elif not os.access(folder, os.R_OK | os.X_OK):
            yield Check("policies", "problem", f"{folder} cannot be read.", "Give this account the right to.")
        else:
            yield Check("policies", "ok", f"{folder} can be read", facts={"folder": str(folder)})


def keyring(desk: Desk) -> Iterable[Check]:
    config = desk.config
    references = {config.directory.bind_password, config.llm.api_key} - {""}
    if config.session.store == "none" and not any(r.startswith("keyring:") for r in references):
        yield Check("keyring", "ok", "not used; the password is asked for each time")
        return
    reason = desk.keychain.available()
    if reason:
        needed = any(reference.startswith("keyring:") for reference in references)
        yield Check(
            "keyring",
            "problem" if needed else "warning",
            f"It cannot be used: {reason}.",
            "Sign-ins are not kept, and the password is asked for each time.",
        )
        return
    yield Check("keyring", "ok", "it can be used")


def limits(desk: Desk) -> Iterable[Check]:
    """How many wrong passwords and changes are let through from here, and how many changes were just made."""
    settings = desk.config.limits
    begun = (desk.paths.state / "limits.db").exists()
    facts: dict[str, Any] = {"changes": desk.limits.counted() if begun else 0}
    message = (
        f"{facts['changes']:,} of {settings.changes_per_machine:,} changes in the last hour, "
        f"at most {settings.changes_per_actor:,} by one person"
    )
    yield Check("limits", "ok", message, facts=facts)
    if not begun or not desk.config.directory.configured:
        yield Check("limits", "ok", "no sign-in yet; the first one reads when the directory locks accounts")
        return
    allowed = desk.attempts.allowance()
    minutes = int(allowed.window.total_seconds() // 60)
    why = (
        "below the directory's own rule"
        if allowed.known
        else "nobody who signed in could read the directory's rule"
    )
    yield Check(
        "limits",
        "ok",
        f"{allowed.failures} wrong passwords for one name until {minutes} quiet minutes ({why})",
        facts={"wrong_passwords": allowed.failures, "window_minutes": minutes, "known": allowed.known},
    )


def services(desk: Desk) -> Iterable[Check]:
    """Service identities, and what they declare that nobody knows."""
    known = {spec.name for spec in desk.catalog.specs}
    for service in desk.config.services.values():
        facts = {"service": service.name, "login": service.login, "actions": list(service.actions)}
        unknown = [action for action in service.actions if action not in known]
        if unknown:
            yield Check(
                "services",
                "warning",
                f"{service.name} declares actions that are not installed: {', '.join(unknown)}.",
                f"Correct [services.{service.name}] actions.",
                facts,
            )
        yield Check(
            "services",
            "ok",
            f"{service.name} ({service.login}) may run {', '.join(service.actions)}",
            facts=facts,
        )
    if not desk.config.services:
        yield Check("services", "ok", "none declared")


def approvals(desk: Desk) -> Iterable[Check]:
    """The rules about who is asked, and those that no installed action can ever meet."""
    names = [spec.name for spec in desk.catalog.specs if not spec.reads]
    earlier: list[str] = []
    for rule in desk.config.approvals.values():
        facts = {"rule": rule.name, "actions": list(rule.actions)}
        met = [name for name in names if any(fnmatchcase(name, pattern) for pattern in rule.actions)]
        if not met:
            yield Check(
                "approvals",
                "warning",
                f"{rule.name} is about no action that is installed: {', '.join(rule.actions)}.",
                f"Correct [approvals.{rule.name}] actions.",
                facts,
            )
        elif set(met) <= set(earlier):
            yield Check(
                "approvals",
                "warning",
                f"{rule.name} never counts: the rules before it fit first.",
                "Put the narrower rule first.",
                facts,
            )
        asked = [*rule.all_of, *([" or ".join(rule.any_of)] if rule.any_of else [])]
        yield Check("approvals", "ok", f"{rule.name} asks {' and '.join(asked)}", facts=facts)
        if not rule.groups:
            earlier += met
    if not desk.config.approvals:
        yield Check("approvals", "ok", "no rules; a group's owners or the manager are asked")


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
