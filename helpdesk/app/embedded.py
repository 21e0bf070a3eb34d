"""Filling an embedded directory: the one way to it for whoever founds a company (the demo)."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.connectors.embedded import EmbeddedDirectory, NewGroup, NewPerson
from helpdesk.platform import Paths
from helpdesk.ports import Clock, Directory

__all__ = ["NewGroup", "NewPerson", "embedded_directory", "employ", "fill"]


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


def employ(places: Paths, clock: Clock, worker: NewPerson, group: NewGroup) -> bool:
    """Give the embedded directory of a profile an account for a worker, which may change every group; false when it has it.

    Args:
        group: holds the worker; its members may change every group.

    Raises:
        Failed: the file cannot be used. NotFound: nobody of that name is in the group.
    """
    directory = EmbeddedDirectory(places.state / "directory.db", clock)
    try:
        if directory.look_up().people_called(worker.login):
            return False
        directory.admin.add_person(worker)
        directory.admin.add_group(group)
        directory.admin.set_staffing_group(group.name)
        return True
    finally:
        directory.close()
