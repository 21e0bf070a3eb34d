"""The real app with one key that breaks it, for a test to press: a local variable holds a secret meanwhile."""

from __future__ import annotations

import sys

from helpdesk.surfaces.cli.globals import Flags
from helpdesk.surfaces.cli.invocation import Invocation, use
from helpdesk.surfaces.tui.app import HelpdeskApp

BROKEN = "this key is broken"


def main() -> None:
    from helpdesk.surfaces.cli.endings import crashed
    from helpdesk.surfaces.tui.start import run_app

    class Breaking(HelpdeskApp):
        def action_keys(self) -> None:
            password = "canary-in-a-local-variable"
            raise RuntimeError(f"{BROKEN}, {len(password)}")

    invocation = Invocation(Flags())
    use(invocation)
    try:
        code = run_app(Breaking(invocation.desk))
    except Exception as error:  # noqa: BLE001 (as the program's last line of defence does)
        code = crashed(invocation, error)
    finally:
        invocation.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
