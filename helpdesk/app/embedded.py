"""Filling an embedded directory: the one way to it for whoever founds a company (the demo)."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.connectors.embedded import EmbeddedDirectory, NewGroup, NewPerson
from helpdesk.platform import Paths
from helpdesk.ports import Clock, Directory

__all__ = ["NewGroup", "NewPerson", "embedded_directory", "fill"]


def embedded_directory(places: Paths, clock: Clock) -> Directory:
    """The embedded directory of a profile, opened anew."""
    return EmbeddedDirectory(places.state / "directory.db", clock)


def fill(
    places: Paths, clock: Clock, people: Sequence[NewPerson], groups: Sequence[NewGroup], desk_group: str
) -> bool:
    """Fill the embedded directory of a profile; false, and nothing is done, when it holds people.

    Args:
        desk_group: the group whose members may reset, unlock, enable and disable others.

    Raises:
        Failed: the file cannot be used.
    """
    directory = EmbeddedDirectory(places.state / "directory.db", clock)
    try:
        return directory.admin.is_empty() and directory.admin.seed(people, groups, desk_group=desk_group)
    finally:
        directory.close()
