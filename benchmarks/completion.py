"""How long completing an action name takes, against starting the interpreter and nothing else.

A shell that is open has its script loaded; here each run starts bash, loads the script and completes, so the
figure is the worst case. Rows are timed in turn, A B A B …, in one run; the ratio is the median of the pairs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from helpdesk.actions.words import GROUPS, PEOPLE, Words
from helpdesk.surfaces.completions import FILES, SCRIPTS

PAIRS = int(os.environ.get("BENCH_PAIRS", "40"))
DRIVER = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
COMP_WORDS=($2) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_helpdesk
((${#COMPREPLY[@]} == $3)) || { echo "${#COMPREPLY[@]} offered, $3 expected" >&2; exit 1; }
"""


def timed(*command: str, environ: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    print("| completing | median | against | median | ratio | aim |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        environ = {"PATH": os.environ["PATH"], "HOME": name, "XDG_CACHE_HOME": name}
        words = Words(Path(name) / "helpdesk")
        words.people(f"person{i}" for i in range(PEOPLE))
        words.groups(f"group{i}" for i in range(GROUPS))
        for what, line, offered in (
            ("an action", "helpdesk do password.r", 1),
            (f"one of {PEOPLE} people", "helpdesk do password.reset person499", 1),
            (f"one of {GROUPS} groups", "helpdesk do access.grant ana group1999", 1),
        ):
            ours = ("bash", "--norc", "--noprofile", "-c", DRIVER, "x", str(SCRIPTS / FILES["bash"]), line)
            theirs = (sys.executable, "-I", "-S", "-c", "pass")
            command = (*ours, str(offered))
            timed(*command, environ=environ), timed(*theirs, environ=environ)
            pairs = [
                (timed(*command, environ=environ), timed(*theirs, environ=environ)) for _ in range(PAIRS)
            ]
            ratio = statistics.median(a / b for a, b in pairs)
            mine, other = (statistics.median(values) * 1000 for values in zip(*pairs, strict=True))
            print(f"| {what} | {mine:.1f} ms | python -I -S -c pass | {other:.1f} ms | {ratio:.2f} | 1.5 |")


if __name__ == "__main__":
    main()
