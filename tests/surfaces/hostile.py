"""A company in which everything that others wrote is an attack, and the program run inside this process."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tests.surfaces.company import PASSWORDS, Company

WIDTH = 60
ENTRY_POINT = "[helpdesk.plugins]\nhostile = hostile_plugin:plugin\n[other]\n"
PLUGIN = '''
import sys
from pathlib import Path
from typing import Annotated, Literal

from helpdesk.plugin import *

ATTACK = Path(__file__).with_name("attack.txt").read_bytes().decode("utf-8", "surrogatepass")
SAYS = ATTACK.encode("utf-8", "replace").decode()
plugin = Plugin("hostile", version=SAYS)
print(ATTACK)


def shout():
    print(ATTACK, flush=True)
    sys.stderr.write(ATTACK)
    sys.stdout.buffer.write(ATTACK.encode("utf-8", "surrogatepass"))


@plugin.action(reads=True, allow="anyone", about="desk", examples=(SAYS, "show me the hostile thing"))
async def look(ctx: ReadContext, word: Annotated[str, SAYS] = "x", kind: Literal["a", "b"] = "a") -> Answer:
    shout()
    ctx.progress(ATTACK)
    seen = Observation(ATTACK, ATTACK, ATTACK, ATTACK, ATTACK)
    cited = Citation(ATTACK, ATTACK, ATTACK, 3, Untrusted(ATTACK))
    return Answer("It is " + ATTACK, {ATTACK: ATTACK}, (seen,), (cited, cited) if kind == "b" else None)


look.function.__doc__ = "Look. " + SAYS + "\\n\\n" + SAYS


@plugin.action(allow="anyone", about="desk", reveals=True)
async def change(ctx: Context, word: str = "x", secretly: bool = False) -> str:
    """Change it."""
    shout()
    ctx.reveal_once(ctx.new_password(), ATTACK)
    return "It was " + ATTACK


@change.preview
async def _(ctx: ReadContext, word: str = "x", secretly: bool = False) -> Preview:
    change = Change(SAYS, SAYS, SAYS, SAYS, SAYS + "!")
    return Preview(ATTACK, (change,), (ATTACK,), {ATTACK[:20]: ATTACK})


@change.verify
async def _(ctx: ReadContext, word: str = "x", secretly: bool = False) -> list[Observation]:
    return [Observation(SAYS, SAYS, SAYS, SAYS + "!", SAYS + ("" if secretly else "!"))]


@plugin.action(reads=True, allow="anyone", about="desk")
async def fail(ctx: ReadContext, how: Literal["failed", "refused", "broken", "class"] = "failed") -> Answer:
    """Fail."""
    shout()
    if how == "failed":
        raise Failed(ATTACK, hint=ATTACK, code=ATTACK)
    if how == "refused":
        raise Refused(ATTACK, hint=ATTACK, rule=ATTACK)
    if how == "class":
        raise type(ATTACK.replace("\\0", "") or "x", (Exception,), {})(ATTACK)
    raise RuntimeError(ATTACK)
'''
BROKEN = "[helpdesk.plugins]\nbroken\u202e = hostile_broken:plugin\n"


@dataclass(frozen=True)
class Told:
    """What one run wrote, as bytes, and its exit code."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return (self.out + self.err).decode()


