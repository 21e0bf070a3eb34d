"""The full-screen app: how soon it paints, how soon a key does, and what a fast model costs it.

Run it with ``make bench``. First paint is timed in a terminal of its own, from the start of the process to the first
line of the screen, in turn with the import that no such program can avoid and with two others of the kind; these are
installed by pip, each into a virtual environment of its own, and left out without a network. ``BENCH_NO_PAINT=1`` leaves
this out. ``BENCH_HOUR=1`` streams an hour's worth of tokens instead, as fast as they are taken, and prints the memory.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect

from benchmarks.startup import Timed, other, whole
from helpdesk.app import Desk
from helpdesk.events import Change, ModelFinished, ModelSaid, Observation, Outcome, Result
from helpdesk.surfaces.tui.app import HelpdeskApp
from helpdesk.surfaces.tui.blocks import Prose, Words
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.text import Untrusted

PAIRS = int(os.environ.get("BENCH_PAIRS", "9"))
TURNS = 10_000
TOKENS_A_SECOND = 2_000
STREAMED_SECONDS = float(os.environ.get("BENCH_STREAM", "30"))
KEYS = 200


def first_paint(words: str, *command: str, environ: dict[str, str]) -> Timed:
    """Seconds from the start of a process to words on its screen; then it is ended."""

    def run() -> float:
        start = time.perf_counter()
        child = pexpect.spawn(
            command[0], list(command[1:]), env=environ, encoding="utf-8", timeout=60, dimensions=(30, 100)
        )
        child.expect_exact(words)
        taken = time.perf_counter() - start
        child.close(force=True)
        return taken

    return run


def pairs(ours: Timed, theirs: Timed) -> tuple[float, float, float]:
    """Medians of both, and the median of their ratios, taken in turn."""
    ours()
    theirs()
    taken = [(ours(), theirs()) for _ in range(PAIRS)]
    ratios = [one / other for one, other in taken]
    return (
        statistics.median(one for one, _ in taken),
        statistics.median(other for _, other in taken),
        statistics.median(ratios),
    )


def paints(home: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    here = first_paint("What do you need", sys.executable, "-m", "helpdesk", environ=environ)
    rows: list[tuple[str, Timed, str]] = [
        ("import textual.app", whole(sys.executable, "-c", "import textual.app", environ=environ), "1.6"),
    ]
    for name, words in (("posting", "Send"), ("harlequin", "Run Query")):
        program = other(name, name)
        if program is not None:
            rows.append((name, first_paint(words, str(program), environ=environ), "< 1"))
    for name, theirs_, aim in rows:
        try:
            ours, theirs, ratio = pairs(here, theirs_)
        except pexpect.EOF:
            print(f"{name} is not measured: it ends by itself on this machine", file=sys.stderr)
            continue
        print(
            f"| first paint | {ours * 1000:.0f} ms | {name} | {theirs * 1000:.0f} ms | {ratio:.2f} | {aim} |",
            flush=True,
        )


def long_feed(app: HelpdeskApp) -> None:
    """Ten thousand turns: words, prose, and a card with its receipt."""
    receipt = (Observation("directory", "ana", "account lock", "not locked", "not locked"),)
    changes = (Change("directory", "ana", "account lock", "locked", "not locked"),)
    for number in range(TURNS):
        app.feed.add(Words(f"unlock ana, for the {number}th time", "you"))
        app.feed.add(Prose("Let me see what the directory says about this account, and lift the lock. " * 3))
        result = Result(
            Outcome.DONE, "password.unlock", "Ana Ito is unlocked.", {}, receipt, number, changes=changes
        )
        card = Card("password.unlock", {"person": "ana"})
        card.finish(result)
        app.feed.add(card)


async def keys(desk: Desk) -> None:
    app = HelpdeskApp(desk)
    async with app.run_test(size=(120, 40)) as pilot:
        long_feed(app)
        await pilot.pause(1.0)
        for name, key, focus in (("typing", "x", "#words"), ("scrolling", "pageup", "#feed")):
            app.screen.set_focus(app.query_one(focus))
            taken = await _timed_keys(app, key)
            on_clock, of_processor = (sorted(values) for values in zip(*taken, strict=True))
            p95 = int(KEYS * 0.95)
            print(
                f"| {name} on {TURNS:,} turns | p95 {on_clock[p95] * 1000:.1f} ms "
                f"| of the processor {of_processor[p95] * 1000:.1f} ms | 16 ms |",
                flush=True,
            )


async def _timed_keys(app: HelpdeskApp, key: str) -> list[tuple[float, float]]:
    """Seconds from a key to the screen that answers it: on the clock, and of the processor."""
    from textual import events

    display = app._display
    painted = asyncio.Event()
    end = (0.0, 0.0)

    def recorded(*arguments: object) -> object:
        nonlocal end
        result = display(*arguments)  # type: ignore[arg-type]
        end = (time.perf_counter(), time.process_time())
        painted.set()
        return result

    app._display = recorded  # type: ignore[method-assign, assignment]
    taken = []
    for _ in range(KEYS):
        await asyncio.sleep(0.05)
        painted.clear()
        start = (time.perf_counter(), time.process_time())
        app.post_message(events.Key(key, key if len(key) == 1 else None))
        await asyncio.wait_for(painted.wait(), 5)
        taken.append((end[0] - start[0], end[1] - start[1]))
    app._display = display  # type: ignore[method-assign]
    return taken


async def stream(desk: Desk) -> None:
    """A model that says two thousand tokens a second: all of them arrive, few paints, little of one core."""
    app = HelpdeskApp(desk)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.5)
        interaction = OnScreen(app.feed, app.dock, app._tell)
        count, paint_count = 0, 0
        display = app._display

        def counted(*arguments: object) -> object:
            nonlocal paint_count
            paint_count += 1
            return display(*arguments)  # type: ignore[arg-type]

        app._display = counted  # type: ignore[method-assign, assignment]
        before = resource.getrusage(resource.RUSAGE_SELF)
        memory = _memory()
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < STREAMED_SECONDS:
            due = int(elapsed * TOKENS_A_SECOND)
            while count < due:
                interaction.emit(ModelSaid(Untrusted(f"word{count} " if count % 25 else f"word{count}.\n")))
                count += 1
            await asyncio.sleep(0.005)
        interaction.emit(ModelFinished())
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / STREAMED_SECONDS
        grown = _memory() - memory
        said = "".join(block.text for block in app.feed.blocks if isinstance(block, Prose))
        lost = sum(f"word{number}" not in said for number in range(0, count, 101))
    print(f"| tokens | {count:,} | lost {lost} | paints {paint_count / STREAMED_SECONDS:.1f}/s (aim 30) | "
          f"{cpu:.0%} of one core | memory +{grown / 1024:.1f} MB for {len(said) / 1e6:.2f} MB of words |", flush=True)  # fmt: skip


async def hour(desk: Desk) -> None:
    """An hour's worth of tokens, as fast as the app takes them; memory at each twelfth of it."""
    app = HelpdeskApp(desk)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.5)
        interaction = OnScreen(app.feed, app.dock, app._tell)
        wanted = 3600 * TOKENS_A_SECOND
        start, count = time.perf_counter(), 0
        print("| after tokens | memory | held by the feed |\n| --- | --- | --- |")
        print(f"| 0 | {_memory() / 1024:.1f} MB | 0 |")
        for twelfth in range(1, 13):
            while count < wanted * twelfth // 12:
                interaction.emit(ModelSaid(Untrusted(f"word{count} " if count % 25 else f"word{count}.\n")))
                count += 1
                if count % 200 == 0:
                    await asyncio.sleep(0)
            held = sum(len(block.text) for block in app.feed.blocks if isinstance(block, Prose))
            print(
                f"| {count:,} | {_memory() / 1024:.1f} MB | {held / 1e6:.2f} million characters |", flush=True
            )
        taken = time.perf_counter() - start
        print(f"{count:,} tokens in {taken:.0f} s, {count / taken:,.0f} a second", flush=True)


def _memory() -> int:
    """Resident memory now, in KiB."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())]))


def main() -> None:
    gc.set_threshold(50_000)  # as the program does, before anything else
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if not os.environ.get("BENCH_NO_PAINT"):
            paints(home)
        os.environ["HOME"] = folder
        for measured in (hour,) if os.environ.get("BENCH_HOUR") else (keys, stream):
            desk = Desk.open(environ={"HOME": folder, "PATH": os.environ["PATH"]})
            asyncio.run(measured(desk))
            desk.close()


if __name__ == "__main__":
    main()
