"""Where each block of a long list begins, when heights change one at a time."""

from __future__ import annotations

from itertools import accumulate

CHUNK = 256


class Heights:
    """Heights of blocks, in order; a change, an addition and a look-up cost little however many there are."""

    def __init__(self, heights: list[int] | None = None) -> None:
        heights = heights or []
        self._chunks = [heights[at : at + CHUNK] for at in range(0, len(heights), CHUNK)]
        self._totals = [sum(chunk) for chunk in self._chunks]
        self.total = sum(self._totals)
        self._found = (0, 0, 0)  # of the last look-up: first line, the one behind the last, index

    def add(self, height: int) -> None:
        if not self._chunks or len(self._chunks[-1]) == CHUNK:
            self._chunks.append([])
            self._totals.append(0)
        self._chunks[-1].append(height)
        self._totals[-1] += height
        self.total += height

    def __len__(self) -> int:
        return (len(self._chunks) - 1) * CHUNK + len(self._chunks[-1]) if self._chunks else 0

    def __getitem__(self, index: int) -> int:
        return self._chunks[index // CHUNK][index % CHUNK]

    def __setitem__(self, index: int, height: int) -> None:
        chunk = self._chunks[index // CHUNK]
        differs = height - chunk[index % CHUNK]
        self._found = (0, 0, 0)
        chunk[index % CHUNK] = height
        self._totals[index // CHUNK] += differs
        self.total += differs

    def start(self, index: int) -> int:
        """The line that a block begins at, from 0; the total for the index behind the last one."""
        number, rest = divmod(index, CHUNK)
        inside = sum(self._chunks[number][:rest]) if number < len(self._chunks) else 0
        return sum(self._totals[:number]) + inside

    def at(self, line: int) -> tuple[int, int]:
        """The block that holds a line, and where it begins.

        Raises:
            IndexError: the line is behind the last one.
        """
        first, behind, index = self._found
        if first <= line < behind:  # the lines of a screen are looked up one after the other
            return index, first
        begin = 0
        for number, total in enumerate(self._totals):
            if line < begin + total:
                for inside, end in enumerate(accumulate(self._chunks[number])):
                    if line < begin + end:
                        index, first = number * CHUNK + inside, begin + end - self._chunks[number][inside]
                        self._found = (first, begin + end, index)
                        return index, first
            begin += total
        raise IndexError(line)

    def without_first(self, count: int) -> Heights:
        """The same, without so many at the beginning."""
        return Heights([height for chunk in self._chunks for height in chunk][count:])
