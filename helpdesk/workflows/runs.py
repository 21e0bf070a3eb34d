"""Runs of workflows as people see them: how they stand, and the three things that can be said to one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpdesk.actions.runner import Runner
from helpdesk.engine import Engine, RunState, RunStatus
from helpdesk.errors import HelpdeskError, NotFound, Refused
from helpdesk.events import Outcome, Result
from helpdesk.gate.roles import AUDITOR, HELPDESK
from helpdesk.ports import DirectoryReader, SignedIn
from helpdesk.workflows.outcomes import receipt_of, result_of_run
from helpdesk.workflows.plan import SYSTEM, Plan, plan_from
from helpdesk.workflows.processes import KIND
from helpdesk.workflows.stopping import CANCEL, answer_topic

PREFIX = "W-"
_ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run.

    Attributes:
        state: "queued", "running", "waiting", or how it ended ("done", "failed", "partial", "cancelled", "unknown").
        requester: their id. by: their login, where the directory still knows them.
        steps: what became of each step so far, and those that are left.
    """

    id: str
    workflow: str
    state: str
    requester: str
    plan: Plan
    created: datetime
    updated: datetime
    message: str = ""
    by: str = ""
    worker: str = ""
    request: str = ""
    steps: tuple[Mapping[str, Any], ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    entry: int | None = None

    @property
    def over(self) -> bool:
        return self.state not in ("queued", "running", "waiting")

    @property
    def waits_for(self) -> Mapping[str, Any] | None:
        """The step that waits for somebody, or for a moment."""
        return next((step for step in self.steps if step["state"] == "waiting"), None)

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "workflow": self.workflow,
            "state": self.state,
            "requester": self.by or None,
            "arguments": dict(self.plan.values),
            "created": self.created.isoformat(),
            "updated": self.updated.isoformat(),
            "message": self.message,
            "request": self.request or None,
            "entry": self.entry,
            "steps": [_step_document(step) for step in self.steps],
            "outputs": dict(self.outputs),
        }


def _step_document(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "path": step["path"],
        "title": step.get("title", ""),
        "action": step.get("action", ""),
        "arguments": dict(step.get("arguments") or {}),
        "state": step["state"],
        "message": step.get("message", ""),
        "why": step.get("why", ""),
        "entry": step.get("entry"),
        "receipt": list(step.get("receipt") or []),
    }


def view(status: RunStatus, by: str = "") -> RunView:
    """How a run stands. Raises ValueError, KeyError, TypeError: it is none of ours."""
    plan = plan_from(status.document["plan"])
    note = status.note or {}
    ended = status.result if status.state is RunState.DONE else note.get("ended")
    told = (ended or note).get("steps", [])
    known = {step["path"] for step in told}
    left = [
        {"path": one.path, "action": one.action, "state": "to do", "arguments": dict(one.arguments)}
        for one in plan.steps
        if one.path not in known and "[*]" not in one.path and one.kind != "read"
    ]
    return RunView(
        id=status.id,
        workflow=plan.workflow,
        state=_state(status, ended, told),
        requester=plan.requester,
        plan=plan,
        created=status.created,
        updated=status.updated,
        message=str((ended or {}).get("message", "")) or status.error,
        by=by,
        worker=status.worker,
        request=str(status.document.get("request", "")),
        steps=(*told, *left),
        outputs=(ended or {}).get("outputs", {}),
        entry=(ended or {}).get("entry"),
    )


def _state(status: RunStatus, ended: Mapping[str, Any] | None, steps: Sequence[Mapping[str, Any]]) -> str:
    if ended is not None:
        return str(ended["outcome"])
    if status.state in (RunState.FAILED, RunState.CANCELLED):
        return "broken off"
    if status.state in (RunState.QUEUED, RunState.WAITING):
        return "queued"
    return "waiting" if any(step["state"] == "waiting" for step in steps) else "running"


