"""Lines that were drawn and are kept for the next paint, as many as a person pages back and forth through."""

from __future__ import annotations

from textual.strip import Strip

MOST = 400
"""Blocks whose lines are kept; of more, those that were drawn first are let go."""


class Drawn:
    """The lines of blocks by their place, each for one version of the block and one width."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, int, list[Strip]]] = {}

    def get(self, index: int, version: int, width: int) -> list[Strip] | None:
        kept = self._kept.get(index)
        return kept[2] if kept is not None and kept[:2] == (version, width) else None

    def keep(self, index: int, version: int, width: int, strips: list[Strip]) -> list[Strip]:
        if len(self._kept) >= MOST:
            for old in list(self._kept)[: MOST // 2]:
                del self._kept[old]
        self._kept[index] = (version, width, strips)
        return strips

    def clear(self) -> None:
        self._kept.clear()
