"""Whole calls in threads with loops of their own: what waits there waits in place, elsewhere in a thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from helpdesk.lanes import Lanes, in_lane, waited

pytestmark = pytest.mark.req("R6")


async def where() -> tuple[bool, bool, bool]:
    """Whether this is a lane; whether what waits runs in this thread; whether the loop still turns."""
    here = threading.get_ident()
    same = await waited(threading.get_ident) == here
    await asyncio.sleep(0)
    return in_lane(), same, await asyncio.wait_for(asyncio.to_thread(threading.get_ident), 20) != here


def test_what_waits_does_so_in_place_within_a_lane_only() -> None:
    async def story() -> None:
        lanes = Lanes(2, "test")
        try:
            assert await where() == (False, False, True)
            assert await lanes.run(where) == (True, True, True)
            assert await where() == (False, False, True)
        finally:
            lanes.close()

    asyncio.run(story())


def test_calls_run_beside_each_other_and_their_errors_come_back() -> None:
    both = threading.Barrier(2, timeout=20)

    async def meet() -> int:
        return await waited(both.wait)

    async def broken() -> None:
        await waited(int, "no number")

    async def story() -> None:
        lanes = Lanes(2, "test")
        try:
            assert sorted(await asyncio.gather(lanes.run(meet), lanes.run(meet))) == [0, 1]
            with pytest.raises(ValueError, match="no number"):
                await lanes.run(broken)
            assert (await lanes.run(where))[0], "the lane goes on after an error"
        finally:
            lanes.close()

    asyncio.run(story())
