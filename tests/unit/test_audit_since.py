"""A check that begins at a checkpoint: it finds what was done after it, and holds the log to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpdesk.gate.audit import Verification
from helpdesk.gate.audit_verify import verify_log
from helpdesk.gate.keys import PUBLIC, read_public
from tests.unit.audit_world import attacker, checked, open_log, story


def since(root: Path, checkpoint: str) -> Verification:
    return verify_log(root / "log", read_public(root / "keys" / PUBLIC), checkpoint, since=True)


@pytest.mark.req("A2")
@pytest.mark.parametrize("kept_after", [1, 2, 3, 7])
def test_what_came_after_a_checkpoint_is_checked_alone(tmp_path: Path, kept_after: int) -> None:
    log = open_log(tmp_path)
    for _ in range(kept_after):
        log.append("read", {}, {"actor": "ana"})
    kept = log.checkpoint()
    assert (since(tmp_path, kept).ok, since(tmp_path, kept).entries) == (True, kept_after)
    story(log)
    log.close()
    found = since(tmp_path, kept)
    assert (found.ok, found.entries, found.since, found.signed) == (
        True,
        kept_after + 7,
        kept_after,
        kept_after + 7,
    )
    for seq in range(kept_after + 1, kept_after + 8):
        with copied(tmp_path) as copy, attacker(copy / "log") as database:
            database.execute(
                "UPDATE entries SET entry = replace(entry, 'body', 'bodi') WHERE seq = ?", (seq,)
            )
        assert (since(copy, kept).ok, since(copy, kept).first_bad) == (False, seq)
    with copied(tmp_path) as copy, attacker(copy / "log") as database:
        database.execute("DELETE FROM entries WHERE seq > ?", (kept_after + 3,))
        database.execute("DELETE FROM checkpoints WHERE size > ?", (kept_after + 3,))
    assert since(copy, kept).first_bad == kept_after + 4


@pytest.mark.req("A2")
def test_a_log_that_does_not_continue_the_checkpoint_is_checked_whole(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    story(log)
    kept = log.checkpoint()
    story(log)
    log.close()
    with copied(tmp_path) as copy, attacker(copy / "log") as database:
        database.execute("UPDATE entries SET entry = replace(entry, 'cancelled', 'canceled') WHERE seq = 7")
    assert (since(copy, kept).first_bad, since(copy, kept).since) == (7, 0)
    with copied(tmp_path) as copy, attacker(copy / "log") as database:
        database.execute("DELETE FROM entries WHERE seq >= 6")
    assert since(copy, kept).first_bad == 6
    with copied(tmp_path) as copy, attacker(copy / "log") as database:
        database.execute("DELETE FROM checkpoints WHERE size < 14")
    assert since(copy, kept).ok  # from the hashes of the entries, where the edge is gone
    assert not since(tmp_path, kept.replace("\n7\n", "\n6\n")).ok
    shutil.rmtree(tmp_path / "log")
    anew = open_log(tmp_path)
    for _ in range(3):
        anew.append("read", {}, {})
    anew.close()
    assert not since(tmp_path, kept).ok


def test_a_check_since_a_checkpoint_reads_only_what_came_after(tmp_path: Path) -> None:
    """What lies before is not looked at: that is why it is quick, and why a whole check is needed too."""
    log = open_log(tmp_path)
    story(log)
    kept = log.checkpoint()
    log.append("read", {}, {})
    log.close()
    with attacker(tmp_path / "log") as database:
        database.execute("UPDATE entries SET entry = replace(entry, 'Ana', 'Eve'), time = 'x' WHERE seq = 2")
    assert since(tmp_path, kept).ok
    assert checked(tmp_path).first_bad == 2


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of a host's folders, to spoil."""
    copy = root.parent / f"{root.name}-{os.urandom(4).hex()}"
    shutil.copytree(root, copy)
    yield copy
