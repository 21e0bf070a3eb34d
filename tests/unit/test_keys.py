"""The host's key: private from its first moment, one for everybody, and its signatures."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpdesk.errors import Failed
from helpdesk.gate.keys import PRIVATE, PUBLIC, HostKey, PublicKey, read_public


def test_it_signs_and_only_that_verifies(tmp_path: Path) -> None:
    key = HostKey.load_or_create(tmp_path / "keys")
    signature = key.sign(b"a message")
    assert len(signature) == 64
    assert key.verify(b"a message", signature)
    assert not key.verify(b"another message", signature)
    assert not key.verify(b"a message", bytes(64))
    assert not key.verify(b"a message", b"short")
    assert not HostKey.load_or_create(tmp_path / "others").verify(b"a message", signature)


def test_it_is_the_same_key_the_next_time_and_the_public_file_verifies(tmp_path: Path) -> None:
    signature = HostKey.load_or_create(tmp_path / "keys").sign(b"x")
    again = HostKey.load_or_create(tmp_path / "keys")
    assert again.verify(b"x", signature)
    public = read_public(tmp_path / "keys" / PUBLIC)
    assert public == again.public
    assert public.verify(b"x", signature)
    assert public.name.startswith("helpdesk.local/")


@pytest.mark.req("S7")
def test_the_files_are_private_from_creation(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        HostKey.load_or_create(tmp_path / "keys")
    finally:
        os.umask(old)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()} == {
        PRIVATE: 0o600,
        PUBLIC: 0o600,
    }


@pytest.mark.req("S7")
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    HostKey.load_or_create(tmp_path)
    (tmp_path / PRIVATE).chmod(0o640)
    with pytest.raises(Failed, match="can be read by others") as caught:
        HostKey.load_or_create(tmp_path)
    assert "chmod 600" in caught.value.hint


@pytest.mark.req("S7")
def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    HostKey.load_or_create(tmp_path / "mine")
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / PRIVATE).symlink_to(tmp_path / "mine" / PRIVATE)
    with pytest.raises(Failed):
        HostKey.load_or_create(tmp_path / "keys")
    (tmp_path / "folder").symlink_to(tmp_path / "mine")
    with pytest.raises(Failed, match="is a link"):
        HostKey.load_or_create(tmp_path / "folder")


@pytest.mark.req("S7")
@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a file away")
def test_somebody_else_s_key_is_not_used(tmp_path: Path) -> None:
    HostKey.load_or_create(tmp_path)
    os.chown(tmp_path / PRIVATE, 12345, 12345)
    with pytest.raises(Failed, match="belongs to someone else"):
        HostKey.load_or_create(tmp_path)


def test_threads_and_processes_that_begin_at_once_get_one_key(tmp_path: Path) -> None:
    command = (
        "import sys; from pathlib import Path; from helpdesk.gate.keys import HostKey; sys.stdin.read();"
        "print(HostKey.load_or_create(Path(sys.argv[1])).public.line)"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", command, str(tmp_path / "keys")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    told = [child.communicate()[0] for child in children]
    assert all(child.returncode == 0 for child in children)
    assert len(set(told)) == 1
    assert told[0].strip() == (tmp_path / "keys" / PUBLIC).read_text().strip()
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: HostKey.load_or_create(tmp_path / "more").public, range(8)))
    assert len(set(keys)) == 1
    assert {file.name for file in (tmp_path / "more").iterdir()} == {PRIVATE, PUBLIC}


@pytest.mark.parametrize("spoil", [b"", b"not a key", b"PRIVATE+KEY+helpdesk.local/x+00000000+AQ==\n"])
def test_a_damaged_key_is_a_clear_error_and_is_not_replaced(tmp_path: Path, spoil: bytes) -> None:
    HostKey.load_or_create(tmp_path)
    (tmp_path / PRIVATE).write_bytes(spoil)
    with pytest.raises(Failed, match="damaged") as caught:
        HostKey.load_or_create(tmp_path)
    assert "backup" in caught.value.hint
    assert (tmp_path / PRIVATE).read_bytes() == spoil


def test_any_changed_byte_of_the_key_file_is_noticed(tmp_path: Path) -> None:
    HostKey.load_or_create(tmp_path)
    whole = (tmp_path / PRIVATE).read_bytes()
    for place in range(len(whole) - 1):  # the last is the end of the line
        (tmp_path / PRIVATE).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Failed):
            HostKey.load_or_create(tmp_path)


def test_a_lost_public_file_comes_back(tmp_path: Path) -> None:
    key = HostKey.load_or_create(tmp_path)
    for spoil in (lambda p: p.unlink(), lambda p: p.write_text("x")):
        spoil(tmp_path / PUBLIC)
        HostKey.load_or_create(tmp_path)
        assert read_public(tmp_path / PUBLIC) == key.public
    with pytest.raises(Failed, match="public key"):
        read_public(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text", ["", "x", "a+b+c", "a+00000000+AQ==", "helpdesk.local/x+00000000+" + "A" * 44]
)
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(ValueError):
        PublicKey.parse(text)


@pytest.mark.req("S2")
def test_it_is_never_shown_or_pickled(tmp_path: Path) -> None:
    key = HostKey.load_or_create(tmp_path)
    secret = (tmp_path / PRIVATE).read_text().strip().rpartition("+")[2]
    assert secret not in repr(key)
    assert repr(key._seed) not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
