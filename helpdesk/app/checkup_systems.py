"""What ``helpdesk doctor`` looks at outside of this machine: the directory, its groups, and the model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from helpdesk.app.checkup import Check, examined
from helpdesk.app.checkup_notices import notice_checks
from helpdesk.app.desk import Desk
from helpdesk.errors import Ambiguous, ConfigError, HelpdeskError, NotFound, Refused
from helpdesk.ports import DirectoryFacts, DirectoryReader, Ended, Message, SignedIn

MODEL_SECONDS: Final = 30.0
PRIVILEGED: Final = "privileged"


async def system_checks(desk: Desk, signed_in: SignedIn | None = None) -> list[Check]:
    """The systems that the configuration names.

    Args:
        signed_in: whose rights the look-ups have; without one, those of the look-up account or of nobody.
    """
    found = await examined("directory", lambda: directory(desk))
    if all(check.state != "problem" for check in found):
        found += await examined("roles", lambda: roles(desk, signed_in))
        found += await examined("services", lambda: service_accounts(desk, signed_in))
        found += await examined("approvals", lambda: asked_groups(desk, signed_in))
    return [*found, await model(desk), *await notice_checks(desk)]


def directory(desk: Desk) -> Iterable[Check]:
    """Whether it answers, how it is reached, and what it says about itself."""
    if not desk.config.directory.configured:
        yield Check(
            "directory",
            "problem",
            "None is configured, so nobody can sign in.",
            "Write [directory] in config.toml, or try: helpdesk demo",
        )
        return
    facts = desk.directory.facts()
    told = {name: getattr(facts, name) for name in DirectoryFacts.__dataclass_fields__}
    message = (
        f"{facts.where} answers: {facts.kind} over {facts.transport or 'TLS'}, base {facts.base or 'unknown'}"
    )
    yield Check("directory", "ok", message, facts=told)
    if facts.kind != "embedded":
        yield Check("directory", "ok", _assertion(facts))
    for what, base in (("people", facts.people_base), ("groups", facts.groups_base)):
        if base:
            yield Check("directory", "ok", f"{what} are below {base}")
        else:
            yield Check(
                "directory",
                "warning",
                f"Where {what} are was not found without signing in.",
                f"Set [directory] {what}_base, or a bind_dn for look-ups.",
            )


def _assertion(facts: DirectoryFacts) -> str:
    if facts.assertion_control:
        return "it checks the state a write was previewed on, in the same operation (RFC 4528)"
    return "it has no assertion control (RFC 4528), so the state is read just before each write instead"


def roles(desk: Desk, signed_in: SignedIn | None) -> Iterable[Check]:
    """Whether every group of ``[roles]`` is there, exactly once."""
    groups = desk.config.roles
    if not groups:
        yield Check(
            "roles",
            "warning",
            "No role is configured: nobody is service desk, and no account counts as privileged.",
            "Set [roles] helpdesk and privileged in config.toml.",
        )
        return
    reader = signed_in.directory if signed_in else desk.directory.look_up()
    sees_all = signed_in is not None or desk.config.directory.kind == "embedded"
    for role, names in groups.items():
        for name in names:
            yield _role(role, name, reader, sees_all or bool(desk.config.directory.bind_dn))
    if PRIVILEGED not in groups:
        yield Check(
            "roles",
            "warning",
            "No group is privileged, so the service desk may act on every account.",
            "Set [roles] privileged to the administrators' groups.",
        )


def _role(role: str, name: str, reader: DirectoryReader, sees_all: bool) -> Check:
    try:
        group = reader.group(name)
    except (NotFound, Ambiguous, Refused, ConfigError) as error:
        if sees_all or isinstance(error, Ambiguous):
            hint = f"Correct [roles] {role} in config.toml."
            return Check("roles", "problem", f"{role}: {error.message}", hint, {"role": role, "group": name})
        return Check(
            "roles",
            "warning",
            f"{role}: the group {name} cannot be seen without signing in.",
            "Look again with: helpdesk doctor --as LOGIN --password-stdin",
            {"role": role, "group": name},
        )
    return Check("roles", "ok", f"{role} is {group.dn}", facts={"role": role, "group": group.dn})


def service_accounts(desk: Desk, signed_in: SignedIn | None) -> Iterable[Check]:
    """Whether every service identity has its account: under another name it would be an account like any other."""
    if not desk.config.services:
        return
    reader = signed_in.directory if signed_in else desk.directory.look_up()
    for service in desk.config.services.values():
        try:
            reader.person(service.login)
        except (NotFound, Ambiguous) as error:
            hint = f"Correct [services.{service.name}] login."
            yield Check("services", "problem", error.message, hint, {"service": service.name})
        except Refused:
            yield Check(
                "services",
                "warning",
                f"{service.name}: the account {service.login} cannot be seen without signing in.",
                "Look again with: helpdesk doctor --as LOGIN --password-stdin",
                {"service": service.name},
            )


def asked_groups(desk: Desk, signed_in: SignedIn | None) -> Iterable[Check]:
    """Whether the groups that ``[approvals]`` asks are there: one that is not is nobody."""
    if not desk.config.approvals:
        return
    reader = signed_in.directory if signed_in else desk.directory.look_up()
    for rule in desk.config.approvals.values():
        words = (*rule.any_of, *rule.all_of, rule.escalate_to)
        for name in dict.fromkeys(word[6:] for word in words if word.startswith("group:")):
            facts = {"rule": rule.name, "group": name}
            try:
                members = reader.group(name).member_dns
            except (NotFound, Ambiguous) as error:
                hint = f"Correct [approvals.{rule.name}]."
                yield Check("approvals", "problem", f"{rule.name}: {error.message}", hint, facts)
            except Refused:
                yield Check(
                    "approvals",
                    "warning",
                    f"{rule.name}: the group {name} cannot be seen without signing in.",
                    "Look again with: helpdesk doctor --as LOGIN --password-stdin",
                    facts,
                )
            else:
                if not members:
                    yield Check(
                        "approvals",
                        "warning",
                        f"{rule.name}: nobody is in {name}, so nobody of it says yes.",
                        f"Add people to {name}.",
                        facts,
                    )


async def model(desk: Desk) -> Check:
    """Whether the model answers. It is sent three words that hold nothing of anyone's."""
    settings = desk.config.llm
    if settings.kind != "openai":
        return Check("model", "ok", "none; the guided conversation answers")
    try:
        reason = await asyncio.wait_for(_first_answer(desk), MODEL_SECONDS)
    except TimeoutError:
        return _silent(f"{settings.url} gave no answer within {MODEL_SECONDS:.0f} seconds.")
    except HelpdeskError as error:
        return _silent(error.message)
    if reason == "cut":
        return _silent(f"{settings.url} broke its answer off.")
    return Check("model", "ok", f"{settings.model} at {settings.url} answers")


async def _first_answer(desk: Desk) -> str:
    """How its reply begins or ends: "" for words."""
    if desk.model is None:
        return "cut"
    try:
        async for piece in desk.model.complete([Message("user", "Say hello, please.")], []):
            return piece.reason if isinstance(piece, Ended) else ""
    finally:
        await desk.model.close()
    return "cut"


def _silent(why: str) -> Check:
    hint = "Correct [llm] in config.toml; until then the guided conversation answers."
    return Check("model", "problem", why, hint)
