"""``do --batch``: rows in, one line each out; the plan, its confirmation, its secrets, and going on."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.company import PASSWORDS, Company, Ran, finish

pytestmark = pytest.mark.req("R7")


def lines(ran: Ran) -> list[dict[str, Any]]:
    """The JSON lines on standard output; fails when there is anything else."""
    return [json.loads(line) for line in ran.out.splitlines()]


def written(company: Company, name: str, text: str) -> str:
    file = company.home / name
    file.write_text(text)
    return str(file)


def desk(company: Company, *arguments: str, stdin: str = "") -> Ran:
    return company.run_as("bo", *arguments, stdin=stdin)


def test_every_row_is_a_line_with_its_number_and_its_place(company: Company) -> None:
    for login in ("ana", "dev"):
        company.lock(login)
    file = written(company, "locked.csv", "person\n\nana\ndev\n")
    ran = desk(company, "do", "password.unlock", "--batch", file, "--yes", "--json")
    assert ran.code == 0, ran.err
    found = sorted(lines(ran), key=lambda line: int(line["row"]))
    assert [(one["row"], one["line"], one["outcome"]) for one in found] == [(1, 3, "done"), (2, 4, "done")]
    assert all(one["schema"] == "helpdesk.result/1" and one["receipt"] for one in found)
    assert "2 done" in ran.err
    assert not company.is_locked("ana")
    assert not company.is_locked("dev")


def test_rows_name_their_own_actions_in_json_lines_on_standard_input(company: Company) -> None:
    company.lock("ana")
    rows = '{"action": "password.unlock", "person": "ana"}\n{"action": "account.disable", "person": "dev"}\n'
    plan = desk(company, "do", "--batch", "-", "--dry-run", stdin=rows)
    assert plan.code == 0, plan.err
    document = plan.document
    assert document["schema"] == "helpdesk.plan/1"
    assert [row["action"] for row in document["rows"]] == ["password.unlock", "account.disable"]
    assert document["rows"][0]["changes"][0]["after"] == "not locked"
    assert company.is_locked("ana")
    ran = desk(company, "do", "--batch", "-", "--json", "--yes-plan", document["digest"], stdin=rows)
    assert ran.code == 0, ran.err + ran.out
    assert not company.is_locked("ana")


def test_one_bad_row_and_nothing_is_done(company: Company) -> None:
    company.lock("ana")
    file = written(company, "bad.csv", "person\nana\nnobody\ncleo,too many\nbo\n")
    ran = desk(company, "do", "password.unlock", "--batch", file, "--yes", "--json")
    assert ran.code == 2
    found = lines(ran)
    assert [(one["row"], one["line"], one["error"]["code"]) for one in found] == [
        (2, 3, "not-found"),
        (3, 4, "usage"),
        (4, 5, "rule"),
    ]
    assert company.is_locked("ana")
    assert "nothing was done" in ran.err


@pytest.mark.req("L4")
def test_a_plan_is_confirmed_as_it_was_and_not_otherwise(company: Company) -> None:
    file = written(company, "two.csv", "action,person\naccount.disable,ana\naccount.disable,dev\n")
    digest = desk(company, "do", "--batch", file, "-n", "--json").document["digest"]
    desk(company, "do", "account.disable", "dev", "--yes")
    stale = desk(company, "do", "--batch", file, "--json", "--yes-plan", digest)
    assert stale.code == 1
    assert lines(stale)[0]["error"]["code"] == "stale"
    desk(company, "do", "account.enable", "dev", "--yes")
    assert desk(company, "do", "--batch", file, "--json", "--yes-plan", digest).code == 0


@pytest.mark.req("L5")
@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--batch", "FILE", "--yes"], "usage"),
        (["--batch", "FILE"], "confirmation-needed"),
        (["account.disable", "--batch", "FILE", "--yes", "--yes-plan", "x"], "usage"),
        (["account.disable", "ana", "--batch", "FILE", "--yes"], "usage"),
        (["account.disable", "ana", "--stop-after", "3"], "usage"),
        (["account.disable", "--batch", "FILE", "--yes", "--stop-after", "0"], "usage"),
        (["account.disable", "--batch", "/nowhere", "--yes"], "usage"),
    ],
)
def test_what_confirms_a_batch_and_what_does_not(company: Company, flags: list[str], code: str) -> None:
    file = written(company, "one.csv", "action,person\naccount.disable,ana\n")
    ran = desk(company, "do", *[file if flag == "FILE" else flag for flag in flags], "--json")
    assert ran.code == 2
    assert json.loads(ran.out)["error"]["code"] == code
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"


def test_a_batch_flag_is_never_ignored(company: Company) -> None:
    assert company.run("log", "list", "--batch", "x").code == 2


@pytest.mark.req("S4")
@pytest.mark.req("S7")
def test_generated_passwords_go_row_by_row_to_a_private_file(company: Company) -> None:
    file = written(company, "reset.csv", "person\nana\ndev\n")
    refused = desk(company, "do", "password.reset", "--batch", file, "--yes", "--json")
    assert refused.code == 3
    assert lines(refused)[0]["error"]["code"] == "nowhere-to-reveal"
    place = company.home / "passwords"
    ran = desk(company, "do", "password.reset", "--batch", file, "--yes", "--json", "--reveal-to", str(place))
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    told = dict(line.split("\t") for line in place.read_text().splitlines())
    assert set(told) == {"ana", "dev"}
    for login, password in told.items():
        assert company.accepts(login, password) == "must-change"
        assert password not in ran.out + ran.err
        assert all(password.encode() not in p.read_bytes() for p in company.state.rglob("*") if p.is_file())
    before = place.read_text()
    again = desk(
        company, "do", "password.reset", "--batch", file, "--yes", "--json", "--reveal-to", str(place)
    )
    assert again.code == 0
    assert all(line["before"] for line in lines(again))
    assert place.read_text() == before
    other = written(company, "other.csv", "person\ncleo\n")
    refused = desk(company, "do", "password.reset", "--batch", other, "--yes", "--reveal-to", str(place))
    assert refused.code == 3
    assert place.read_text() == before


@pytest.mark.req("S4")
def test_generated_passwords_as_json_lines(company: Company) -> None:
    file = written(company, "reset.csv", "person\nana\n")
    place = company.home / "passwords.jsonl"
    assert (
        desk(company, "do", "password.reset", "--batch", file, "--yes", "--reveal-to", str(place)).code == 0
    )
    told = json.loads(place.read_text())
    assert (told["row"], told["line"], told["login"]) == (1, 2, "ana")
    assert company.accepts("ana", told["password"]) == "must-change"


@pytest.mark.req("S4")
def test_generated_passwords_to_a_descriptor_of_the_caller(company: Company) -> None:
    file = written(company, "reset.csv", "person\nana\ndev\n")
    reading, writing = os.pipe()
    try:
        ran = company.run(
            *("do", "password.reset", "--batch", file, "--yes", "--json", "--reveal-to", f"fd:{writing}"),
            *("--as", "bo", "--password-stdin"),
            stdin=PASSWORDS["bo"] + "\n",
            pass_fds=(writing,),
        )
    finally:
        os.close(writing)
    with os.fdopen(reading) as pipe:
        told = {row["login"]: row["password"] for row in map(json.loads, pipe)}
    assert ran.code == 0, ran.err
    assert {login: company.accepts(login, password) for login, password in told.items()} == {
        "ana": "must-change",
        "dev": "must-change",
    }


@pytest.mark.req("S4")
def test_a_password_that_an_interruption_took_is_told_and_not_made_anew(company: Company) -> None:
    file = written(company, "reset.csv", "person\nana\n")
    place = company.home / "passwords"
    command = ["do", "password.reset", "--batch", file, "--yes", "--json", "--reveal-to", str(place)]
    assert not lines(desk(company, *command))[0].get("lost")
    place.unlink()
    for notes in (company.state / "batches").glob("*.rows"):
        notes.write_bytes(b"")  # as if it had been killed before the password was put down
    ran = desk(company, *command)
    assert ran.code == 0
    assert lines(ran)[0]["lost"]
    assert "lost with an interruption; reset them again by themselves: ana" in ran.err
    assert not place.exists()


@pytest.mark.req("R1")
def test_plans_and_refusals_of_batches_are_logged_too(company: Company) -> None:
    file = written(company, "two.csv", "action,person\naccount.disable,ana\naccount.disable,dev\n")
    desk(company, "do", "--batch", file, "--dry-run")
    desk(company, "do", "--batch", file, "--yes-plan", "0" * 64)
    bad = written(company, "bad.csv", "action,person\naccount.disable,bo\n")
    desk(company, "do", "--batch", bad, "--yes-plan", "0" * 64)
    entries = company.run("log", "list", "--json", "--limit", "100").document["entries"]
    kinds = [(entry["kind"], entry.get("outcome")) for entry in entries]
    assert kinds.count(("preview", "previewed")) == 2
    assert kinds.count(("refusal", "failed")) == 1  # the plan was another one
    assert kinds.count(("refusal", "refused")) == 1
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"


def test_the_same_command_again_repeats_nothing_and_a_named_run_does(company: Company) -> None:
    file = written(company, "off.csv", "person\nana\n")
    command = ["do", "account.disable", "--batch", file, "--yes", "--json"]
    first = lines(desk(company, *command))[0]
    desk(company, "do", "account.enable", "ana", "--yes")
    again = desk(company, *command)
    assert again.code == 0
    assert lines(again)[0]["before"]
    assert lines(again)[0]["entry"] == first["entry"]
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
    named = desk(company, *command, "--run-name", "tuesday")
    assert named.code == 0
    assert lines(named)[0]["entry"] > first["entry"]
    log = company.run("log", "verify", "--json").document
    assert log["ok"]


def test_requests_wait_and_are_asked_once(company: Company) -> None:
    file = written(company, "ask.csv", "group,reason\nfinance-share,quarter close\n")
    command = ["do", "access.request", "--batch", file, "--yes", "--json"]
    ran = company.run_as("dev", *command)
    assert ran.code == 4, ran.err
    request = lines(ran)[0]["request"]
    again = company.run_as("dev", *command)
    assert again.code == 4
    assert lines(again)[0]["request"] == request
    assert company.run_as("cleo", "approvals", "approve", request, "--yes").code == 0
    done = company.run_as("dev", *command)
    assert done.code == 0
    assert lines(done)[0]["outcome"] == "done"
    assert "dev" in company.members("finance-share")


def test_shared_arguments_stand_on_the_command_line(company: Company) -> None:
    file = written(company, "in.csv", "person\nana\ndev\n")
    ran = company.run_as(
        "cleo", "do", "access.grant", "--group", "finance-share", "--batch", file, "--yes", "--json"
    )
    assert ran.code == 0, ran.err
    assert {"ana", "dev"} <= company.members("finance-share")


@pytest.mark.req("T3")
def test_on_a_terminal_the_whole_is_shown_and_confirmed_once(company: Company, tmp_path: Path) -> None:
    file = written(company, "off.csv", "person\nana\ndev\n")
    password = tmp_path / "password"
    password.write_text(PASSWORDS["bo"] + "\n")
    for answer, code in (("y", 1), ("2", 0)):  # disabling is severe: the number of rows is typed
        child = company.spawn(
            "do", "account.disable", "--batch", file, "--as", "bo", "--password-file", str(password)
        )
        child.expect("2 rows: 2 account.disable")
        child.expect("Type 2 to go on: ")
        time.sleep(0.6)  # what is typed right after a confirmation appears does not count (T3)
        child.sendline(answer)
        if not code:
            child.expect("2 done")
        assert finish(child) == code
