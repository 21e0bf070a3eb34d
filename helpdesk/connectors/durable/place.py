"""Where runs are kept; nothing heavy is loaded to say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpdesk.connectors.postgres_options import PostgresSettings


@dataclass(frozen=True, slots=True)
class Place:
    """The SQLite file of one machine, or a Postgres that many use."""

    file: Path | None = None
    postgres: PostgresSettings | None = None

    @property
    def shared(self) -> bool:
        """Whether other machines use it too."""
        return self.postgres is not None

    @property
    def empty(self) -> bool:
        """Nothing was ever kept here, as far as this can be seen without opening it."""
        return self.file is not None and not self.file.exists()

    def __str__(self) -> str:
        if self.postgres is not None:
            return f"the database {self.postgres.place}"
        return f"the file {self.file.name if self.file is not None else '?'}"
