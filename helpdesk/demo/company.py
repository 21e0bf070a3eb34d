"""Lanternfield, a maker of lamps for lighthouses: everyone in it is invented, and their passwords are public."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from helpdesk.secrets import Secret

NAME = "Lanternfield"
SERVICE_DESK = "helpdesk"
ADMINISTRATORS = "directory-admins"
AUDITORS = "auditors"


@dataclass(frozen=True, slots=True)
class Employee:
    """Someone the visitor can be.

    Attributes:
        part: what they are good for in the demo, as a short clause.
        words: their password, printed for the visitor; it opens nothing but the demo.
    """

    login: str
    name: str
    title: str
    part: str
    words: str
    number: str

    @property
    def mail(self) -> str:
        return f"{self.login}@lanternfield.example"

    @property
    def phone(self) -> str:
        return f"+49 30 5550 {self.number[-3:]}"

    @property
    def password(self) -> Secret:
        return Secret(self.words)


@dataclass(frozen=True, slots=True)
class Team:
    """A group: who decides about it, and who is in it, by login."""

    name: str
    description: str
    owners: tuple[str, ...]
    members: tuple[str, ...]


EMPLOYEES = (
    Employee(
        "ines", "Ines Calloway", "Accountant", "mistypes her password", "violet-anchor-seven-kites", "1001"
    ),
    Employee(
        "tomas", "Tomas Brandt", "Service desk", "at the service desk", "copper-teapot-north-wind", "1002"
    ),
    Employee("yuki", "Yuki Tanabe", "Service desk", "at the service desk", "paper-comet-oak-bell", "1003"),
    Employee(
        "oskar",
        "Oskar Lindqvist",
        "Controller",
        "wants into finance-share",
        "harbour-quartz-mild-otter",
        "1004",
    ),
    Employee(
        "priya", "Priya Raman", "Head of Finance", "owns finance-share", "saffron-ladder-dawn-echo", "1005"
    ),
    Employee("lena", "Lena Fischer", "Designer", "forgets her password", "pebble-violin-amber-roof", "1006"),
    Employee("malik", "Malik Osei", "Sales", "loses his laptop", "cedar-ribbon-salt-drum", "1007"),
    Employee("samir", "Samir Haddad", "Engineering lead", "owns vpn-users", "meteor-basil-tin-river", "1008"),
    Employee(
        "rosa",
        "Rosa Delgado",
        "People and Culture",
        "owns hr-records; audits the log",
        "walnut-sail-early-frost",
        "1009",
    ),
    Employee("jonas", "Jonas Weber", "Workshop", "works at the lathe", "granite-plum-low-tide", "1010"),
    Employee(
        "claire", "Claire Dubois", "Managing director", "leads the company", "opal-meadow-brisk-owl", "1011"
    ),
    Employee(
        "greta",
        "Greta Holm",
        "Directory administrator",
        "a privileged account",
        "iron-fjord-lemon-clock",
        "1012",
    ),
)

TEAMS = (
    Team(SERVICE_DESK, "The service desk", ("greta",), ("tomas", "yuki")),
    Team(ADMINISTRATORS, "Administrators of the directory", ("claire",), ("greta",)),
    Team(AUDITORS, "Who looks after the log", ("claire",), ("rosa",)),
    Team("finance-share", "Folders of Finance", ("priya",), ("priya", "ines")),
    Team("engineering-share", "Drawings and test reports", ("samir",), ("samir", "jonas")),
    Team("design-share", "Brand files and photographs", ("lena",), ("lena",)),
    Team("sales-share", "Offers and price lists", ("malik",), ("malik",)),
    Team("hr-records", "Personnel files", ("rosa",), ("rosa",)),
    Team("vpn-users", "Remote access", ("samir",), ("samir", "oskar", "lena", "malik")),
)


def employee(login: str) -> Employee:
    return next(one for one in EMPLOYEES if one.login == login)


def policies() -> Iterator[tuple[str, bytes]]:
    """The company's policy documents: file name and content."""
    for document in sorted(files("helpdesk.demo").joinpath("policies").iterdir(), key=lambda one: one.name):
        if document.name.endswith((".md", ".html", ".txt")):
            yield document.name, document.read_bytes()
