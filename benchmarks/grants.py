"""A thousand ends of access that are due at once, after an outage of the worker.

A real slapd with its durable back end (every commit is flushed) and TLS is started on loopback. BENCH_ENDS (1,000) people
are in BENCH_GROUPS (40) groups, each with a grant whose end has passed while no worker was there. Then a worker starts, and it is measured
from its start until the directory's root sees nobody in the group any more. Against it stands a plain loop over one
connection that does what each end cannot do without: it looks the person and the group up, takes the person out, and reads
that back; it logs nothing, remembers nothing and is not killed. Beside it, how many connections the directory had at once.
Arguments: "sqlite" (the default) or "postgres" for the store of runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it finds the tests' servers
from ldap3 import MODIFY_ADD

from helpdesk.actions.grant import Grant, Named, id_of
from helpdesk.actions.taking import Taking
from helpdesk.secrets import Secret
from tests.integration.grants_site import OWNER, WORKER, Site, password_of
from tests.servers.layouts import PEOPLE
from tests.servers.packages import slapd_program
from tests.servers.postgres import Postgres
from tests.servers.slapd import Slapd

ENDS = int(os.environ.get("BENCH_ENDS", "1000"))
GROUPS = int(os.environ.get("BENCH_GROUPS", "40"))


class Durable(Slapd):
    """slapd as the tests have it, but every commit is flushed to the disk."""

    def _configuration(self) -> str:
        return super()._configuration().replace("envflags nosync\n", "")


def fill(here: Counted, logins: list[str]) -> None:
    """Everybody into their group, as root."""
    layout = here.server.layout
    for number, group in enumerate(here.groups):
        dns = [here.dns[login] for login in logins[number :: len(here.groups)]]
        here.server.modify(layout.group_dn(group), {layout.member_attribute: [(MODIFY_ADD, dns)]})


def grants(here: Counted, logins: list[str]) -> None:
    """A grant for each, as the door would have kept it, over since a minute."""
    kept = here.desk.grants
    assert kept is not None
    reader = here.desk.directory.look_up()
    groups = [reader.group(name) for name in here.groups]
    given = datetime.now(UTC) - timedelta(days=1)
    for number, login in enumerate(logins):
        group = groups[number % len(groups)]
        person = reader.person(here.login(login))
        taking = Taking(
            "access.revoke",
            {"person": person.login, "group": group.name},
            {"person": person.id},
            {"group": Named(group.id, group.name, group.dn)},
        )
        kept.start(
            Grant(
                id=id_of(taking.thing, login),
                thing=taking.thing,
                action="access.grant",
                version="1",
                arguments=taking.arguments,
                key=login,
                undo=taking.action,
                takes=taking.arguments,
                person=Named(person.id, person.login, person.name),
                requester=Named(person.id, person.login, person.name),
                people=taking.people,
                groups=taking.groups,
                given=given,
                ends=datetime.now(UTC) - timedelta(minutes=1),
                asked="1 day after it is given",
                approved_by=(here.login(OWNER),),
            )
        )


class Connections(threading.Thread):
    """Counts the connections to slapd, as the kernel lists them."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._wanted = f":{port:04X}"
        self._enough = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._enough.wait(0.1):
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            parts = [line.split() for line in lines]
            now = sum(1 for one in parts if one[1].endswith(self._wanted) and one[3] == "01")
            self.most = max(self.most, now)

    def stop(self) -> int:
        self._enough.set()
        return self.most


def by_worker(here: Counted) -> tuple[float, int]:
    counting = Connections(here.server.tls_port)
    counting.start()
    begun = time.perf_counter()
    pid = here.worker()
    while here.members_count():
        time.sleep(0.2)
    took = time.perf_counter() - begun
    kept = here.desk.grants
    assert kept is not None
    while kept.all():
        time.sleep(0.2)
    print(f"  all logged and settled after {time.perf_counter() - begun:.1f} s")
    here.kill(pid)
    done = [one["grant"] for one in here.outcomes() if one["outcome"] == "done"]
    assert len(done) == len(set(done)) == ENDS, (len(done), len(set(done)))
    return took, counting.stop()


def by_hand(here: Counted, logins: list[str]) -> float:
    fill(here, logins)
    session = here.desk.directory.sign_in(here.login(WORKER), Secret(password_of(WORKER)))
    begun = time.perf_counter()
    for number, login in enumerate(logins):
        person = session.person(here.login(login))
        group = session.group(here.groups[number % len(here.groups)])
        session.remove_member(group, person)
        assert group.id not in {one.id for one in session.groups_of(person)}
    took = time.perf_counter() - begun
    session.close()
    return took


class Counted(Site):
    """A site with many groups."""

    @cached_property
    def groups(self) -> list[str]:
        owner = self.dns[OWNER]
        names = [f"{self.group}-{number}" for number in range(GROUPS)]
        for name in names:
            self.server.add_group(name, owner=owner, members=[owner])
        return names

    def members_count(self) -> int:
        """How many are in a group that should not be any more."""
        layout = self.server.layout
        entries = [self.server.read(layout.group_dn(name)) for name in self.groups]
        return sum(len(entry.get(layout.member_attribute, [])) - 1 for entry in entries)


def main() -> None:
    logins = [f"p{number:04}" for number in range(ENDS)]
    program = slapd_program()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres may run as another user
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        (Path(folder) / "slapd").mkdir()
        server = Durable(PEOPLE, Path(folder) / "slapd", program)
        postgres = Postgres(Path(folder) / "postgres") if "postgres" in sys.argv else None
        try:
            here = Counted(home, server, logins, postgres.new_place() if postgres else None)
            fill(here, logins)
            grants(here, logins)
            took, connections = by_worker(here)
            plain = by_hand(here, logins)
            here.close()
        finally:
            server.stop()
            if postgres is not None:
                postgres.stop()
    print(f"{ENDS} ends due at once: {took:.1f} s, {ENDS / took:.0f}/s, {connections} connections at most")
    print(f"a plain loop over one connection: {plain:.1f} s, {ENDS / plain:.0f}/s; ratio {plain / took:.2f}")


if __name__ == "__main__":
    main()
