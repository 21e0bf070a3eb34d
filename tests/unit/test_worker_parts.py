"""What a worker says of itself: lines without secrets, figures as Prometheus reads them, and a unit for systemd."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import UTC, datetime
from urllib.error import HTTPError

import pytest

from helpdesk.connectors.durable.kept import kept_error, raised
from helpdesk.connectors.health import Figures, Health, exposition
from helpdesk.errors import (
    AccountLocked,
    Cancelled,
    Failed,
    HelpdeskError,
    Refused,
    TooManyAttempts,
    Unreachable,
)
from helpdesk.surfaces.cli.worker_log import WorkerLog
from helpdesk.surfaces.cli.worker_unit import unit_text

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
CANARY = "canary-in-a-coal-mine"


@pytest.mark.req("S1")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_line_holds_what_is_named_and_no_value_of_an_unknown_error(as_json: bool) -> None:
    out = io.StringIO()
    log = WorkerLog(out, lambda: NOW, as_json=as_json)
    log("run-failed", run="R-1", kind="request", error=Unreachable("The directory gives no answer."))
    log("step-broke", run="R-1", step="grant\x1b[31m", error=ValueError(CANARY), arguments=CANARY)
    log("engine", level="error", message="Exception", result=CANARY)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert CANARY not in out.getvalue()
    assert "\x1b" not in out.getvalue()
    if as_json:
        first, second, third = map(json.loads, lines)
        assert first["code"] == "unreachable"
        assert first["message"] == "R-1 failed: The directory gives no answer."
        assert second["message"].endswith("broke off: ValueError")
        assert (third["level"], third["event"], third["time"]) == (
            "error",
            "engine",
            "2026-11-25T09:00:00.000+00:00",
        )


def test_figures_are_as_prometheus_reads_them() -> None:
    text = exposition(Figures(ready=True, silent=0.25, active=2, runs={"waiting": 3, "done": 4}, overdue=1))
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values["helpdesk_worker_up"] == "1"
    assert values["helpdesk_expiries_overdue"] == "1"
    assert values['helpdesk_runs{state="waiting"}'] == "3"
    for name in {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if line[0] != "#"}:
        assert f"# TYPE {name} gauge\n" in text


def test_a_worker_without_its_store_is_alive_and_not_ready() -> None:
    def away() -> Figures:
        raise Unreachable("The store gives no answer.")

    health = _health(away)
    try:
        base = f"http://127.0.0.1:{health.address[1]}"
        assert health.address[0] == "127.0.0.1"
        with urllib.request.urlopen(f"{base}/healthz") as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(HTTPError) as unready:
            urllib.request.urlopen(f"{base}/readyz")
        assert unready.value.code == 503
        unready.value.close()
        with urllib.request.urlopen(f"{base}/metrics") as answer:
            assert b"helpdesk_worker_up 0\n" in answer.read()
        with pytest.raises(HTTPError) as nowhere:
            urllib.request.urlopen(f"{base}/../etc/passwd")
        assert nowhere.value.code == 404
        nowhere.value.close()
        with pytest.raises(Failed) as taken:
            Health(f"127.0.0.1:{health.address[1]}", away)
        assert taken.value.code == "worker-metrics"
    finally:
        health.close()


def _health(look: object) -> Health:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Health(str(port), look)  # type: ignore[arg-type]


def test_a_unit_names_the_program_the_profile_and_the_credential() -> None:
    text = unit_text("desk", "credential:worker")
    assert " --profile desk worker\n" in text
    assert "LoadCredential=worker:%h/.config/helpdesk/worker\n" in text
    assert "LoadCredential" not in unit_text("", "keyring:worker")


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    "error",
    [
        Refused("No.", hint="Ask.", rule="owner", code="directory-rights"),
        Unreachable("Gone.", maybe_applied=True),
        Cancelled("No.", words="the other one"),
        AccountLocked("Locked.", until=NOW),
        TooManyAttempts("Wait.", until=NOW),
        Failed("Broken.", code="some-code"),
    ],
)
def test_an_error_comes_back_as_it_was(error: HelpdeskError) -> None:
    again = raised(json.loads(json.dumps(kept_error(error))))
    assert type(again) is type(error)
    assert (again.message, again.hint, again.code) == (error.message, error.hint, error.code)
    for name in ("rule", "maybe_applied", "words", "until"):
        assert getattr(again, name, None) == getattr(error, name, None)


@pytest.mark.req("S1")
def test_an_unexpected_error_keeps_nothing_of_its_text_and_an_unknown_one_fails() -> None:
    assert CANARY not in json.dumps(kept_error(ValueError(CANARY)))
    assert kept_error(ValueError(CANARY))["code"] == "broken"
    assert type(raised({"type": "SystemExit", "message": "m"})) is Failed
