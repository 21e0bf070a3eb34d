"""``log rotate``, ``retain`` and ``segments``: by an auditor, previewed, confirmed, logged; the log goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.keys import HostKey
from tests.surfaces.company import PASSWORDS, Company, finish
from tests.surfaces.test_schemas import check
from tests.unit.audit_world import Clock, story

pytestmark = pytest.mark.req("A4")


@pytest.fixture
def audited(company: Company) -> Company:
    """Cleo is an auditor; checkpoints go to a folder; some things happened."""
    text = company.config.read_text()
    outside = company.home / "outside"
    outside.mkdir()
    company.config.write_text(
        text.replace("[roles]\n", '[roles]\nauditor = ["finance-share"]\n')
        + f'\n[log]\ncheckpoints = ["file://{outside}/checkpoints"]\nkeep_days = 30\n'
    )
    company.lock("dev")
    assert company.run_as("bo", "do", "password.unlock", "dev", "--yes").code == 0
    return company


def kinds(company: Company) -> list[str]:
    return [
        entry["kind"] for entry in company.run("log", "list", "--limit", "999", "--json").document["entries"]
    ]


def test_a_segment_is_closed_and_everything_goes_on(audited: Company) -> None:
    company = audited
    outcome = next(
        entry["seq"]
        for entry in company.run("log", "list", "--json").document["entries"]
        if entry["kind"] == "outcome"
    )
    kept, old = company.home / "kept", company.home / "old"
    old.write_text(company.run("log", "checkpoint").out)
    shown = check(company.run_as("cleo", "log", "rotate", "--dry-run", "--json").document, "result-1")
    assert (shown["outcome"], shown["action"]) == ("previewed", "log.rotate")
    assert check(company.run("log", "segments", "--json").document, "log-segments-1")["segments"] == []
    done = company.run_as("cleo", "log", "rotate", "--yes", "--json")
    assert done.code == 0, done.err
    document = check(done.document, "result-1")
    segment = document["data"]["segment"]
    assert document["receipt"][0]["observed"] == segment["digest"]
    entry = company.run("log", "show", str(document["entry"]), "--json").document
    assert (entry["kind"], entry["actor"]) == ("rotation", "cleo")
    assert entry["body"]["digest"] == segment["digest"]
    (told,) = check(company.run("log", "segments", "--json").document, "log-segments-1")["segments"]
    assert (told["first"], told["last"], told["closed_by"]) == (1, segment["last"], document["entry"])
    assert (company.state / "log" / "segments" / told["file"]).is_file()
    verified = check(company.run("log", "verify", "--json").document, "log-verify")
    assert (verified["ok"], verified["segments"], verified["removed"]) == (True, 1, None)
    assert "in 1 closed segment and the live file" in company.run("log", "verify").out
    assert company.run("log", "show", str(outcome), "--json").document["actor"] == "bo"
    assert company.run("log", "search", "--actor", "bo", "--json").document["entries"]
    assert company.run("log", "stats", "--json").document["actions"]["password.unlock"]["done"] == 1
    why = company.run_as("bo", "why", str(outcome))
    assert why.code == 0, why.err
    exported = company.home / "out.jsonl"
    company.run("log", "export", str(exported), "--format", "jsonl")
    numbers = [json.loads(line)["seq"] for line in exported.read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    public = str(next((company.state / "keys").glob("*.pub")))
    kept.write_text(company.run("log", "checkpoint").out)
    for words in (["log", "show", str(outcome), "--proof"], ["log", "prove", str(old)]):
        proof = company.home / "proof"
        proof.write_text(company.run(*words).out)
        assert company.run("log", "check-proof", str(proof), "--key", public).code == 0
    assert company.run("log", "verify", "--since", str(old)).code == 0
    assert company.run("log", "verify", "--since", str(kept)).code == 0
    (company.state / "log" / "segments" / told["file"]).unlink()
    gone = company.run("log", "verify")
    assert gone.code == 1
    assert "entry 1 is the first bad one" in gone.err
    assert "no retention is recorded for it" in gone.err


@pytest.mark.req("D9")
@pytest.mark.parametrize("command", ["rotate", "retain"])
def test_nobody_but_an_auditor_may(audited: Company, command: str) -> None:
    for login, flag in (("bo", "--yes"), ("ana", "--dry-run")):
        refused = audited.run_as(login, "log", command, flag, "--json")
        assert refused.code == 3
        assert refused.document["rule"] == f"log-{command}-auditors-only"
    assert kinds(audited).count("refusal") == 2
    assert audited.run("log", "segments", "--json").document["segments"] == []


def _old_segments(company: Company) -> int:
    """Two segments of sixty days ago, as the log's files were then; the last number in them."""
    clock = Clock()
    clock.now = datetime.now(UTC) - timedelta(days=60)
    log = AuditLog(company.state / "log", clock, lambda: HostKey.load_or_create(company.state / "keys"))
    for _ in range(2):
        story(log)
        assert log.rotate({"action": "log.rotate"}, {}) is not None
    last = log.segments()[-1].last
    log.close()
    return last


