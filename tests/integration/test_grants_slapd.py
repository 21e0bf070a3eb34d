"""Access on real slapd ends by itself: with the worker killed, the store restarted, and the directory away (V5)."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from helpdesk.workflows.grants import Standing
from tests.integration.engine_world import until
from tests.integration.grants_site import OWNER, site, soon
from tests.servers.postgres import Place, Postgres
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.req("V5")
FAULTS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0")) or 1
LATEST = 60.0


def test_it_ends_and_root_sees_it(tmp_path: Path, slapd_staff: Slapd) -> None:
    with site(tmp_path, slapd_staff, ["ana"]) as here:
        result = here.grant("ana", until=soon(3))
        assert here.members() == {OWNER, "ana"}
        assert {(o.system, o.as_expected) for o in result.receipt} == {("directory", True), ("grants", True)}
        here.worker()
        until(lambda: here.members() == {OWNER})
        grants = here.desk.grants
        assert grants is not None
        (kept,) = until(lambda: [one for one in grants.all(ended=True) if one.standing is Standing.ENDED])
        (outcome,) = here.outcomes()
        assert (outcome["outcome"], outcome["grant"]) == ("done", kept.grant.id)
        assert kept.entry is not None


def test_the_worker_is_killed_through_the_ends(tmp_path: Path, slapd_people: Slapd) -> None:
    """Killed at random moments while many ends are due: none is lost, none is done twice, none is late."""
    people = [f"person{n}" for n in range(6 * FAULTS)]
    with site(tmp_path, slapd_people, people) as here:
        moment = soon(2 + len(people) * 0.25)
        for login in people:
            here.grant(login, until=moment)
        assert here.members() == {OWNER, *people}
        dice = random.Random(5)
        for _ in range(3 * FAULTS):
            pid = here.worker()
            time.sleep(dice.uniform(0.3, 2.0))
            here.kill(pid)
        begun = time.monotonic()
        here.worker()
        until(lambda: here.members() == {OWNER}, LATEST)
        late = time.monotonic() - begun
        grants = here.desk.grants
        assert grants is not None
        until(lambda: not grants.all(), LATEST)
        assert late <= LATEST
        done = [one["grant"] for one in here.outcomes() if one["outcome"] == "done"]
        assert sorted(done) == sorted(set(done)), "something was taken back twice"
        assert {kept.standing for kept in grants.all(ended=True)} == {Standing.ENDED}


def test_postgres_is_restarted_and_the_directory_goes_through_the_ends(
    tmp_path: Path, slapd_staff: Slapd, postgres: Postgres, postgres_place: Place
) -> None:
    people = [f"member{n}" for n in range(4 * FAULTS)]
    with site(tmp_path, slapd_staff, people, postgres_place) as here:
        moment = soon(2 + len(people) * 0.4)
        for login in people:
            here.grant(login, until=moment)
        here.worker()
        here.worker()
        for number in range(FAULTS):
            time.sleep(1.0)
            postgres.stop(kill=bool(number % 2))
            time.sleep(0.5)
            postgres.start()
        slapd_staff.stop(kill=True)
        time.sleep(max(0.0, len(people) * 0.4))
        slapd_staff.start()
        until(lambda: here.members() == {OWNER}, LATEST)
        grants = here.desk.grants
        assert grants is not None
        until(lambda: not grants.all(), LATEST)
