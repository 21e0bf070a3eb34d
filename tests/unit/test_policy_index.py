"""The index follows the folders, keeps inside them, and says what it could not read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.plugin import Failed
from helpdesk_policy import folders, hypertext, index, markdown
from helpdesk_policy.folders import Source
from helpdesk_policy.index import Index, Report, with_index
from tests.unit.policy_world import Policies, company

IMPORTED = (hypertext, markdown)
"""Imported now: a test that takes the rights away may not be able to any more."""


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    return company(tmp_path / "handbook")


@pytest.fixture
def policies(tmp_path: Path, handbook: Path) -> Policies:
    return Policies(tmp_path / "cache", handbook)


def refresh(folder: Path, cache: Path) -> Report:
    cache.mkdir(mode=0o700, exist_ok=True)
    return with_index(cache, lambda one: one.refresh([Source("handbook", folder)]))


# ── fresh ─────────────────────────────────────────────────────────────────────────────────────


def test_a_new_a_changed_and_a_removed_document_are_known_at_the_next_question(
    policies: Policies, handbook: Path
) -> None:
    assert policies.ask("may I bring my dog").citations == ()
    dogs = handbook / "dogs.md"
    dogs.write_text("# Dogs\n\nYou may bring your dog on Fridays.\n")
    assert policies.places("may I bring my dog") == [("dogs.md", "Dogs", 3)]
    dogs.write_text("# Cats\n\n\nYou may bring your cat on Mondays.\n")
    assert policies.ask("may I bring my dog").citations == ()
    assert policies.places("may I bring my cat") == [("dogs.md", "Cats", 4)]
    dogs.unlink()
    assert policies.ask("may I bring my cat").citations == ()


def test_a_change_of_the_same_size_at_the_same_time_is_seen(policies: Policies, handbook: Path) -> None:
    file = handbook / "pets.md"
    file.write_text("# Pets\n\nDogs are welcome.\n")
    before = file.stat()
    assert policies.places("dogs")
    file.write_text("# Pets\n\nCats are welcome.\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert policies.places("cats")
    assert not policies.places("dogs")


def test_only_what_changed_is_read_again(
    tmp_path: Path, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = refresh(handbook, tmp_path / "cache")
    assert (first.documents, first.changed) == (3, 3)
    read: list[str] = []
    real = folders.read

    def counted(found: folders.Found, source: Source) -> bytes:
        read.append(found.file)
        return real(found, source)

    monkeypatch.setattr(folders, "read", counted)
    assert refresh(handbook, tmp_path / "cache").changed == 0
    (handbook / "visitors.txt").write_text("VISITORS\n\nNone today.\n")
    assert refresh(handbook, tmp_path / "cache").changed == 1
    assert read == ["visitors.txt"]


def test_a_folder_taken_out_of_the_configuration_is_forgotten(tmp_path: Path, handbook: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "dogs.md").write_text("# Dogs\n\nDogs are welcome.\n")
    assert Policies(tmp_path / "cache", handbook, other).places("dogs welcome")
    assert not Policies(tmp_path / "cache", handbook).places("dogs welcome")


def test_index_reads_everything_again_and_says_how_much(policies: Policies) -> None:
    answer = policies.rebuild()
    assert answer.data["documents"] == 3
    assert answer.data["passages"] == 7
    assert answer.receipt[0].observed == "3"


def test_many_ask_at_once(tmp_path: Path, handbook: Path) -> None:
    policies = Policies(tmp_path / "cache", handbook)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: policies.places("photographs in the laboratory"), range(16)))
    assert set(map(tuple, answers)) == {(("visitors.txt", "1. Photography", 7),)}


# ── inside ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S7")
def test_links_out_of_the_folder_are_refused_and_named(
    tmp_path: Path, policies: Policies, handbook: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("# Secret\n\nThe xyzzy is under the doormat.\n")
    (handbook / "link.md").symlink_to(outside / "secret.md")
    (handbook / "folder").symlink_to(outside)
    answer = policies.ask("where is the xyzzy under the doormat")
    assert answer.citations == ()
    assert str(handbook / "link.md") in answer.message
    assert "link out of its policy folder" in answer.message
    assert len(answer.data["warnings"]) == 2


def test_a_file_swapped_for_a_link_after_the_listing_is_not_followed(tmp_path: Path, handbook: Path) -> None:
    source = Source("handbook", handbook)
    found = next(one for one in folders.scan(source)[0] if one.file == "visitors.txt")
    secret = tmp_path / "secret.txt"
    secret.write_text("xyzzy")
    (handbook / "visitors.txt").unlink()
    (handbook / "visitors.txt").symlink_to(secret)
    with pytest.raises(OSError, match=r"leads out|symbolic"):
        folders.read(found, source)


@pytest.mark.req("S7")
def test_the_index_is_private_from_its_first_moment(tmp_path: Path, handbook: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "cache").mkdir(mode=0o700)

        def look(one: Index) -> list[int]:
            one.refresh([Source("handbook", handbook)])
            return [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()]

        modes = with_index(tmp_path / "cache", look)
    finally:
        os.umask(before)
    assert len(modes) == 3  # the database, its log and the log's index
    assert set(modes) == {0o600}


# ── what cannot be read ───────────────────────────────────────────────────────────────────────


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(Failed) as error:
        Policies(tmp_path / "cache", tmp_path / "nowhere").ask("hotels")
    assert str(tmp_path / "nowhere") in error.value.message
    assert "no such file" in error.value.message
    assert error.value.code == "policy-unreadable"


def test_a_missing_folder_beside_a_good_one_is_told_and_never_means_silence(
    tmp_path: Path, handbook: Path
) -> None:
    policies = Policies(tmp_path / "cache", handbook, tmp_path / "nowhere")
    answer = policies.ask("may I take photographs in the laboratory")
    assert answer.citations
    assert str(tmp_path / "nowhere") in answer.message
    with pytest.raises(Failed) as error:
        policies.ask("may I bring my dog")
    assert str(tmp_path / "nowhere") in error.value.message


def test_a_source_that_is_a_file_and_an_empty_folder_are_told(tmp_path: Path, handbook: Path) -> None:
    with pytest.raises(Failed, match="not a directory"):
        Policies(tmp_path / "cache", handbook / "visitors.txt").ask("hotels")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failed, match="no documents"):
        Policies(tmp_path / "cache", tmp_path / "empty").ask("hotels")


@pytest.fixture
def without_rights() -> Iterator[Path]:
    """A folder that can be locked for this process: root becomes nobody while the test runs."""
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="helpdesk-policies-"))
    folder.chmod(0o755)
    company(folder / "handbook")
    (folder / "cache").mkdir(mode=0o700)
    if root:
        os.chown(folder / "cache", 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in (folder / "handbook", folder / "handbook" / "data"):
            path.chmod(0o755)
        shutil.rmtree(folder)


def _lock(path: Path) -> None:
    """Take the rights away, as the owner."""
    here = os.geteuid()
    os.seteuid(os.getuid())
    path.chmod(0)
    os.seteuid(here)


def test_a_locked_folder_is_an_error_and_a_locked_subfolder_is_told(without_rights: Path) -> None:
    handbook = without_rights / "handbook"
    policies = Policies(without_rights / "cache", handbook)
    assert policies.places("how long may I keep customer data")
    _lock(handbook / "data")
    answer = policies.ask("may I take photographs in the laboratory")
    assert str(handbook / "data") in answer.message
    assert "permission denied" in answer.message
    with pytest.raises(Failed) as error:  # once readable is not readable now
        policies.ask("how long may I keep customer data")
    assert str(handbook / "data") in error.value.message
    _lock(handbook)
    with pytest.raises(Failed, match="No policy could be read"):
        policies.ask("may I take photographs in the laboratory")


def test_a_locked_file_is_named_and_read_once_it_is_unlocked(without_rights: Path) -> None:
    file = without_rights / "handbook" / "visitors.txt"
    policies = Policies(without_rights / "cache", without_rights / "handbook")
    _lock(file)
    answer = policies.ask("may I take photographs in the laboratory")
    assert answer.citations == ()
    assert f"{file} cannot be read: permission denied" in answer.message
    here = os.geteuid()
    os.seteuid(os.getuid())
    file.chmod(0o644)
    os.seteuid(here)
    assert policies.places("may I take photographs in the laboratory")


def test_what_is_too_large_no_text_or_no_file_is_named(
    policies: Policies, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_FILE", 4096)
    (handbook / "large.md").write_text("word " * 2000)
    (handbook / "binary.md").write_bytes(b"\x00\x01\x02")
    os.mkfifo(handbook / "pipe.md")
    warnings = policies.rebuild().data["warnings"]
    assert [w.split("/")[-1].split(" ")[0] for w in sorted(warnings)] == ["binary.md", "large.md", "pipe.md"]


def test_hidden_files_and_other_kinds_are_not_policies(policies: Policies, handbook: Path) -> None:
    (handbook / ".git").mkdir()
    (handbook / ".git" / "notes.md").write_text("# xyzzy\n\nxyzzy\n")
    (handbook / "image.png").write_bytes(b"xyzzy")
    answer = policies.ask("xyzzy")
    assert answer.citations == ()
    assert answer.data["warnings"] == []


def test_a_name_that_is_no_text_is_told(policies: Policies, handbook: Path) -> None:
    Path(os.fsdecode(os.fsencode(handbook) + b"/b\xff.md")).write_text("# x\n\ny\n")
    assert "b\\udcff.md has a name that is no text" in policies.rebuild().data["warnings"][0]


# ── the cache is only a cache ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("junk", [b"this is no database" * 400, b""])
def test_a_damaged_index_is_made_anew(tmp_path: Path, policies: Policies, junk: bytes) -> None:
    policies.ask("hotels")
    for side in ("-wal", "-shm"):
        (tmp_path / "cache" / f"{index.FILE}{side}").unlink(missing_ok=True)
    (tmp_path / "cache" / index.FILE).write_bytes(junk)
    assert policies.places("photographs in the laboratory") == [("visitors.txt", "1. Photography", 7)]
    assert (tmp_path / "cache" / index.FILE).read_bytes().startswith(b"SQLite format 3")


def test_an_index_with_a_damaged_page_is_made_anew(tmp_path: Path, handbook: Path) -> None:
    (handbook / "long.md").write_text("\n\n".join(f"# H{n}\n\n{'word ' * 50}{n}" for n in range(300)))
    policies = Policies(tmp_path / "cache", handbook)
    assert policies.places("photographs in the laboratory")
    file = tmp_path / "cache" / index.FILE
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(os.urandom(size - 4096))
    assert policies.places("photographs in the laboratory") == [("visitors.txt", "1. Photography", 7)]


def test_an_older_format_is_made_anew(tmp_path: Path, policies: Policies) -> None:
    policies.ask("hotels")
    with closing(sqlite3.connect(tmp_path / "cache" / index.FILE)) as database:
        database.execute("PRAGMA user_version = 999")
        database.execute("DROP TABLE documents")
    assert policies.places("photographs in the laboratory")


def test_a_full_disk_and_a_missing_cache_cost_time_and_nothing_else(
    tmp_path: Path, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Policies(tmp_path / "cache", handbook)
    nowhere.context.cache_dir = handbook / "visitors.txt" / "cache"
    assert nowhere.places("photographs in the laboratory")
    real = index._connected
    full: list[str] = []

    def small(name: str) -> sqlite3.Connection:
        database = real(name)
        if name != ":memory:":
            full.append(name)
            database.execute("PRAGMA max_page_count = 20")  # SQLite then says what it says on a full disk
        return database

    monkeypatch.setattr(index, "_connected", small)
    (handbook / "long.md").write_text("\n\n".join(f"# H{n}\n\n{'word ' * 50}{n}" for n in range(300)))
    policies = Policies(tmp_path / "cache", handbook)
    assert policies.places("photographs in the laboratory")
    assert full


def test_an_index_locked_by_another_program_is_not_waited_for_for_ever(
    tmp_path: Path, policies: Policies, handbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies.ask("hotels")
    monkeypatch.setattr(index, "BUSY_SECONDS", 0.05)
    (handbook / "dogs.md").write_text("# Dogs\n\nDogs are welcome.\n")
    with closing(sqlite3.connect(tmp_path / "cache" / index.FILE, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert policies.places("are dogs welcome") == [("dogs.md", "Dogs", 3)]
