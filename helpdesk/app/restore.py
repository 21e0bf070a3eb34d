"""A backup put back. The log is never put over another: it remembers what came after the backup.

A request that was carried out since the backup stands open again in the restored store. Nobody carries it out twice,
because whoever approves is told by the log of this machine (V4); so the log that is here stays, and one from the backup
is taken only where there is none. Databases are written as one transaction each, so that programs that have them open
see the old rows or the new ones; a company's store is put back in a single one.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from helpdesk.app.backup import LOG, PRIVATE_KEY, Backup, Item, opened_backup, part_of
from helpdesk.errors import Failed, Refused
from helpdesk.platform import create_private, lock, private_file, private_folder
from helpdesk.store import open_database

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts

Way = Literal["new", "over", "kept"]
ACTED_ON = ("directory.db", "tickets.db", "limits.db")
"""What requests act on, and what counts how much happened: as it is now is how it is, and only the one door changes it."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """What happens to one part: it is "new" here, goes "over" what is here, or what is here is "kept"."""

    item: Item
    way: Way


@dataclass(frozen=True, slots=True)
class Restored:
    """What was, or would be, put back. ``entry``: of the log that says so, or ``None`` where nothing was changed."""

    backup: Backup
    places: tuple[Place, ...]
    entry: int | None = None

    @property
    def over(self) -> tuple[str, ...]:
        return tuple(place.item.name for place in self.places if place.way == "over")


def restore(parts: Parts, file: Path, *, agreed: bool, dry_run: bool = False) -> Restored:
    """Put a backup back.

    Args:
        agreed: also over what is here. dry_run: only say what would happen.

    Raises:
        Refused: something would be overwritten, and nobody agreed to it ("would-overwrite").
        Failed: a worker serves this store ("worker-running"), the backup is damaged, of another kind of store, of
            another host, or of another version. StoreUnreachable.
    """
    with opened_backup(file) as (backup, tar):
        _fits(parts, backup)
        elsewhere = backup.shared and _has_key(parts) and parts.host_key.public.name != backup.host
        places = (Place(item, _way(parts, item, elsewhere=elsewhere)) for item in backup.items)
        found = Restored(backup, tuple(places))
        if dry_run:
            return found
        if found.over and not agreed:
            raise Refused(
                f"This would put the backup over what is here: {', '.join(found.over)}.",
                hint="--dry-run shows it; --yes does it.",
                code="would-overwrite",
            )
        with _nobody_serves(parts):
            if backup.shared:
                _put_tables(parts, tar, backup)
            _put_files(parts, tar, found)
    body = {"made": backup.made, "store": backup.store, "parts": len(found.places)}
    return Restored(backup, found.places, parts.audit.append("restore", body, {}))


def _fits(parts: Parts, backup: Backup) -> None:
    """Raises Failed where this program, or this host, could do nothing with the backup."""
    if backup.shared != bool(parts.config.store.url):
        kind = "a company's store in Postgres" if backup.shared else "one machine's store"
        raise Failed(
            f"The backup is of {kind}, and [store] here says otherwise.",
            hint="Set [store] url as it was when the backup was made.",
            code="backup-kind",
        )
    for one in parts.store.standing():
        if backup.versions.get(one.family, 0) > one.known:
            raise Failed(
                f"The backup holds version {backup.versions[one.family]} of {one.family}; this program knows {one.known}.",
                hint=f"Restore it with the program that wrote it: version {backup.version}.",
                code="backup-version",
            )
    if backup.shared:
        return  # any trusted host may put it back; what each of them sealed counts as before
    held = any(item.name == PRIVATE_KEY for item in backup.items)
    here = _has_key(parts)
    if here and parts.host_key.public.name != backup.host:
        raise Failed(
            f"The backup is of the host {backup.host}, and this one is {parts.host_key.public.name}.",
            hint="Its requests would have no effect here; put that host's key back first.",
            code="backup-host",
        )
    if not here and not held:
        raise Failed(
            f"The key of the host {backup.host} is neither here nor in the backup, and it sealed everything in it.",
            hint="Put its keys folder back first; a backup made with --with-key holds it.",
            code="backup-host",
        )


def _has_key(parts: Parts) -> bool:
    return (parts.paths.state / PRIVATE_KEY).exists()


def _way(parts: Parts, item: Item, *, elsewhere: bool) -> Way:
    """Args: elsewhere: a company's store was backed up from another machine, whose own state stays there."""
    if item.kind == "table":
        return "over"
    if elsewhere:
        return "kept"
    there = _holds_something(parts.paths.state / item.name)
    if item.name.startswith("log/"):
        return "kept" if _holds_something(parts.paths.state / LOG) else "new"
    never_over = item.kind == "file" or item.name in ACTED_ON
    return "new" if not there else "kept" if never_over else "over"


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


