"""The company's worker: an account of no person, with which approved requests are carried out and access ends by itself.

A company without it is one where everything ends with the command that began it, so it is hired and not born there.
"""

from __future__ import annotations

import secrets

from helpdesk.app.embedded import NewGroup, NewPerson, employ
from helpdesk.demo.founding import Company
from helpdesk.platform import read_private, write_private
from helpdesk.secrets import Secret

LOGIN = "lamplighter"
GROUP = "workers"
ACTIONS = ("access.request", "access.grant", "access.revoke")
"""All that it may do: it opens and closes groups, and touches no account."""


def hire(company: Company) -> bool:
    """Give the company a worker, once; false where it has one. A worker is started when it is needed.

    Its password is made up here and lies in a private file of the demo's own profile, since nobody signs in with it.

    Raises:
        Failed: a file cannot be used.
    """
    places = company.places
    configured = read_private(places.config_file).decode()
    if "[worker]" in configured:
        return False
    words = secrets.token_urlsafe(24)
    file = places.state / "worker-password"
    write_private(file, f"{words}\n".encode())
    employ(
        places,
        company.clock,
        NewPerson(LOGIN, "The lamplighter", Secret(words), title="Service account of the worker"),
        NewGroup(GROUP, "Accounts of workers", owners=("greta",), members=(LOGIN,)),
    )
    actions = ", ".join(f'"{name}"' for name in ACTIONS)
    worker = f"""
[services.worker]
login = "{LOGIN}"
actions = [{actions}]

[worker]
service = "worker"
password = "file:{file}"
"""
    write_private(places.config_file, (configured.rstrip("\n") + "\n" + worker).encode())
    return True
