"""The scenes of the story, in order: each says what is typed, what must come of it, and how that is checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from helpdesk.actions.call import Call, Provenance
from helpdesk.demo.lockout import lock_out
from helpdesk.demo.story import Cast, Fact, Part, Player, Scene, Stage
from helpdesk.errors import OutcomeUnknown
from helpdesk.events import Observation, Outcome, Question, Result

CHANGES = 8
"""Scenes that change something, and so have an intent in the log."""
Act = Callable[[Stage, Player, Part], Awaitable[Result]]


# ── ways to do something ──────────────────────────────────────────────────────────────────────


def ask(words: Callable[[Stage], str]) -> Act:
    """In words, signed in."""

    async def act(stage: Stage, who: Player, part: Part) -> Result:
        signed_in = await stage.signed_in(who, part)
        return await stage.desk(who).conversation().turn(words(stage), part, signed_in=signed_in)

    return act


def do(action: str, arguments: Callable[[Cast], dict[str, str]] = lambda _: {}) -> Act:
    """As a command, signed in."""

    async def act(stage: Stage, who: Player, part: Part) -> Result:
        signed_in = await stage.signed_in(who, part)
        values = arguments(stage.cast)
        call = Call(action, values, dict.fromkeys(values, Provenance.TYPED))
        return await stage.desk(who).run(call, signed_in, part)

    return act


async def _asked_signed_out(stage: Stage, who: Player, part: Part) -> Result:
    return await stage.desk(who).conversation().turn("I'm locked out", part)


async def _requested(stage: Stage, who: Player, part: Part) -> Result:
    result = await ask(_wish)(stage, who, part)
    stage.request = result.request or ""
    return result


async def _approved(stage: Stage, who: Player, part: Part) -> Result:
    signed_in = await stage.signed_in(who, part)
    return await stage.desk(who).approve(stage.request, signed_in, part)


async def _reset(stage: Stage, who: Player, part: Part) -> Result:
    result = await do("password.reset", lambda cast: {"person": cast.forgetful.login})(stage, who, part)
    if part.told:
        stage.handed_over = part.told[-1]
    return result


async def _changed(stage: Stage, who: Player, part: Part) -> Result:
    """With the temporary password to sign in, and a new one chosen by the person."""
    if stage.handed_over is None:
        raise OutcomeUnknown("Nobody was told the temporary password.")
    stage.knows(who, stage.handed_over)
    signed_in = await stage.signed_in(who, part)
    question = Question("new_password", "New password", "--new-password", secret=True, repeat=True)
    call = Call("password.change", secrets={"new_password": await part.ask_secret(question)})
    result = await stage.desk(who).run(call, signed_in, part)
    stage.knows(who, stage.cast.new_password)
    return result


async def _log_verified(stage: Stage, who: Player, _: Part) -> Result:
    """What ``helpdesk log verify`` finds, told as a result whose receipt is the check itself."""
    found = await asyncio.to_thread(stage.desk(who).audit.verify)
    state = "unbroken" if found.ok else f"altered: {found.problem}"
    message = (
        f"The log is whole: {found.entries} entries, {found.signed} of them signed."
        if found.ok
        else f"The log was altered: {found.problem}"
    )
    seen = Observation("log", f"entries 1 to {found.entries}", "chain and signatures", "unbroken", state)
    outcome = Outcome.DONE if found.ok else Outcome.FAILED
    return Result(outcome, "log.verify", message, receipt=(seen,), data={"entries": found.entries})


# ── what happens beside the program ───────────────────────────────────────────────────────────


async def _mistyped(stage: Stage) -> str:
    """Wrong passwords at another program's sign-in, until the directory locks the account."""
    who = stage.cast.locked
    await asyncio.to_thread(lock_out, stage.desk(who).directory, who.login)
    if not stage.witness.locked(who.login):
        raise OutcomeUnknown(f"{who.name} is not locked out, though the directory said so.")
    return f"{who.name} has mistyped a password at the computer's own sign-in until the directory locked the account."


# ── what must hold ────────────────────────────────────────────────────────────────────────────


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _is(what: str, expected: bool, observed: bool) -> Fact:
    return Fact(what, _yes_no(expected), _yes_no(observed))


def _seen(result: Result, what: str, observed: str) -> Fact:
    """The receipt holds this property with this value."""
    values = [seen.observed for seen in result.receipt if seen.what == what]
    return Fact(f"receipt: {what}", observed, " and ".join(values) or "missing")


def _locked(stage: Stage, who: Player, expected: bool) -> Fact:
    return _is(f"directory: {who.login} is locked", expected, stage.witness.locked(who.login))


