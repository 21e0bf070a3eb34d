"""The flags that work everywhere, before or after the command: taken out before anything else is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.errors import UsageError

_SWITCHES = {
    "--json": "json",
    "--plain": "plain",
    "--dry-run": "dry_run",
    "-n": "dry_run",
    "--no-input": "no_input",
    "--debug": "debug",
    "-d": "debug",
    "--password-stdin": "password_stdin",
    "--yes": "yes",
    "-y": "yes",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--no-pager": "no_pager",
    "--wait": "wait",
    "--version": "version",
    "-V": "version",
}
_VALUES = {
    "--profile": "profile",
    "--as": "login",
    "--user": "login",
    "--password-file": "password_file",
    "--reveal-to": "reveal_to",
    "--color": "color",
    "--batch": "batch",
    "--yes-plan": "yes_plan",
    "--stop-after": "stop_after",
    "--run-name": "run_name",
    "--effective-at": "effective_at",
}
_WITH_BATCH = ("--yes-plan", "--stop-after", "--run-name")
MAX_WAIT = 14 * 24 * 3600
"""Seconds: as long as a request may wait."""
_SHORT = {name[1]: target for name, target in _SWITCHES.items() if len(name) == 2}

HELP: tuple[tuple[str, str], ...] = (
    ("--json", "one JSON document on standard output, errors included"),
    ("--plain", "one record a line, nothing drawn"),
    ("-n, --dry-run", "show what would change, and change nothing"),
    ("--no-input", "never ask; fail and name the missing flag"),
    ("-y, --yes", "confirm the action named on the command line, and no other"),
    ("--yes-for ACTION", "with ask: confirm this action (repeatable)"),
    ("--as, --user LOGIN", "sign in as LOGIN for this command only"),
    ("--password-stdin", "read that password from standard input"),
    ("--password-file FILE", "read that password from FILE (- is standard input)"),
    ("--reveal-to FILE|fd:N", "where a generated password goes off a terminal"),
    ("--profile NAME", "use another set of files (demo: the demo's company)"),
    ("-q, --quiet / -v, --verbose", "say less / more on the way"),
    ("--color auto|always|never", "colour; --no-color is never"),
    ("--no-pager", "never use a pager"),
    ("-d, --debug", "show tracebacks"),
    ("-h, --help / -V, --version", "this help / the version"),
)
BATCH_HELP: tuple[tuple[str, str], ...] = (
    (
        "--batch FILE",
        "one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input",
    ),
    ("--dry-run", "show the plan of all rows, with its digest; change nothing"),
    ("--yes-plan DIGEST", "confirm exactly that plan"),
    ("--stop-after N", "begin no further row after N have failed"),
    ("--run-name NAME", "another run of a file that was carried out before"),
)
"""The flags that belong to ``do``, with or without an action."""
LATER_HELP: tuple[tuple[str, str], ...] = (
    ("--wait", "wait for the decision and the outcome, or at most so long: --wait=SECONDS"),
    ("--effective-at WHEN", "what is approved begins then, and not before; needs a worker"),
)
"""Likewise, for what needs somebody's approval."""


@dataclass(slots=True)
class Flags:
    """The global flags of one invocation, as given."""

    json: bool = False
    plain: bool = False
    dry_run: bool = False
    no_input: bool = False
    debug: bool = False
    profile: str = ""
    login: str = ""
    password_stdin: bool = False
    password_file: str = ""
    yes: bool = False
    yes_for: tuple[str, ...] = ()
    reveal_to: str = ""
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    no_pager: bool = False
    version: bool = False
    wait: bool = False
    wait_seconds: float | None = None
    batch: str = ""
    yes_plan: str = ""
    stop_after: str = ""
    run_name: str = ""
    effective_at: str = ""


def split(arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """The global flags, and everything else in its order. Nothing behind ``--`` is touched.

    Raises:
        UsageError: a flag's value is missing or is not one of its values.
    """
    flags = Flags()
    rest: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            return flags, [*rest, word, *words]
        name, equals, value = word.partition("=")
        if word in _SWITCHES:
            setattr(flags, _SWITCHES[word], True)
        elif word == "--no-color":
            flags.color = "never"
        elif name == "--wait":
            flags.wait, flags.wait_seconds = True, _seconds(value)
        elif name in _VALUES or name == "--yes-for":
            _keep(flags, name, value if equals else _next(name, words))
        elif _is_cluster(word):
            for letter in word[1:]:
                setattr(flags, _SHORT[letter], True)
        else:
            rest.append(word)
    _check(flags)
    if flags.wait and rest[:1] not in (["do"], ["help"]):
        raise UsageError("--wait belongs to do.", hint="helpdesk do ACTION --wait")
    if flags.effective_at and rest[:1] not in (["do"], ["help"]):
        raise UsageError("--effective-at belongs to do.", hint="helpdesk do ACTION --effective-at WHEN")
    _check_batch(flags, rest)
    return flags, rest


def _seconds(text: str) -> float:
    """Raises UsageError."""
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_WAIT:
        return float(text)
    raise UsageError(
        f"--wait takes whole seconds up to {MAX_WAIT:,}, as in --wait=300, or nothing.", code="wrong-wait"
    )


def _next(name: str, words: list[str]) -> str:
    if not words or words[0].startswith("--"):
        raise UsageError(f"{name} needs a value.", hint=f"{name} VALUE")
    return words.pop(0)


def _keep(flags: Flags, name: str, value: str) -> None:
    if not value:
        raise UsageError(f"{name} needs a value.", hint=f"{name} VALUE")
    if name == "--yes-for":
        flags.yes_for = (*flags.yes_for, value)
    else:
        setattr(flags, _VALUES[name], value)


def _is_cluster(word: str) -> bool:
    """Short switches in one word, such as ``-nq``."""
    return len(word) > 2 and word[0] == "-" and word[1] != "-" and all(c in _SHORT for c in word[1:])


def _check(flags: Flags) -> None:
    if flags.color not in ("auto", "always", "never"):
        raise UsageError(f"--color is auto, always or never, not {flags.color!r}.")
    if flags.password_stdin and flags.password_file:
        raise UsageError("--password-stdin and --password-file exclude each other.")
    if (flags.password_stdin or flags.password_file) and not flags.login:
        raise UsageError(
            "A password without a name signs nobody in.", hint="Add --as LOGIN.", code="missing-argument"
        )


def _check_batch(flags: Flags, rest: list[str]) -> None:
    """The flags of a batch are never ignored."""
    given = [name for name in _WITH_BATCH if getattr(flags, _VALUES[name])]
    if given and not flags.batch:
        raise UsageError(f"{given[0]} belongs to a batch.", hint="helpdesk do ACTION --batch FILE")
    if flags.batch and flags.wait:
        raise UsageError(
            "--wait waits for one request, and a batch may make several.",
            hint="helpdesk why REQUEST shows how each of them stands.",
        )
    if flags.batch and rest[:1] != ["do"] and rest[:2] != ["help", "do"]:
        raise UsageError("--batch belongs to do.", hint="helpdesk do ACTION --batch FILE")
