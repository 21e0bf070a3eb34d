"""Work in the background of which only the latest counts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def latest(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
    """Run work; what ran in the same group stops. A coroutine is made only when it begins: none is left over."""
    node.run_worker(work, exclusive=True, group=group)  # type: ignore[arg-type]  # it does take such a function
