"""What well-behaved commands do: pager, names of flags, progress, time-outs, files, environment, no telemetry."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from helpdesk.surfaces.cli.globals import split
from helpdesk.surfaces.completions.tree import tree
from tests.servers.model_server import Answer, model_server
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company, finish


@contextmanager
def silent_directory(company: Company) -> Iterator[str]:
    """A server that accepts connections and says nothing; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ldaps://127.0.0.1:{server.getsockname()[1]}"
        lines = ["[directory]", f'url = "{url}"', 'base = "dc=test"', 'login_dn = "uid={login},dc=test"']
        company.config.write_text("\n".join([*lines, "[session]", 'store = "none"', ""]))
        yield url


# ── 13: the pager ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pager(company: Company) -> tuple[Path, str]:
    """A pager that keeps what it is given; the file it keeps it in, and its command."""
    kept, script = company.home / "paged", company.home / "my pager"
    script.write_text(f"#!/bin/sh\ncat > '{kept}'\necho paged \"$@\"\n")
    script.chmod(0o700)
    return kept, f"'{script}' -x"


@pytest.mark.req("CLI-13")
def test_the_pager_shows_what_is_longer_than_the_screen(company: Company, pager: tuple[Path, str]) -> None:
    kept, command = pager
    child = company.spawn("help", "it-staff", PAGER=command)
    child.expect("paged -x")
    assert finish(child) == 0
    assert kept.read_text().startswith("# For IT staff")


@pytest.mark.req("CLI-13")
@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["help", "it-staff", "--no-pager"], {}),
        (["help", "it-staff", "--plain"], {}),
        (["help", "it-staff"], {"LINES": "9999"}),
        (["help", "it-staff"], {"TERM": "dumb"}),
        (["help", "topics"], {}),
    ],
)
def test_no_pager_where_it_fits_or_was_not_wanted(
    company: Company, pager: tuple[Path, str], words: list[str], env: dict[str, str]
) -> None:
    kept, command = pager
    child = company.spawn(*words, **{"PAGER": command, **env})
    child.expect("IT staff")
    assert finish(child) == 0
    assert not kept.exists()


@pytest.mark.req("CLI-13")
def test_no_pager_off_a_terminal_and_without_one_everything_is_printed(
    company: Company, pager: tuple[Path, str]
) -> None:
    kept, command = pager
    assert "# For IT staff" in company.run("help", "it-staff", env={"PAGER": command}).out
    assert not kept.exists()
    child = company.spawn("help", "it-staff", PAGER="/nowhere/pager")
    child.expect("For IT staff")
    assert finish(child) == 0


# ── 19: names of flags ────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-19")
def test_flags_have_their_usual_names_and_every_short_one_a_long_one() -> None:
    found = tree()
    by_help: dict[str, set[str]] = {}
    for flag in found.globals:
        by_help.setdefault(flag.help, set()).add(flag.name)
    offered = {flag.name for flag in found.globals}
    assert offered >= {"-q", "-v", "-d", "-h", "-n", "--json", "--no-input", "--user", "--version", "--help"}
    usual = {"-q": "quiet", "-v": "verbose", "-d": "debug", "-n": "dry_run", "-y": "yes", "-V": "version"}
    for short, field in usual.items():
        assert getattr(split([short])[0], field) is True
        assert getattr(split([f"--{field.replace('_', '-')}"])[0], field) is True
    short = {flag.name for flag in found.globals if len(flag.name) == 2}
    assert short == {*usual, "-h"}
    assert split(["--user", "ana"])[0].login == split(["--as", "ana"])[0].login == "ana"
    for place in found.places:
        for flag in place.flags:
            assert flag.name.startswith("--"), f"{place.key} has {flag.name} without a long form"


