"""A sign-in that outlives the command: kept in a real keyring of the operating system, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.packages import keyring_or_skip
from tests.surfaces.company import PASSWORDS, ROOT, Company

STORY = """
set -e
printf secret | LD_LIBRARY_PATH="$LIBRARIES" "$DAEMON" --unlock --components=secrets >/dev/null
hd() { "$PYTHON" -m helpdesk "$@" 2>>"$HOME/told"; }
printf '%s\\n' "$PASSWORD" | hd login --as ana --password-stdin
echo "-- kept"; hd whoami </dev/null
echo "-- fresh"; hd do people.update --phone "+49 30 1" --yes </dev/null
echo "-- out"; hd logout
hd whoami </dev/null || echo "code $?"
"""


@pytest.mark.req("S6")
@pytest.mark.req("R8")
def test_a_session_is_kept_in_the_keyring_until_logout(company: Company) -> None:
    bus, daemon, found = keyring_or_skip()
    company.config.write_text(company.config.read_text().replace('store = "none"', 'store = "keyring"'))
    run = company.home / "run"
    run.mkdir(mode=0o700)
    environ = company.environment(
        XDG_RUNTIME_DIR=str(run),
        LIBRARIES=found.get("LD_LIBRARY_PATH", ""),
        DAEMON=str(daemon),
        PYTHON=sys.executable,
        PASSWORD=PASSWORDS["ana"],
    )
    ran = subprocess.run(
        [str(bus), "--", "sh", "-c", STORY],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    told = (company.home / "told").read_text()
    assert ran.returncode == 0, ran.stderr + told
    assert "You are signed in as Ana Ito" in ran.stdout
    kept, fresh, out = (
        ran.stdout.split("-- kept")[1].partition("-- fresh")[0],
        ran.stdout,
        ran.stdout.split("-- out")[1],
    )
    assert "You are Ana Ito" in kept
    assert "Your contact data is updated" in fresh
    assert "You are signed out" in out
    assert "code 5" in out
    assert not _holding(company.home, PASSWORDS["ana"])


def _holding(folder: Path, secret: str) -> list[Path]:
    """Files that hold a secret; the keyring's own are encrypted."""
    return [
        Path(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if Path(place, name).is_file() and secret.encode() in Path(place, name).read_bytes()
    ]
