"""Every scene of the demo, the lock included, on slapd: other names, attributes, units, group class, rights."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpdesk.app import Desk
from helpdesk.demo.scenes import SCENES
from helpdesk.demo.story import Played, Stage, play
from tests.integration.story_world import AtTerminal, configuration, settle
from tests.servers.slapd import Slapd

FIXTURES = {
    "slapd_people": (
        (
            ("wanda", "Wanda Petrova"),
            ("idris", "Idris Bell"),
            ("maeve", "Maeve Kelly"),
            ("anton", "Anton Ruiz"),
            ("farah", "Farah Nasser"),
            ("piet", "Piet de Vries"),
            ("sunil", "Sunil Gupta"),
        ),
        "ledger-room",
    ),
    "slapd_staff": (
        (
            ("k.novak", "Katja Novak"),
            ("e.moreau", "Elise Moreau"),
            ("r.stone", "Rhys Stone"),
            ("b.akande", "Bola Akande"),
            ("u.lang", "Ulrich Lang"),
            ("d.silva", "Duarte Silva"),
            ("h.sato", "Hana Sato"),
        ),
        "closing-team",
    ),
}


@pytest.mark.servers
@pytest.mark.timeout(240)
@pytest.mark.req("D4", "D6", "D7", "D9", "L4", "L10", "R1", "V1", "V2", "V3")
@pytest.mark.parametrize("fixture", FIXTURES)
def test_every_scene_of_the_demo_also_passes_on_slapd(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Slapd = request.getfixturevalue(fixture)
    names, group = FIXTURES[fixture]
    cast, witness = settle(server, names, group, tmp_path)
    environ = {
        "HOME": str(tmp_path / "home"),
        "HELPDESK_CONFIG": str(tmp_path / "site.toml"),
        "XDG_CONFIG_DIRS": str(tmp_path / "nothing"),
    }
    (tmp_path / "site.toml").write_text(configuration(server, cast))
    monkeypatch.setenv("LOOKUP_PASSWORD", server.lookup_password)

    stage = Stage(lambda: Desk.open(environ=environ), cast, witness, AtTerminal)
    scenes = _played(stage)

    went = "\n".join(
        f"{one.number} {one.title}: {one.result.outcome} {one.result.message} {one.problems}"
        for one in scenes
    )
    assert all(one.ok for one in scenes), went
    assert len(scenes) == len(SCENES), went


def _played(stage: Stage) -> list[Played]:
    async def all_scenes() -> list[Played]:
        return [one async for one in play(SCENES, stage)]

    return asyncio.run(all_scenes())