# ── 22, 23: the network ───────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-22")
def test_something_is_said_within_100_ms_of_enter_and_before_the_network_answers(company: Company) -> None:
    with silent_directory(company):
        took = []
        for _ in range(3):
            child = company.spawn("whoami", "--as", "ana")
            child.expect("Password of ana")
            child.waitnoecho()
            start = time.perf_counter()
            child.sendline("whatever")
            child.expect("Signing in as ana")
            took.append(time.perf_counter() - start)
            child.sendintr()
            assert finish(child) == 130
    assert min(took) < 0.1


@pytest.mark.req("CLI-22")
def test_without_a_question_it_is_said_before_the_first_byte(company: Company) -> None:
    password = company.home / "password"
    password.write_text("whatever\n")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # nobody listens: the connection is refused at once
        company.config.write_text(
            f'[directory]\nurl = "ldaps://127.0.0.1:{server.getsockname()[1]}"\nbase = "dc=test"\n'
        )
        child = company.spawn("whoami", "--as", "ana", "--password-file", str(password))
        child.expect("Signing in as ana.*unreachable:")
        assert finish(child) == 7
        child = company.spawn("doctor", "--no-pager")
        child.expect("Looking at the log.*to repair")
        assert finish(child) == 1


@pytest.mark.req("CLI-23")
@pytest.mark.req("D8")
def test_a_directory_that_says_nothing_is_given_up_with_its_address_and_the_setting(company: Company) -> None:
    with silent_directory(company) as url:
        start = time.monotonic()
        ran = company.run("--json", "whoami", "--as", "ana", "--password-stdin", stdin="whatever\n")
        assert time.monotonic() - start < 15
    assert ran.code == 7
    error = ran.document["error"]
    assert url in error["message"]
    assert "[directory] url" in error["hint"]


