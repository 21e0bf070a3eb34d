"""The systemd unit of a worker."""

from __future__ import annotations

import shutil
import sys

_UNIT = """[Unit]
Description=Helpdesk worker: approved requests, workflows, and the ends of access
After=network-online.target

[Service]
ExecStart={command}
Restart=always
RestartSec=5
TimeoutStopSec=60
{credential}NoNewPrivileges=yes
LimitCORE=0
UMask=0077

[Install]
WantedBy=default.target
"""


def unit_text(profile: str, password: str) -> str:
    """The unit's text.

    Args:
        password: the reference of ``[worker] password``; a credential is asked of systemd.
    """
    program = shutil.which("helpdesk")
    words = [program] if program else [sys.executable, "-m", "helpdesk"]
    words += ["--json", *(["--profile", profile] if profile else []), "worker"]
    kind, _, name = password.partition(":")
    credential = f"LoadCredential={name}:%h/.config/helpdesk/{name}\n" if kind == "credential" else ""
    return _UNIT.format(command=" ".join(_quoted(word) for word in words), credential=credential)


def _quoted(word: str) -> str:
    plain = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"' if set(plain) & set(" \\\"'") else plain