class _Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Hostile(Company):
    """Every name, text and file of it is ``attack``, as far as a system could hold it."""

    def __init__(self, home: Path, attack: str) -> None:
        super().__init__(home)
        self.attack = attack
        self.short = attack[:100]
        self._directory()
        self._policies()
        self.packages = home / "packages"
        self._plugin()

    def _directory(self) -> None:
        """As an old import could have left it: no rule of ours about names held."""
        stored = self.attack.encode("utf-8", "replace").decode()
        with closing(sqlite3.connect(self.state / "directory.db")) as database, database:
            database.execute(
                "UPDATE person SET name = ? || login, mail = ? || login, phone = ? || login, title = ?,"
                " employee_number = ? || login",
                (stored,) * 5,
            )
            database.execute("UPDATE team SET description = ?", (stored,))
            database.execute(
                "INSERT INTO team (id, name, name_key, description) VALUES ('t', ?, ?, ?)",
                (stored[:120], stored[:120].casefold(), stored),
            )
            for (person,) in database.execute("SELECT id FROM person").fetchall():
                database.execute("INSERT INTO team_member (team, person) VALUES ('t', ?)", (person,))
                database.execute("INSERT INTO team_owner (team, person) VALUES ('t', ?)", (person,))

    def _policies(self) -> None:
        text = self.attack.encode("utf-8", "surrogateescape")
        folder = os.fsencode(self.home / "policies")
        one_line = (
            self.attack.encode("utf-8", "replace").replace(b"/", b"-").replace(b"\0", b"").split(b"\n")[0]
        )
        named = one_line[:60] + b" visitors.md"
        with open(os.path.join(folder, named), "wb") as file:
            file.write(
                b"# visitors "
                + one_line
                + b"\n\nvisitors sign in. "
                + text
                + b"\n\n## visitors too\n\n"
                + text
            )

    def _plugin(self) -> None:
        info = self.packages / "hostile-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n")
        (info / "entry_points.txt").write_text(ENTRY_POINT)
        (self.packages / "hostile_plugin.py").write_text(PLUGIN)
        (self.packages / "attack.txt").write_bytes(self.attack.encode("utf-8", "surrogatepass"))
        broken = self.packages / "broken-1.dist-info"
        broken.mkdir()
        (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
        (broken / "entry_points.txt").write_text(BROKEN)
        (self.packages / "hostile_broken.py").write_text("plugin = 1")

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(PYTHONPATH=str(self.packages), **more)

    def inside(self, *arguments: str, stdin: bytes = b"", tty: bool = False, **env: str) -> Told:
        """Run the program in this process, on streams of its own."""
        from helpdesk.surfaces.cli.main import run

        made = _Terminal if tty else io.TextIOWrapper
        out, err = (made(io.BytesIO(), encoding="utf-8", errors="strict") for _ in range(2))
        given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        environment = self.environment(COLUMNS=str(WIDTH), LINES="99999", **env)
        with (
            patch.dict(os.environ, environment, clear=True),
            patch.object(sys, "stdout", out),
            patch.object(sys, "stderr", err),
            patch.object(sys, "stdin", given),
            patch.object(sys, "path", [str(self.packages), *sys.path]),
            signals_kept(),
        ):
            sys.modules.pop("hostile_plugin", None)
            code = run(list(arguments))
            out.flush()
            err.flush()
        return Told(code, out.buffer.getvalue(), err.buffer.getvalue())  # type: ignore[attr-defined]

    def inside_as(self, login: str, *arguments: str, stdin: str = "", tty: bool = False, **env: str) -> Told:
        """As :meth:`inside`, signed in as somebody."""
        text = f"{PASSWORDS[login]}\n{stdin}".encode("utf-8", "surrogateescape")
        return self.inside(*arguments, "--as", login, "--password-stdin", stdin=text, tty=tty, **env)


@contextmanager
def signals_kept() -> Iterator[None]:
    """The program handles signals its own way; the tests get theirs back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def commands(hostile: Hostile) -> Sequence[tuple[str, tuple[str, ...]]]:
    """Who runs what; between them they print every text that others wrote."""
    a = hostile.attack.replace("\0", "").encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    word = a.split("\n")[0] or "x"
    file = str(hostile.home / "made")
    return [
        *[("ana", words) for words in everyday(a, word)],
        *[("bo", words) for words in of_the_desk(a, word, file)],
        *[("", words) for words in signed_out(a, word, file)],
    ]


def everyday(a: str, word: str) -> list[tuple[str, ...]]:
    return [
        ("whoami",),
        ("do", "people.find", "a"),
        ("do", "people.find", a),
        ("do", "people.update", f"--title={a}", "--yes"),
        ("do", "access.list"),
        ("do", "access.list", a),
        ("do", "access.request", "finance-share", f"--reason={a}", "--yes"),
        ("do", "access.request", word, "--dry-run"),
        ("do", "ticket.open", a, f"--body={a}", "--yes"),
        ("do", "ticket.status"),
        ("do", "ticket.status", f"--id={a}"),
        ("do", "ticket.comment", "T-1", a, "--yes"),
        ("do", "password.change", f"--new-password={a}"),
        ("policy", "search", "do visitors sign in"),
        ("policy", "show", f"{word[:40]} visitors.md"),
        ("policy", "show", "visitors"),
        ("policy", "show", a),
        (
            "policy",
            "index",
        ),
        ("ask", "do visitors sign in?"),
        ("ask", a),
        ("ask", f"who is {word}"),
        ("ask", f"{a} get me into finance-share"),
        ("do", "hostile.look", "-v"),
        ("do", "hostile.look", "--kind=b"),
        ("do", "hostile.look", f"--kind={a}"),
        ("do", "hostile.look", a, a),
        (
            "do",
            "hostile.fail",
        ),
        ("do", "hostile.fail", "--how=refused"),
        ("do", "hostile.fail", "--how=broken", "--debug"),
        ("do", "hostile.fail", "--how=class", "--debug"),
        ("do",),
        ("approvals", "list"),
        ("approvals", "withdraw", a),
        ("why", "access.request", "finance-share"),
        ("why", a),
        ("undo", a),
        ("login", a),
    ]


def of_the_desk(a: str, word: str, file: str) -> list[tuple[str, ...]]:
    return [
        ("do", "hostile.change", "--yes", f"--reveal-to={file}-1"),
        ("do", "hostile.change", "--secretly", "--yes", f"--reveal-to={file}-2"),
        ("do", "hostile.change", "--yes", f"--reveal-to={a}"),
        ("do", "hostile.change", "--dry-run", "-v"),
        ("do", "password.reset", "dev", "--yes", f"--reveal-to={file}-3"),
        ("do", "password.reset", a, "--yes"),
        ("do", "account.disable", "dev", "--dry-run"),
        ("do", "account.status", "ana"),
        ("do", "ticket.status", "--id=T-1"),
        ("approvals", "list"),
        ("log", "list"),
        ("log", "list", "--plain"),
        ("log", "search", a),
        ("log", "search", f"--actor={a}", f"--kind={a}", f"--after={a}"),
        ("log", "show", "2"),
        ("log", "show", "3"),
        ("log", "stats"),
        ("log", "export", "-", "--format=csv"),
        ("log", "export", "-", "--format=jsonl"),
        ("log", "export", "-", "--format=ocsf"),
        ("log", "export", a),
        ("log", "verify", f"--checkpoint={a}"),
        ("log", "erase", a, "--dry-run"),
        ("why", "2"),
        ("why", "3"),
        ("why", "5"),
        ("undo", "5", "--dry-run"),
        ("do", "password.unlock", "--batch", f"{file}.csv", "--dry-run"),
        ("do", "password.unlock", "--batch", f"{file}.csv", "--yes"),
        ("do", "--batch", f"{file}.jsonl", "--dry-run"),
        ("do", "password.unlock", "--batch", a, "--yes"),
        ("reconcile",),
        ("doctor",),
    ]


def signed_out(a: str, word: str, file: str) -> list[tuple[str, ...]]:
    return [
        (a,),
        (word, a, "--json"),
        ("do", a),
        ("do", "hostile.look", "--help"),
        ("do", "hostile.look", f"--{word}={a}"),
        ("do", "--help"),
        ("why", "--help"),
        ("why",),
        ("help", a),
        ("help", "--man"),
        ("plugin", "list"),
        ("plugin", "list", "--plain"),
        ("config", "show", "--origin"),
        ("config", "path"),
        ("config", a),
        ("completions", a),
        ("completions", "bash"),
        ("privacy", a),
        ("log", "show", a),
        ("log", "check-proof", a, f"--key={a}"),
        ("log", "check-proof", f"{file}.proof", f"--key={file}.proof"),
        ("log", "prove", a),
        ("ask", "x", f"--yes-for={a}"),
        (f"--profile={word}", "do"),
        (f"--color={a}", "do"),
        (f"--as={a}", f"--password-file={a}", "whoami"),
        (f"--as={a}", f"--password-file={file}.password", "whoami"),
        ("-" + word,),
        ("--" + word,),
    ]
