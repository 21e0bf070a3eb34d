"""The command line: which commands there are, and how each run ends.

A command's module is imported when the command is named; ``--help`` imports none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from helpdesk.errors import Exit, HelpdeskError
from helpdesk.surfaces.cli.globals import Flags, split
from helpdesk.surfaces.cli.invocation import Invocation, use

_SIGNALLED = 128
"""Exit codes from here on say that a signal ended the program."""


def run_and_exit(arguments: Sequence[str]) -> NoReturn:
    """Run a command line and end the process, without waiting for a thread that hangs."""
    import os
    import threading

    from helpdesk.surfaces.output import flush

    code = run(arguments)
    if not flush():
        code = code or Exit.FAILED
    if threading.active_count() > 1 or code >= _SIGNALLED:
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns its exit code. Every error becomes one sentence, or one document."""
    from helpdesk.platform import exit_when_asked, no_core_dumps
    from helpdesk.surfaces.output import guarded

    no_core_dumps()
    exit_when_asked()
    with guarded():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    flags = Flags(json="--json" in arguments, debug="--debug" in arguments)
    invocation = Invocation(flags)
    use(invocation)
    try:
        flags, words = split(arguments)
        invocation = Invocation(flags)
        use(invocation)
        return _dispatch(invocation, words)
    except HelpdeskError as error:
        from helpdesk.surfaces.cli.endings import failed

        return failed(invocation, error)
    except SystemExit as leaving:
        return _left(invocation, leaving)
    except KeyboardInterrupt:
        return _interrupted(invocation, Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 (the last place that can turn a crash into a sentence)
        from helpdesk.surfaces.cli.endings import crashed

        return crashed(invocation, error)
    except BaseException as error:
        from helpdesk.surfaces.loop import Interrupted

        if not isinstance(error, Interrupted):
            raise
        return _interrupted(invocation, error.exit)
    finally:
        invocation.close()


def _interrupted(invocation: Invocation, code: int) -> int:
    from helpdesk.surfaces.cli.endings import interrupted

    invocation.interrupted = True
    return interrupted(invocation, code)


def _left(invocation: Invocation, leaving: SystemExit) -> int:
    """Signals end the program like this, and the parser where nobody reads; nobody else may."""
    if isinstance(leaving.__context__, BrokenPipeError):
        from helpdesk.surfaces.output import silence

        silence()
        return Exit.OK
    if isinstance(leaving.code, int) and leaving.code > _SIGNALLED:
        return _interrupted(invocation, leaving.code)
    from helpdesk.surfaces.cli.endings import crashed

    return crashed(invocation, leaving)


def _dispatch(invocation: Invocation, words: list[str]) -> int:
    if invocation.flags.version:
        from helpdesk import __version__

        return invocation.answer({"version": __version__}, [f"helpdesk {__version__}"])
    if not words and invocation.wants_lines and not invocation.flags.json:
        words = ["chat"]
    if not words and invocation.is_a_screen and not invocation.flags.json:
        from helpdesk.surfaces.cli.tui import tui

        return tui()  # past the parser, which has nothing to parse and takes as long to load as the rest
    from helpdesk.surfaces.cli.commands import ROWS, dispatch

    if words[:1] == ["help"] and words[1:] and words[1] not in (*ROWS, "-h", "--help"):
        from helpdesk.surfaces.cli.help import manual

        return manual(invocation, words[1:])
    return dispatch(invocation, _help_words(words))


def _help_words(words: list[str]) -> list[str]:
    """``help COMMAND`` is ``COMMAND --help``."""
    if words[:1] == ["help"]:
        return [word for word in words[1:] if word not in ("-h", "--help")] + ["--help"]
    return words
