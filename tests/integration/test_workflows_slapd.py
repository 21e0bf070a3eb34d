"""Onboarding over a real directory, tickets and mail: killed in the middle it ends once, whole, or undone and said so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.flows_site import FlowSite, flow_site
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.servers
EFFECTS = ("account:effect", "access[1]:effect", "address:effect", "equipment_ready:effect", "welcome:effect")
EVERY_DAY = ("account:effect", "welcome:effect")
KILLED = EFFECTS if os.environ.get("HELPDESK_TEST_FAULTS") else EVERY_DAY


def newcomer(here: FlowSite, name: str) -> dict[str, str]:
    login = f"{name}{here.tag}"
    return {
        "login": login,
        "full_name": f"{name.title()} New",
        "mail": f"{login}@example.test",
        "alias": f"{login}.new@example.test",
        "manager": here.login("bo"),
        "groups": here.group,
    }


@pytest.mark.req("R2", "R3")
def test_an_onboarding_killed_in_the_middle_ends_once_and_whole(tmp_path: Path, slapd_people: Slapd) -> None:
    with flow_site(tmp_path, slapd_people, ["bo"]) as here:
        for number, step in enumerate(KILLED):
            new = newcomer(here, f"nina{number}")
            dying = here.dying_worker(step)
            run = here.start("people.onboard", f"key-{number}", **new)
            here.dead(dying)
            assert not here.run_view(run).over, step
            worker = here.worker()
            ended = here.ended(run)
            assert ended.state == "done", (step, ended.message)
            nina = here.desk.directory.look_up().person(new["login"])
            assert new["alias"] in nina.aliases, step
            welcomes = [one for one in here.letters if one == (new["mail"], f"Welcome, {new['full_name']}")]
            assert len(welcomes) == 1, step
            for action in ("people.create", "access.grant", "people.alias"):
                assert here.effects(action, new["login"]) == ["done"], (step, action)
            here.kill(worker)


@pytest.mark.req("R3")
def test_an_onboarding_that_fails_is_undone_and_says_what_stays(tmp_path: Path, slapd_staff: Slapd) -> None:
    with flow_site(tmp_path, slapd_staff, ["bo"]) as here:
        new = newcomer(here, "vera")
        dying = here.dying_worker("account:effect")
        run = here.start("people.onboard", "key", **new)
        here.dead(dying)
        slapd_staff.delete(slapd_staff.layout.group_dn(here.group))  # what it builds on goes meanwhile
        here.worker()
        ended = here.ended(run)
        assert ended.state == "partial", ended.message
        states = {step["path"]: step["state"] for step in ended.steps}
        assert states["account"] == "made good"
        assert states["access[1]"] == "failed"
        assert "Made up for: account (people.create) with people.archive." in ended.message
        assert not any(subject.startswith("Welcome") for _, subject in here.letters)