def _enabled(stage: Stage, who: Player, expected: bool) -> Fact:
    return _is(f"directory: {who.login} is enabled", expected, stage.witness.enabled(who.login))


def _must_change(stage: Stage, who: Player, expected: bool) -> Fact:
    fact = f"directory: {who.login} must change the password"
    return _is(fact, expected, stage.witness.must_change(who.login))


def _member(stage: Stage, expected: bool) -> Fact:
    who, group = stage.cast.requester.login, stage.cast.group
    return _is(f"directory: {who} is in {group}", expected, stage.witness.member(who, group))


def _told_about_lock(stage: Stage, result: Result) -> Sequence[Fact]:
    states = [seen.observed for seen in result.receipt if seen.what == "account lock"]
    return (
        _is("receipt: the lock was seen", True, bool(states) and states[0].startswith("locked")),
        _is("answer: names who can help", True, "service desk" in result.message.lower()),
        _locked(stage, stage.cast.locked, True),
    )


def _membership(stage: Stage, result: Result, state: str) -> Fact:
    return _seen(result, f"membership of {stage.cast.requester.login}", state)


def _request_waits(stage: Stage, result: Result) -> Sequence[Fact]:
    return (
        _is("answer: names the request", True, bool(stage.request)),
        _is("answer: names the approver", True, stage.cast.owner.name in result.message),
        _member(stage, False),
    )


def _listed(stage: Stage, result: Result) -> Sequence[Fact]:
    groups = [seen.target for seen in result.receipt]
    return (
        _is(f"receipt: {stage.cast.group} is listed", True, stage.cast.group in groups),
        _member(stage, True),
    )


def _cited(stage: Stage, result: Result) -> Sequence[Fact]:
    """The first citation is what stands in that file at that line."""
    if not result.citations:
        return (Fact("citations", "at least one", "none"),)
    first = result.citations[0]
    document = stage.cast.policies / stage.cast.answer
    lines = document.read_text().splitlines()
    start = first.text.strip().splitlines()[0].strip()
    near = " ".join(" ".join(lines[first.line - 1 : first.line + 8]).split())
    return (
        Fact("citation: file", stage.cast.answer, first.file.rpartition("/")[2]),
        _is("citation: the words stand at that line", True, start[:60] in near),
    )


def _refused(stage: Stage, result: Result) -> Sequence[Fact]:
    return (
        Fact("rule", "never-privileged-accounts", result.rule or "none"),
        Fact("error code", "rule", result.error.code if result.error else "none"),
        _must_change(stage, stage.cast.admin, False),
    )


def _was_reset(stage: Stage, result: Result) -> Sequence[Fact]:
    return (
        _is("someone was told the temporary password", True, stage.handed_over is not None),
        _seen(result, "must choose a new one at next sign-in", "yes"),
        _must_change(stage, stage.cast.forgetful, True),
    )


def _was_changed(stage: Stage, _: Result) -> Sequence[Fact]:
    who = stage.cast.forgetful
    directory = stage.desk(who).directory
    person = directory.look_up().person(who.login)
    return (
        Fact(
            "directory: the new password signs in", "yes", directory.accepts(person, stage.cast.new_password)
        ),
        _must_change(stage, who, False),
    )


def _phone(stage: Stage, result: Result) -> Sequence[Fact]:
    wanted = stage.cast.phone
    observed = stage.witness.phone(stage.cast.forgetful.login)
    return (_seen(result, "phone", wanted), Fact("directory: the phone number", wanted, observed))


def _log_holds(stage: Stage, result: Result) -> Sequence[Fact]:
    """Every intent has its outcome, every outcome is among what was verified, and no password is in there."""
    entries = stage.desk(stage.cast.desk).audit.entries(limit=10_000)
    intents = [entry.seq for entry in entries if entry.kind == "intent"]
    ended = [entry.body.get("intent") for entry in entries if entry.kind == "outcome"]
    text = " ".join(f"{dict(entry.body)} {dict(entry.personal)}" for entry in entries)
    known = [*(player.password for player in stage.cast.players), stage.cast.new_password, stage.handed_over]
    leaked = [secret for secret in known if secret and secret.expose() in text]
    return (
        Fact("log: entries read and verified", str(result.data["entries"]), str(len(entries))),
        Fact("log: intents without an outcome", "none", str(sorted(set(intents) - set(ended)) or "none")),
        _is("log: the story's changes are in it", True, len(intents) >= CHANGES),
        Fact("log: passwords in it", "0", str(len(leaked))),
    )


# ── the story ─────────────────────────────────────────────────────────────────────────────────


