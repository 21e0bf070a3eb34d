"""Records a run of the demo into README.md and docs/demo.md: ``make recording``.

A test runs the demo again and compares, so that neither page can say what the program no longer does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHOWN = (1, 2, 4, 5, 7, 8, 15)
"""The scenes that README.md shows; docs/demo.md shows all."""
BEGIN, END = "<!-- recorded: begin -->", "<!-- recorded: end -->"
_ALWAYS_OTHERWISE = (
    (re.compile(r"\b[A-Z][a-z]+day \d\d:\d\d\b"), "15:20"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"), "2026-01-12 09:30:00"),
    (re.compile(r"(?<![\d:])\d\d:\d\d(?![\d:])"), "15:20"),
    (re.compile(r"\bR-[0-9A-Z]{6}\b"), "R-7KQ2MX"),
)


def recorded() -> str:
    """What ``make demo`` prints off a terminal, 80 columns wide."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "helpdesk", "demo", "--script"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": home,
                "COLUMNS": "80",
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
            },
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
    return normalised(done.stdout)


def normalised(text: str) -> str:
    """The text with fixed times and ids: they differ in every run."""
    for pattern, instead in _ALWAYS_OTHERWISE:
        text = pattern.sub(instead, text)
    return text


def excerpt(run: str) -> str:
    """The opening, some scenes and the last line."""
    opening, *scenes = re.split(r"\n(?=\d+\. )", run)
    last = scenes[-1].rpartition("\n\n")[2]
    scenes[-1] = scenes[-1].removesuffix(last).rstrip("\n") + "\n"
    chosen = [scene for scene in scenes if int(scene.partition(".")[0]) in SHOWN]
    return "\n".join([opening, *chosen, last])


def page_with(page: str, run: str) -> str:
    """A page with the block between its marks replaced."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n```text\n{run.strip()}\n```\n{END}{after}"


def block_of(page: str) -> str:
    """The recorded block of a page."""
    return (
        page.partition(BEGIN)[2].partition(END)[0].strip().removeprefix("```text").removesuffix("```").strip()
    )


def main() -> None:
    run = recorded()
    for path, text in ((ROOT / "README.md", excerpt(run)), (ROOT / "docs/demo.md", run)):
        path.write_text(page_with(path.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