# ── who may see, and say something ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of workflows, for one person; blocking."""

    runner: Runner
    engine: Engine
    signed_in: SignedIn

    def list(self, *, every: bool = False, limit: int = 100) -> list[RunView]:
        """Their own runs, newest first; with ``every`` everybody's, for the service desk and auditors.

        Raises:
            Refused: they may see their own only.
        """
        if every and not self._sees_all():
            raise Refused(
                "Only the service desk and auditors see everybody's runs.",
                rule="runs-of-others",
                hint="Yours: helpdesk workflow runs",
            )
        found = []
        for status in self.engine.runs(kind=KIND, limit=limit if every else limit * 5):
            try:
                one = view(status)
            except (ValueError, KeyError, TypeError):
                continue  # forged, or of another version: it is shown to nobody
            if every or one.requester == self._me:
                found.append(view(status, self._login(one.requester)))
        return found[:limit]

    def one(self, id: str) -> RunView:
        """One run that concerns them. Raises NotFound: there is none, or it is somebody else's."""
        name = id.strip().upper()
        try:
            status = self.engine.status(name)
            found = view(status)
        except (NotFound, ValueError, KeyError, TypeError) as error:
            raise self._none(id) from error
        waits = found.waits_for
        asked = (
            waits is not None and (waits.get("arguments") or {}).get("person") == self.signed_in.actor.login
        )
        if found.requester != self._me and not asked and not self._sees_all():
            raise self._none(id)
        return view(status, self._login(found.requester))

    def cancel(self, id: str) -> Result:
        """Let a run stop before its next step; what was done is taken back as its file says.

        Raises:
            Refused: it has ended, or they may not. NotFound.
        """
        found = self._theirs(id, "cancel")
        self._log(found, "cancelled")
        message = {"what": CANCEL, "by": self.signed_in.actor.login}
        self.engine.tell(found.id, CANCEL, message, f"{CANCEL}:{self._me}")
        waits = found.waits_for
        if waits is not None:
            self.engine.tell(found.id, answer_topic(waits["path"]), message, f"{CANCEL}:{waits['path']}")
        return _result(found, "workflow.cancel", f"Run {found.id} stops before its next step.")

    def answer(self, id: str, answer: str, note: str = "") -> Result:
        """Answer the question that a run asks this person. Raises Refused: it asks somebody else, or nothing."""
        found = self.one(id)
        waits = found.waits_for
        asked = str((waits.get("arguments") or {}).get("person", "")) if waits is not None else ""
        if waits is None or not asked:
            raise Refused(f"Run {found.id} asks nobody anything at this moment.", code="nothing-asked")
        if asked != self.signed_in.actor.login:
            raise Refused(f"Run {found.id} asks {asked}, and only they can answer.", rule="not-asked")
        self._log(found, "answered", answer)
        message = {"what": "answer", "person": self._me, "answer": answer, "note": note}
        self.engine.tell(found.id, answer_topic(waits["path"]), message, secrets.token_hex(8))
        return _result(found, "workflow.answer", f"Run {found.id} has your answer: {answer}.")

    def retry(self, id: str, step: str) -> tuple[Result, str]:
        """Begin a run that ended again at one step; the new run's id.

        Raises:
            Refused: it has not ended, a step before was taken back, or they may not. NotFound: no such step.
        """
        found = self.one(id)
        if not found.over:
            raise Refused(
                f"Run {found.id} is under way.", hint=f"helpdesk workflow cancel {found.id}", code="under-way"
            )
        self._own(found, "begin again")
        if found.state == "done":
            raise Refused(f"Run {found.id} is done; there is nothing to begin again.", code="done-already")
        number = self._number(found, step)
        undone = [
            one["path"]
            for one in found.steps[: _place(found, step)]
            if one["state"] in ("undone", "made good")
        ]
        if undone:
            raise Refused(
                f"Step {undone[0]}, which comes before, was taken back, so the run cannot go on from {step}.",
                hint=f"Run it whole: helpdesk do {found.workflow}",
                code="taken-back",
            )
        self._log(found, "retried", step)
        new = self.engine.retry(found.id, number)
        return _result(found, "workflow.retry", f"Run {new} goes on from {step}."), new

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    @property
    def _me(self) -> str:
        return self.signed_in.actor.person.id

    def _sees_all(self) -> bool:
        roles = self.runner.authorise.roles.actor_subject(
            self.signed_in.directory, self.signed_in.actor
        ).roles
        return bool({HELPDESK, AUDITOR} & roles)

    def _own(self, found: RunView, what: str) -> None:
        roles = self.runner.authorise.roles.actor_subject(
            self.signed_in.directory, self.signed_in.actor
        ).roles
        if found.requester != self._me and HELPDESK not in roles:
            raise Refused(
                f"Only whoever asked for run {found.id} and the service desk may {what} it.", rule="not-yours"
            )

    def _theirs(self, id: str, what: str) -> RunView:
        found = self.one(id)
        self._own(found, what)
        if found.over:
            raise Refused(f"Run {found.id} has ended already: {found.state}.", code="ended-already")
        return found

    def _number(self, found: RunView, step: str) -> int:
        """Where the step began, as the engine counts."""
        steps = self.engine.steps(found.id)
        names = {step, f"{step}:begin", f"{step}:who"}
        number = next((one.number for one in steps if one.name in names), None)
        if number is None:
            begun = list(dict.fromkeys(one.name.partition(":")[0] for one in steps))
            paths = [one["path"] for one in found.steps if one["path"] in begun]
            raise NotFound(
                f"Run {found.id} never began a step {step!r}.",
                hint=f"It began: {', '.join(paths) or 'none'}.",
            )
        return number

    def _log(self, found: RunView, what: str, reason: str = "") -> None:
        """Who said what to a run stands in the log before the run hears it."""
        self.runner.journal.decided(found.id, what, self.signed_in.actor, found.plan.definition, reason)

    def _login(self, id: str) -> str:
        reader: DirectoryReader = self.signed_in.directory
        try:
            return reader.person_by_id(id).login
        except HelpdeskError:
            return ""

    def _none(self, id: str) -> NotFound:
        return NotFound(f"There is no run {id!r} of yours.", hint="helpdesk workflow runs")


