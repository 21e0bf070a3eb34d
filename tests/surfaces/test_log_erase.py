"""``log erase``: names leave the log for good, only by an auditor, and the log says so and stays whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.surfaces.company import PASSWORDS, Company, finish

SEEN = (b"Dev Rao", b"dev")


@pytest.fixture
def audited(company: Company) -> Company:
    """Cleo is an auditor. Dev did things, Bo did things to Dev, and things happened that are not about Dev."""
    text = company.config.read_text()
    company.config.write_text(text.replace("[roles]\n", '[roles]\nauditor = ["finance-share"]\n'))
    company.lock("dev")
    assert company.run_as("bo", "do", "password.unlock", "dev", "--yes").code == 0
    assert (
        company.run_as("dev", "do", "access.request", "finance-share", "--reason", "CANARY-dev", "--yes").code
        == 4
    )
    assert company.run("whoami", "--as", "dev", "--password-stdin", stdin="not it\n").code == 5
    assert company.run_as("ana", "do", "people.find", "dev").code == 0
    assert company.run_as("ana", "do", "people.find", "bo").code == 0
    return company


def entries(company: Company) -> list[dict[str, object]]:
    found = company.run("log", "list", "--limit", "999", "--json").document["entries"]
    return [dict(entry) for entry in found]


def names_in(entry: dict[str, object]) -> str:
    return json.dumps([value for value in dict(entry["personal"]).values() if value is not None])  # type: ignore[call-overload]


@pytest.mark.req("S5")
def test_nothing_of_a_person_stays_in_any_file(audited: Company) -> None:
    company = audited
    dev = company.directory.look_up().person("dev").id
    assert company.run("log", "search", "CANARY-dev", "--json").document["entries"]  # in the index as well
    folder = company.state / "log"
    assert b"CANARY-dev" in b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    before = entries(company)
    shown = company.run_as("cleo", "log", "erase", "dev", "--dry-run", "--json").document
    assert (shown["outcome"], shown["action"]) == ("previewed", "log.erase")
    gone = company.run_as("cleo", "log", "erase", "dev", "--yes", "--json")
    assert gone.code == 0, gone.err
    document = gone.document
    assert document["outcome"] == "done"
    assert document["receipt"][0]["observed"] == "erased"
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not any(
                word in data for word in (b"CANARY-dev", b"Dev Rao", b'"dev"', b'"dev\\"', b"dev.")
            ), file
    assert company.run("log", "verify").code == 0
    assert company.run("log", "search", "--actor", "dev", "--json").document["entries"] == []
    after = entries(company)
    assert [(e["seq"], e["hash"], e["body"]) for e in after][: len(before)] == [
        (e["seq"], e["hash"], e["body"]) for e in before
    ]
    assert any(dict(e["body"]).get("actor_id") == dev for e in after)  # what was done stays, by its id
    for entry in after:
        assert "dev" not in names_in(entry).replace("device", "")
    bo = [e for e in after if e["actor"] == "bo" and e["kind"] == "outcome"]
    assert len(bo) == 1  # who did it stays
    other = [e for e in after if e["action"] == "people.find" and e["actor"] == "ana"]
    assert [e["seq"] for e in other if "bo" in names_in(e)]
    (told,) = [e for e in after if e["kind"] == "erasure"]
    assert (told["seq"], told["actor"]) == (document["entry"], "cleo")
    assert dict(told["body"]) | {"person_id": dev, "confirmed_by": "--yes"} == told["body"]
    again = company.run_as("cleo", "log", "erase", dev, "--json").document
    assert (again["outcome"], "holds no names" in again["message"]) == ("done", True)


def test_an_auditor_and_nobody_else(audited: Company) -> None:
    for login in ("ana", "bo"):  # the service desk neither
        ran = audited.run_as(login, "log", "erase", "dev", "--yes", "--json")
        assert (ran.code, ran.document["rule"]) == (3, "log-erase-auditors-only")
    ran = audited.run_as("cleo", "log", "erase", "cleo", "--yes", "--json")
    assert (ran.code, ran.document["rule"]) == (3, "log-erase-not-oneself")
    ran = audited.run_as("cleo", "log", "erase", "nobody.here", "--yes", "--json")
    assert (ran.code, ran.document["error"]["code"]) == (2, "not-found")
    refused = audited.run("log", "search", "--action", "log.erase", "--json").document["entries"]
    assert [(e["kind"], e["actor"]) for e in refused] == [
        ("refusal", "ana"), ("refusal", "bo"), ("refusal", "cleo"), ("refusal", "cleo")
    ]  # fmt: skip
    audited.config.write_text(audited.config.read_text().replace('auditor = ["finance-share"]\n', ""))
    ran = audited.run_as("cleo", "log", "erase", "dev", "--yes")
    assert (ran.code, "no group is named in [roles] auditor" in ran.err) == (3, True)
    assert "CANARY-dev" in json.dumps(entries(audited))


@pytest.mark.req("L5")
def test_it_is_confirmed_by_typing_the_login(audited: Company) -> None:
    ran = audited.run_as("cleo", "log", "erase", "dev", "--json")
    assert (ran.code, ran.document["error"]["code"]) == (2, "confirmation-needed")
    for answer, code in (("y", 1), ("dev", 0)):
        child = audited.spawn("log", "erase", "dev", "--as", "cleo")
        child.expect("Password of cleo")
        child.sendline(PASSWORDS["cleo"])
        child.expect("Erase the names and texts of dev")
        child.expect("Type dev to go on")
        child.sendline(answer)
        assert finish(child) == code
        assert (b"CANARY-dev" in (audited.state / "log/log.db").read_bytes()) is (code == 1)


def test_what_is_still_open_is_not_erased(audited: Company, tmp_path: Path) -> None:
    """An intent without an outcome is needed to read the effect back."""
    from datetime import UTC, datetime

    from helpdesk.gate.audit import AuditLog
    from helpdesk.gate.keys import HostKey

    dev = audited.directory.look_up().person("dev").id
    log = AuditLog(
        audited.state / "log",
        lambda: datetime.now(UTC),
        lambda: HostKey.load_or_create(audited.state / "keys"),
    )
    log.append("intent", {"action": "password.unlock", "person_id": dev, "actor_id": "x"}, {"target": "dev"})
    log.close()
    ran = audited.run_as("cleo", "log", "erase", "dev", "--yes", "--json")
    assert (ran.code, ran.document["error"]["code"]) == (1, "open")
    assert "CANARY-dev" in json.dumps(entries(audited))


@pytest.mark.req("S5")
def test_somebody_whom_the_directory_no_longer_has(audited: Company) -> None:
    dev = audited.directory.look_up().person("dev").id
    audited.directory.admin.remove_person("dev")
    by_login = audited.run_as("cleo", "log", "erase", "dev", "--dry-run", "--json").document
    by_id = audited.run_as("cleo", "log", "erase", dev, "--dry-run", "--json").document
    assert by_login["changes"] == by_id["changes"]
    assert by_id["arguments"] == {"person": "dev"}
    assert audited.run_as("cleo", "log", "erase", dev, "--yes").code == 0
    assert "CANARY-dev" not in json.dumps(entries(audited))
    assert audited.run("log", "verify").code == 0
    assert audited.run("log", "stats", "--json").document["done"] == 1  # Bo's unlock: the figures stay
