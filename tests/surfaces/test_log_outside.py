"""What a person sees of the places outside that know the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.log_receivers import SyslogReceiver, free_port
from tests.surfaces.company import Company
from tests.surfaces.test_schemas import check


def _configure(company: Company, section: str) -> None:
    company.config.write_text(f"{company.config.read_text('utf-8')}\n[log]\n{section}\n", "utf-8")


@pytest.mark.req("A2")
@pytest.mark.req("A3")
def test_an_action_leaves_its_checkpoint_outside(company: Company, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    _configure(company, f'checkpoints = ["file://{kept}"]')
    company.lock("dev")
    assert company.run_as("bo", "do", "password.unlock", "dev", "--yes").code == 0
    told = company.run("log", "verify", "--json").document
    (place,) = told["outside"]
    assert (place["known"], place["entries"]) == (told["entries"], told["entries"])
    assert place["problem"] == ""
    ran = company.run("log", "verify", "--checkpoint", str(kept))
    assert ran.code == 0
    assert f"checkpoints delivered up to entry {told['entries']} of {told['entries']}" in ran.out
    assert "not yet known" not in ran.out
    checks = [c for c in company.run("doctor", "--json").document["checks"] if c["name"] == "log outside"]
    assert [c["state"] for c in checks] == ["ok"]


@pytest.mark.req("A3")
def test_what_no_place_outside_knows_is_said(company: Company) -> None:
    _configure(company, f'checkpoints = ["syslog://127.0.0.1:{free_port()}"]')
    assert company.run_as("ana", "whoami").code == 0
    ran = company.run("log", "verify")
    assert ran.code == 0
    count = company.run("log", "verify", "--json").document["entries"]
    assert f"Entries 1 to {count} are not yet known outside this machine" in " ".join(ran.out.split())
    assert "Connection refused" in ran.out
    checks = [c for c in company.run("doctor", "--json").document["checks"] if c["name"] == "log outside"]
    assert [c["state"] for c in checks] == ["warning", "warning"]


def test_the_document_has_its_schema(company: Company, tmp_path: Path) -> None:
    _configure(company, f'checkpoints = ["file://{tmp_path}/kept"]')
    assert company.run_as("ana", "whoami").code == 0
    document = company.run("log", "verify", "--json").document
    assert document["outside"]
    check(document, "log-verify")


def test_what_cannot_be_said_of_the_outside_hides_nothing_of_the_log(
    company: Company, tmp_path: Path
) -> None:
    _configure(company, f'checkpoints = ["file://{tmp_path}/kept"]')
    assert company.run_as("ana", "whoami").code == 0
    (sent,) = company.home.rglob("log/outside/*.json")
    sent.write_bytes(b"no database at all" * 100)
    ran = company.run("log", "verify")
    assert (ran.code, "The log is whole" in ran.out) == (0, True)
    assert "What is known outside cannot be said." in ran.err


@pytest.mark.req("A3")
@pytest.mark.req("A5")
def test_every_entry_of_every_command_arrives_once_and_without_names(company: Company) -> None:
    with SyslogReceiver() as receiver:
        _configure(company, f'stream = "syslog://127.0.0.1:{receiver.port}"')
        company.lock("dev")
        assert company.run_as("bo", "do", "password.unlock", "dev", "--yes").code == 0
        assert company.run_as("ana", "whoami").code == 0
        told = company.run("log", "verify", "--json").document
    assert told["entries"] >= 4
    assert receiver.numbers == list(range(1, told["entries"] + 1))
    assert '"actor":"bo"' not in "".join(receiver.messages)
    assert [place["what"] for place in told["outside"]] == ["entries"]
