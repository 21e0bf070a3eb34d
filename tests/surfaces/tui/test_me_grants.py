"""The Me pane says what access of mine ends, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surfaces.test_grants_command import Lending
from tests.surfaces.tui.world import Screen, opened, run


@pytest.mark.req("V5")
def test_what_of_mine_ends_stands_on_the_me_pane(tmp_path: Path) -> None:
    lending = Lending(tmp_path / "company")
    lending.configure()
    id = lending.grant("ana", days=3)
    lending.grant("dev", days=2)

    async def look() -> None:
        async with opened(lending, size=(100, 60)) as screen:
            await signed_in(screen)
            await screen.until(lambda: id in screen.text(), "the grant")
            text = screen.text()
            assert "Access that ends by itself" in text
            assert "in 3 days" in text or "in 2 days" in text
            assert text.count("helpdesk grants extend") == 1

    run(look())
    lending.directory.close()


async def signed_in(screen: Screen) -> None:
    await screen.app.action_pane("me")
    await screen.press("ctrl+l")
    await screen.sign_in("ana")