def _place(found: RunView, step: str) -> int:
    return next((at for at, one in enumerate(found.steps) if one["path"] == step), len(found.steps))


def _result(found: RunView, action: str, message: str) -> Result:
    return Result(
        outcome=Outcome.DONE,
        action=action,
        arguments={"run": found.id},
        message=message,
        data={"run": found.id, "workflow": found.workflow},
    )


def whole_result(engine: Engine, id: str) -> Result | None:
    """The receipt of the whole, for whoever followed a run; ``None`` while it is under way; blocking."""
    ended = result_of_run(engine, id)
    if ended is None:
        return None
    status = engine.status(id)
    plan = plan_from(status.document["plan"])
    from helpdesk.events import ErrorInfo

    outcome = Outcome(ended["outcome"])
    message = str(ended["message"])
    hint = "helpdesk reconcile" if outcome is Outcome.UNKNOWN else f"helpdesk workflow show {id}"
    return Result(
        outcome=outcome,
        action=plan.workflow,
        arguments=dict(plan.values),
        message=message,
        receipt=tuple(one for one in receipt_of(plan, ended) if one.system != SYSTEM or not one.as_expected),
        entry=ended.get("entry"),
        error=None
        if outcome in (Outcome.DONE, Outcome.ACCEPTED)
        else ErrorInfo("workflow-failed", message, hint),
        data={
            "run": id,
            "steps": [_step_document(step) for step in ended["steps"]],
            "outputs": ended.get("outputs", {}),
        },
    )
