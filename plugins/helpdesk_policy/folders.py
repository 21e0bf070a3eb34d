"""Policy folders on disk: what is in them, read without ever leaving them, and what could not be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.plugin import Failed, visible
from helpdesk_policy.documents import SUFFIXES

MAX_FILE = 8 * 1024 * 1024
"""Bytes; a larger file is named and left out."""
MAX_FILES = 50_000


@dataclass(frozen=True, slots=True)
class Source:
    """One folder of policies; ``name`` is how citations call it."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Found:
    """A document's file. ``stamp`` changes whenever its content may have."""

    source: str
    file: str
    path: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be read, and why. ``folder``: everything in it is missing."""

    path: str
    reason: str
    folder: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


def sources_of(settings: Mapping[str, Any]) -> list[Source]:
    """The configured folders, each with a name of its own: as little of its path as tells them apart.

    Raises:
        Failed: none is configured, or one is no absolute path.
    """
    given = settings.get("sources") or ()
    if isinstance(given, str) or not all(isinstance(item, str) and item.strip() for item in given):
        raise Failed(
            "The setting [policy] sources is not a list of folders.",
            hint='Write it as sources = ["/srv/policies"] in config.toml.',
            code="policy-sources",
        )
    if not given:
        raise Failed(
            "No policy documents are configured, so there is nothing to search.",
            hint='Name their folders in config.toml: [policy] sources = ["/srv/policies"].',
            code="policy-sources",
        )
    folders = list(dict.fromkeys(Path(item).expanduser() for item in given))
    for folder in folders:
        if not folder.is_absolute():
            raise Failed(
                f"The policy folder {str(folder)!r} is not a full path.",
                hint='Write it from the root in config.toml: [policy] sources = ["/…"].',
                code="policy-sources",
            )
    return [Source(name, folder) for name, folder in zip(_names(folders), folders, strict=True)]


def _names(folders: Sequence[Path]) -> list[str]:
    for length in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = ["/".join(folder.parts[-length:]).strip("/") or "/" for folder in folders]
        if len(set(names)) == len(names):
            break
    return names


def scan(source: Source) -> tuple[list[Found], list[Trouble]]:
    """Every document of a source, and whatever could not be looked at."""
    found: list[Found] = []
    troubles: list[Trouble] = []
    root = os.path.realpath(source.folder)
    waiting = [(root, "")]
    while waiting:
        folder, below = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listing = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            shown = os.path.join(source.folder, below)
            troubles.append(Trouble(as_shown(shown), f"cannot be read: {_reason(error)}", folder=True))
            continue
        for entry in listing:
            if entry.name.startswith("."):
                continue
            relative = f"{below}/{entry.name}" if below else entry.name
            try:
                _sort_in(entry, relative, root, source.name, waiting, found, troubles)
            except OSError as error:
                troubles.append(Trouble(as_shown(entry.path), f"cannot be read: {_reason(error)}"))
        if len(found) > MAX_FILES:
            why = f"holds more than {MAX_FILES:,} documents; the rest is left out"
            troubles.append(Trouble(as_shown(str(source.folder)), why))
            return found[:MAX_FILES], troubles
    return found, troubles


def _sort_in(
    entry: os.DirEntry[str],
    relative: str,
    root: str,
    source: str,
    waiting: list[tuple[str, str]],
    found: list[Found],
    troubles: list[Trouble],
) -> None:
    """Put one entry where it belongs. Links are not followed: what they point to inside is found by itself."""
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if target != root and not target.startswith(os.path.join(root, "")):
            troubles.append(
                Trouble(as_shown(entry.path), "is a link out of its policy folder, so it is not read")
            )
        return
    if entry.is_dir(follow_symlinks=False):
        waiting.append((entry.path, relative))
        return
    if os.path.splitext(entry.name)[1].lower() not in SUFFIXES:
        return
    if not _is_text(relative):
        troubles.append(Trouble(as_shown(entry.path), "has a name that is no text, so it is not read"))
        return
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        troubles.append(Trouble(as_shown(entry.path), "is no regular file, so it is not read"))
    elif status.st_size > MAX_FILE:
        troubles.append(
            Trouble(as_shown(entry.path), f"is larger than {MAX_FILE // 2**20} MB, so it is not read")
        )
    else:
        stamp = f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"
        found.append(Found(source, relative, entry.path, stamp))


def read(found: Found, source: Source) -> bytes:
    """The content of a document.

    Raises:
        OSError: it cannot be read, became too large, or is no longer a file inside its folder.
    """
    root = os.path.realpath(source.folder)
    if not os.path.realpath(found.path).startswith(os.path.join(root, "")):
        raise OSError(f"{found.path} leads out of {source.folder}")
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with open(os.open(found.path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{found.path} is no regular file")
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError(f"{found.path} is larger than {MAX_FILE // 2**20} MB")
    return data


def trouble_of(found: Found, error: OSError) -> Trouble:
    return Trouble(as_shown(found.path), f"cannot be read: {_reason(error)}")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_shown(path: str) -> str:
    """A path as it may stand in a sentence, whatever its name holds."""
    return visible(path.encode(errors="backslashreplace").decode(), one_line=True)