def _wish(stage: Stage) -> str:
    return f"get me into {stage.cast.group} for the quarter close"


def _command(text: Callable[[Cast], str]) -> Callable[[Stage], str]:
    return lambda stage: f"helpdesk {text(stage.cast)}"


def _in_words(words: Callable[[Stage], str]) -> Callable[[Stage], str]:
    return lambda stage: f'helpdesk ask "{words(stage)}"'


SCENES: tuple[Scene, ...] = (
    Scene(
        "Locked out: what is wrong, until when, who can help",
        lambda cast: cast.locked,
        _in_words(lambda _: "I'm locked out"),
        _asked_signed_out,
        _told_about_lock,
        before=_mistyped,
    ),
    Scene(
        "The service desk lifts the lock",
        lambda cast: cast.desk,
        _command(lambda cast: f"do password.unlock {cast.locked.login}"),
        do("password.unlock", lambda cast: {"person": cast.locked.login}),
        lambda stage, result: (
            _seen(result, "account lock", "not locked"),
            _locked(stage, stage.cast.locked, False),
        ),
    ),
    Scene(
        "Signing in works again",
        lambda cast: cast.locked,
        _command(lambda _: "do people.whoami"),
        do("people.whoami"),
        lambda stage, result: (
            _seen(result, "name", stage.cast.locked.name),
            _locked(stage, stage.cast.locked, False),
        ),
    ),
    Scene(
        "Asking for access: a request that waits for the group's owner",
        lambda cast: cast.requester,
        _in_words(_wish),
        _requested,
        _request_waits,
        expected=Outcome.PENDING,
    ),
    Scene(
        "The owner approves, and it is carried out with the owner's own rights",
        lambda cast: cast.owner,
        lambda stage: f"helpdesk approvals approve {stage.request}",
        _approved,
        lambda stage, result: (_membership(stage, result, "member"), _member(stage, True)),
    ),
    Scene(
        "The access is there",
        lambda cast: cast.requester,
        _in_words(lambda _: "what do I have access to?"),
        ask(lambda _: "what do I have access to?"),
        _listed,
    ),
    Scene(
        "A question to the policies, answered with its source",
        lambda cast: cast.requester,
        lambda stage: f'helpdesk ask "{stage.cast.question}"',
        ask(lambda stage: stage.cast.question),
        _cited,
    ),
    Scene(
        "What nobody at the service desk may do, and the rule that says so",
        lambda cast: cast.desk,
        _command(lambda cast: f"do password.reset {cast.admin.login}"),
        do("password.reset", lambda cast: {"person": cast.admin.login}),
        _refused,
        expected=Outcome.REFUSED,
    ),
    Scene(
        "A forgotten password: a temporary one, told in person",
        lambda cast: cast.desk,
        _command(lambda cast: f"do password.reset {cast.forgetful.login}"),
        _reset,
        _was_reset,
    ),
    Scene(
        "The first thing to do with it: choose another",
        lambda cast: cast.forgetful,
        _command(lambda _: "do password.change"),
        _changed,
        _was_changed,
    ),
    Scene(
        "Your own contact data is yours",
        lambda cast: cast.forgetful,
        _command(lambda cast: f'do people.update --phone "{cast.phone}"'),
        do("people.update", lambda cast: {"phone": cast.phone}),
        _phone,
    ),
    Scene(
        "A lost laptop: the account is switched off",
        lambda cast: cast.desk,
        _command(lambda cast: f"do account.disable {cast.absent.login}"),
        do("account.disable", lambda cast: {"person": cast.absent.login}),
        lambda stage, result: (
            _seen(result, "account", "disabled"),
            _enabled(stage, stage.cast.absent, False),
        ),
    ),
    Scene(
        "… and on again",
        lambda cast: cast.desk,
        _command(lambda cast: f"do account.enable {cast.absent.login}"),
        do("account.enable", lambda cast: {"person": cast.absent.login}),
        lambda stage, result: (
            _seen(result, "account", "enabled"),
            _enabled(stage, stage.cast.absent, True),
        ),
    ),
    Scene(
        "The quarter is closed: the owner takes the access back",
        lambda cast: cast.owner,
        _command(lambda cast: f"do access.revoke {cast.requester.login} {cast.group}"),
        do(
            "access.revoke",
            lambda cast: {"person": cast.requester.login, "group": cast.group},
        ),
        lambda stage, result: (_membership(stage, result, "not a member"), _member(stage, False)),
    ),
    Scene(
        "All of it is in the log, and nobody has altered it",
        lambda cast: cast.desk,
        _command(lambda _: "log verify"),
        _log_verified,
        _log_holds,
        logged=False,
    ),
)
