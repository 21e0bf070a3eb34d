"""Resetting passwords in bulk, against ``ldapmodify -f`` with the same changes on the same server.

A real slapd with its durable back end (every commit is
flushed), password policy and TLS is started on loopback; each side resets BENCH_ROWS (200) people with the
same account of a service desk, one file in, turn by turn, A B A B …, in one run. ``ldapmodify`` replaces the
password and the flag that it must be changed, in one operation each. ``helpdesk do --batch`` finds, authorises,
previews, logs, changes, reads back and logs every row. Both are whole processes, from start to end; the second
figure leaves the time out until the first row has ended.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it finds the tests' servers
from tests.integration.story_world import join
from tests.servers.layouts import PEOPLE
from tests.servers.packages import slapd_program, unpacked_program
from tests.servers.slapd import Slapd, ssha

ROWS = int(os.environ.get("BENCH_ROWS", "200"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
DESK, DESK_PASSWORD = "night-desk", "the desk works at night"


class Durable(Slapd):
    """slapd as the tests have it, but every commit is flushed to the disk."""

    def _configuration(self) -> str:
        return super()._configuration().replace("envflags nosync\n", "")


def add_people(server: Slapd, prefix: str, many: int) -> dict[str, str]:
    """People with a password that nobody knows; login → DN."""
    connection, found = server.root(), {}
    hashed = ssha("nobody remembers this one")
    try:
        for number in range(many):
            login = f"{prefix}{number:04}"
            dn = server.layout.person_dn(login, login, str(number))
            attributes = {"uid": login, "cn": login, "sn": login, "userPassword": hashed}
            done, result, *_ = connection.add(dn, list(server.layout.person_classes), attributes)
            assert done, result
            found[login] = dn
    finally:
        connection.unbind()
    return found


def ldapmodify(server: Slapd, folder: Path, people: dict[str, str]) -> float:
    """Seconds for ``ldapmodify -f``."""
    changes = folder / "changes.ldif"
    changes.write_text(
        "".join(
            f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {os.urandom(9).hex()}\n-\n"
            f"replace: pwdReset\npwdReset: TRUE\n-\n\n"
            for dn in people.values()
        )
    )
    program, variables = unpacked_program("ldapmodify", "ldap-utils")
    password = folder / "desk-bind-password"
    password.touch(mode=0o600)
    password.write_text(DESK_PASSWORD)
    command = [
        str(program),
        "-x",
        "-H",
        f"ldaps://127.0.0.1:{server.tls_port}",
        "-D",
        server.layout.person_dn(DESK, DESK, "0"),
    ]
    began = time.perf_counter()
    subprocess.run(
        [*command, "-y", str(password), "-f", str(changes)],
        env=os.environ | variables | {"LDAPTLS_CACERT": server.ca_file, "LDAPTLS_REQCERT": "demand"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def helpdesk(folder: Path, people: dict[str, str], turn: str) -> tuple[float, float]:
    """Seconds for ``helpdesk do --batch``: whole, and from the first row that ended to the last one."""
    file = folder / "reset.csv"
    file.write_text("person\n" + "\n".join(people) + "\n")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "HELPDESK_CONFIG": str(folder / "site.toml"),
    }
    command = [sys.executable, "-m", "helpdesk", "do", "password.reset", "--batch", str(file), "--json"]
    command += ["--run-name", f"turn-{turn}", "--as", DESK, "--password-file", str(folder / "desk-password")]
    command += ["--yes", "--reveal-to", str(folder / f"passwords-{turn}")]
    began = time.perf_counter()
    child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines, first = [], 0.0
    for line in child.stdout:
        first = first or time.perf_counter()
        lines.append(json.loads(line))
    told = child.communicate()[1]
    ended = time.perf_counter()
    assert child.returncode == 0, told
    assert [line["outcome"] for line in lines] == ["done"] * len(people), told
    return ended - began, ended - first


def configure(server: Slapd, folder: Path, hashes: bool) -> None:
    """``hashes``: helpdesk is told that the server hashes plainly written passwords, as it does for ldapmodify."""
    keys = "\n".join(f"{name} = {json.dumps(value)}" for name, value in server.directory_config().items())
    limits = "\n".join(
        f"{kind}_per_{whom} = 1000000"
        for kind in ("changes", "high_risk")
        for whom in ("actor", "target", "machine")
    )
    (folder / "site.toml").write_text(
        f'[directory]\n{keys}\nserver_hashes = {json.dumps(hashes)}\n[roles]\nhelpdesk = ["{server.layout.service_desk}"]\n'
        f'[session]\nstore = "none"\n[limits]\n{limits}\n'
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slapd").mkdir()
        server = Durable(PEOPLE, folder / "slapd", slapd_program())
        try:
            dn = server.add_person(DESK, DESK_PASSWORD)
            join(server, server.layout.service_desk, dn)
            (folder / "home").mkdir()
            (folder / "desk-password").write_text(DESK_PASSWORD + "\n")
            measure(server, folder, add_people(server, "a", ROWS), add_people(server, "b", ROWS))
        finally:
            server.stop()


def measure(server: Slapd, folder: Path, theirs: dict[str, str], ours: dict[str, str]) -> None:
    turns = []
    for turn in range(PAIRS):
        seconds = [ldapmodify(server, folder, theirs)]
        for hashes in (False, True):
            configure(server, folder, hashes)
            seconds += helpdesk(folder, ours, f"{turn}-{hashes}")
        turns.append(seconds)
        print(*(f"{ROWS / one:8.0f}/s" for one in seconds), file=sys.stderr)
    print("| resets | rate | against `ldapmodify -f` |")
    print("| --- | --- | --- |")
    for column, what in enumerate(
        (
            "`ldapmodify -f`",
            "`do --batch`, whole command",
            "`do --batch`, from row to row",
            "`do --batch` with `server_hashes`, whole command",
            "`do --batch` with `server_hashes`, from row to row",
        )
    ):
        rate = ROWS / statistics.median(turn[column] for turn in turns)
        ratio = statistics.median(turn[0] / turn[column] for turn in turns)
        print(f"| {what} | {rate:.0f}/s | {ratio:.2f} |")


if __name__ == "__main__":
    main()