@pytest.fixture
def aged(company: Company) -> Company:
    text = company.config.read_text()
    outside = company.home / "outside"
    outside.mkdir()
    company.config.write_text(
        text.replace("[roles]\n", '[roles]\nauditor = ["finance-share"]\n')
        + f'\n[log]\ncheckpoints = ["file://{outside}/checkpoints"]\nkeep_days = 30\n'
    )
    assert _old_segments(company) == 15
    return company


@pytest.mark.parametrize("command", ["rotate", "retain"])
def test_without_a_confirmation_nothing_happens(aged: Company, command: str) -> None:
    before = aged.run("log", "segments", "--json").document["segments"]
    asked = aged.run_as("cleo", "log", command, "--no-input", "--json")
    assert (asked.code, asked.document["outcome"]) == (2, "usage")
    assert aged.run("log", "segments", "--json").document["segments"] == before
    assert aged.run("log", "verify").code == 0


@pytest.mark.req("S5")
def test_what_is_old_leaves_the_log_on_record(aged: Company) -> None:
    company = aged
    shown = check(company.run_as("cleo", "log", "retain", "--dry-run", "--json").document, "result-1")
    assert shown["outcome"] == "previewed"
    assert shown["changes"][0] == {
        **shown["changes"][0],
        "target": "1-15",
        "before": "kept",
        "after": "removed",
    }
    none = company.run_as("cleo", "log", "retain", "--keep-days", "90", "--yes", "--json").document
    assert (none["outcome"], none["message"]) == (
        "done",
        "Nothing is to be removed. No closed segment is older than 90 days.",
    )
    assert company.run("log", "search", "ünlocked", "--json").document["entries"]  # in the index as well
    done = company.run_as("cleo", "log", "retain", "--yes", "--json")
    assert done.code == 0, done.err
    document = check(done.document, "result-1")
    assert document["receipt"][0]["observed"] == "removed"
    entry = document["entry"]
    verified = check(company.run("log", "verify", "--json").document, "log-verify")
    assert (verified["ok"], verified["removed"]["last"], verified["removed"]["entry"]) == (True, 15, entry)
    today = verified["removed"]["at"][:10]
    said = company.run("log", "verify")
    assert f"Entries 1 to 15 were removed by retention on {today}, as entry {entry} records." in said.out
    asked = company.run("log", "show", "3")
    assert asked.code == 2
    assert f"Entry 3 was removed by retention on {today}, as entry {entry} records." in asked.err
    record = company.run("log", "show", str(entry), "--json").document
    assert (record["kind"], record["actor"], record["body"]["last"]) == ("retention", "cleo", 15)
    assert company.run("log", "search", "ünlocked", "--json").document["entries"] == []
    for file in (company.state / "log").rglob("*"):
        assert not file.is_file() or "Ünlocked".encode() not in file.read_bytes(), file
    told = check(company.run("log", "segments", "--json").document, "log-segments-1")["segments"]
    assert [one["removed_by"] for one in told] == [entry, entry]
    assert f"removed on {today}, entry {entry}" in company.run("log", "segments").out
    assert company.run("doctor").out.count("unbroken") == 1
    assert company.run_as("cleo", "log", "rotate", "--yes").code == 0
    assert company.run("log", "verify").code == 0


def test_nothing_leaves_the_log_before_somebody_outside_has_a_checkpoint_over_it(aged: Company) -> None:
    text = aged.config.read_text()
    aged.config.write_text(text.replace("checkpoints = ", "# "))
    refused = aged.run_as("cleo", "log", "retain", "--yes", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "not-outside")
    aged.config.write_text(text.replace("/outside/", "/nowhere/"))
    waits = aged.run_as("cleo", "log", "retain", "--yes", "--json").document
    assert "No place outside has confirmed a checkpoint over entry 7" in waits["message"]
    assert [one["removed_by"] for one in aged.run("log", "segments", "--json").document["segments"]] == [
        None
    ] * 2
    aged.config.write_text(text.replace("keep_days = 30\n", ""))
    unsaid = aged.run_as("cleo", "log", "retain", "--yes", "--json")
    assert (unsaid.code, unsaid.document["error"]["code"]) == (2, "keep-days")


def test_a_removal_is_confirmed_by_typing_its_numbers(aged: Company) -> None:
    for typed, done in (("yes", False), ("1-15", True)):
        child = aged.spawn("log", "retain", "--as", "cleo")
        child.expect("[Pp]assword")
        child.sendline(PASSWORDS["cleo"])
        child.expect("1-15")
        child.expect("[Tt]ype")
        child.sendline(typed)
        assert (finish(child) == 0) is done
    assert aged.run("log", "verify", "--json").document["removed"]["last"] == 15


def test_segments_close_by_themselves_where_the_configuration_says_so(company: Company) -> None:
    env = {"HELPDESK_LOG_ROTATE_ENTRIES": "4"}
    for _ in range(4):
        assert company.run_as("ana", "whoami", env=env).code == 0
    closed = company.run("log", "segments", "--json").document["segments"]
    assert len(closed) >= 2
    assert all(one["last"] - one["first"] >= 3 for one in closed)
    entry = company.run("log", "show", str(closed[0]["closed_by"]), "--json").document
    assert (entry["kind"], entry["body"]["by"], entry["actor"]) == ("rotation", "configuration", None)
    assert company.run("log", "verify", "--json").document["segments"] == len(closed)