@pytest.mark.req("CLI-23")
@pytest.mark.parametrize("where", ["silent", "closed"])
def test_a_model_that_says_nothing_is_named_with_its_setting(company: Company, where: str) -> None:
    fast = company.home / "fast"
    fast.mkdir()
    (fast / "sitecustomize.py").write_text(
        "import dataclasses\nimport helpdesk.connectors.llm as llm\n"
        "made = llm.ChatCompletions.__init__\n"
        "def quick(self, *a, **k):\n"
        "    made(self, *a, **k)\n"
        "    self._limits = dataclasses.replace(self._limits, connect=0.5, first_byte=1.0, retries=0)\n"
        "llm.ChatCompletions.__init__ = quick\n"
    )
    with model_server(Answer(silent=True)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = server.url if where == "silent" else f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        host = re.search(r"//([^/]*)", url)[1]  # type: ignore[index]
        settings = f'\n[llm]\nkind = "openai"\nurl = "{url}"\nmodel = "m"\nmay_see = ["words", "actions"]\n'
        company.config.write_text(company.config.read_text() + settings)
        ran = company.run_as(
            "ana", "ask", "how long may I keep customer data?", env={"PYTHONPATH": str(fast)}
        )
    assert ran.code == 0, ran.err  # the guided conversation took the turn
    assert f"The model at {host}" in ran.err
    assert "[llm] url" in ran.err


# ── 26, 28: files and environment ─────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-26")
@pytest.mark.req("S7")
def test_files_are_where_the_variables_say_private_and_nowhere_else(company: Company, tmp_path: Path) -> None:
    places = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "CACHE", "DATA")}
    shutil.move(company.home / ".local/state/helpdesk", tmp_path / "state/helpdesk")
    config = tmp_path / "config" / "helpdesk"
    config.mkdir(parents=True)
    shutil.move(company.config, config / "config.toml")
    env = {**places, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    before = set(company.home.rglob("*"))
    for words in (
        ["whoami"],
        ["do", "ticket.open", "a thing", "--yes"],
        ["policy", "search", "customer data"],
    ):
        ran = company.run_as("ana", *words, env=env)
        assert ran.code == 0, ran.err
    assert company.run("log", "verify", env=env).code == 0
    assert set(company.home.rglob("*")) == before
    made = [*(tmp_path / "state").rglob("*"), *(tmp_path / "cache").rglob("*")]
    assert {path.name for path in made} >= {"log.db", "manifest.json", "words", "tickets.db"}
    for path in made:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"
    assert not (tmp_path / "data").exists()  # what we keep is state


@pytest.mark.req("CLI-26")
def test_relative_values_are_ignored(company: Company, tmp_path: Path) -> None:
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    ran = company.run("config", "path", "--json", env=dict.fromkeys(names, "relative/place"))
    assert ran.document["state"] == str(company.state)
    assert ran.document["cache"] == str(company.home / ".cache/helpdesk")
    company.run_as("ana", "whoami", env=dict.fromkeys(names, "relative/place"))
    assert not (ROOT / "relative").exists()


@pytest.mark.req("CLI-28")
def test_columns_and_the_temporary_folder_are_honoured(company: Company, tmp_path: Path) -> None:
    child = company.spawn("do", "--no-pager", size=(24, 200), COLUMNS="44")
    child.expect("More about one of them")
    text = re.sub(r"\x1b\[[\d;]*m", "", child.before)
    assert finish(child) == 0
    long = [line for line in text.splitlines() if len(line) > 44 and line.count(" ") > line.count("  ") + 6]
    assert long == []
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    watched = company.home / "watched"
    watched.mkdir()
    (watched / "sitecustomize.py").write_text(
        "import tempfile, sys\nmade = tempfile.mkdtemp\n"
        "def told(*a, **k):\n    name = made(*a, **k)\n    sys.stderr.write('MADE ' + name + '\\n')\n    return name\n"
        "tempfile.mkdtemp = told\n"
    )
    ran = company.run("demo", "--script", env={"TMPDIR": str(temporary), "PYTHONPATH": str(watched)})
    assert ran.code == 0, ran.err
    assert f"MADE {temporary}" in ran.err
    assert list(temporary.iterdir()) == []  # and it is gone afterwards


@pytest.mark.req("CLI-28")
@pytest.mark.req("S9")
@pytest.mark.parametrize(
    ("proxy", "no_proxy", "through"),
    [("", "", False), ("environment", "", True), ("environment", "model.test", False)],
)
def test_the_proxy_of_the_environment_counts_only_where_it_is_asked_for(
    company: Company, proxy: str, no_proxy: str, through: bool
) -> None:
    nowhere = company.home / "nowhere"
    nowhere.mkdir()
    (nowhere / "sitecustomize.py").write_text(
        "import socket\nfound = socket.getaddrinfo\n"
        "def lookup(host, *a, **k):\n"
        "    if 'model.test' in str(host):\n        raise socket.gaierror(-2, 'Name or service not known')\n"
        "    return found(host, *a, **k)\n"
        "socket.getaddrinfo = lookup\n"
    )
    asked: list[bytes] = []

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline())
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        settings = '\n[llm]\nkind = "openai"\nurl = "https://model.test/v1"\nmodel = "m"\nmay_see = ["words", "actions"]\n'
        company.config.write_text(company.config.read_text() + settings + f'[network]\nproxy = "{proxy}"\n')
        address = f"http://127.0.0.1:{server.server_address[1]}"
        env = {
            "HTTPS_PROXY": address,
            "https_proxy": address,
            "NO_PROXY": no_proxy,
            "PYTHONPATH": str(nowhere),
        }
        ran = company.run_as("ana", "ask", "get me into the finance-share for the audit", "-n", env=env)
        server.shutdown()
        thread.join()
    assert ran.code == 0, ran.err
    assert "The model at model.test" in ran.err
    assert asked == ([b"CONNECT model.test:443 HTTP/1.1\r\n"] if through else [])


