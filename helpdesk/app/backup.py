"""A backup: everything of a store, and of this machine's state, that cannot be made again, in one private file.

The file is a plain tar: ``manifest.json`` says what is in it, with a digest of each part. Databases are copied while
they are in use, each as it stands at one moment; the log is copied last, so that it knows of everything that the other
parts hold. A company's Postgres is copied as the rows of one moment, its requests and its runs together. What can be
rebuilt stays out (the search index, caches, the session), and so does the host's private key unless it is asked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from helpdesk import __version__
from helpdesk.errors import Failed
from helpdesk.platform import open_new_private, private_folder, reopen_private

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts

SCHEMA = "helpdesk.backup/1"
MANIFEST = "manifest.json"
LOG = "log/log.db"
PRIVATE_KEY = "keys/host.key"
_PUBLIC_KEY = "keys/host.pub"
_SEGMENTS = "log/segments"
_ELSEWHERE = (_SEGMENTS, "profiles/", "cache/", ".")
"""Closed segments are files; another profile is a store of its own."""
_REBUILT = ("log/search.db", "log/segments/next.db")
_CHUNK = 1 << 20
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
_PLACES = {
    "database": re.compile(rf"({_NAME}/)*{_NAME}\.db"),
    "file": re.compile(rf"{_SEGMENTS}/\d+-\d+\.db|{_PUBLIC_KEY}|{PRIVATE_KEY}"),
    "table": re.compile(rf"postgres/{_NAME}/{_NAME}"),
}
"""Where a part may come from, and go to; nothing in a file leads anywhere else."""


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a backup.

    Attributes:
        name: its file below the state folder; for a table ``postgres/SCHEMA/TABLE``.
        kind: "database" is copied page by page, "file" byte by byte, "table" row by row.
        digest: SHA-256 of the part, in hexadecimal. columns: of a table.
    """

    name: str
    kind: Literal["database", "file", "table"]
    bytes: int
    digest: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        made: UTC, ISO 8601. version: of the program. host: the name of the key that sealed its requests.
        store: where requests were kept, for a person. versions: of the families of tables.
        engine: the version of the engine's tables there.
    """

    made: str
    version: str
    host: str
    store: str
    items: tuple[Item, ...]
    versions: Mapping[str, int] = field(default_factory=dict)
    engine: int | None = None

    @property
    def shared(self) -> bool:
        """It holds a company's store, not only a machine's state."""
        return any(item.kind == "table" for item in self.items)

    def document(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}


def back_up(parts: Parts, file: Path, *, with_key: bool = False) -> Backup:
    """Write a backup of the store and of this machine's state to a new file.

    Args:
        with_key: the host's private key too; whoever reads the file can then sign as this host.

    Raises:
        Failed: the file is there already, a database is damaged, or something cannot be read.
        StoreUnreachable: the store gives no answer.
    """
    with _workplace(parts.paths.state) as folder, _Writer(file) as writer:
        versions: Mapping[str, int] = {one.family: one.version for one in parts.store.standing()}
        engine = None
        if parts.config.store.url:
            versions, engine = _tables(parts, folder, writer)
        for name in _databases(parts.paths.state):
            copy = folder / "copy.db"
            _copy_database(parts.paths.state / name, copy)
            writer.add(Item(name, "database", *_measured(copy)), copy)
        for name in _files(parts.paths.state, with_key):
            path = parts.paths.state / name
            writer.add(Item(name, "file", *_measured(path)), path)
        backup = Backup(
            parts.clock().isoformat(), __version__, parts.host_key.public.name, parts.store.place,
            tuple(writer.items), versions, engine,
        )  # fmt: skip
        writer.finish(backup)
    return backup


class _Writer:
    """The tar file while it is written; what is not finished is taken away again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.items: list[Item] = []
        self._done = False

    def __enter__(self) -> _Writer:
        self._stream = os.fdopen(open_new_private(self._file), "wb")
        self._tar = tarfile.open(fileobj=self._stream, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        if not self._done:
            self._file.unlink(missing_ok=True)

    def add(self, item: Item, path: Path) -> None:
        with path.open("rb") as content:
            self._member(item.name, item.bytes, content)
        self.items.append(item)

    def finish(self, backup: Backup) -> None:
        text = json.dumps(backup.document(), indent=2, sort_keys=True).encode()
        try:
            self._member(MANIFEST, len(text), io.BytesIO(text))
            self._tar.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise _not_written(self._file, error) from error
        self._done = True

    def _member(self, name: str, size: int, content: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        try:
            self._tar.addfile(member, content)
        except OSError as error:
            raise _not_written(self._file, error) from error


def _tables(parts: Parts, folder: Path, writer: _Writer) -> tuple[Mapping[str, int], int | None]:
    from helpdesk.app.storing import postgres_store
    from helpdesk.connectors.postgres_copy import Table, copy_out

    copies: list[tuple[Table, Path]] = []

    def sink(table: Table) -> IO[bytes]:
        path = folder / f"table{len(copies)}"
        copies.append((table, path))
        return os.fdopen(open_new_private(path), "wb")

    moment = copy_out(postgres_store(parts), sink)
    for table, path in copies:
        name = f"postgres/{table.schema}/{table.name}"
        writer.add(Item(name, "table", *_measured(path), table.columns), path)
        path.unlink()
    return moment.versions, moment.engine


def _databases(state: Path) -> Iterator[str]:
    """Every database of this machine, the log last; its closed segments are files."""
    found = sorted(path.relative_to(state).as_posix() for path in state.rglob("*.db") if path.is_file())
    names = [name for name in found if not name.startswith(_ELSEWHERE) and name not in _REBUILT]
    yield from (name for name in names if name != LOG)
    if LOG in names:
        yield LOG


def _files(state: Path, with_key: bool) -> Iterator[str]:
    segments = sorted((state / _SEGMENTS).glob("*-*.db"))
    yield from (path.relative_to(state).as_posix() for path in segments)
    keys = (_PUBLIC_KEY, PRIVATE_KEY) if with_key else (_PUBLIC_KEY,)
    yield from (name for name in keys if (state / name).exists())


def _copy_database(source: Path, copy: Path) -> None:
    """As it stands at one moment, and proven to be whole. Raises Failed."""
    copy.unlink(missing_ok=True)
    os.close(open_new_private(copy))
    try:
        with (
            closing(sqlite3.connect(source, timeout=30)) as opened,
            closing(sqlite3.connect(copy)) as written,
        ):
            opened.backup(written)
            written.execute("PRAGMA journal_mode = DELETE")
            (said,) = written.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        raise Failed(
            f"{source.name} cannot be copied: {error}.", hint="helpdesk doctor", code="backup"
        ) from error
    if said != "ok":
        raise Failed(f"{source.name} is damaged: {said}.", hint="helpdesk doctor says more.", code="backup")


# ── reading one ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def opened_backup(file: Path) -> Iterator[tuple[Backup, tarfile.TarFile]]:
    """A backup whose every part was read and found as it was written.

    Raises:
        Failed: it is no backup, or it is damaged ("backup-damaged").
    """
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(os.fdopen(reopen_private(file), "rb"))
            tar = stack.enter_context(tarfile.open(fileobj=stream, mode="r:"))
            backup = _checked(tar)
        except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Failed(
                f"{file.name} is no backup, or it is damaged: {error}.", code="backup-damaged"
            ) from error
        except OSError as error:
            raise Failed(
                f"{file} cannot be read: {error.strerror or error}.", code="backup-damaged"
            ) from error
        yield backup, tar


def part_of(tar: tarfile.TarFile, item: Item) -> IO[bytes]:
    """What is in one part. Raises KeyError where there is none."""
    found = tar.extractfile(item.name)
    if found is None:
        raise KeyError(item.name)
    return found


def _checked(tar: tarfile.TarFile) -> Backup:
    """Raises ValueError, KeyError, TypeError, AttributeError for what is no backup."""
    backup = _manifest(tar)
    for item in backup.items:
        if _digest_of(part_of(tar, item)) != (item.bytes, item.digest):
            raise ValueError(f"{item.name} is not as it was written")
    return backup


def _manifest(tar: tarfile.TarFile) -> Backup:
    found = tar.extractfile(MANIFEST)
    document = json.loads(found.read()) if found else {}
    if document.pop("schema", "") != SCHEMA:
        raise ValueError("its manifest is of another kind")
    items = tuple(Item(**{**item, "columns": tuple(item["columns"])}) for item in document.pop("items"))
    for item in items:
        if not _PLACES[item.kind].fullmatch(item.name):
            raise ValueError(f"{item.name} is no part of a backup")
    return Backup(items=items, **document)


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return _digest_of(file)


def _digest_of(file: IO[bytes]) -> tuple[int, str]:
    """Length and SHA-256."""
    digest, size = hashlib.sha256(), 0
    while part := file.read(_CHUNK):
        digest.update(part)
        size += len(part)
    return size, digest.hexdigest()


@contextmanager
def _workplace(state: Path) -> Iterator[Path]:
    """A private folder on the disk of the state, gone afterwards; one that a crash left is taken away first."""
    folder = state / ".backup"
    shutil.rmtree(folder, ignore_errors=True)
    private_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _not_written(file: Path, error: OSError) -> Failed:
    return Failed(f"{file} cannot be written: {error.strerror or error}.", hint="Make room.", code="backup")
