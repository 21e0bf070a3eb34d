"""Notices in a whole company: asked in one command, told by mail, decided by the code of the message, seen by doctor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from helpdesk.connectors.mail import Outbox
from helpdesk.mail import Kept
from helpdesk.secrets import Secret
from tests.servers.mail import MailProcess, MailServer, free_port
from tests.surfaces.company import PASSWORDS, Company
from tests.surfaces.test_grants_command import Lending


def letters(company: Company) -> list[Kept]:
    return Outbox(company.state / "outbox.db", lambda: datetime.now(UTC)).letters()


def with_addresses(company: Company, *logins: str) -> None:
    for login in logins:
        session = company.directory.sign_in(login, Secret(PASSWORDS[login]))
        session.update_contact(session.me, {"mail": f"{login}@corp.test"})
        session.close()


def test_a_request_is_told_decided_by_its_code_and_answered(company: Company) -> None:
    with_addresses(company, "ana", "cleo")
    asked = company.run_as("ana", "do", "access.request", "finance-share", "--yes", "--json")
    assert asked.code == 4, asked
    [told] = letters(company)
    assert told.to == "cleo@corp.test"
    found = re.search(r"helpdesk approvals show (R-\S+)", told.body)
    assert found
    code = found[1]
    assert company.run_as("cleo", "approvals", "show", code).code == 0
    forged = f"{code[:-4]}{'2222' if not code.endswith('2222') else '3333'}"
    wrong = company.run_as("cleo", "approvals", "show", forged, "--json")
    assert wrong.code == 3, wrong
    done = company.run_as("cleo", "approvals", "approve", code, "--yes", "--json")
    assert done.code == 0, done
    assert [kept.to for kept in letters(company)] == ["cleo@corp.test", "ana@corp.test"]


@pytest.mark.req("I5")
def test_a_changed_address_is_told_at_the_old_one_and_the_new_one(company: Company) -> None:
    with_addresses(company, "ana")
    assert company.run_as("ana", "do", "people.update", "--mail", "other@corp.test", "--yes").code == 0
    assert {kept.to for kept in letters(company)} == {"ana@corp.test", "other@corp.test"}


def mail_by(company: Company, url: str) -> None:
    company.config.write_text(
        company.config.read_text()
        + f'\n[mail]\nurl = "{url}"\nstart_tls = false\nsender = "helpdesk@corp.test"\n'
    )


@pytest.mark.servers
def test_a_mail_server_that_is_away_fails_no_request_and_is_shown(company: Company) -> None:
    with_addresses(company, "ana", "cleo")
    mail_by(company, f"smtp://127.0.0.1:{free_port()}")
    asked = company.run_as("ana", "do", "access.request", "finance-share", "--yes", "--json")
    assert asked.code == 4, asked
    checks = {check["name"]: check for check in company.run("doctor", "--json").document["checks"]}
    assert checks["mail"]["state"] == "problem"
    assert checks["notices"]["state"] == "warning"
    assert "could not be sent" in checks["notices"]["message"]


@pytest.mark.servers
def test_a_mail_server_gets_what_people_are_told(company: Company) -> None:
    with_addresses(company, "ana", "cleo")
    with MailServer() as server:
        mail_by(company, server.url)
        asked = company.run_as("ana", "do", "access.request", "finance-share", "--yes", "--json")
        checks = {check["name"]: check for check in company.run("doctor", "--json").document["checks"]}
    assert asked.code == 4, asked
    [message] = server.behaviour.messages
    assert message["To"].addresses[0].addr_spec == "cleo@corp.test"
    assert message["Auto-Submitted"] == "auto-generated"
    assert checks["mail"]["state"] == "ok"
    assert "notices" not in checks


@pytest.fixture
def lending(tmp_path: Path) -> Iterator[Lending]:
    made = Lending(tmp_path / "company")
    made.configure()
    yield made
    made.stop()
    made.directory.close()


@pytest.mark.servers
def test_with_a_worker_a_notice_waits_until_the_mail_server_is_back(lending: Lending) -> None:
    """Asked while nobody answers, with the worker killed in between: told once, when the server is there."""
    with_addresses(lending, "ana", "cleo")
    server = MailProcess(lending.home / "kept")
    mail_by(lending, server.url)
    asked = lending.run_as("ana", "do", "access.request", "finance-share", "--yes", "--json")
    assert asked.code == 4, asked
    lending.worker()
    lending.stop()
    try:
        server.start()
        lending.worker()
        deadline = time.monotonic() + 30
        while not server.messages() and time.monotonic() < deadline:
            time.sleep(0.1)
        [message] = server.messages()
    finally:
        server.kill()
    assert message["To"].addresses[0].addr_spec == "cleo@corp.test"
    assert asked.document["request"] in message["Subject"]
