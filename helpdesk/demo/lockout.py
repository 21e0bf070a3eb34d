"""A lock-out to be met: somebody mistypes at the computer's own sign-in until the directory locks the account."""

from __future__ import annotations

from helpdesk.errors import AccountLocked, NotSignedIn, OutcomeUnknown
from helpdesk.ports import Directory
from helpdesk.secrets import Secret

MAX_TRIES = 10


def lock_out(directory: Directory, login: str) -> None:
    """Sign in with wrong passwords, past this program's own count, until the directory refuses to judge more; blocking.

    Raises:
        OutcomeUnknown: the directory locks nobody after so many. Unreachable: it gave no answer.
    """
    for tries in range(1, MAX_TRIES + 1):
        try:
            session = directory.sign_in(login, Secret(f"not the password {tries}"))
        except AccountLocked:
            return
        except NotSignedIn:
            continue
        session.close()
    raise OutcomeUnknown(f"{login} mistyped a password {MAX_TRIES} times, and the account is not locked.")
