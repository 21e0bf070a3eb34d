"""Secrets flow through every command, and stand nowhere afterwards: screen, files, log, history, crashes, lists."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from helpdesk.events import (
    Confirmation,
    ErrorInfo,
    Finished,
    ModelSaid,
    Outcome,
    Proposed,
    Question,
    Result,
    Said,
)
from helpdesk.secrets import Secret
from helpdesk.text import Untrusted
from tests.servers.model_server import failing, model_server, text
from tests.surfaces.company import PASSWORDS
from tests.surfaces.hostile import Hostile, Told

TOKEN = "sk-canary-0123456789-model-token"
NEW = "ana-found-a-green-canary-77"
WRONG = "a-wrong-canary-of-a-password-9"


def shapes(secret: str) -> list[bytes]:
    """A secret as it could stand somewhere: as it is, in UTF-16, in base64 at each offset, in hexadecimal."""
    raw = secret.encode()
    coded = [base64.b64encode(b"x" * skip + raw)[4 if skip else 0 : -4] for skip in range(3)]
    return [raw, secret.encode("utf-16-le"), raw.hex().encode(), *(code for code in coded if len(code) > 8)]


def leaks(data: bytes, secrets: tuple[str, ...]) -> list[str]:
    return [secret for secret in secrets for shape in shapes(secret) if shape in data]


class Swept(Hostile):
    """A company that remembers what every run of the program wrote."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, "plain")
        self.told: list[Told] = []

    def inside(self, *arguments: str, **more: Any) -> Told:
        told = super().inside(*arguments, **more)
        self.told.append(told)
        return told

    def found(self, secrets: tuple[str, ...], *, where_they_belong: tuple[Path, ...] = ()) -> list[str]:
        """Every place in which a secret stands."""
        places = [
            f"what run {number} wrote: {leak}"
            for number, told in enumerate(self.told)
            for leak in leaks(told.out + told.err, secrets)
        ]
        files = [file for file in self.home.rglob("*") if file.is_file() and file not in where_they_belong]
        assert {"directory.db"} < {file.name for file in files}
        return places + [f"{file}: {leak}" for file in files for leak in leaks(file.read_bytes(), secrets)]


@pytest.fixture
def swept(tmp_path: Path) -> Iterator[Swept]:
    company = Swept(tmp_path / "company")
    yield company
    company.directory.close()


def everything(company: Swept, file: Path, url: str) -> None:
    """Every command that a secret flows through, its errors and crashes included, as loudly as can be."""
    loud = ("--debug", "--verbose")
    env = {
        "HELPDESK_LLM_KIND": "openai",
        "HELPDESK_LLM_URL": url,
        "HELPDESK_LLM_MODEL": "m",
        "HELPDESK_LLM_API_KEY": "env:CANARY_TOKEN",
        "CANARY_TOKEN": TOKEN,
    }
    for login, way in (("ana", ("--json",)), ("bo", ())):
        for words in (
            ("whoami",),
            ("login",),
            ("do", "people.find", "a"),
            ("do", "access.request", "finance-share", "--reason=x", "--yes"),
            ("do", "hostile.fail", "--how=broken"),
            ("do", "hostile.fail", "--how=class"),
            ("ask", f"my password is {PASSWORDS[login]} and I am locked out"),
            ("ask", "who am I"),
            ("approvals", "list"),
            ("log", "list"),
            ("log", "show", "2"),
            ("why", "2"),
            ("undo", "2"),
            ("reconcile",),
            ("doctor",),
            ("privacy", "who am I"),
        ):
            company.inside_as(login, *words, *loud, *way, **env)
    done = company.inside_as("bo", "do", "password.reset", "dev", "--yes", f"--reveal-to={file}", *loud)
    assert done.code == 0, done.text
    company.inside_as(
        "bo", "do", "password.reset", "dev", "--yes", f"--reveal-to={file}", *loud
    )  # it is there
    company.inside("whoami", "--as=ana", "--password-stdin", *loud, stdin=f"{WRONG}\n".encode())
    company.inside("do", "password.change", f"--new-password={NEW}", *loud)
    company.inside_as(
        "ana", "do", "password.change", "--new-password=-", "--yes", "--json", *loud, stdin=f"{NEW}\n"
    )
    for command in (
        ("config", "show", "--origin"),
        ("config", "path"),
        ("plugin", "list"),
        ("log", "export", "-"),
    ):
        company.inside(*command, *loud, **env)
    company.inside("log", "export", "-", "--format=jsonl", **env)
    company.inside("completions", "bash", *loud, **env)


