"""Standard output: written whole, through a pager where asked, quiet when nobody reads any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from helpdesk.errors import Failed


def write(lines: Sequence[str], *, pager: bool = False, out: TextIO | None = None) -> None:
    """Write lines. A closed pipe is no error: whoever read it has enough.

    Args:
        out: the program's own standard output, where it was put aside.

    Raises:
        Failed: the disk behind it is full, or it fails otherwise.
    """
    text = "".join(f"{line}\n" for line in lines)
    if pager and _paged(text):
        return
    try:
        stream = out or sys.stdout
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        raise Failed(f"Standard output cannot be written: {error.strerror}.", code="output") from error


def silence() -> None:
    """Send what is left for standard output nowhere, so that nothing complains at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _paged(text: str) -> bool:
    import shlex
    import shutil
    import subprocess

    words = shlex.split(os.environ.get("PAGER") or "less -FRX")
    program = shutil.which(words[0]) if words else None
    if program is None:
        return False
    subprocess.run([program, *words[1:]], input=text, text=True, check=False)  # noqa: S603
    return True
