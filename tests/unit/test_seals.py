"""Seals of several hosts: a listed host's is believed, and nobody's else, whatever stands in the store (V1)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.errors import ConfigError, Refused
from helpdesk.gate.keys import HostKey
from helpdesk.gate.requests import Requests, RequestState
from helpdesk.gate.sealed import Approval
from helpdesk.gate.seals import Seals, key_id
from tests.unit.requests_world import CHANGES, EMMA, NOW, OLGA, OSCAR, Clock, a_call

PLAN = {"action": "access.request", "nested": {"a": [1, True, None, "x"]}}


def key(tmp_path: Path, name: str) -> HostKey:
    return HostKey.load_or_create(tmp_path / f"keys-{name}")


@pytest.fixture
def hosts(tmp_path: Path) -> dict[str, HostKey]:
    return {name: key(tmp_path, name) for name in ("a", "b", "worker", "stranger")}


@pytest.mark.req("V1")
def test_a_document_of_a_listed_host_opens_and_of_nobody_else(hosts: dict[str, HostKey]) -> None:
    sealed = Seals(hosts["a"]).close("run", PLAN)
    assert json.loads(json.dumps(sealed)) == sealed
    assert Seals(hosts["a"]).open("run", sealed) == PLAN
    assert Seals(hosts["worker"], [hosts["a"].public]).open("run", sealed) == PLAN
    for other in (Seals(hosts["stranger"]), Seals(hosts["worker"], [hosts["b"].public])):
        with pytest.raises(Refused) as refused:
            other.open("run", sealed)
        assert refused.value.code == "sealed"


@pytest.mark.req("V1")
def test_a_seal_of_one_kind_opens_nothing_of_another(hosts: dict[str, HostKey]) -> None:
    seals = Seals(hosts["a"])
    with pytest.raises(Refused):
        seals.open("step", seals.close("run", PLAN))


@pytest.mark.req("V1")
def test_no_byte_of_a_seal_can_be_changed(hosts: dict[str, HostKey]) -> None:
    seals = Seals(hosts["worker"], [hosts["a"].public, hosts["b"].public])
    seal = Seals(hosts["a"]).sign(b"message")
    assert seals.verify(b"message", seal)
    assert seals.sealed_by(seal) == key_id(hosts["a"].public.raw) == Seals(hosts["a"]).host
    for at in range(len(seal)):
        assert not seals.verify(b"message", seal[:at] + bytes([seal[at] ^ 1]) + seal[at + 1 :])
    b_name = bytes.fromhex(Seals(hosts["b"]).host)
    assert not seals.verify(b"message", b_name + seal[8:])
    for wrong in (b"", seal[:-1], seal + b"x", seal[8:]):
        assert not seals.verify(b"message", wrong)


@pytest.mark.req("V1")
@pytest.mark.parametrize(
    "sealed",
    [None, 1, "x", [], {}, {"document": {}, "seal": "!"}, {"document": [], "seal": ""}, {"seal": "aa"}],
)
def test_what_is_no_sealed_document_is_refused_in_a_sentence(
    hosts: dict[str, HostKey], sealed: object
) -> None:
    with pytest.raises(Refused) as refused:
        Seals(hosts["a"]).open("run", sealed)
    assert refused.value.code == "sealed"
    assert refused.value.hint


def test_what_this_host_sealed_before_keys_were_named_stays_readable(hosts: dict[str, HostKey]) -> None:
    old = hosts["a"].sign(b"message")
    assert Seals(hosts["a"]).verify(b"message", old)
    assert not Seals(hosts["worker"], [hosts["a"].public]).verify(b"message", old)


def test_a_requests_file_of_the_version_before_stays_readable(
    tmp_path: Path, hosts: dict[str, HostKey]
) -> None:
    tmp_path.chmod(0o700)
    before = Requests(tmp_path, Clock(), hosts["a"])
    request = before.create(a_call(), CHANGES, (OLGA,), "why")
    now = Requests(tmp_path, Clock(), Seals(hosts["a"]))
    assert now.get(request.id) == request
    assert now.claim(request.id, OLGA.id).state is RequestState.CLAIMED


def test_lines_of_the_configuration(hosts: dict[str, HostKey]) -> None:
    seals = Seals.of(hosts["worker"], [hosts["a"].public.line])
    assert set(seals.hosts) == {Seals(hosts["a"]).host, seals.host}
    assert Seals.of(hosts["a"], [seals.line]).hosts == (seals.host, Seals(hosts["a"]).host)
    with pytest.raises(ConfigError) as wrong:
        Seals.of(hosts["worker"], ["not a key"])
    assert "trusted_hosts" in wrong.value.message


# ── a request by one host, a yes by another, carried out by a third ───────────────────────────


def yes(seals: Seals, plan: str, approver: str = OLGA.id, instead_of: str = "") -> Approval:
    return Approval(
        plan=plan,
        approver=approver,
        login=approver,
        host=seals.host,
        signed_in=NOW.isoformat(),
        expires=(NOW + timedelta(days=1)).isoformat(),
        nonce="n" * 32,
        instead_of=instead_of,
    )


@pytest.mark.req("V1")
def test_a_worker_that_lists_both_opens_it_and_nobody_else(tmp_path: Path, hosts: dict[str, HostKey]) -> None:
    tmp_path.chmod(0o700)
    a, b = Seals(hosts["a"]), Seals(hosts["b"], [hosts["a"].public])
    asked = Requests(tmp_path, Clock(), a).create(a_call(), CHANGES, (OLGA,), "why")
    at_b = Requests(tmp_path, Clock(), b)
    assert at_b.approve(asked.id, yes(b, at_b.get(asked.id).digest)).state is RequestState.APPROVED
    worker = Requests(tmp_path, Clock(), Seals(hosts["worker"], [hosts["a"].public, hosts["b"].public]))
    taken = worker.take(asked.id)
    assert [one.host for one in taken.approvals] == [b.host]
    for trusted in ([], [hosts["a"].public], [hosts["b"].public]):
        other = Requests(tmp_path, Clock(), Seals(hosts["stranger"], trusted))
        with pytest.raises(Refused) as refused:
            other.take(asked.id)
        assert refused.value.code == "sealed"


@pytest.mark.req("V1")
def test_a_yes_to_something_else_or_under_another_hosts_name_has_no_effect(
    tmp_path: Path, hosts: dict[str, HostKey]
) -> None:
    tmp_path.chmod(0o700)
    a = Seals(hosts["a"], [hosts["b"].public])
    requests = Requests(tmp_path, Clock(), a)
    asked = requests.create(a_call(), CHANGES, (OLGA, OSCAR), "why")
    with pytest.raises(Refused) as refused:
        requests.approve(asked.id, yes(a, "0" * 64))
    assert refused.value.code == "sealed"
    with pytest.raises(Refused) as refused:  # host a seals what names host b
        requests.approve(asked.id, yes(Seals(hosts["b"]), asked.digest))
    assert refused.value.code == "sealed"
    assert requests.get(asked.id).approvals == ()


@pytest.mark.req("V2")
def test_nobody_approves_their_own_and_nobody_in_their_stead(
    tmp_path: Path, hosts: dict[str, HostKey]
) -> None:
    from helpdesk.gate.requests import Decider

    tmp_path.chmod(0o700)
    a = Seals(hosts["a"])
    requests = Requests(tmp_path, Clock(), a)
    asked = requests.create(a_call(), CHANGES, (OLGA,), "why")
    for approval, by in (
        (yes(a, asked.digest, EMMA.id), Decider()),
        (yes(a, asked.digest, EMMA.id, OLGA.id), Decider("Emma", OLGA.id)),
        (yes(a, asked.digest, OSCAR.id, EMMA.id), Decider("Oscar", EMMA.id)),
    ):
        with pytest.raises(Refused) as refused:
            requests.approve(asked.id, approval, by)
        assert refused.value.rule == "no-self-approval"
    assert requests.get(asked.id).state is RequestState.PENDING


@pytest.mark.req("V1")
def test_rows_written_by_somebody_with_the_database_and_a_key_of_their_own(
    tmp_path: Path, hosts: dict[str, HostKey]
) -> None:
    """A whole store of their own making, moved into place: not one row of it opens."""
    tmp_path.chmod(0o700)
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    stranger = Seals(hosts["stranger"])
    forged = Requests(theirs, Clock(), stranger)
    asked = forged.create(a_call(), CHANGES, (OLGA,), "why")
    forged.approve(asked.id, yes(stranger, asked.digest))
    with closing(sqlite3.connect(theirs / "requests.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    worker = Requests(theirs, Clock(), Seals(hosts["worker"], [hosts["a"].public]))
    with pytest.raises(Refused) as refused:
        worker.take(asked.id)
    assert refused.value.code == "sealed"
    assert worker.altered() == [asked.id]
