"""Limits and service identities from the command line: what is refused, with which code, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.surfaces.company import PASSWORDS, Company, Ran

WRONG = "not the password at all\n"


def configure(company: Company, text: str) -> None:
    company.config.write_text(company.config.read_text() + text)


def tries(company: Company, login: str, password: str = WRONG, *more: str) -> Ran:
    return company.run("whoami", *more, "--as", login, "--password-stdin", stdin=password)


def named(company: Company, name: str) -> list[dict[str, Any]]:
    ran = company.run("doctor", "--json")
    return [check for check in ran.document["checks"] if check["name"] == name]


@pytest.mark.req("R9")
def test_an_attacker_at_the_command_line_locks_nobody(company: Company) -> None:
    """Ana's account locks at the third wrong password; here the third is not tried."""
    codes = [tries(company, "ana", WRONG, "--json").document["error"]["code"] for _ in range(6)]
    assert codes == ["wrong-credentials"] * 2 + ["too-many-attempts"] * 4
    assert company.is_locked("ana") is False
    held = tries(company, "ana")
    assert (held.code, held.out) == (5, "")
    assert "Too many wrong passwords for this name, so it was not tried: again after " in held.err
    assert "locks nobody" in held.err
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
    assert company.run_as("dev", "whoami").code == 0  # nobody else is held up


@pytest.mark.req("R9")
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_a_temporary_password_works_at_once_however_often_the_old_one_was_mistyped(
    company: Company, batch: bool
) -> None:
    for login in ("ana", "dev"):
        while tries(company, login, WRONG, "--json").document["error"]["code"] != "too-many-attempts":
            continue
    file = company.home / "temporary"
    words = ["--batch", "-", "--json"] if batch else ["ana"]
    done = company.run_as(
        "bo", "do", "password.reset", *words, "--yes", "--reveal-to", str(file), stdin="person\nana\n"
    )
    assert done.code == 0, done.err
    temporary = file.read_text().split(",")[-1].split()[-1]
    assert company.accepts("ana", temporary) == "must-change"
    assert "You must choose a new password" in tries(company, "ana", f"{temporary}\n").err
    assert "was not tried" in tries(company, "dev", f"{PASSWORDS['dev']}\n").err


@pytest.mark.req("R9")
def test_why_one_cannot_sign_in_is_told_and_no_attempt_is_made(company: Company) -> None:
    for _ in range(2):
        tries(company, "ana")
    asked = company.run("ask", "why can I not log in", "--as", "ana", "--password-stdin", stdin=WRONG)
    assert asked.code == 5
    assert "so it was not tried" in asked.err
    assert company.is_locked("ana") is False


@pytest.mark.req("R9")
def test_a_change_too_many_is_refused_with_its_rule_and_its_end(company: Company) -> None:
    configure(company, "[limits]\nchanges_per_actor = 1\n")
    first = company.run_as("ana", "do", "people.update", "--phone", "100", "--yes", "--json")
    assert first.code == 0, first.err
    second = company.run_as("ana", "do", "people.update", "--phone", "200", "--yes", "--json")
    assert second.code == 3
    assert second.document["error"]["code"] == "rate-limited"
    assert second.document["rule"] == "limits.changes_per_actor"
    assert "again after" in second.document["message"]
    logged = company.run("log", "show", str(second.document["entry"]), "--json")
    assert logged.code == 0, logged.err
    assert "limits.changes_per_actor" in logged.out


class TestAService:
    @pytest.fixture(autouse=True)
    def declared(self, company: Company) -> None:
        configure(
            company,
            '[services.nightly]\nlogin = "bo"\nactions = ["password.unlock", "people.find"]\nper_hour = 1\n',
        )

    def test_it_unlocks_and_does_nothing_else(self, company: Company) -> None:
        company.lock("ana")
        ran = company.run_as("bo", "do", "password.unlock", "ana", "--yes", "--json")
        assert ran.code == 0, ran.err
        held = company.run_as(
            "bo", "do", "password.reset", "ana", "--yes", "--json", "--reveal-to", str(company.home / "new")
        )
        assert (held.code, held.document["rule"]) == (3, "service:nightly")
        assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
        company.lock("dev")
        over = company.run_as("bo", "do", "password.unlock", "dev", "--yes", "--json")
        assert (over.code, over.document["rule"]) == (3, "services.nightly.per_hour")
        assert '"service": "nightly"' in company.run("log", "show", str(held.document["entry"]), "--json").out

    def test_its_list_holds_only_its_actions(self, company: Company) -> None:
        ran = company.run_as("bo", "do", "--json")
        assert ran.code == 0, ran.err
        allowed = {action["name"] for action in ran.document["actions"] if action["allowed"]}
        assert allowed == {"password.unlock", "people.find"}
        shown = company.run_as("bo", "do", "--plain").out
        assert [line.split()[0] for line in shown.splitlines() if "." in line.split()[0]] == [
            "password.unlock",
            "people.find",
        ]

    def test_doctor_and_config_show_it(self, company: Company) -> None:
        (service,) = named(company, "services")
        assert service["facts"] == {
            "service": "nightly",
            "login": "bo",
            "actions": ["password.unlock", "people.find"],
        }
        shown = company.run("config", "show", "--json").out
        assert '"services.nightly"' in shown


def test_doctor_says_how_many_are_let_through(company: Company) -> None:
    assert "no sign-in yet" in named(company, "limits")[1]["message"]
    tries(company, "ana")
    unknown = named(company, "limits")[1]
    assert (unknown["facts"]["wrong_passwords"], unknown["facts"]["known"]) == (2, False)
    company.run_as("ana", "do", "people.update", "--phone", "100", "--yes")
    changes, known = named(company, "limits")
    assert changes["facts"] == {"changes": 1}
    assert (known["facts"]["wrong_passwords"], known["facts"]["known"]) == (2, True)  # it locks at three


def test_doctor_finds_a_service_without_an_account_and_an_action_nobody_knows(company: Company) -> None:
    configure(
        company, '[services.nightly]\nlogin = "svc-gone"\nactions = ["password.unlok", "people.find"]\n'
    )
    found = {check["state"]: check["message"] for check in named(company, "services")}
    assert "password.unlok" in found["warning"]
    assert "svc-gone" in found["problem"]
