"""The tree over the log, held to the vectors of other implementations."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from helpdesk.gate.checkpoint import Checkpoint, opened
from helpdesk.gate.keys import HostKey
from helpdesk.gate.merkle import EMPTY_ROOT, Tree, consistent, includes, leaf_hash, node_hash
from tests.unit.audit_world import START


def _vectors(shared_data: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared_data / "rfc6962" / name).read_text().splitlines()]


def _bytes(vector: dict[str, Any], name: str) -> bytes:
    return b64decode(vector[name] or "")


def _proof(vector: dict[str, Any]) -> list[bytes]:
    return [b64decode(step) for step in vector["proof"] or []]


@pytest.mark.req("A4")
def test_inclusion_vectors(shared_data: Path) -> None:
    vectors = _vectors(shared_data, "inclusion.jsonl")
    wrong = [
        vector["case"]
        for vector in vectors
        if includes(
            _bytes(vector, "leafHash"),
            vector["leafIdx"],
            vector["treeSize"],
            _proof(vector),
            _bytes(vector, "root"),
        )
        is bool(vector["wantErr"])
    ]
    assert wrong == []
    assert len(vectors) >= 90


@pytest.mark.req("A4")
def test_consistency_vectors(shared_data: Path) -> None:
    vectors = _vectors(shared_data, "consistency.jsonl")
    wrong = [
        vector["case"]
        for vector in vectors
        if consistent(
            vector["size1"], _bytes(vector, "root1"), vector["size2"], _bytes(vector, "root2"), _proof(vector)
        )
        is bool(vector["wantErr"])
    ]
    assert wrong == []
    assert len(vectors) >= 90


def _root(leaves: list[bytes]) -> bytes:
    """As RFC 6962 defines it, from the top."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(_root(leaves[:half]), _root(leaves[half:]))


def test_grown_at_its_edge_it_has_the_root_of_the_definition() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(70)]
    for size in range(70):
        whole = Tree().grown(leaves[:size])
        assert whole.root == _root(leaves[:size])
        assert Tree.unpacked(size, whole.packed()) == whole
        assert whole.grown(leaves[size:]).root == _root(leaves)
    assert Tree().root == EMPTY_ROOT
    for size, data in ((3, b"x" * 32), (-1, b""), (2, b"x" * 31)):
        with pytest.raises(ValueError):
            Tree.unpacked(size, data)


def test_a_signed_note_opens_with_its_key_alone(tmp_path: Path) -> None:
    key = HostKey.load_or_create(tmp_path / "keys")
    checkpoint = Checkpoint(key.public.name, 3, bytes(range(32)), START)
    note = checkpoint.signed(key)
    assert opened(note, key.public) == checkpoint
    assert note.split("\n")[:3] == [key.public.name, "3", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    assert opened(note + "— witness.example/w AAAA\n", key.public) == checkpoint  # a witness may sign as well
    stranger = HostKey.load_or_create(tmp_path / "others")
    for wrong in (
        note.replace("\n3\n", "\n4\n"),
        note.replace("\n\n", "\n"),
        checkpoint.signed(stranger),
        "",
        checkpoint.text,
        f"{checkpoint.text}\n",
    ):
        with pytest.raises(ValueError):
            opened(wrong, key.public)
    with pytest.raises(ValueError):
        opened(note, stranger.public)
