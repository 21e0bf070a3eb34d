"""The story, played by the demo's own people in their own company."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from helpdesk.demo.company import employee
from helpdesk.demo.founding import Company, found, temporary
from helpdesk.demo.person import DemoPerson
from helpdesk.demo.scenes import SCENES
from helpdesk.demo.story import Cast, Played, Player, Stage, play
from helpdesk.demo.witness import Colleague
from helpdesk.secrets import Secret

WITNESS = "yuki"


@contextmanager
def temporary_company() -> Iterator[Company]:
    """A company that is gone afterwards."""
    with TemporaryDirectory(prefix="helpdesk-demo-") as folder:
        yield found(temporary(Path(folder).resolve()), keep_sessions=False)


def cast_of(company: Company) -> Cast:
    def player(login: str) -> Player:
        who = employee(login)
        return Player(who.login, who.name, who.password)

    return Cast(
        locked=player("ines"),
        desk=player("tomas"),
        admin=player("greta"),
        requester=player("oskar"),
        owner=player("priya"),
        forgetful=player("lena"),
        absent=player("malik"),
        group="finance-share",
        phone="+49 30 5550 777",
        new_password=Secret("thimble-cascade-grey-moth"),
        policies=company.policies,
    )


async def performance(company: Company) -> AsyncGenerator[Played, None]:
    """Every scene, one after the other; it stops at the first that goes wrong.

    Close it before the company is gone: it closes every desk, and a desk signs its log then.

    Raises:
        Refused: the company is not the demo's.
    """
    colleague = employee(WITNESS)
    witness = Colleague(company.directory, colleague.login, colleague.password)
    try:
        stage = Stage(company.desk, cast_of(company), witness, DemoPerson)
        async with aclosing(play(SCENES, stage)) as scenes:
            async for played in scenes:
                yield played
    finally:
        witness.close()
