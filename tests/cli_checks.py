"""The conventions of the command line, check by check, and which test proves each: docs/command-line.md.

Run ``python -m tests.cli_checks`` after adding a marker; a test keeps the page current.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.requirements_table import ROOT, proofs

PAGE = ROOT / "docs" / "command-line.md"
START, END = "<!-- checks -->", "<!-- /checks -->"
CHECKS: tuple[str, ...] = (
    "0 on success, and another exit code for every class of failure, documented",
    "Results on standard output; messages, progress and prompts on standard error",
    "`-h`, `--help`, `help`, `help COMMAND`, `COMMAND --help`: all work, without configuration or network",
    "Without arguments: short help; nothing hangs where input was expected",
    "Help leads with examples, lists the common commands first, and says where the manual is",
    "A mistyped command suggests the nearest one and runs nothing; exit 2",
    "`--version` and `-V`: one line, offline",
    "`--json` on every reading command: one document, described by a schema, and nothing else",
    "`--plain`: one record a line, nothing drawn, nothing wrapped",
    "NO_COLOR, `--no-color`, TERM=dumb and no terminal: no colour",
    "`--color` beats the environment",
    "No animation where nobody watches",
    "A pager only on a terminal, for what is longer than it; PAGER and `--no-pager`",
    "A change is reported with its log entry, and the next command is named",
    "Dangerous actions are confirmed, severe ones by typing the name; `--yes` and `--dry-run`",
    "Nothing prompts without a terminal or with `--no-input`; the missing flag is named; exit 2",
    "Every prompt has a flag",
    "Passwords are never echoed, never a flag's value, never in the process list",
    "Flags have their usual names, and every short one a long one",
    "Flags stand anywhere; `--` ends them; `-` is standard input or output",
    "No command is abbreviated, and none catches everything",
    "Something is said within 100 ms of Enter, before the network answers",
    "Every call to the network ends in time; the message names the host and the setting",
    "Ctrl-C ends at once with 130 and leaves the terminal as it was",
    "A closed pipe is quiet; SIGTERM is 143; the terminal is restored",
    "Files by the XDG specification, private, and nothing new in the home folder itself",
    "Managed file, flags, environment, own file, system file, in this order; nothing from the working folder",
    "PAGER, TMPDIR, TERM, COLUMNS and LINES; proxies of the environment only where configured",
    "A folder or disk that cannot be written is a clear error, and nothing is done",
    "Errors say what, why and what to do; a traceback goes into a private file",
    "Killed at any moment, the next run finds its way and repeats nothing",
    "Completion for bash, zsh, fish and PowerShell: fast, whole, without a network",
    "A man page, and the manual offline",
    "UTF-8 and LANG=C; wide characters keep columns straight; a narrow terminal cuts no id",
    "Text of strangers is made harmless before it is printed",
    "Nothing is sent anywhere but to the configured hosts",
    "Full screen: resizing, small terminals, keyboard only, help, three ways out",
)
NOT_YET: Mapping[str, str] = {}


def ids() -> list[str]:
    return [f"CLI-{number}" for number in range(1, len(CHECKS) + 1)]


def table(proved: Mapping[str, Sequence[str]]) -> str:
    """The Markdown table."""
    lines = ["| check | what holds | proved in tests/ |", "| --- | --- | --- |"]
    for id, what in zip(ids(), CHECKS, strict=True):
        lines.append(f"| {id} | {what} | {', '.join(proved.get(id, ())) or NOT_YET[id]} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table(proofs())}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
