"""How long the program takes to start, against the interpreter, the imports it cannot avoid, and other programs.

Run it with ``make bench``. The other programs (httpie, llm) are installed by pip, each into a virtual environment of its
own with the same Python, under ``.servers`` or $HELPDESK_TEST_SERVERS; without a network their rows are left out. Each row times two commands in turn, A B A B …, in one run; the ratio is the
median of the pairs, so that it holds on a machine whose speed drifts.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PAIRS = int(os.environ.get("BENCH_PAIRS", "15"))
ROOT = Path(__file__).resolve().parents[1]
HELPDESK = [sys.executable, "-m", "helpdesk"]
CONFIG = """
[directory]
kind = "ldap"
url = "ldaps://127.0.0.1:{port}"
ca_file = "{ca}"
login_dn = "uid={{login}},ou=people,dc=corp,dc=test"
base = "dc=corp,dc=test"
"""

Timed = Callable[[], float]


def whole(*command: str, environ: dict[str, str]) -> Timed:
    """Seconds from the start of a process to its end."""

    def run() -> float:
        start = time.perf_counter()
        subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    return run


def to_first_byte(server: socket.socket, *command: str, environ: dict[str, str]) -> Timed:
    """Seconds from the start of a process to the first byte it sends to ``server``; then it is ended."""

    def run() -> float:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.write(b"not-a-password\n")
        process.stdin.close()
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                assert connection.recv(1), "the program hung up without a word"
                return time.perf_counter() - start
        finally:
            process.kill()
            process.wait()

    return run


def other(package: str, program: str) -> Path | None:
    """A program of a package in an environment of its own; ``None`` where it cannot be installed."""
    folder = Path(os.environ.get("HELPDESK_TEST_SERVERS") or ROOT / ".servers") / f"other-{package}"
    found = folder / "bin" / program
    if not found.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", package], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{package} is not measured: {error}", file=sys.stderr)
            return None
    return found


def against_others(environ: dict[str, str]) -> None:
    """``--version`` and ``--help``, program against program."""
    ours = Path(sys.executable).with_name("helpdesk")
    for package, program in (("httpie", "http"), ("llm", "llm")):
        theirs = other(package, program)
        for flag in ("--version", "--help") if theirs else ():
            row(
                f"`{flag}`",
                whole(str(ours), flag, environ=environ),
                whole(str(theirs), flag, environ=environ),
                f"`{program} {flag}`",
                1.0,
            )


def row(what: str, ours: Timed, theirs: Timed, against: str, limit: float) -> None:
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(PAIRS)]
    ratio = statistics.median(a / b for a, b in pairs)
    mine, other = (statistics.median(values) * 1000 for values in zip(*pairs, strict=True))
    print(f"| {what} | {mine:.0f} ms | {against} | {other:.0f} ms | {ratio:.2f} | {limit} |")


@contextmanager
def home() -> Iterator[tuple[dict[str, str], Path]]:
    with tempfile.TemporaryDirectory() as name:
        environ = {"PATH": os.environ["PATH"], "HOME": name}
        yield environ, Path(name)


def main() -> None:
    print("| command | median | against | median | ratio | aim |")
    print("| --- | --- | --- | --- | --- | --- |")
    python = sys.executable
    with home() as (environ, folder), socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        import certifi

        config = folder / ".config" / "helpdesk" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(CONFIG.format(port=server.getsockname()[1], ca=certifi.where()))
        row(
            "--version",
            whole(*HELPDESK, "--version", environ=environ),
            whole(python, "-c", "pass", environ=environ),
            "python -c pass",
            2.0,
        )
        row(
            "--help",
            whole(*HELPDESK, "--help", environ=environ),
            whole(python, "-c", "import typer", environ=environ),
            "import typer",
            1.3,
        )
        command = (*HELPDESK, "do", "password.unlock", "bo", "--as", "ana", "--password-stdin", "--yes")
        row(
            "do ACTION, to the first network byte",
            to_first_byte(server, *command, environ=environ),
            whole(python, "-c", "import typer, ldap3", environ=environ),
            "import typer, ldap3",
            1.6,
        )
        against_others(environ)


if __name__ == "__main__":
    main()
