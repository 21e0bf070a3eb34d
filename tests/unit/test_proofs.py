"""Proofs out of the tree and out of the log, held to published vectors and to verifiers written here anew."""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import Failed, LogUnavailable, NotFound, UsageError
from helpdesk.gate.audit_proofs import StoredNodes
from helpdesk.gate.audit_view import Closed, View
from helpdesk.gate.keys import PUBLIC, PublicKey, read_public
from helpdesk.gate.merkle import Tree, consistent, includes, leaf_hash
from helpdesk.gate.merkle_proofs import consistency, inclusion, over
from helpdesk.gate.proof_check import check_proof
from tests.unit.audit_world import attacker, open_log, story

# The input of the vectors: eight leaves that every implementation of RFC 6962 tests with.
INPUTS = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
INPUTS.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))


# ── an implementation of its own, from the definitions in RFC 6962, section 2.1 ───────────────


def mth(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = largest_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def largest_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def audit_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_below(len(leaves))
    if m < k:
        return [*audit_path(m, leaves[:k]), mth(leaves[k:])]
    return [*audit_path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


# ── making proofs ─────────────────────────────────────────────────────────────────────────────


def vectors(shared_data: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared_data / "rfc6962" / name).read_text().splitlines()]


def decoded(steps: list[str] | None) -> list[bytes]:
    return [b64decode(step) for step in steps or []]


@pytest.mark.req("A4")
def test_made_inclusion_proofs_are_those_of_the_vectors(shared_data: Path) -> None:
    """A good vector is reproduced; a bad one is never what is made for its place."""
    seen = good = 0
    for vector in vectors(shared_data, "inclusion.jsonl"):
        seen += 1
        leaves = [leaf_hash(data) for data in INPUTS]
        if vector["case"] == "inclusion/single-entry/matching-root-and-leaf.json":
            leaves = [b64decode(vector["leafHash"])]  # a tree of one leaf, which is the vector's own
        index, size, proof = vector["leafIdx"], vector["treeSize"], decoded(vector["proof"])
        root, leaf = b64decode(vector["root"] or ""), b64decode(vector["leafHash"] or "")
        try:
            made = inclusion(index, size, over(leaves)) if size <= len(leaves) else None
        except ValueError:
            made = None
        told = made is not None and (made, Tree().grown(leaves[:size]).root, leaves[index]) == (
            proof,
            root,
            leaf,
        )
        assert told is not bool(vector["wantErr"]), vector["case"]
        good += told
    assert (seen, good >= 5) == (98, True)


@pytest.mark.req("A4")
def test_made_consistency_proofs_are_those_of_the_vectors(shared_data: Path) -> None:
    seen = good = 0
    for vector in vectors(shared_data, "consistency.jsonl"):
        seen += 1
        leaves = [leaf_hash(data) for data in INPUTS]
        if vector["case"] == "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json":
            leaves = [b64decode(vector["root1"])]  # a tree of one leaf, which is the vector's own
        size1, size2, proof = vector["size1"], vector["size2"], decoded(vector["proof"])
        roots = b64decode(vector["root1"] or ""), b64decode(vector["root2"] or "")
        try:
            made = consistency(size1, size2, over(leaves)) if size2 <= len(leaves) else None
        except ValueError:
            made = None
        told = made is not None and (
            made,
            (Tree().grown(leaves[:size1]).root, Tree().grown(leaves[:size2]).root),
        ) == (proof, roots)
        assert told is not bool(vector["wantErr"]), vector["case"]
        good += told
    assert (seen, good >= 4) == (98, True)


@pytest.mark.req("A4")
def test_made_proofs_are_those_of_the_definition() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(40)]
    for size in range(1, 41):
        root = mth(leaves[:size])
        for m in range(size):
            path = inclusion(m, size, over(leaves))
            assert path == audit_path(m, leaves[:size])
            assert includes(leaves[m], m, size, path, root)
            old = consistency(m + 1, size, over(leaves))
            assert old == subproof(m + 1, leaves[:size], True)
            assert consistent(m + 1, mth(leaves[: m + 1]), size, root, old)
    for size1, size2 in ((0, 3), (4, 3), (-1, 1)):
        with pytest.raises(ValueError):
            consistency(size1, size2, over(leaves))
    for index, size in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError):
            inclusion(index, size, over(leaves))


# ── a verifier of its own: C2SP signed-note and tlog-checkpoint, word for word ────────────────


