"""``doctor``: each part of an installation, whether it works, and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.model_server import failing, model_server, text
from tests.servers.slapd import Slapd
from tests.surfaces.company import PASSWORDS, Company, Ran


def problems(ran: Ran) -> list[dict[str, Any]]:
    """The problems found; the exit code must say the same."""
    document = ran.document
    assert document["schema"] == "helpdesk.doctor/1"
    found = [check for check in document["checks"] if check["state"] == "problem"]
    assert document["ok"] is not bool(found)
    assert ran.code == (1 if found else 0), ran.err
    assert all(check["message"] for check in found)
    return found


def named(ran: Ran, name: str) -> list[dict[str, Any]]:
    return [check for check in ran.document["checks"] if check["name"] == name]


def test_a_whole_company_is_in_order(company: Company) -> None:
    ran = company.run("doctor", "--json")
    assert problems(ran) == []
    assert {check["name"] for check in ran.document["checks"]} == {
        "state",
        "config",
        "managed file",
        "key",
        "log",
        "log outside",
        "requests",
        "plugins",
        "authorization",
        "policies",
        "keyring",
        "limits",
        "services",
        "directory",
        "roles",
        "model",
        "mail",
        "grants",
        "approvals",
    }
    directory = named(ran, "directory")[0]
    assert directory["facts"]["kind"] == "embedded"
    assert directory["facts"]["people_base"]
    roles = named(ran, "roles")
    assert roles[0]["facts"]["role"] == "helpdesk"
    assert "service-desk" in roles[0]["facts"]["group"]
    assert any("privileged" in check["message"] for check in roles if check["state"] == "warning")
    shown = company.run("doctor")
    assert shown.code == 0
    assert "0 to repair." in shown.out


def test_without_a_configuration_it_says_what_to_do_first(company: Company) -> None:
    company.config.unlink()
    ran = company.run("doctor", "--json")
    (problem,) = problems(ran)
    assert problem["name"] == "directory"
    assert "helpdesk demo" in problem["hint"]


def test_a_broken_configuration_is_a_finding_and_no_traceback(company: Company) -> None:
    company.config.write_text("[session]\nidle = 'soon'\n")
    ran = company.run("doctor", "--json")
    (problem,) = problems(ran)
    assert problem["name"] == "config"
    assert "[session] idle" in problem["message"]
    assert named(ran, "state")[0]["state"] == "ok"
    shown = company.run("doctor")
    assert shown.code == 1
    assert "1 to repair." in shown.out
    assert "Traceback" not in shown.err


def test_several_broken_parts_are_all_found(company: Company) -> None:
    policies = company.home / "nowhere"
    company.config.write_text(
        company.config.read_text()
        .replace("service-desk", "no-such-group")
        .replace(str(company.home / "policies"), str(policies))
        + "[authorization]\npolicies = 'missing.cedar'\n"
    )
    found = {problem["name"]: problem for problem in problems(company.run("doctor", "--json"))}
    assert set(found) == {"roles", "policies", "authorization"}
    assert "no-such-group" in found["roles"]["message"]
    assert str(policies) in found["policies"]["message"]
    assert "missing.cedar" in found["authorization"]["message"]
    assert all(problem["hint"] for problem in found.values())


def test_a_rule_about_an_absent_action_is_named(company: Company) -> None:
    rules = company.config.parent / "site.cedar"
    rules.write_text('@id("coffee") permit (principal, action == Action::"coffee.brew", resource);\n')
    company.config.write_text(company.config.read_text() + "[authorization]\npolicies = 'site.cedar'\n")
    found = problems(company.run("doctor", "--json"))
    assert {problem["name"] for problem in found} == {"authorization"}
    assert any("coffee" in problem["message"] for problem in found)


@pytest.mark.req("S7")
def test_a_state_folder_that_cannot_be_one_is_found(company: Company, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    (blocked / "helpdesk").mkdir(parents=True)
    (blocked / "helpdesk").rmdir()
    (blocked / "helpdesk").symlink_to(tmp_path)
    found = problems(company.run("doctor", "--json", env={"XDG_STATE_HOME": str(blocked)}))
    assert found[0]["name"] == "state"
    assert "is a link" in found[0]["message"]


@pytest.mark.req("V1")
def test_an_altered_request_is_named(company: Company) -> None:
    asked = company.run_as("ana", "do", "access.request", "finance-share", "--yes", "--json")
    assert asked.code == 4, asked.err
    id = asked.document["request"]
    assert problems(company.run("doctor", "--json")) == []
    with closing(sqlite3.connect(company.state / "requests" / "requests.db")) as database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        changed = database.execute("UPDATE requests SET document = replace(document, 'ana', 'dev')").rowcount
        database.commit()
    assert changed == 1
    (problem,) = problems(company.run("doctor", "--json"))
    assert problem["name"] == "requests"
    assert problem["facts"]["altered"] == [id]


@pytest.mark.req("A1")
def test_an_altered_log_is_found(company: Company) -> None:
    assert company.run_as("ana", "whoami").code == 0
    whole = company.run("doctor", "--json")
    assert problems(whole) == []
    assert named(whole, "log")[0]["facts"]["entries"] >= 1
    (file,) = (company.state / "log").glob("*.db")
    with closing(sqlite3.connect(file)) as database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        changed = database.execute(
            "UPDATE entries SET entry = replace(entry, '{', '{ ') WHERE seq = 1"
        ).rowcount
        database.commit()
    found = problems(company.run("doctor", "--json"))
    assert changed == 1
    assert [problem["name"] for problem in found] == ["log"]
    assert found[0]["facts"]["first_bad"] == 1


class TestTheModel:
    def configure(self, company: Company, url: str) -> None:
        company.config.write_text(company.config.read_text() + f'[llm]\nurl = "{url}"\nmodel = "small"\n')

    def test_one_that_answers_is_in_order_and_is_told_nothing_of_anyones(self, company: Company) -> None:
        with model_server(text("hello")) as server:
            self.configure(company, server.url)
            ran = company.run("doctor", "--json")
        assert problems(ran) == []
        assert "answers" in named(ran, "model")[0]["message"]
        (received,) = server.received
        assert [message["content"] for message in received.document["messages"]] == ["Say hello, please."]

    def test_one_that_refuses_or_is_down_is_a_problem_and_the_hint_says_who_answers_instead(
        self, company: Company
    ) -> None:
        with model_server(failing(401)) as server:
            self.configure(company, server.url)
            refused = problems(company.run("doctor", "--json"))
        down = problems(company.run("doctor", "--json"))
        for (problem,) in (refused, down):
            assert problem["name"] == "model"
            assert "guided conversation" in problem["hint"]

    def test_an_address_that_words_may_not_be_sent_to_is_a_problem(self, company: Company) -> None:
        self.configure(company, "http://llm.example.com/v1")
        (problem,) = problems(company.run("doctor", "--json"))
        assert problem["name"] == "model"


@pytest.mark.servers
class TestARealServer:
    def configure(self, company: Company, server: Slapd, **more: str) -> None:
        keys = {**server.directory_config(), **more}
        if "bind_password" in keys:
            keys["bind_password"] = "env:LOOK_UP"
        lines = [f'{name} = "{value}"' for name, value in keys.items()]
        company.config.write_text(
            "\n".join(
                [
                    "[directory]",
                    *lines,
                    "[roles]",
                    'helpdesk = ["doctor-desk"]',
                    'privileged = ["doctor-desk"]',
                ]
            )
            + "\n[session]\nstore = 'none'\n"
        )

    def run(self, company: Company, server: Slapd) -> Ran:
        return company.run("doctor", "--json", env={"LOOK_UP": server.lookup_password})

    @pytest.mark.parametrize("layout", ["people", "staff"])
    def test_it_says_what_the_server_is_and_finds_the_groups(
        self, company: Company, request: pytest.FixtureRequest, layout: str
    ) -> None:
        server: Slapd = request.getfixturevalue(f"slapd_{layout}")
        member = server.add_person(f"doctor-{layout}", PASSWORDS["ana"])
        group = server.add_group("doctor-desk", members=[member])
        try:
            self.configure(company, server)
            ran = self.run(company, server)
            assert problems(ran) == []
            facts = named(ran, "directory")[0]["facts"]
            assert facts["kind"] == "openldap"
            assert facts["transport"] == ("StartTLS" if server.layout.plain_port_only else "LDAPS")
            assert facts["assertion_control"] is True
            assert facts["base"].lower() == server.layout.suffix.lower()
            assert [check["facts"]["group"].lower() for check in named(ran, "roles")] == [group.lower()] * 2
        finally:
            server.delete(group)
            server.delete(member)

    @pytest.mark.req("D1")
    def test_a_lying_certificate_is_a_problem(
        self, company: Company, slapd_people: Slapd, slapd_staff: Slapd
    ) -> None:
        self.configure(company, slapd_people, ca_file=slapd_staff.ca_file)
        (problem,) = problems(self.run(company, slapd_people))
        assert problem["name"] == "directory"
        assert "certificate" in problem["message"]

    @pytest.mark.req("D8")
    def test_a_dead_server_is_a_problem_that_names_it(self, company: Company, slapd_people: Slapd) -> None:
        self.configure(company, slapd_people, url="ldaps://127.0.0.1:1")
        (problem,) = problems(self.run(company, slapd_people))
        assert problem["name"] == "directory"
        assert "127.0.0.1" in problem["message"]
