"""The command ``helpdesk``. The version is answered before anything is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from helpdesk import __version__

        sys.stdout.write(f"helpdesk {__version__}\n")
        return
    import gc

    gc.set_threshold(50_000)  # a start makes many objects and no rubbish
    from helpdesk.surfaces.cli.main import run_and_exit

    run_and_exit(arguments)


if __name__ == "__main__":
    main()