# ── putting it there ──────────────────────────────────────────────────────────────────────────


def _put_files(parts: Parts, tar: tarfile.TarFile, found: Restored) -> None:
    """Files before databases, and the log last of all: it is whole only with its segments and its key."""
    for place in sorted(found.places, key=lambda one: (one.item.kind != "file", one.item.name == LOG)):
        path = parts.paths.state / place.item.name
        if place.way == "kept" or place.item.kind == "table":
            continue
        with part_of(tar, place.item) as content:
            private_folder(path.parent)
            if place.item.kind == "database":
                _put_database(content, path)
            elif not path.exists():
                create_private(path, content.read())


def _put_database(content: IO[bytes], path: Path) -> None:
    """All of a database, in one transaction of the one that is there."""
    copy = path.with_name(f".{path.name}.restored")
    copy.unlink(missing_ok=True)
    private_file(copy)
    try:
        with copy.open("wb") as file:
            while part := content.read(_CHUNK):
                file.write(part)
        with closing(sqlite3.connect(copy)) as restored, closing(_usable(path)) as here:
            restored.backup(here)
        with closing(open_database(path)):  # the write-ahead log again, which the copy does without
            pass
    except (sqlite3.Error, OSError) as error:
        raise Failed(
            f"{path.name} cannot be put back: {error}.",
            hint="helpdesk doctor looks at the disk.",
            code="restore",
        ) from error
    finally:
        copy.unlink(missing_ok=True)


def _usable(path: Path) -> sqlite3.Connection:
    """The database that is there; one that is none is put aside."""
    try:
        return open_database(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        aside = f"broken-{int(time.time())}"
        for suffix in ("", "-wal", "-shm"):
            broken = path.with_name(path.name + suffix)
            if broken.exists():
                broken.rename(path.with_name(f"{broken.name}.{aside}"))
        return open_database(path)


def _put_tables(parts: Parts, tar: tarfile.TarFile, backup: Backup) -> None:
    from helpdesk.app.storing import make_engine_tables, postgres_store
    from helpdesk.connectors.postgres_copy import Moment, Table, copy_in

    by_table: dict[Table, Item] = {}
    for item in backup.items:
        if item.kind == "table":
            _, schema, name = item.name.split("/")
            by_table[Table(schema, name, item.columns)] = item
    if backup.engine is not None:
        make_engine_tables(parts)
    copy_in(
        postgres_store(parts),
        Moment(backup.versions, backup.engine),
        list(by_table),
        lambda table: part_of(tar, by_table[table]),
        parts.config.worker.takeover_seconds,
    )


@contextmanager
def _nobody_serves(parts: Parts) -> Iterator[None]:
    """While this lasts no worker of this machine begins. Raises Failed ("worker-running")."""
    if parts.config.store.url:  # asked in the very transaction that puts the rows back
        yield
        return
    path = parts.paths.state / "runs.lock"
    private_file(path)
    held = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    try:
        if not lock(held):
            raise worker_serves()
        yield
    finally:
        os.close(held)


def worker_serves() -> Failed:
    """The same sentence as for a company's store."""
    from helpdesk.connectors.postgres_copy import worker_serves as serves

    return serves()
