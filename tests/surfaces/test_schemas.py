"""Every document that ``--json`` prints is described in docs/schemas, and looks like that."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from helpdesk.events import Outcome
from tests.json_schema import SCHEMAS, load, problems
from tests.surfaces.company import ROOT, Company


def check(document: Any, name: str) -> Any:
    assert problems(document, name) == []
    return document


@pytest.mark.req("CLI-8")
def test_every_document_that_the_program_names_is_published() -> None:
    named = set()
    for file in (ROOT / "helpdesk").rglob("*.py"):
        named |= set(re.findall(r'"helpdesk\.([a-z-]+)/(\d)"', file.read_text("utf-8")))
    assert ("result", "1") in named
    assert {f"{name}-{version}" for name, version in named} - _NOT_PRINTED <= {
        p.stem for p in SCHEMAS.iterdir()
    }


_NOT_PRINTED: set[str] = {"backup-1"}
"""Names of what is stored and never printed."""


@pytest.mark.parametrize("file", sorted(SCHEMAS.iterdir()), ids=lambda file: file.stem)
def test_a_schema_says_which_document_it_describes(file: Path) -> None:
    schema = load(file.stem)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == file.name
    told = schema.get("properties", {}).get("schema", {}).get("const", "")
    assert told == "" or told.removeprefix("helpdesk.").replace("/", "-") == file.stem
    assert file.name in (ROOT / "docs/it-staff.md").read_text("utf-8")


def test_the_outcomes_of_the_schema_are_those_of_the_program() -> None:
    assert load("result-1")["properties"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]


def test_results_inside_of_other_documents_are_the_same_ones() -> None:
    whole = load("result-1")
    for name in ("reconcile-1", "demo-1"):
        inner = load(name)["$defs"]["result"]
        assert (inner["properties"], inner["required"]) == (whole["properties"], whole["required"])


def test_the_validator_finds_what_is_wrong(company: Company) -> None:
    document = company.run_as("ana", "--json", "whoami").document
    assert problems(document, "result-1") == []
    assert problems({**document, "more": 1}, "result-1") == ["$: 'more' is not described"]
    assert problems({**document, "outcome": "fine"}, "result-1") != []
    assert problems({**document, "entry": True}, "result-1") != []
    assert problems({**document, "receipt": [{}]}, "result-1") != []
    assert problems({k: v for k, v in document.items() if k != "error"}, "result-1") == [
        "$: 'error' is missing"
    ]


# ── results ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-8")
def test_results_of_every_kind(company: Company) -> None:
    company.lock("ana")
    for outcome, login, words in (
        ("done", "bo", ["whoami"]),
        ("previewed", "bo", ["do", "password.unlock", "ana", "-n"]),
        ("done", "bo", ["do", "password.unlock", "ana", "--yes"]),
        ("refused", "ana", ["do", "password.reset", "dev", "--yes", "--reveal-to", "fd:9"]),
        ("usage", "ana", ["do", "password.status", "nobody"]),
        ("usage", "ana", ["do", "access.request", "finance-share"]),
        ("pending", "ana", ["do", "access.request", "finance-share", "--yes"]),
        ("done", "ana", ["policy", "search", "customer", "data"]),
        ("done", "ana", ["ask", "how long may I keep customer data?"]),
        ("done", "ana", ["do", "ticket.open", "the printer is on fire", "--yes"]),
        ("done", "ana", ["do", "ticket.status"]),
        ("done", "ana", ["do", "people.find", "bo"]),
        ("done", "ana", ["login"]),
    ):  # fmt: skip
        ran = company.run_as(login, *words, "--json")
        assert check(ran.document, "result-1")["outcome"] == outcome, (words, ran.out)
    for outcome, words in (
        ("done", ["logout"]),
        ("not-signed-in", ["whoami"]),
        ("usage", ["nonsense"]),
        ("usage", ["do", "no.such"]),
    ):
        assert check(company.run(*words, "--json").document, "result-1")["outcome"] == outcome
    assert check(company.run("--version", "--json").document, "version")


@pytest.mark.req("CLI-8")
def test_a_plan_and_the_lines_of_a_batch(company: Company) -> None:
    for login in ("ana", "dev"):
        company.lock(login)
    rows = company.home / "rows.csv"
    rows.write_text("person\nana\ndev\n")
    batch = ["do", "password.unlock", "--batch", str(rows), "--json"]
    plan = check(company.run_as("bo", *batch, "--dry-run").document, "plan-1")
    assert [row["target"] for row in plan["rows"]] == ["ana", "dev"]
    for before in (False, True):
        ran = company.run_as("bo", *batch, "--yes-plan", plan["digest"])
        assert ran.code == 0, ran.err
        lines = [check(json.loads(line), "result-1") for line in ran.out.splitlines()]
        assert [line.get("before", False) for line in lines] == [before, before]


# ── everything else ───────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-8")
def test_the_documents_of_actions_and_approvals(company: Company) -> None:
    check(company.run("do", "--json").document, "actions-1")
    check(company.run_as("ana", "do", "--json").document, "actions-1")
    asked = company.run_as("ana", "--json", "do", "access.request", "finance-share", "--yes").document
    mine = check(company.run_as("ana", "approvals", "list", "--json").document, "approvals-1")["mine"]
    waiting = check(company.run_as("cleo", "approvals", "list", "--json").document, "approvals-1")["waiting"]
    assert len(mine) == len(waiting) == 1
    check(company.run_as("cleo", "approvals", "show", asked["request"], "--json").document, "approval-1")
    denied = company.run_as("cleo", "approvals", "deny", asked["request"], "--json").document
    assert check(denied, "result-1")["outcome"] == "done"
    check(company.run_as("ana", "approvals", "list", "--json").document, "approvals-1")
    check(company.run_as("bo", "reconcile", "--json").document, "reconcile-1")


@pytest.mark.req("CLI-8")
def test_the_documents_of_the_log(company: Company) -> None:
    check(company.run("log", "list", "--json").document, "log-1")
    check(company.run("log", "verify", "--json").document, "log-verify")
    entry = company.run_as("ana", "--json", "whoami").document["entry"]
    listed = check(company.run("log", "list", "--json").document, "log-1")["entries"]
    assert [found["seq"] for found in listed][-1] == entry
    check(company.run("log", "show", str(entry), "--json").document, "entry-1")
    check(company.run("log", "verify", "--json").document, "log-verify")
    note = check(company.run("log", "checkpoint", "--json").document, "checkpoint-1")["checkpoint"]
    kept, proof = company.home / "kept", company.home / "proof"
    kept.write_text(note)
    company.run_as("ana", "whoami")
    public = next((company.state / "keys").glob("*.pub"))
    for words in (["show", str(entry), "--proof", "--names"], ["prove", str(kept)]):
        ran = company.run("log", *words)
        check(ran.document, "proof-1")
        proof.write_text(ran.out)
        checked = company.run("log", "check-proof", str(proof), "--key", str(public), "--json")
        check(checked.document, "proof-check-1")


@pytest.mark.req("CLI-8")
def test_the_documents_of_looking_back(company: Company) -> None:
    company.lock("ana")
    done = company.run_as("bo", "--json", "do", "password.unlock", "ana", "--yes").document["entry"]
    refused = company.run_as("ana", "--json", "do", "access.grant", "ana", "finance-share", "--yes").document
    for words in (
        [str(done)],
        [str(refused["entry"])],
        ["access.grant", "ana", "finance-share"],
        ["access.request", "finance-share"],
    ):
        check(company.run_as("bo", "why", *words, "--json").document, "why-1")
    check(company.run("log", "search", "unlock", "--json").document, "log-1")
    stats = check(company.run("log", "stats", "--json").document, "log-stats-1")
    assert stats["actions"]["password.unlock"]["done"] == 1
    report = check(company.run("log", "report", "--json").document, "log-report-1")
    assert (report["done"], report["refused"], report["file"]) == (stats["done"], stats["refused"], None)
    for form in ("table", "jsonl", "csv", "ocsf"):
        file = str(company.home / f"exported.{form}")
        ran = company.run("log", "export", file, "--format", form, "--json")
        assert check(ran.document, "export-1")["format"] == form


@pytest.mark.req("CLI-8")
def test_the_documents_that_need_nobody(company: Company) -> None:
    for words, name in (
        (["doctor"], "doctor-1"),
        (["config", "show", "--origin"], "config-1"),
        (["config", "path"], "config-path-1"),
        (["plugin", "list"], "plugins-1"),
        (["privacy"], "privacy-1"),
        (["privacy", "get me into finance-share"], "privacy-1"),
        (["completions", "bash"], "completions-1"),
        (["help", "topics"], "help-1"),
        (["help", "it-staff"], "help-1"),
        (["help", "--man"], "help-1"),
        (["demo"], "demo-1"),
    ):
        check(company.run(*words, "--json").document, name)
    model = '\n[llm]\nkind = "openai"\nurl = "http://127.0.0.1:9/v1"\nmodel = "m"\nmay_see = ["words"]\n'
    company.config.write_text(company.config.read_text() + model)
    ran = company.run("privacy", "get me into finance-share", "--json")
    assert check(ran.document, "privacy-1" if ran.code == 0 else "result-1")


@pytest.mark.req("CLI-8")
def test_the_document_of_the_story(company: Company) -> None:
    ran = company.run("demo", "--script", "--json")
    assert ran.code == 0, ran.err
    assert len(check(ran.document, "demo-1")["steps"]) > 10


def test_every_schema_is_json_as_it_is_written() -> None:
    for file in SCHEMAS.iterdir():
        text = file.read_text("utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
