"""What only auditors may do with the log. It is no rule for a site's policy to loosen: the log is about those who do."""

from __future__ import annotations

from helpdesk.actions.runner import Runner
from helpdesk.errors import MustChangePassword, Refused
from helpdesk.gate.roles import AUDITOR
from helpdesk.ports import SignedIn


def auditors_only(runner: Runner, signed_in: SignedIn, action: str, what: str) -> None:
    """Refuse everybody who is no auditor at this moment (D9), and every service.

    Args:
        what: what they want to do, as it reads after "Only an auditor may".

    Raises:
        MustChangePassword, Refused.
    """
    actor, roles = signed_in.actor, runner.authorise.roles
    if actor.must_change:
        raise MustChangePassword(
            f"You must choose a new password before {action}.", hint="helpdesk do password.change"
        )
    if actor.service or AUDITOR not in roles.actor_subject(signed_in.directory, actor).roles:
        named = roles.groups_of_role.get(AUDITOR)
        raise Refused(
            f"Only an auditor may {what}."
            if named
            else f"Nobody may {what} here: no group is named in [roles] auditor.",
            hint="Ask an auditor." if named else "Name the auditors' group in [roles] auditor.",
            rule=f"{action.replace('.', '-')}-auditors-only",
        )
