"""What Postgres and its library say, as one sentence that holds no password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.connectors.postgres_options import PostgresSettings
from helpdesk.database import Duplicate, StoreUnreachable
from helpdesk.errors import Failed, HelpdeskError
from helpdesk.text import shorten, visible

if TYPE_CHECKING:
    import psycopg

_REFUSED = (
    ("password authentication failed", "does not accept the name or the password",
     "Correct [store] user or password."),
    ("no password supplied", "wants a password, and none is configured",
     "Set [store] password to a reference such as credential:helpdesk-store."),
    ("no pg_hba.conf entry", "does not let this machine in as this user", "Its administrator adds a line to pg_hba.conf."),
    ("role ", "does not know the user", "Correct [store] user."),
    ("database ", "does not have this database", "Correct [store] url, or create the database."),
    ("certificate verify failed", "has a certificate that is not trusted", "Set [store] ca_file to its authority."),
    ("server certificate for", "has a certificate for another name", "Write the name of its certificate in [store] url."),
    ("does not support ssl", "offers no TLS, and a store on another machine is reached with TLS only",
     "Turn ssl on in postgresql.conf."),
    ("session is read-only", "only lets read: it is a copy of another server", "Name the server that takes writes."),
)  # fmt: skip
_AWAY = (
    ("starting up", "is starting"),
    ("shutting down", "is shutting down"),
    ("too many", "has too many connections"),
    ("remaining connection slots", "has too many connections"),
    ("connection refused", "is not there: nothing answers at this port"),
    ("timeout expired", "gave no answer in time"),
    ("could not translate host name", "cannot be found: its name is unknown"),
    ("failed to resolve host", "cannot be found: its name is unknown"),
)
_LATE = ("55P03", "57014", "40P01", "40001", "25P03")


def connecting(error: psycopg.Error, settings: PostgresSettings) -> HelpdeskError:
    """Why there is no connection."""
    said = str(error).lower()
    for part, words, hint in _REFUSED:
        if part in said and ("does not exist" in said or part not in ("role ", "database ")):
            return Failed(f"The store {settings.place} {words}.", hint=hint, code="requests-unavailable")
    words = next((words for part, words in _AWAY if part in said), f"cannot be reached: {_plain(error)}")
    return StoreUnreachable(f"The store {settings.place} {words}.", hint="helpdesk doctor tries it again.")


def broken(error: psycopg.Error, settings: PostgresSettings) -> Exception:
    """Why a statement did not go well; the connection is closed when it was that."""
    import psycopg

    if isinstance(error, psycopg.errors.UniqueViolation):
        return Duplicate(error.diag.constraint_name or "a row is there already")
    if error.sqlstate in _LATE:
        return StoreUnreachable(
            f"The store {settings.place} was busy for too long; nothing was kept.", hint="Try again."
        )
    if error.sqlstate == "42501":
        return Failed(
            f"The store {settings.place} does not let this user do that.",
            hint="helpdesk store migrate --grant USER gives the rights that this program needs.",
            code="requests-unavailable",
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnreachable(
            f"The store {settings.place} broke the connection; nothing was kept.", hint="Try again."
        )
    return Failed(
        f"The store {settings.place} cannot be used: {_plain(error)}.",
        hint="helpdesk store status says more.",
        code="requests-unavailable",
    )


def _plain(error: psycopg.Error) -> str:
    """The first line of what the server said itself; never the settings that the library repeats."""
    said = error.diag.message_primary or str(error).strip().splitlines()[0].rpartition("failed: ")[2]
    return shorten(visible(said), 200).rstrip(".")
