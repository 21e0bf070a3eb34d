"""What directories can do about people who come, move and go; a part of the port to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from helpdesk.identity import Group, Person

LEFT: Final = "left"
"""What :attr:`helpdesk.identity.Person.employment` says of somebody who does not work here any more."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to add to the directory. ``manager`` is whom they report to."""

    login: str
    name: str
    mail: str
    title: str = ""
    employee_number: str = ""
    manager: Person | None = None


class ReadsOwners(Protocol):
    """The part of a reader that tells whose groups are whose."""

    def groups_owned(self, person: Person) -> list[Group]:
        """Every group that the person owns, by name. Raises Failed: there are more than can be read."""


class Staffing(Protocol):
    """The part of a session that writes about people who come, move and go.

    It raises what the other writes of a session do.
    """

    def create_person(self, new: NewPerson) -> None:
        """Add somebody whose account is disabled and opened by no password.

        The very same person once more is no error and changes nothing.

        Raises:
            Failed: somebody else has the login, the mail address or the number (code "taken").
        """

    def set_manager(self, person: Person, manager: Person | None) -> None: ...

    def set_employment(self, person: Person, employment: str) -> None:
        """``""`` takes it out."""

    def add_alias(self, person: Person, address: str) -> None:
        """One more mail address; one that they have already is no error.

        Raises:
            Failed: somebody else has it (code "taken"), or they have no address of their own yet.
        """

    def remove_alias(self, person: Person, address: str) -> None:
        """An address that they do not have is no error; their own first one stays."""

    def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        """Make ``to`` an owner of the group, and ``owner`` none any more, in one change.

        Args:
            stays: ``owner`` stays one as well.

        Raises:
            Stale: the group does not have that owner. Failed: it can have one owner only.
        """
