"""The demo's company lends access for seconds: given, expired, read back (V5)."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call
from helpdesk.app.workbench import Workbench
from helpdesk.demo.company import employee
from helpdesk.demo.founding import found, temporary
from helpdesk.demo.worker import LOGIN, hire
from helpdesk.events import Outcome
from helpdesk.workflows.grants import Standing
from tests.fakes.terminal import Person
from tests.integration.engine_world import until


@pytest.mark.req("V5")
def test_the_company_lends_access_for_seconds(tmp_path: Path) -> None:
    company = found({**temporary(tmp_path), "PATH": ""}, keep_sessions=False)
    assert hire(company)
    assert not hire(company), "it is hired once"
    assert tomllib.loads(company.places.config_file.read_text())["worker"]["service"] == "worker"
    priya = employee("priya")
    desk = company.desk()
    at = cast(Any, Person())

    async def give() -> Any:
        signed_in = await desk.signed_in(at, login=priya.login, password=priya.password)
        end = (datetime.now(UTC) + timedelta(seconds=6)).isoformat(timespec="seconds")
        arguments = {"person": "oskar", "group": "finance-share", "until": end}
        return await desk.run(Call("access.grant", arguments), signed_in, at)

    bench = Workbench(company.desk(), lambda *_, **__: None)
    try:
        assert asyncio.run(give()).outcome is Outcome.DONE
        bench.open()
        grants = desk.grants
        assert grants is not None

        def ended() -> Any:
            return next((one for one in grants.all(ended=True) if one.standing is Standing.ENDED), None)

        kept = until(ended)
        assert kept.how.startswith("Oskar Lindqvist is no longer a member of finance-share")
        entry = desk.audit.entry(kept.entry)
        assert entry.personal["actor"] == LOGIN
        reader = desk.directory.look_up()
        held = {group.name for group in reader.groups_of(reader.person("oskar"))}
        assert "finance-share" not in held
    finally:
        bench.close(5)
        cast(Any, bench.parts).close()
        desk.close()
