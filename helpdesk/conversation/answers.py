"""What is said to sentences that ask for nothing to be carried out (see :mod:`helpdesk.conversation.talk`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from helpdesk.conversation import phrases
from helpdesk.conversation.clues import Clues
from helpdesk.events import ErrorInfo, Outcome, Result
from helpdesk.spec import ActionSpec

NO_ACTION = "no-action"
"""The code of an answer in words: no action came of the sentence, and nothing went wrong."""

_SAID: dict[str, tuple[str, str]] = {
    "nothing": ("Then nothing is done.", "Say what you would like instead, if anything."),
    "approvals": (
        "Approving and denying is never done by a sentence: each request has its own command.",
        "helpdesk approvals list shows what waits for you and your own; then helpdesk approvals approve ID, or deny ID",
    ),
    "asked": ("What became of your requests is kept with them.", "helpdesk approvals list"),
    "log": ("What was asked for and done is in the log.", "helpdesk log list"),
    "undo": (
        "What was done is taken back by the number of its entry in the log.",
        "helpdesk log list, then helpdesk undo ENTRY",
    ),
    "logout": ("Signing out has a command of its own.", "helpdesk logout, or /logout in a chat"),
    "login": ("Signing in has a command of its own.", "helpdesk login, or /login in a chat"),
    "thanks": ("You are welcome.", ""),
    "bye": ("Goodbye.", ""),
}
KINDS = frozenset({*_SAID, "greeting", "abilities"}) - {"asked"}
"""The kinds of sentences that are answered here, whoever is signed in."""
WITH_A_COMMAND = frozenset({"approvals", "asked", "log", "undo", "logout", "login"})
"""The kinds that have a command of their own."""
EXAMPLES = 4
"""Sentences that a greeting is answered with."""


def in_words(message: str, hint: str = "") -> Result:
    """A result that says something and did nothing; it ends like a sentence of which no action came."""
    return Result(Outcome.USAGE, "", message, error=ErrorInfo(NO_ACTION, message, hint))


def answer(kind: str, specs: Sequence[ActionSpec]) -> Result:
    """The answer to a kind of sentence in :data:`KINDS`."""
    if kind == "greeting":
        return in_words(
            f"Hello. Say what you need, such as {examples(specs)}.", "What else there is: helpdesk do"
        )
    if kind == "abilities":
        return in_words("Say it in your own words, or run it by its name.", "helpdesk do")
    return in_words(*_SAID[kind])


def examples(specs: Iterable[ActionSpec]) -> str:
    """A few sentences that anybody may say, of as many plugins: "“change my password”, “who am I” or …"."""
    first: dict[str, str] = {}
    for spec in sorted(specs, key=lambda each: -len(each.examples)):  # what people say in many ways, first
        about_others = any(p.kind == "login" and p.required for p in spec.parameters)
        plain = next((text for text in spec.examples if not Clues.of(text).names), "")
        if plain and not about_others:
            first.setdefault(spec.plugin, plain)
    quoted = [f"“{example}”" for example in list(first.values())[:EXAMPLES]]
    return (
        " or ".join((", ".join(quoted[:-1]), quoted[-1]))
        if len(quoted) > 1
        else "".join(quoted) or "what is wrong"
    )


def abilities(specs: Iterable[ActionSpec]) -> str:
    """What can be asked for, in one line a plugin."""
    by_plugin: dict[str, list[str]] = {}
    for spec in specs:
        by_plugin.setdefault(spec.plugin, []).append(spec.name.partition(".")[2])
    return "; ".join(f"{plugin}: {', '.join(names)}" for plugin, names in by_plugin.items()) + "."


def what_it_would_do(spec: ActionSpec) -> Result:
    """The answer to "what happens if …": what the action does, in its author's words."""
    back = f" There is no way back: {spec.no_undo}." if spec.no_undo else ""
    message = f"{spec.name}: {spec.summary.rstrip('.')}.{back} Nothing is done by asking."
    return in_words(message, f"helpdesk do {spec.name} --dry-run shows what would change; --help tells more")


def whether_among(group: str, result: Result) -> str:
    """Yes or no, to "am I in vpn-users?", of what the directory lists."""
    listed = {seen.target.casefold() for seen in result.receipt}
    if result.outcome is not Outcome.DONE:
        return f"So whether it is {group} cannot be said."
    person = result.arguments.get("person")
    who = f"{person} is" if person else "you are"
    return f"Yes: {who} in {group}." if group.casefold() in listed else f"No: {who} not in {group}."


def english_only(specs: Mapping[str, ActionSpec]) -> Result:
    """The answer to another language."""
    hint = f'helpdesk do {phrases.HANDOFF} "…"' if phrases.HANDOFF in specs else "helpdesk do"
    return in_words("I understand English only; people read what you write in a ticket.", hint)


def about_own_reset(specs: Iterable[ActionSpec]) -> str:
    """What to say to someone who wants their own password reset or their own account unlocked."""
    own = next((spec.name for spec in specs if spec.while_must_change), "")
    known = f"If you know your present password, choose another one: helpdesk do {own}. " if own else ""
    return (
        f"{known}Nobody resets or unlocks their own account: somebody of the service desk does it, once they have "
        "seen that it is you."
    )
