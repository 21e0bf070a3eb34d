"""Who may see a run and say something to it, and what a picture of it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.errors import NotFound, Refused
from helpdesk.workflows.graph import as_rows, as_svg, as_text
from helpdesk.workflows.loading import load, loads
from helpdesk.workflows.runs import Runs, whole_result
from helpdesk.workflows.yaml_nodes import BadWorkflow
from tests.unit.test_workflow_runs import ID, PARTY, WAITS, WAITS_ID, party
from tests.unit.workflow_world import Flows, fails


def runs(flows: Flows, login: str) -> Runs:
    return Runs(flows.runner, flows.engine, flows.signed_in(login))  # type: ignore[arg-type]


@pytest.mark.req("V6")
def test_runs_are_seen_by_whoever_asked_by_the_service_desk_and_by_nobody_else(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.run("emma", "lamp.party", first="door")
    assert runs(flows, "emma").one(ID.lower()).state == "done"
    assert runs(flows, "dana").one(ID).by == "emma"
    with pytest.raises(NotFound):
        runs(flows, "bo").one(ID)
    assert [one.id for one in runs(flows, "emma").list()] == [ID]
    assert runs(flows, "bo").list() == []
    assert [one.id for one in runs(flows, "dana").list(every=True)] == [ID]
    with pytest.raises(Refused, match="everybody's runs"):
        runs(flows, "bo").list(every=True)


def test_what_is_left_to_do_is_seen_before_it_begins(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.ask("emma", "lamp.party", first="door")
    found = runs(flows, "emma").one(ID)
    assert found.state == "queued"
    assert [(step["path"], step["state"]) for step in found.steps] == [
        ("a", "to do"),
        ("b", "to do"),
        ("c", "to do"),
    ]


@pytest.mark.req("V6")
def test_a_question_is_answered_by_whom_it_asks_alone(tmp_path: Path) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    assert runs(flows, "bo").one(WAITS_ID).state == "waiting"  # they see it, for it asks them
    for login in ("emma", "dana"):
        with pytest.raises(Refused, match="only they can answer"):
            runs(flows, login).answer(WAITS_ID, "yes")
    runs(flows, "bo").answer(WAITS_ID, "yes", "since six")
    flows.work()
    flows.later(hours=7)
    assert flows.ended(WAITS_ID)["outcome"] == "done"
    decided = [entry.body for entry in flows.log.of("approval")]
    assert [(one["request"], one["decision"]) for one in decided] == [(WAITS_ID, "answered")]


def test_a_run_is_cancelled_by_whoever_asked(tmp_path: Path) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    with pytest.raises(Refused):
        runs(flows, "bo").cancel(WAITS_ID)
    runs(flows, "emma").cancel(WAITS_ID)
    flows.work()
    assert flows.ended(WAITS_ID)["outcome"] == "cancelled"
    assert flows.lamps.lit == set()
    with pytest.raises(Refused, match="has ended already"):
        runs(flows, "emma").cancel(WAITS_ID)


def test_a_run_that_stopped_goes_on_and_one_that_was_taken_back_does_not(tmp_path: Path) -> None:
    (tmp_path / "stop").mkdir(mode=0o700)
    (tmp_path / "undo").mkdir(mode=0o700)
    stopped = party(tmp_path / "stop", PARTY + "on-failure: stop\n")
    stopped.lamps.broken["garden"] = fails()
    stopped.run("emma", "lamp.party", first="door")
    del stopped.lamps.broken["garden"]
    with pytest.raises(NotFound, match="never began a step 'd'"):
        runs(stopped, "emma").retry(ID, "d")
    _, new = runs(stopped, "emma").retry(ID, "c")
    stopped.work()
    assert stopped.ended(new)["outcome"] == "done"
    assert stopped.lamps.done == ["on door", "on hall", "on garden"]
    undone = party(tmp_path / "undo")
    undone.lamps.broken["garden"] = fails()
    undone.run("emma", "lamp.party", first="door")
    with pytest.raises(Refused, match="was taken back"):
        runs(undone, "emma").retry(ID, "c")


def test_the_receipt_of_the_whole_tells_each_step(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.lamps.broken["garden"] = fails()
    flows.run("emma", "lamp.party", first="door")
    result = whole_result(flows.engine, ID)  # type: ignore[arg-type]
    assert result is not None
    assert (result.outcome.value, [(one.target, one.observed) for one in result.receipt]) == (
        "failed",
        [("door", "off"), ("hall", "off"), ("garden", "off")],
    )
    assert [step["state"] for step in result.data["steps"]] == ["undone", "undone", "failed"]


# ── pictures ──────────────────────────────────────────────────────────────────────────────────


def test_a_picture_has_each_step_with_its_state() -> None:
    workflow = loads(WAITS, "wait.yaml")
    states = {"a": "done", "ready": "waiting", "b": "to do"}
    text = "\n".join(as_text(workflow, states))
    assert "─ a [done]" in text
    assert "─ ready [waiting]" in text
    assert "wait for ${who}: Is it dark?" in text
    assert [(row["id"], row["state"]) for row in as_rows(workflow, states)][:3] == [
        ("a", "done"),
        ("ready", "waiting"),
        ("b", "to do"),
    ]


@pytest.mark.req("T1")
def test_a_picture_holds_no_markup_of_others() -> None:
    bad = PARTY.replace("summary: Light up for a party", 'summary: "<script>x</script> & co"')
    workflow = loads(bad, "party.yaml")
    svg = as_svg(workflow, {"a": "failed"})
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    with pytest.raises(BadWorkflow, match="cannot be shown"):
        loads(bad.replace("& co", "\\e[31m"), "party.yaml")


@pytest.mark.parametrize("name", ["people.onboard", "people.offboard", "people.move", "access.production"])
def test_the_shipped_ones_can_be_drawn(name: str) -> None:
    folder = Path(__file__).parents[2] / "plugins/helpdesk_processes/workflows"
    workflow = load(folder / f"{name}.yaml")
    assert as_svg(workflow).count("<rect") == 1 + len(list(workflow.every_step()))
