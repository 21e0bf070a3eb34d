"""Off a terminal: one document, the exit codes, what is refused, and what never appears."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
from contextlib import closing

import pytest

from helpdesk.secrets import Secret
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company

KEYS = {"schema", "outcome", "action", "arguments", "message", "receipt", "entry", "request", "error"}


@pytest.mark.req("CLI-8")
@pytest.mark.req("CLI-2")
def test_a_read_is_one_document_with_its_source_as_receipt(company: Company) -> None:
    ran = company.run_as("ana", "--json", "whoami")
    assert ran.code == 0
    document = ran.document
    assert set(document) >= KEYS
    assert document["schema"] == "helpdesk.result/1"
    assert (document["outcome"], document["action"]) == ("done", "people.whoami")
    assert document["data"]["login"] == "ana"
    assert set(document["receipt"][0]) == {"system", "target", "what", "expected", "observed"}
    assert isinstance(document["entry"], int)
    assert "citations" not in document


@pytest.mark.req("CLI-14")
def test_a_change_is_confirmed_by_yes_and_ends_with_the_next_command(company: Company) -> None:
    company.lock("ana")
    ran = company.run_as("bo", "do", "password.unlock", "ana", "--yes")
    assert ran.code == 0, ran.err
    assert "account lock: not locked (read back" in ran.out
    assert "Logged as entry" in ran.out
    assert "helpdesk log show" in ran.out
    assert "Please confirm: password.unlock" in ran.err
    assert not company.is_locked("ana")


@pytest.mark.req("CLI-16")
@pytest.mark.req("CLI-17")
def test_what_must_be_confirmed_fails_and_names_the_flag(company: Company) -> None:
    company.lock("ana")
    ran = company.run_as("bo", "--json", "do", "password.unlock", "ana")
    assert ran.code == 2
    assert ran.document["error"]["code"] == "confirmation-needed"
    assert "--yes" in ran.document["error"]["hint"]
    assert company.is_locked("ana")


@pytest.mark.req("CLI-15")
def test_a_dry_run_changes_nothing(company: Company) -> None:
    company.lock("ana")
    ran = company.run_as("bo", "-n", "--json", "do", "password.unlock", "ana", "--yes")
    assert ran.code == 0
    assert ran.document["outcome"] == "previewed"
    assert ran.document["changes"][0]["after"] == "not locked"
    assert company.is_locked("ana")


@pytest.mark.req("CLI-1")
def test_a_refusal_names_its_rule_and_exits_with_3(company: Company) -> None:
    ran = company.run_as("ana", "--json", "do", "password.reset", "dev", "--yes", "--reveal-to", "fd:9")
    assert ran.code == 3
    assert ran.document["outcome"] == "refused"
    assert ran.document["rule"]
    assert ran.err.startswith("refused:")


@pytest.mark.req("CLI-1")
@pytest.mark.parametrize("arguments", [["whoami"], ["do", "access.list"], ["approvals", "list"]])
def test_nobody_signed_in_is_5_and_says_how(company: Company, arguments: list[str]) -> None:
    ran = company.run("--json", *arguments)
    assert ran.code == 5
    assert ran.document["error"]["code"] == "not-signed-in"
    assert "--password-stdin" in ran.document["error"]["hint"]


@pytest.mark.req("CLI-1")
def test_a_wrong_password_is_5_and_is_tried_once(company: Company) -> None:
    ran = company.run("--json", "whoami", "--as", "ana", "--password-stdin", stdin="wrong\n")
    assert ran.code == 5
    assert ran.document["error"]["code"] == "wrong-credentials"
    desk = company.directory.sign_in("bo", Secret(PASSWORDS["bo"]))
    assert desk.status(desk.person("ana")).failures == 1
    desk.close()


@pytest.mark.req("CLI-8")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "missing-command"),
        (["nonsense"], "unknown-command"),
        (["do", "password.rset"], "unknown-action"),
        (["do", "password.unlock", "--as", "bo", "--password-stdin"], "missing-argument"),
        (["do", "password.unlock", "ana", "more"], "usage"),
        (["do", "password.unlock", "--nope"], "usage"),
        (["ask", "--yes", "hello"], "usage"),
        (["--color", "pink", "whoami"], "usage"),
        (["log", "show", "x"], "usage"),
    ],
)
def test_usage_errors_are_a_document_too(company: Company, arguments: list[str], code: str) -> None:
    ran = company.run("--json", *arguments, stdin=PASSWORDS["bo"] + "\n")
    assert ran.code == 2
    assert ran.document["outcome"] == "usage"
    assert ran.document["error"]["code"] == code
    assert "Traceback" not in ran.err


@pytest.mark.req("CLI-8")
def test_a_broken_configuration_is_a_document_too(company: Company) -> None:
    company.config.write_text("[directory\n")
    ran = company.run("--json", "whoami")
    assert ran.code == 2
    assert ran.document["error"]["code"] == "config"


@pytest.mark.req("CLI-6")
def test_a_typo_suggests_and_runs_nothing(company: Company) -> None:
    ran = company.run("lgoin")
    assert ran.code == 2
    assert "login" in ran.err
    assert ran.out == ""
    ran = company.run("do", "password.unlok", "ana")
    assert ran.code == 2
    assert "password.unlock" in ran.err


@pytest.mark.req("CLI-21")
@pytest.mark.parametrize(
    "arguments", [["who"], ["do", "password.un", "ana"], ["do", "access.grant", "--per", "ana"]]
)
def test_nothing_is_abbreviated(company: Company, arguments: list[str]) -> None:
    assert company.run(*arguments).code == 2


@pytest.mark.req("CLI-3")
@pytest.mark.req("CLI-4")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-h"],
        ["--help"],
        ["help"],
        ["help", "do"],
        ["do", "-h"],
        ["help", "do", "password.reset"],
        ["do", "password.reset", "--help"],
        ["help", "approvals", "approve"],
        ["approvals"],
        ["ask", "--help"],
    ],
)
def test_help_works_without_any_configuration(company: Company, arguments: list[str]) -> None:
    company.config.unlink()
    ran = company.run(*arguments)
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert "helpdesk" in ran.out


@pytest.mark.req("CLI-3")
def test_the_help_of_an_action_tells_what_it_needs(company: Company) -> None:
    out = company.run("do", "access.grant", "--help").out
    assert "PERSON GROUP" in out
    assert "--person LOGIN" in out
    assert "--group GROUP" in out


@pytest.mark.req("CLI-3")
def test_do_alone_lists_the_actions_signed_out_with_a_note(company: Company) -> None:
    ran = company.run("do")
    assert ran.code == 0
    assert "password.reset PERSON" in ran.out
    assert "Nobody is signed in" in ran.out
    document = company.run("do", "--json").document
    assert document["signed_in"] is False
    assert all(action["allowed"] is None for action in document["actions"])


@pytest.mark.req("CLI-3")
def test_do_alone_lists_what_this_person_may_run(company: Company) -> None:
    ana = company.run_as("ana", "do")
    assert "password.change" in ana.out
    assert "password.reset" not in ana.out
    assert "password.reset PERSON" in company.run_as("bo", "do").out


@pytest.mark.req("CLI-20")
def test_arguments_may_be_positional_or_named_in_any_order(company: Company) -> None:
    for words in (
        ["ana", "finance-share"],
        ["--group", "finance-share", "ana"],
        ["--person=ana", "finance-share"],
        ["--group", "finance-share", "--person", "ana"],
    ):
        document = company.run_as("cleo", "do", "access.grant", *words, "-n", "--json").document
        assert document["arguments"] == {"person": "ana", "group": "finance-share"}
        assert document["outcome"] == "previewed"


@pytest.mark.req("S8")
@pytest.mark.req("CLI-16")
def test_a_password_on_the_command_line_is_refused(company: Company) -> None:
    ran = company.run_as("ana", "do", "password.change", "--new-password", "quiet-rivers-run-deep-9", "--yes")
    assert ran.code == 2
    assert "--new-password-file" in ran.err
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"


@pytest.mark.req("S8")
@pytest.mark.req("CLI-18")
def test_a_new_password_comes_from_a_file_or_from_standard_input(company: Company) -> None:
    first, second = "quiet-rivers-run-deep-9", "loud-rivers-run-shallow-8"
    file = company.home / "new"
    file.write_text(first + "\n")
    ran = company.run_as("ana", "--json", "do", "password.change", "--new-password-file", str(file), "--yes")
    assert ran.code == 0, ran.out
    assert ran.document["arguments"] == {}
    assert company.accepts("ana", first) == "yes"
    ran = company.run(
        "do", "password.change", "--new-password", "-", "--yes", "--as", "ana", "--password-stdin",
        stdin=f"{first}\n{second}\n",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert company.accepts("ana", second) == "yes"
    assert first not in ran.out + ran.err
    assert second not in ran.out + ran.err


@pytest.mark.req("S4")
def test_a_generated_password_has_nowhere_to_go_and_nothing_changes(company: Company) -> None:
    for extra in ([], ["--json"]):
        ran = company.run_as("bo", "do", "password.reset", "ana", "--yes", *extra)
        assert ran.code == 3
        assert "--reveal-to" in ran.err
    assert ran.document["error"]["code"] == "nowhere-to-reveal"
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"


@pytest.mark.req("S4")
@pytest.mark.req("S7")
def test_a_generated_password_goes_into_a_new_private_file_only(company: Company) -> None:
    file = company.home / "secret"
    ran = company.run_as("bo", "--json", "do", "password.reset", "ana", "--yes", "--reveal-to", str(file))
    assert ran.code == 0, ran.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text().strip()
    assert company.accepts("ana", password) == "must-change"
    assert password not in ran.out + ran.err
    again = company.run_as("bo", "--json", "do", "password.reset", "ana", "--yes", "--reveal-to", str(file))
    assert again.code == 3
    assert again.document["error"]["code"] == "nowhere-to-reveal"
    assert file.read_text().strip() == password
    assert company.accepts("ana", password) == "must-change"


@pytest.mark.req("S4")
def test_a_place_for_a_secret_that_was_not_used_is_taken_away(company: Company) -> None:
    file = company.home / "secret"
    ran = company.run_as("bo", "do", "password.reset", "ana", "--reveal-to", str(file))
    assert ran.code == 2
    assert not file.exists()


@pytest.mark.req("S4")
def test_a_generated_password_goes_to_a_descriptor(company: Company) -> None:
    read, write = os.pipe()
    ran = company.run(
        "do", "password.reset", "ana", "--yes", "--reveal-to", f"fd:{write}", "--as", "bo", "--password-stdin",
        stdin=PASSWORDS["bo"] + "\n", pass_fds=(write,),
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as pipe:
        password = pipe.read().strip()
    assert ran.code == 0, ran.err
    assert company.accepts("ana", password) == "must-change"
    refused = company.run_as("bo", "do", "password.reset", "ana", "--yes", "--reveal-to", "fd:1")
    assert refused.code in (2, 3)
    assert company.accepts("ana", password) == "must-change"


@pytest.mark.req("L5")
def test_yes_confirms_the_named_action_only(company: Company) -> None:
    ran = company.run_as("ana", "ask", "--yes", "get me into finance-share")
    assert ran.code == 2
    assert "--yes-for" in ran.err
    ran = company.run_as(
        "ana", "--json", "ask", "get me into finance-share for the audit", "--yes-for", "password.change"
    )
    assert ran.code == 2
    assert "--yes-for access.request" in ran.document["error"]["hint"]
    ran = company.run_as("bo", "do", "password.unlock", "ana", "--yes-for", "password.unlock")
    assert ran.code == 2


@pytest.mark.req("CLI-14")
@pytest.mark.req("V1")
def test_a_request_from_words_to_an_approval(company: Company) -> None:
    asked = company.run_as(
        "ana", "--json", "ask", "get me into finance-share for the audit", "--yes-for", "access.request"
    )
    assert asked.code == 4, asked.out
    id = asked.document["request"]
    waiting = company.run_as("cleo", "approvals", "list", "--json").document["waiting"]
    assert [request["id"] for request in waiting] == [id]
    mine = company.run_as("ana", "approvals", "list", "--json").document["mine"]
    assert [(request["id"], request["state"]) for request in mine] == [(id, "pending")]
    shown = company.run_as("cleo", "approvals", "show", id)
    for part in (
        "ana",
        "not a member → member",
        f"helpdesk approvals approve {id}",
        f"helpdesk approvals deny {id}",
    ):
        assert part in shown.out
    assert company.run_as("dev", "approvals", "show", id).code == 2
    assert company.run_as("dev", "approvals", "approve", id, "--yes").code == 3
    assert company.run_as("cleo", "approvals", "approve", id).code == 2
    preview = company.run_as("cleo", "approvals", "approve", id, "--dry-run", "--json")
    assert preview.document["outcome"] == "previewed"
    assert "ana" not in company.members("finance-share")
    approved = company.run_as("cleo", "--json", "approvals", "approve", id, "--yes")
    assert approved.code == 0, approved.out
    assert approved.document["receipt"][0]["observed"] == "member"
    assert "ana" in company.members("finance-share")


@pytest.mark.req("CLI-14")
def test_a_request_is_denied_or_withdrawn(company: Company) -> None:
    ids = []
    for login in ("ana", "dev"):
        ran = company.run_as(login, "--json", "do", "access.request", "finance-share", "--yes")
        ids.append(ran.document["request"])
    assert company.run_as("cleo", "approvals", "deny", ids[0], "--dry-run").code == 2
    assert company.run_as("cleo", "approvals", "deny", ids[0], "--reason", "not yours").code == 0
    assert company.run_as("dev", "approvals", "withdraw", ids[1]).code == 0
    mine = company.run_as("ana", "approvals", "list", "--json").document["mine"]
    assert [(request["state"], request["answer"]) for request in mine] == [("denied", "not yours")]
    assert company.members("finance-share") == {"cleo"}


@pytest.mark.req("CLI-3")
def test_a_locked_out_person_is_told_why_and_who_can_help(company: Company) -> None:
    company.lock("ana")
    ran = company.run_as("ana", "--json", "ask", "I'm locked out")
    assert ran.code == 0, ran.out
    assert "locked" in ran.document["message"]
    assert "Bo Larsen" in ran.document["message"]


@pytest.mark.req("CLI-8")
def test_a_policy_question_is_answered_with_citations(company: Company) -> None:
    document = company.run_as("ana", "--json", "ask", "how long may I keep customer data?").document
    assert document["action"] == "policy.search"
    first = document["citations"][0]
    assert set(first) == {"source", "file", "heading", "line", "text"}
    assert "two years" in first["text"]
    assert company.run_as("ana", "policy", "search", "customer", "data").code == 0


@pytest.mark.req("CLI-8")
def test_the_log_lists_shows_and_verifies(company: Company) -> None:
    entry = company.run_as("ana", "--json", "whoami").document["entry"]
    listed = company.run("log", "list", "--json").document
    assert listed["schema"] == "helpdesk.log/1"
    assert entry in [e["seq"] for e in listed["entries"]]
    shown = company.run("log", "show", str(entry))
    assert "people.whoami" in shown.out
    verified = company.run("log", "verify", "--json")
    assert verified.code == 0
    assert verified.document["ok"] is True
    assert set(verified.document) >= {"ok", "entries", "first_bad", "checkpoint"}
    assert company.run("log", "show", "999", "--json").code == 2


@pytest.mark.req("CLI-25")
def test_a_closed_pipe_is_quiet(company: Company) -> None:
    program = subprocess.Popen(
        [*PROGRAM, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=company.environment(),
        cwd=ROOT,
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(30) == 0


@pytest.mark.req("CLI-29")
def test_a_full_standard_output_is_an_error(company: Company) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "do"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=company.environment(),
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.req("CLI-30")
@pytest.mark.req("S2")
def test_a_crash_is_a_sentence_and_its_traceback_a_private_file_without_secrets(company: Company) -> None:
    broken = company.home / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import helpdesk.gate.signin as s\n"
        "async def bad(self, login, password):\n"
        "    raise RuntimeError('told: ' + password.expose())\n"
        "s.DirectorySignIn.__call__ = bad\n"
    )
    path = {"PYTHONPATH": str(broken)}
    ran = company.run_as("ana", "--json", "whoami", env=path)
    assert ran.code == 1
    assert ran.document["error"]["code"] == "internal"
    assert "Traceback" not in ran.err
    (kept,) = (company.state / "crashes").iterdir()
    assert str(kept) in ran.document["error"]["hint"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    text = kept.read_text()
    assert "RuntimeError" in text
    assert PASSWORDS["ana"] not in text
    debug = company.run_as("ana", "whoami", "--debug", env=path)
    assert "Traceback" in debug.err
    assert PASSWORDS["ana"] not in debug.err


@pytest.mark.req("CLI-34")
@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, {"COLUMNS": "40"}]
)
def test_narrow_and_ascii_terminals_lose_nothing(company: Company, env: dict[str, str]) -> None:
    ran = company.run_as("ana", "--json", "do", "access.request", "finance-share", "--yes", env=env)
    id = ran.document["request"]
    listed = company.run_as("cleo", "approvals", "list", env=env)
    assert listed.code == 0, listed.err
    assert id in listed.out
    assert "access.request" in listed.out
    if "LC_ALL" in env:
        listed.out.encode("ascii")


@pytest.mark.req("T1")
@pytest.mark.req("CLI-35")
def test_no_control_character_of_the_directory_reaches_the_terminal(company: Company) -> None:
    hostile = "Ana \x1b]52;c;AAAA\x07\x1b[31m\u202eevil\x9b31m"
    with closing(sqlite3.connect(company.state / "directory.db")) as database, database:
        database.execute("UPDATE person SET name = ? WHERE login = 'ana'", (hostile,))
    for arguments in (["whoami"], ["whoami", "--json"], ["do", "people.find", "ana", "--plain"]):
        ran = company.run_as("ana", *arguments)
        assert ran.code == 0, ran.err
        assert "evil" in ran.out
        for bad in ("\x1b", "\x07", "\u202e", "\x9b"):
            assert bad not in ran.out + ran.err


@pytest.mark.req("CLI-10")
@pytest.mark.req("CLI-12")
def test_off_a_terminal_nothing_is_coloured_or_moved_unless_asked(company: Company) -> None:
    plain = company.run_as("ana", "whoami")
    assert "\x1b" not in plain.out + plain.err
    assert "\r" not in plain.out + plain.err
    forced = company.run_as("ana", "do", "--color=always", env={"NO_COLOR": "1"})
    assert "\x1b[1m" in forced.out


@pytest.mark.req("CLI-9")
def test_plain_lists_one_action_a_line(company: Company) -> None:
    lines = company.run("do", "--plain").out.splitlines()
    assert len(lines) > 10
    assert all(line.count("\t") == 1 for line in lines)


@pytest.mark.req("CLI-8")
def test_every_listing_command_prints_one_document(company: Company) -> None:
    for arguments in (["do"], ["log", "list"], ["log", "verify"], ["config", "show"], ["plugin", "list"]):
        ran = company.run(*arguments, "--json")
        json.loads(ran.out)


@pytest.mark.req("A1")
@pytest.mark.req("CLI-1")
def test_an_altered_log_is_told_with_its_first_bad_entry(company: Company) -> None:
    for _ in range(2):
        assert company.run_as("ana", "whoami").code == 0
    with closing(sqlite3.connect(company.state / "log" / "log.db")) as database, database:
        database.execute("DROP TRIGGER entries_fixed")
        database.execute("UPDATE entries SET entry = replace(entry, 'whoami', 'update') WHERE seq = 2")
    ran = company.run("log", "verify", "--json")
    assert ran.code == 1
    assert (ran.document["ok"], ran.document["first_bad"]) == (False, 2)
    assert "entry 2" in ran.err
    assert company.run("log", "verify").code == 1


@pytest.mark.req("CLI-14")
def test_a_kept_checkpoint_shows_later_that_nothing_was_taken_away(company: Company) -> None:
    company.run_as("ana", "whoami")
    kept = company.home / "checkpoint"
    kept.write_text(company.run("log", "checkpoint").out)
    company.run_as("ana", "whoami")
    assert company.run("log", "verify", "--checkpoint", str(kept)).code == 0
    origin, size, root, *rest = kept.read_text().split("\n")
    other = ("B" if root[0] == "A" else "A") + root[1:]
    kept.write_text("\n".join([origin, size, other, *rest]))
    assert company.run("log", "verify", "--checkpoint", str(kept)).code != 0


@pytest.mark.req("CLI-8")
def test_the_log_is_read_in_pages(company: Company) -> None:
    for _ in range(3):
        company.run_as("ana", "whoami")

    def listed(*arguments: str) -> list[int]:
        document = company.run("log", "list", "--json", *arguments).document
        return [entry["seq"] for entry in document["entries"]]

    assert listed() == [1, 2, 3, 4, 5, 6]
    assert listed("--limit", "2") == [5, 6]
    assert listed("--limit", "2", "--before", "5") == [3, 4]
    assert listed("--limit", "2", "--after", "1") == [2, 3]
    assert listed("--kind", "read") == [2, 4, 6]


@pytest.mark.req("CLI-8")
def test_what_a_plugin_prints_does_not_get_into_the_document(company: Company) -> None:
    folder = company.home / "noisy"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import helpdesk_people as people\n"
        "action = people.plugin.actions['people.whoami']\n"
        "real = action.function\n"
        "async def noisy(ctx):\n"
        "    print('canary')\n"
        "    return await real(ctx)\n"
        "noisy.__doc__ = real.__doc__\n"
        "action.function = noisy\n"
    )
    ran = company.run_as("ana", "--json", "whoami", env={"PYTHONPATH": str(folder)})
    assert ran.code == 0, ran.err
    assert ran.document["outcome"] == "done"
    assert "canary" in ran.err


@pytest.mark.req("CLI-25")
@pytest.mark.req("CLI-8")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_off_a_terminal_is_a_document_too(
    company: Company, number: signal.Signals, code: int
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(30)
        company.config.write_text(
            f'[directory]\nurl = "ldaps://127.0.0.1:{silent.getsockname()[1]}"\nbase = "dc=example,dc=com"\n'
        )
        program = subprocess.Popen(
            [*PROGRAM, "--json", "whoami", "--as", "ana", "--password-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=company.environment(), cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        assert program.stdin is not None
        program.stdin.write(b"a-password\n")
        program.stdin.close()
        program.stdin = None
        connection, _ = silent.accept()
        program.send_signal(number)
        out, err = program.communicate(timeout=30)
        connection.close()
    assert program.returncode == code
    assert json.loads(out)["outcome"] == "interrupted"
    assert b"Traceback" not in err


@pytest.mark.req("L2")
@pytest.mark.req("L5")
def test_a_sentence_that_is_read_confirms_nothing(company: Company) -> None:
    ran = company.run("ask", "-", "--yes-for", "access.grant", stdin="give dev access to finance-share")
    assert ran.code == 2
    assert "on the command line" in ran.err
    assert "dev" not in company.members("finance-share")
