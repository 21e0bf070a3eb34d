"""``reconcile``: read back what was left unknown."""

from __future__ import annotations

from helpdesk.surfaces.cli.invocation import current


def reconcile() -> int:
    """Read back every action whose outcome is unknown, and log what is true.

    Nothing is carried out again. Exit code 6 while something is still unknown.
    """
    from helpdesk.errors import Exit
    from helpdesk.events import Outcome, Result
    from helpdesk.surfaces.json_output import result_document
    from helpdesk.surfaces.render import result_lines

    run = current()
    run.changes_at_once("reconcile")

    async def work() -> list[Result]:
        return await run.desk.reconcile(await run.signed_in(), run.terminal)

    results = run.run(work())
    left = [result for result in results if result.outcome is Outcome.UNKNOWN]
    document = {
        "schema": "helpdesk.reconcile/1",
        "unknown": len(left),
        "results": [result_document(result) for result in results],
    }
    lines = [line for result in results for line in result_lines(result, run.look)]
    if not results:
        lines = ["Nothing is unknown: every action in the log has its outcome."]
    return run.answer(document, lines, code=Exit.UNKNOWN if left else Exit.OK)
