"""A signed checkpoint: how many entries the log had, and the root of the tree over them.

In the form of transparency logs (C2SP tlog-checkpoint, a signed note), so that others' verifiers read it::

    helpdesk.local/3f9c0d5e7a1b2c4d
    128
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    time 2026-03-09T14:10:00.000000+00:00

    — helpdesk.local/3f9c0d5e7a1b2c4d Az3grlgtzPICa5OS8npVmf1Myq/…
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from helpdesk.gate.keys import HostKey, PublicKey

_DASH = "— "
_TIME = "time "
_NOTE = re.compile(rf"^\S+\n[0-9]{{1,18}}\n[A-Za-z0-9+/]+=*\n{_TIME}.+\n\n(?:{_DASH}.+\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Attributes:
    origin: the log's name, from its key. size: number of entries. root: of the tree over them.
    time: when it was signed, UTC.
    """

    origin: str
    size: int
    root: bytes
    time: datetime

    @property
    def text(self) -> str:
        when = self.time.astimezone(UTC).isoformat(timespec="microseconds")
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{_TIME}{when}\n"

    def signed(self, key: HostKey) -> str:
        """The signed note."""
        signature = b64encode(key.public.hint + key.sign(self.text.encode())).decode()
        return f"{self.text}\n{_DASH}{key.public.name} {signature}\n"


def opened(note: str, key: PublicKey) -> Checkpoint:
    """The checkpoint in a signed note.

    Raises:
        ValueError: it is no checkpoint, or this key did not sign it as it stands.
    """
    text, divider, signatures = note.partition("\n\n")
    text += "\n"
    if not divider or not any(_signs(line, text, key) for line in signatures.split("\n")):
        raise ValueError("the checkpoint does not carry this key's signature")
    lines = text.split("\n")
    if len(lines) < 5 or lines[0] != key.name or not lines[3].startswith(_TIME):
        raise ValueError("the signed text is no checkpoint of this log")
    return Checkpoint(
        origin=lines[0],
        size=int(lines[1]),
        root=b64decode(lines[2], validate=True),
        time=datetime.fromisoformat(lines[3].removeprefix(_TIME)),
    )


def newest_in(text: str) -> str:
    """The note over the most entries in a file that notes were added to; the text itself where it holds none.

    Whether it is signed is for :func:`opened` to say.
    """
    return max(_NOTE.findall(text), key=lambda note: int(note.split("\n")[1]), default=text)


def is_note(text: str) -> bool:
    """Whether a text has the form of a checkpoint at all, whoever may have signed it."""
    return _NOTE.match(text) is not None


def _signs(line: str, text: str, key: PublicKey) -> bool:
    if not line.startswith(f"{_DASH}{key.name} "):
        return False
    given = line.removeprefix(f"{_DASH}{key.name} ")
    try:
        data = b64decode(given, validate=True)
    except ValueError:
        return False
    if b64encode(data).decode() != given:  # one signature, one spelling
        return False
    return data[:4] == key.hint and key.verify(text.encode("utf-8", "surrogatepass"), data[4:])
