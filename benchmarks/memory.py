"""How much memory ``helpdesk ask`` takes with the guided backend: the most that each process ever held.

Two companies, the demo's own (embedded directory) and one on a real slapd; and slapd again with BENCH_SECTIONS
(100,000) sections of policies, while they are indexed and afterwards. A small process starts each one and is told
its peak by the system, so that nothing of this program's own memory counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).parents[1])
)  # run by its path, it finds its neighbours and the tests' servers
from benchmarks.policy import SECTIONS, write_corpus
from helpdesk.demo.company import EMPLOYEES
from helpdesk.demo.founding import found
from tests.servers.layouts import PEOPLE
from tests.servers.packages import slapd_program
from tests.servers.slapd import Slapd

AIM = 120
WATCH = (
    "import os, subprocess, sys; child = subprocess.Popen(sys.argv[1:], stdout=2);"
    "_, status, used = os.wait4(child.pid, 0); print(used.ru_maxrss, os.waitstatus_to_exitcode(status))"
)
QUESTIONS = (
    ("a policy question", "how long may I keep customer data?"),
    ("words that are no action", "hello there"),
    ("a request, previewed", "what state is my account in"),
)


def peak(arguments: list[str], environ: dict[str, str], password: str) -> float:
    """Megabytes that the process held at most."""
    watched = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WATCH, sys.executable, "-m", "helpdesk", *arguments],
        env=environ,
        input=password + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes, code = watched.stdout.split()
    assert int(code) in (0, 1, 2, 3), watched.stderr
    return int(kilobytes) / 1024


def rows(where: str, environ: dict[str, str], login: str, password: str, flags: list[str]) -> None:
    for what, words in QUESTIONS:
        command = [*flags, "ask", words, "--as", login, "--password-stdin", "--json", "--no-input"]
        most = max(peak(command, environ, password) for _ in range(3))
        print(f"| {where} | {what} | {most:.0f} MB | {AIM} MB |", flush=True)


def home(name: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": name}


def at_slapd(folder: Path) -> None:
    (folder / "slapd").mkdir()
    server = Slapd(PEOPLE, folder / "slapd", slapd_program())
    try:
        server.add_person("ana", "ana has a long password")
        keys = "\n".join(f"{name} = {json.dumps(value)}" for name, value in server.directory_config().items())
        common = f'[directory]\n{keys}\n[session]\nstore = "none"\n'
        policies = folder / "policies"
        policies.mkdir()
        write_corpus(policies, SECTIONS)
        for where, more in (
            ("slapd", ""),
            (f"slapd, {SECTIONS:,} sections", f"[policy]\nsources = [{json.dumps(str(policies))}]\n"),
        ):
            file = folder / "site.toml"
            file.write_text(common + more)
            environ = home(str(folder / f"home-{bool(more)}")) | {"HELPDESK_CONFIG": str(file)}
            Path(environ["HOME"]).mkdir()
            if more:
                command = ["do", "policy.index", "--as", "ana", "--password-stdin", "--json"]
                most = peak(command, environ, "ana has a long password")
                print(f"| {where} | indexing all of them | {most:.0f} MB | |", flush=True)
            rows(where, environ, "ana", "ana has a long password", [])
    finally:
        server.stop()


def main() -> None:
    print("| company | `helpdesk ask` with | peak | aim |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "demo").mkdir()
        environ = home(str(Path(name) / "demo"))
        found(environ, keep_sessions=False)
        one = EMPLOYEES[0]
        rows("the demo's", environ, one.login, one.words, ["--profile", "demo"])
        at_slapd(Path(name))


if __name__ == "__main__":
    main()
