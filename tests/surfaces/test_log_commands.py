"""``log``: proofs, searching, exporting and counting, as a person and a script type them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.surfaces.company import Company


@pytest.fixture
def busy(company: Company) -> Company:
    """Ana finds something, Bo unlocks Dev's account, Dev asks for access, Eve's password is mistyped."""
    company.lock("dev")
    assert company.run_as("ana", "whoami").code == 0
    assert company.run_as("bo", "do", "password.unlock", "dev", "--yes").code == 0
    assert company.run_as("dev", "do", "access.request", "finance-share", "--yes").code == 4
    assert company.run("whoami", "--as", "eve", "--password-stdin", stdin="not it\n").code == 5
    return company


def _listed(company: Company, *words: str) -> list[tuple[str, str | None, str | None]]:
    ran = company.run("log", *words, "--json")
    assert ran.code == 0, ran.err
    return [(e["kind"], e["actor"], e["action"]) for e in ran.document["entries"]]


def test_entries_are_found_by_who_what_whom_and_when(busy: Company) -> None:
    unlock = [("intent", "bo", "password.unlock"), ("outcome", "bo", "password.unlock")]
    assert _listed(busy, "search", "--target", "dev", "--action", "password.unlock") == unlock
    assert _listed(busy, "list", "--actor", "bo", "--kind", "intent", "--kind", "outcome") == unlock
    assert _listed(busy, "search", "--actor", "bo", "--outcome", "done", "--kind", "outcome") == unlock[1:]
    assert _listed(busy, "search", "finance-share", "--kind", "request") == [
        ("request", "dev", "access.request")
    ]
    assert _listed(busy, "search", "--outcome", "refused") == [("sign-in", "eve", None)]
    assert _listed(busy, "search", "--after", "1h", "--actor", "bo", "--kind", "intent") == unlock[:1]
    assert _listed(busy, "search", "--before", "1h") == []
    assert _listed(busy, "search", "--before", "2020-01-01") == []
    everything = _listed(busy, "list")
    assert _listed(busy, "search", "--after", "2020-01-01T00:00+02:00") == everything
    assert _listed(busy, "list", "--after", "2", "--limit", "1") == everything[2:3]
    ran = busy.run("log", "search", "--after", "yesterday")
    assert (ran.code, "--after yesterday is no entry and no time" in ran.err) == (2, True)
    assert busy.run("log", "search", "no", "such", "words").out == "Nothing in the log fits.\n"


def test_the_figures_count_what_was_read_back(busy: Company) -> None:
    told = busy.run("log", "stats", "--json").document
    assert told["schema"] == "helpdesk.log-stats/1"
    assert (told["asked"], told["done"], told["pending"], told["closure"]) == (2, 1, 1, 0.5)
    assert told["actions"]["password.unlock"]["done"] == 1
    assert told["actions"]["access.request"]["pending"] == 1
    mine = busy.run("log", "stats", "--action", "password.unlock", "--after", "1d", "--json").document
    assert (mine["asked"], mine["done"], mine["closure"]) == (1, 1, 1.0)
    assert "50%" in busy.run("log", "stats").out
    assert busy.run("log", "stats", "--before", "1d").out == "Nothing was asked for.\n"
    assert busy.run("log", "stats", "--outcome", "done").code == 2  # that would be a figure of one's choice


@pytest.mark.req("A4")
def test_a_proof_is_checked_offline_with_the_public_key_alone(busy: Company, tmp_path: Path) -> None:
    entry = busy.run("log", "search", "--kind", "outcome", "--json").document["entries"][0]["seq"]
    kept = tmp_path / "kept"
    kept.write_text(busy.run("log", "checkpoint").out)
    assert busy.run_as("ana", "whoami").code == 0
    for words in (("show", str(entry), "--proof", "--names"), ("prove", str(kept))):
        made = busy.run("log", *words)
        assert (made.code, made.err) == (0, "")
        (tmp_path / f"{words[0]}.json").write_text(made.out)
    key = tmp_path / "host.pub"
    key.write_bytes((busy.state / "keys/host.pub").read_bytes())
    elsewhere = {"HOME": str(tmp_path / "another-home")}  # no log, no directory, no configuration
    for name, told in (("show", f"Entry {entry}"), ("prove", "continues")):
        ran = busy.run("log", "check-proof", str(tmp_path / f"{name}.json"), "--key", str(key), env=elsewhere)
        assert (ran.code, told in ran.out) == (0, True), ran.err
    document = json.loads((tmp_path / "show.json").read_text())
    ran = busy.run(
        "log", "check-proof", "-", "--key", str(key), "--json", stdin=json.dumps(document), env=elsewhere
    )
    assert ran.document["personal"]["actor"] == "bo"
    document["index"] += 1
    ran = busy.run("log", "check-proof", "-", "--key", str(key), stdin=json.dumps(document), env=elsewhere)
    assert (ran.code, "does not hold" in ran.err) == (1, True)
    assert busy.run("log", "check-proof", str(kept), "--key", str(key), env=elsewhere).code == 2
    assert busy.run("log", "show", str(entry), "--names").code == 2
    mine = ("--checkpoint", str(kept))
    old = busy.run("log", "show", str(entry), "--proof", *mine).document
    (tmp_path / "old.json").write_text(json.dumps(old))
    for name in ("old", "prove"):
        ran = busy.run("log", "check-proof", str(tmp_path / f"{name}.json"), "--key", str(key), *mine)
        assert ran.code == 0, ran.err


@pytest.mark.req("A2")
def test_only_what_came_after_a_checkpoint(busy: Company, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(busy.run("log", "checkpoint").out)
    before = busy.run("log", "verify", "--json").document["entries"]
    busy.run_as("ana", "whoami")
    told = busy.run("log", "verify", "--since", str(kept), "--json").document
    assert (told["ok"], told["since"], told["entries"] > before) == (True, before, True)
    assert (
        f"continues the checkpoint over {before} entries"
        in busy.run("log", "verify", "--since", str(kept)).out
    )
    assert busy.run("log", "verify", "--since", str(kept), "--checkpoint", str(kept)).code == 2
    kept.write_text(kept.read_text().replace(f"\n{before}\n", f"\n{before - 1}\n"))
    assert busy.run("log", "verify", "--since", str(kept)).code == 1


@pytest.mark.req("A5")
def test_exports_for_other_programs(busy: Company, tmp_path: Path) -> None:
    everything = busy.run("log", "list", "--json").document["entries"]
    asked = busy.run_as("dev", "do", "ticket.open", "=1+1\n\x1b[2J,x", "--yes")
    assert asked.code == 0, asked.err
    jsonl = busy.run("log", "export", "-", "--format", "jsonl")
    lines = [json.loads(line) for line in jsonl.out.splitlines()]
    assert lines[: len(everything)] == everything
    assert all(32 <= ord(c) < 127 or c == "\n" for c in jsonl.out)
    file = tmp_path / "log.csv"
    made = busy.run("log", "export", str(file), "--format", "csv", "--json").document
    assert (made["format"], made["entries"]) == ("csv", len(lines))
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["seq"]) for row in rows] == [line["seq"] for line in lines]
    assert len(text.splitlines()) == len(rows) + 1
    assert "\x1b" not in text
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    some = busy.run("log", "export", "-", "--format", "jsonl", "--actor", "bo", "--kind", "outcome")
    assert [json.loads(line)["action"] for line in some.out.splitlines()] == ["password.unlock"]
    assert busy.run("log", "export", "-").code == 2
    assert (
        busy.run("log", "export", str(file), "--format", "csv").code == 1
    )  # never over a file that is there


def test_events_of_ocsf(busy: Company) -> None:
    ran = busy.run("log", "export", "-", "--format", "ocsf")
    events = [json.loads(line) for line in ran.out.splitlines()]
    for event in events:
        assert event["category_uid"] == event["class_uid"] // 1000
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["metadata"]["version"] == "1.3.0"
        assert event["metadata"]["product"]["vendor_name"]
        assert event["severity_id"] in (1, 2, 3)
        assert isinstance(event["time"], int)
        assert event["time"] > 1_700_000_000_000  # milliseconds
        assert event["actor"]["user"].keys() & {"name", "uid"}
    by_sequence = {event["metadata"]["sequence"]: event for event in events}
    entries = busy.run("log", "list", "--json").document["entries"]

    def of(kind: str, actor: str) -> dict[str, object]:
        (seq,) = [e["seq"] for e in entries if (e["kind"], e["actor"]) == (kind, actor)][-1:]
        return by_sequence[seq]

    unlock = of("outcome", "bo")
    assert (unlock["class_uid"], unlock["activity_id"], unlock["activity_name"]) == (3001, 99, "Unlock")
    assert (unlock["status_id"], unlock["user"]["name"]) == (1, "dev")  # type: ignore[index]
    logon = of("sign-in", "eve")
    assert (logon["class_uid"], logon["activity_id"], logon["status_id"]) == (3002, 1, 2)
    assert logon["user"] == {"name": "eve"}
    assert logon["service"]
    request = of("request", "dev")
    assert (request["class_uid"], request["activity_id"]) == (6003, 1)
    assert request["api"]["operation"] == "access.request"  # type: ignore[index]
    assert request["src_endpoint"]


@pytest.mark.req("A2")
def test_what_is_no_checkpoint_is_said_so_and_never_looks_like_an_altered_log(
    busy: Company, tmp_path: Path
) -> None:
    kept = tmp_path / "notes.txt"
    for text in ("", "milk, bread\n", busy.run("log", "checkpoint", "--json").out):
        kept.write_text(text)
        for flag in ("--checkpoint", "--since"):
            ran = busy.run("log", "verify", flag, str(kept))
            assert (ran.code, ran.out) == (2, "")
            assert f"{flag} {kept} is no checkpoint" in ran.err.replace("\n", " ")
            assert "altered" not in ran.err


def test_an_export_never_goes_over_a_file(busy: Company, tmp_path: Path) -> None:
    file = tmp_path / "mine.db"
    file.write_text("mine")
    for form in ("table", "csv"):
        ran = busy.run("log", "export", str(file), "--format", form)
        assert (ran.code, "is there already" in ran.err, "another name" in ran.err) == (1, True, True)
    assert file.read_text() == "mine"
