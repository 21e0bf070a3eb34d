"""Many entries in one commit: in order, all or none, each number told only when it is on the disk (R1)."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from helpdesk.canonical import canonical
from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Draft, Head, Sealed, drafted, seal
from helpdesk.gate.audit_together import Together
from tests.unit.audit_world import Clock, checked, open_log

pytestmark = pytest.mark.req("R1")
SECONDS = 20


def commits(log: AuditLog) -> list[str]:
    """Grows with every commit from now on."""
    found: list[str] = []
    log._open().set_trace_callback(lambda text: found.append(text) if text == "COMMIT" else None)
    return found


def test_many_entries_are_one_commit_in_their_order(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    seen = commits(log)
    numbers = log.append_many([("read", {"n": n}, {"actor": f"é{n}"}) for n in range(50)])
    assert numbers == list(range(2, 52))
    assert len(seen) == 1
    assert [entry.body["n"] for entry in log.entries(1)] == list(range(50))
    assert log.append_many([]) == []
    log.close()
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.signed) == (True, 51, 51)


def test_all_of_them_or_none(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(TypeError):
        log.append_many([("read", {}, {}), ("intent", {}, {}), ("read", {"half": 0.5}, {})])
    assert log.entries() == []
    assert list((tmp_path / "log" / "running").iterdir()) == []
    assert log.append("read", {}, {}) == 1


def test_intents_of_one_commit_each_run_until_their_outcome(tmp_path: Path) -> None:
    log, other = open_log(tmp_path), open_log(tmp_path)
    first, second = log.append_many([("intent", {"action": "a"}, {}), ("intent", {"action": "b"}, {})])
    assert other.interrupted() == []
    log.append_many([("outcome", {"intent": first, "outcome": "done"}, {})])
    log._runs.close()  # what a killed process leaves
    assert [entry.seq for entry in other.interrupted()] == [second]


def test_threads_that_wait_share_one_commit(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    seen, numbers = commits(log), [0] * 6

    def add(n: int) -> None:
        numbers[n] = log.append("read", {"thread": n}, {"actor": "ana"})

    threads = [threading.Thread(target=add, args=(n,)) for n in range(6)]
    with log._guard:
        for thread in threads:
            thread.start()
        pause = threading.Event()
        for _ in range(SECONDS * 100):
            if len(log._together._waiting) == 6:
                break
            pause.wait(0.01)
        assert seen == []
    for thread in threads:
        thread.join(SECONDS)
    assert len(seen) == 1
    assert sorted(numbers) == list(range(2, 8))
    assert all(log.entry(number).body == {"thread": n} for n, number in enumerate(numbers))


def test_actions_in_company_wait_for_one_another_and_for_the_disk_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    log._together.patience = SECONDS
    seen = commits(log)

    def act(name: str) -> None:
        with log.company():
            everybody.wait(SECONDS)
            first = log.append("intent", {"action": name}, {})
            log.append("outcome", {"intent": first, "outcome": "done"}, {})

    everybody = threading.Barrier(6)
    threads = [threading.Thread(target=act, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    kinds = [entry.kind for entry in log.entries(1)]
    assert (kinds[:6], sorted(kinds)) == (["intent"] * 6, ["intent"] * 6 + ["outcome"] * 6)
    assert 2 <= len(seen) <= 7  # whoever leaves makes the company smaller
    assert log.interrupted() == []


def test_whoever_is_late_is_not_waited_for(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with log.company(), log.company():  # the other one never comes
        assert log.append("intent", {"action": "a"}, {}) == 1
    log._together.patience = 10 * SECONDS
    assert log.append("outcome", {"intent": 1, "outcome": "done"}, {}) == 2  # alone, it waits for nobody


def test_when_the_one_who_writes_fails_the_others_write_for_themselves() -> None:
    guard, failed = threading.RLock(), threading.Event()
    together = Together(guard)
    told: dict[str, list[str]] = {}

    def write(drafts: Sequence[Draft]) -> list[Sealed]:
        if not failed.is_set():
            failed.set()
            raise sqlite3.OperationalError("disk I/O error")
        return [draft.sealed(Head(n), Clock()()) for n, draft in enumerate(drafts)]

    def add(name: str) -> None:
        try:
            told[name] = [item.kind for item in together.add([drafted(name, {}, {})], write)]
        except sqlite3.OperationalError as error:
            told[name] = [str(error)]

    threads = [threading.Thread(target=add, args=(name,)) for name in ("a", "b", "c")]
    with guard:
        for thread in threads:
            thread.start()
        pause = threading.Event()
        for _ in range(SECONDS * 100):
            if len(together._waiting) == 3:
                break
            pause.wait(0.01)
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(told) == ["a", "b", "c"]
    assert list(told.values()).count(["disk I/O error"]) == 1
    assert all(value in ([name], ["disk I/O error"]) for name, value in told.items())
    assert not together._waiting


@pytest.mark.req("A5")
@pytest.mark.parametrize(
    ("kind", "body", "personal", "run"),
    [
        ("read", {"b": 1, "a": None, "c": True}, {"target": "Bo", "actor": "ana"}, ""),
        ("intent", {"deep": [1, {"z": "\u2028", "a": "é\udcff"}]}, {"é\n": 'x"\\', "a": 3}, "00ff"),
        ('ki"nd', {"a": "\x7f\x00"}, {}, ""),
    ],
)
def test_an_entry_put_together_from_pieces_is_canonical(
    kind: str, body: dict[str, object], personal: dict[str, str | int], run: str
) -> None:
    for head in (Head(), Head(3, b"\x01" * 32, "9999")):
        text = seal(head, Clock()(), kind, body, personal, run).text
        document = json.loads(text)
        assert text.encode() == canonical(document)
        assert (document["kind"], "clock" in document) == (kind, head.seq == 3)


def test_a_float_deep_inside_is_refused() -> None:
    for body in ({"a": 0.5}, {"a": [{"b": 0.5}]}):
        with pytest.raises(TypeError):
            drafted("read", body, {})


def test_a_commit_that_fails_tells_no_number(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    pages = log._open().execute("PRAGMA page_count").fetchone()[0]
    log._open().execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LogUnavailable, match="disk is full"):
        log.append_many([("intent", {"action": "x" * 900}, {})] * 40)
    assert [entry.seq for entry in log.entries()] == [1]
    assert list((tmp_path / "log" / "running").iterdir()) == []