def strictly_opened(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root; knows nothing of the program's own code."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, hint, key = vkey.rstrip("\n").split("+", 2)
    raw = b64decode(key, validate=True)
    assert raw[0] == 1
    assert len(raw) == 33
    assert sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == hint
    assert name
    assert not any(c.isspace() or c == "+" for c in name)
    assert note.endswith("\n")
    assert not any(ord(c) < 32 and c != "\n" for c in note)
    text, signatures = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
    verified = 0
    for line in signatures.removesuffix("\n").split("\n"):
        dash, signer, data = line.split(" ")
        assert dash == "\u2014"
        blob = b64decode(data, validate=True)
        assert len(blob) > 4
        if signer == name and blob[:4].hex() == hint:
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(blob[4:], text.encode())
            verified += 1
    assert verified == 1
    origin, size, root, *extensions = text.removesuffix("\n").split("\n")
    assert origin == name
    assert size.isascii()
    assert size.isdigit()
    assert size == "0" or size[0] != "0"
    assert all(extensions)
    digest = b64decode(root, validate=True)
    assert len(digest) == 32
    assert b64encode(digest).decode() == root
    return origin, int(size), digest


@pytest.mark.req("A4")
def test_a_stranger_checks_what_the_log_hands_out(tmp_path: Path) -> None:
    """Every entry under every checkpoint that covers it, with the public file and the documents alone."""
    log = open_log(tmp_path)
    notes = []
    for _ in range(3):
        story(log)
        notes.append(log.checkpoint())
    vkey = (tmp_path / "keys" / PUBLIC).read_text()
    for seq in range(1, 22):
        for note in [n for n in notes if strictly_opened(n, vkey)[1] >= seq]:
            document = json.loads(json.dumps(log.prove(seq, note)))
            _, size, root = strictly_opened(document["checkpoint"], vkey)
            assert (document["index"], document["size"]) == (seq - 1, size)
            assert json.loads(document["entry"])["seq"] == seq
            found = sha256(b"\x00" + document["entry"].encode()).digest()
            assert b64encode(found).decode() == document["leaf"]
            assert climbed(found, seq - 1, size, decoded(document["path"])) == root
    everything = [leaf_hash(json.loads(json.dumps(log.prove(n)))["entry"].encode()) for n in range(1, 22)]
    for note in notes:
        document = log.prove_continues(note)
        _, size1, root1 = strictly_opened(document["old"], vkey)
        _, size2, root2 = strictly_opened(document["checkpoint"], vkey)
        assert (mth(everything[:size1]), mth(everything[:size2])) == (root1, root2)
        assert decoded(document["path"]) == subproof(size1, everything[:size2], True)


def climbed(found: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to, by the recursion of the definition."""
    if size == 1:
        assert path == []
        return found
    k = largest_below(size)
    if index < k:
        return sha256(b"\x01" + climbed(found, index, k, path[:-1]) + path[-1]).digest()
    return sha256(b"\x01" + path[-1] + climbed(found, index - k, size - k, path[:-1])).digest()


# ── proofs out of the log ─────────────────────────────────────────────────────────────────────


def public(root: Path) -> PublicKey:
    return read_public(root / "keys" / PUBLIC)


@pytest.mark.req("A4")
def test_proofs_over_many_entries_read_few_of_them(tmp_path: Path) -> None:
    """Inner hashes come from the stored edges; the proof is that of the definition all the same."""
    log = open_log(tmp_path)
    for _ in range(100):
        for kind in ("read", "intent", "outcome"):
            log.append(kind, {}, {})
    note = log.checkpoint()
    log.close()
    with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
        leaves = [row[0] for row in database.execute("SELECT hash FROM entries ORDER BY seq")]
        view = View(database, Closed(tmp_path / "log"))
        read: list[str] = []
        database.set_trace_callback(read.append)
        for seq in (1, 40, 128, 129, 256, 257, 300):
            read.clear()
            assert inclusion(seq - 1, 300, StoredNodes(view)) == audit_path(seq - 1, leaves)
            spans = [re.search(r"seq > (\d+) AND seq <= (\d+)", one) for one in read]
            assert 0 < sum(int(span[2]) - int(span[1]) for span in spans if span) <= 128
    proved = check_proof(json.dumps(log.prove(129)), public(tmp_path))
    assert (proved.kind, proved.size, proved.entry["seq"]) == ("inclusion", 300, 129)
    assert log.prove(129)["checkpoint"] == note


def test_a_proof_signs_what_is_not_signed_yet(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    log.append("read", {}, {})
    assert check_proof(json.dumps(log.prove(2)), public(tmp_path)).size == 2
    with pytest.raises(NotFound):
        log.prove(3)


@pytest.mark.req("A4")
def test_names_are_told_only_where_asked_and_provably(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    story(log)
    assert "Ünlocked" not in json.dumps(log.prove(5), ensure_ascii=False)
    document = log.prove(5, names=True)
    told = check_proof(json.dumps(document), public(tmp_path))
    assert told.personal == {"actor": "ana", "message": "Ünlocked."}
    document["personal"]["actor"]["value"] = '"mallory"'
    with pytest.raises(Failed, match="actor"):
        check_proof(json.dumps(document), public(tmp_path))


def _spoilt(document: dict[str, Any]) -> list[Callable[[dict[str, Any]], None]]:
    """Every way to change one part."""
    ways: list[Callable[[dict[str, Any]], None]] = [
        lambda d: d.update(entry=d["entry"].replace("ana", "eve").replace("read", "reed")),
        lambda d: d.update(index=d["index"] + 1),
        lambda d: d.update(index=d["index"] - 1),
        lambda d: d.update(size=d["size"] - 1),
        lambda d: d.update(leaf=d["path"][0]),
        lambda d: d.update(path=d["path"][:-1]),
        lambda d: d.update(path=[*d["path"], d["path"][0]]),
        lambda d: d.update(path=d["path"][::-1]),
        lambda d: d.update(checkpoint=d["checkpoint"].replace("\n7\n", "\n6\n")),
    ]
    return ways


@pytest.mark.req("A1")
def test_a_spoilt_proof_does_not_hold(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    story(log)
    document = log.prove(4, log.checkpoint())
    key = public(tmp_path)
    assert check_proof(json.dumps(document), key).entry["kind"] == "read"
    for way in _spoilt(document):
        spoilt = json.loads(json.dumps(document))
        way(spoilt)
        assert spoilt != document
        with pytest.raises(Failed, match="does not hold"):
            check_proof(json.dumps(spoilt), key)
    stranger = open_log(tmp_path / "other")
    stranger.append("read", {}, {})
    with pytest.raises(Failed):
        check_proof(json.dumps(document), public(tmp_path / "other"))
    for text in (
        "",
        "[]",
        "{}",
        '{"schema": "helpdesk.proof/1", "kind": "x"}',
        json.dumps({**document, "index": "3"}),
    ):
        with pytest.raises(UsageError):
            check_proof(text, key)


@pytest.mark.req("A2")
def test_a_kept_checkpoint_is_continued_or_not(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    story(log)
    kept = log.checkpoint()
    story(log)
    document = json.dumps(log.prove_continues(kept))
    proved = check_proof(document, public(tmp_path), kept)
    assert (proved.kind, proved.old_size, proved.size) == ("consistency", 7, 14)
    newer = log.checkpoint()
    with pytest.raises(Failed, match="yours, over 14"):
        check_proof(document, public(tmp_path), newer)
    assert check_proof(json.dumps(log.prove(3, kept)), public(tmp_path), kept).size == 7
    with pytest.raises(Failed, match="not under that checkpoint"):
        log.prove(9, kept)
    log.close()
    for name in ("log.db", "log.db-wal", "log.db-shm", "checkpoint"):
        (tmp_path / "log" / name).unlink(missing_ok=True)
    anew = open_log(tmp_path)
    with pytest.raises(LogUnavailable, match="does not continue"):
        anew.prove_continues(kept)
    for _ in range(3):
        story(anew)
    with pytest.raises(LogUnavailable, match="does not continue"):
        anew.prove_continues(kept)
    with pytest.raises(Failed, match="no checkpoint of this log"):
        anew.prove_continues(kept.replace("\n7\n", "\n6\n"))


@pytest.mark.req("A1")
def test_no_proof_comes_out_of_a_log_that_was_altered(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(5):
        story(log)
    log.close()
    with attacker(tmp_path / "log") as database:
        database.execute(
            "UPDATE entries SET entry = replace(entry, 'access.list', 'access.lost') WHERE seq = 4"
        )
    again = open_log(tmp_path)
    with pytest.raises(LogUnavailable, match="entry 4 does not stand"):
        again.prove(4)
    with attacker(tmp_path / "log") as database:
        database.execute("UPDATE entries SET hash = zeroblob(32) WHERE seq = 1")
    with pytest.raises(LogUnavailable, match="entry 2 does not stand"):
        open_log(tmp_path).prove(2)