@pytest.mark.req("S1", "S2", "S5")
@pytest.mark.timeout(300)
def test_secrets_that_flow_through_every_command_stand_nowhere(swept: Swept) -> None:
    file = swept.home / "revealed"
    with model_server(failing(401), text("I cannot help.")) as server:
        everything(swept, file, server.url)
        assert any(TOKEN in value for seen in server.received for value in seen.headers.values()), (
            "the token was used"
        )
    generated = file.read_text().strip()
    assert len(generated) >= 12
    assert swept.accepts("ana", NEW) == "yes"
    assert list(swept.state.rglob("*log*")), "there is a log to look into"
    secrets = (*PASSWORDS.values(), TOKEN, NEW, WRONG, generated)
    assert swept.found(secrets, where_they_belong=(file,)) == []


@pytest.mark.req("S1", "S2")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("flags", [("--debug",), ("--debug", "--verbose", "--json"), ()])
def test_a_crash_at_any_frame_shows_and_keeps_no_secret(swept: Swept, flags: tuple[str, ...]) -> None:
    """The exception itself holds the password, and so do the variables of the frames it passes."""
    from helpdesk.connectors.embedded.directory import EmbeddedDirectory
    from helpdesk.connectors.embedded.session import EmbeddedSession
    from helpdesk.gate.audit import AuditLog
    from helpdesk.surfaces.terminal import Terminal

    def breaks(*arguments: Any, **more: Any) -> Any:
        held = [a.expose() for a in (*arguments, *more.values()) if isinstance(a, Secret)]
        raise RuntimeError(f"broke with {held} {PASSWORDS['bo']} {arguments[1:]!r} {more!r}")

    target = swept.home / "revealed"
    for where, name in (
        (EmbeddedDirectory, "sign_in"),
        (EmbeddedSession, "set_password"),
        (AuditLog, "append"),
        (Terminal, "reveal"),
        (Terminal, "confirm"),
    ):
        if not hasattr(where, name):
            continue
        with patch.object(where, name, breaks):
            told = swept.inside_as(
                "bo", "do", "password.reset", "dev", "--yes", f"--reveal-to={target}", *flags
            )
        assert told.code != 0, name
        target.unlink(missing_ok=True)
    assert [file for file in swept.state.rglob("*") if "crashes" in file.parts], "something did break"
    assert swept.found(tuple(PASSWORDS.values())) == []


@pytest.mark.req("S1", "S2")
def test_no_event_shows_a_secret_that_it_carries() -> None:
    """However a value of the core is turned into text, a secret in it is masked; locals in a traceback too."""
    secret = Secret(NEW)
    carried = [
        Question("password", "Password", "--x", secret=True, default=str(secret)),
        Confirmation("d", "a", f"{secret}", f"{secret!r}", f"{secret:>4}", ()),
        Finished(
            Result(Outcome.FAILED, "a", "m", {"x": secret}, data=[secret], error=ErrorInfo("c", f"{secret}"))
        ),
        Proposed("a", {"x": secret}),
        Said(str(secret)),
        ModelSaid(Untrusted(f"{secret!s}")),
    ]
    shown = ""
    try:
        _raises(secret)
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "held" in shown
    for text_of in (repr, str, lambda value: f"{value}", lambda value: f"{vars(value)}"):
        assert not [value for value in carried if NEW in text_of(value)]
    assert NEW not in shown


def _raises(held: Secret) -> None:
    raise ValueError(held)