# ── 31: crash-only ────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-31")
@pytest.mark.req("R2")
def test_killed_while_it_is_asked_nothing_is_half_done_and_the_next_run_works(company: Company) -> None:
    company.lock("ana")
    child = company.spawn("do", "password.unlock", "ana", "--as", "bo")
    child.expect("Password of bo")
    child.waitnoecho()
    child.sendline(PASSWORDS["bo"])
    child.expect_exact("Do this? [y/N]")
    child.kill(signal.SIGKILL)
    child.expect(pexpect.EOF)
    assert company.is_locked("ana")
    assert company.run("log", "verify").code == 0
    again = company.run_as("bo", "--json", "do", "password.unlock", "ana", "--yes")
    assert again.document["outcome"] == "done"
    entries = company.run("log", "list", "--json").document["entries"]
    assert [e["action"] for e in entries if e["kind"] == "intent"] == ["password.unlock"]


# ── 36: no telemetry ──────────────────────────────────────────────────────────────────────────

GUARD = """
import os, sys
_place = os.environ["HELPDESK_TEST_CONTACTS"]
def _told(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(_place, "a") as file:
            file.write(f"{event} {arguments[1] if event in ('socket.connect', 'socket.sendto') else arguments[:2]}\\n")
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        with open(_place, "a") as file:
            file.write(f"{event} {arguments[0]!r}\\n")
sys.addaudithook(_told)
"""


@pytest.mark.req("CLI-36")
def test_nothing_but_the_configured_hosts_is_contacted(company: Company) -> None:
    guard, contacts = company.home / "guard", company.home / "contacts"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    env = {"PYTHONPATH": str(guard), "HELPDESK_TEST_CONTACTS": str(contacts)}
    for words in (
        ["whoami"],
        ["ask", "how long may I keep customer data?"],
        ["do", "ticket.open", "x", "--yes"],
        ["doctor"],
        ["log", "verify"],
        ["help", "topics"],
    ):
        company.run_as("ana", *words, env=env)
    assert not contacts.exists(), contacts.read_text()
    with silent_directory(company) as url, model_server(Answer(status=500)) as model:
        company.config.write_text(
            company.config.read_text()
            + f'[llm]\nkind = "openai"\nurl = "{model.url}"\nmodel = "m"\nmay_see = ["words", "actions"]\n'
        )
        assert company.run_as("ana", "whoami", env=env).code == 7
        ports = {url.rpartition(":")[2], re.search(r":(\d+)", model.url)[1]}  # type: ignore[index]
    seen = contacts.read_text().splitlines()
    assert any(line.startswith("socket.connect") for line in seen)  # the guard does see connections
    for line in seen:
        assert "127.0.0.1" in line, line
        assert any(port in line for port in ports), line


@pytest.mark.req("CLI-36")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not on this machine")
def test_the_system_sees_no_connection_but_the_configured_one(company: Company) -> None:
    traced = company.home / "traced"
    watch = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg,bind", "-o", str(traced)]
    probe = subprocess.run([*watch, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("strace may not trace here")

    def connections() -> list[str]:
        lines = traced.read_text().splitlines()
        return [line for line in lines if "AF_INET" in line or "AF_UNIX" in line]

    def run(*words: str) -> None:
        subprocess.run(
            [*watch, *PROGRAM, *words, "--as", "ana", "--password-stdin"],
            input=PASSWORDS["ana"].encode() + b"\n", capture_output=True,
            env=company.environment(), cwd=ROOT, check=False, timeout=60,
        )  # fmt: skip

    run("whoami")
    assert [line for line in connections() if "AF_INET" in line] == []
    with silent_directory(company) as url:
        run("whoami")
    seen = [line for line in connections() if "AF_INET" in line]
    assert seen
    assert all(f"htons({url.rpartition(':')[2]})" in line and "127.0.0.1" in line for line in seen)


@pytest.mark.req("CLI-36")
def test_there_is_no_setting_that_sends_anything_home(company: Company) -> None:
    names = [setting["name"] for setting in company.run("config", "show", "--json").document["settings"]]
    assert not [name for name in names if re.search("telemetry|analytics|tracking|update_check|report", name)]
