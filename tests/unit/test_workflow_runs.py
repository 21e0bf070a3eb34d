"""Workflows through the one door: killed anywhere, failing anywhere, they end whole, or undone and said so."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.runner import Runner
from helpdesk.engine import RunState
from helpdesk.errors import Refused, Unreachable
from helpdesk.events import Outcome
from helpdesk.workflows.plan import run_id
from helpdesk.workflows.stopping import CANCEL, answer_topic
from tests.fakes.engine import Death
from tests.unit.workflow_world import Flows, fails, times

PARTY = """
workflow: lamp.party
version: "1"
summary: Light up for a party
allow: anyone
inputs:
  first: {type: text, ask: which lamp comes first}
steps:
  - {id: a, call: lamp.on, with: {lamp: "${first}"}}
  - {id: b, call: lamp.on, with: {lamp: hall}}
  - {id: c, call: lamp.on, with: {lamp: garden}}
outputs:
  said: ${c.message}
"""
LAMPS = {"door", "hall", "garden"}
ID = run_id("lamp.party-emma")


def party(folder: Path, text: str = PARTY) -> Flows:
    return Flows(folder, party=text)


def without_more(text: str, more: str) -> str:
    return text.replace("outputs:\n  said: ${c.message}\n", more)


# ── to the end ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R1", "L4")
def test_it_is_shown_whole_and_agreed_to_once(tmp_path: Path) -> None:
    flows = party(tmp_path)
    person = flows.person("emma")
    result = flows.do("emma", "lamp.party", at=person, key="k", first="door")
    assert result.outcome is Outcome.ACCEPTED
    (shown,) = person.confirmations
    assert [(change.target, change.before, change.after) for change in shown.changes] == [
        ("door", "off", "on"),
        ("hall", "off", "on"),
        ("garden", "off", "on"),
    ]
    assert "3 steps" in shown.summary
    assert flows.lamps.lit == set()  # nothing begins before a worker takes it up
    flows.work()
    assert flows.lamps.lit == LAMPS


@pytest.mark.req("R3")
def test_its_receipt_has_each_step_with_what_was_read_back(tmp_path: Path) -> None:
    flows = party(tmp_path)
    ended = flows.run("emma", "lamp.party", first="door")
    assert ended["outcome"] == "done"
    assert [step["state"] for step in ended["steps"]] == ["done"] * 3
    assert [step["receipt"][0]["observed"] for step in ended["steps"]] == ["on"] * 3
    assert ended["outputs"] == {"said": "garden is on."}


@pytest.mark.req("R1")
def test_every_step_stands_in_the_log_for_whoever_asked_and_so_does_the_end_of_the_whole(
    tmp_path: Path,
) -> None:
    flows = party(tmp_path)
    flows.run("emma", "lamp.party", first="door")
    emma = flows.signed_in("emma").actor.person.id
    steps = [entry for entry in flows.log.of("outcome") if entry.body["action"] == "lamp.on"]
    assert [entry.body["outcome"] for entry in steps] == ["done"] * 3
    assert {entry.body["requester_id"] for entry in steps} == {emma}
    whole = [entry for entry in flows.log.of("outcome") if entry.body["action"] == "lamp.party"]
    assert [entry.body["outcome"] for entry in whole] == ["accepted", "done"]


@pytest.mark.req("R3")
def test_asked_for_twice_with_one_key_it_is_one_run(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.run("emma", "lamp.party", first="door")
    again, id = flows.ask("emma", "lamp.party", first="door")
    assert id == ID
    assert again.outcome is Outcome.DONE  # nothing had to change any more
    assert flows.lamps.done == ["on door", "on hall", "on garden"]


def test_without_a_worker_it_is_refused_in_a_sentence(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.has_worker = False
    result = flows.do("emma", "lamp.party", first="door")
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "no-worker"
    assert "none is configured" in result.message


def test_a_dry_run_shows_the_whole_effect_and_starts_nothing(tmp_path: Path) -> None:
    flows = party(tmp_path)
    result = flows.do("emma", "lamp.party", dry_run=True, first="door")
    assert result.outcome is Outcome.PREVIEWED
    assert len(result.changes) == 3
    assert flows.engine.rows == {}


# ── killed ────────────────────────────────────────────────────────────────────────────────────


def deaths(number: int) -> list[Death]:
    """Every way to die, by hand with HELPDESK_TEST_FAULTS; every day one of them at each boundary."""
    every = list(Death)
    return every if os.environ.get("HELPDESK_TEST_FAULTS") else [every[number % len(every)]]


def step_names(folder: Path, text: str = PARTY) -> list[str]:
    """Every step of a run that goes well."""
    folder.mkdir(mode=0o700)
    flows = party(folder, text)
    flows.run("emma", "lamp.party", first="door")
    return [step.name for step in flows.engine.steps(ID)]


@pytest.mark.req("R2", "R3")
def test_killed_at_every_boundary_each_lamp_is_switched_once(tmp_path: Path) -> None:
    count = len(step_names(tmp_path / "whole"))
    for number in range(1, count + 1):
        for death in deaths(number):
            folder = tmp_path / f"{number}-{death.name}"
            folder.mkdir(mode=0o700)
            flows = party(folder)
            flows.ask("emma", "lamp.party", first="door")
            flows.engine.die_at(number, death)
            flows.work()
            flows.later(seconds=30)  # what may have been on its way has arrived
            where = f"{number} {death.name}"
            assert flows.engine.status(ID).state is RunState.DONE, where
            assert flows.ended(ID)["outcome"] == "done", where
            assert sorted(flows.lamps.done) == ["on door", "on garden", "on hall"], where


@pytest.mark.req("R2", "R3")
def test_killed_while_it_takes_back_each_step_is_taken_back_once(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir(mode=0o700)
    flows = party(tmp_path / "first")
    flows.lamps.broken["garden"] = fails()
    flows.run("emma", "lamp.party", first="door")
    names = [step.name for step in flows.engine.steps(ID)]
    for number in range(names.index("c:effect") + 1, len(names) + 1):
        for death in deaths(number):
            folder = tmp_path / f"{number}-{death.name}"
            folder.mkdir(mode=0o700)
            flows = party(folder)
            flows.lamps.broken["garden"] = fails()
            flows.ask("emma", "lamp.party", first="door")
            flows.engine.die_at(number, death)
            flows.work()
            flows.later(seconds=30)
            where = f"{number} {death.name} {names[number - 1]}"
            assert flows.ended(ID)["outcome"] == "failed", where
            assert flows.lamps.lit == set(), where
            assert flows.lamps.done == ["on door", "on hall", "off hall", "off door"], where


# ── failing ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("broken", "done"),
    [
        ("door", []),
        ("hall", ["on door", "off door"]),
        ("garden", ["on door", "on hall", "off hall", "off door"]),
    ],
)
@pytest.mark.req("R3")
def test_what_was_done_before_a_failure_is_taken_back_newest_first(
    tmp_path: Path, broken: str, done: list[str]
) -> None:
    flows = party(tmp_path)
    flows.lamps.broken[broken] = fails()
    ended = flows.run("emma", "lamp.party", first="door")
    assert ended["outcome"] == "failed"
    assert flows.lamps.done == done
    assert flows.lamps.lit == set()
    assert "The bulb is broken." in ended["message"]
    assert ("Taken back, newest first" in ended["message"]) is bool(done)


def test_what_cannot_be_undone_is_said(tmp_path: Path) -> None:
    flows = party(tmp_path, PARTY.replace("id: a, call: lamp.on", "id: a, call: lamp.fuse"))
    flows.lamps.broken["garden"] = fails()
    ended = flows.run("emma", "lamp.party", first="door")
    assert ended["outcome"] == "partial"
    assert flows.lamps.lit == {"door"}
    assert flows.states(ID) == {"a": "not undone", "b": "undone", "c": "failed"}
    assert "Not taken back: a (lamp.fuse): fuses burn once." in ended["message"]


def test_what_somebody_changed_since_is_not_taken_back(tmp_path: Path) -> None:
    flows = party(tmp_path)

    def somebody() -> None:
        flows.lamps.lit.discard("door")
        fails()()

    flows.lamps.broken["garden"] = somebody
    ended = flows.run("emma", "lamp.party", first="door")
    assert flows.states(ID) == {"a": "not undone", "b": "undone", "c": "failed"}
    assert "by now" in ended["message"]


def test_an_undo_that_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.lamps.broken |= {"garden": fails(), "off hall": fails("The switch sticks.")}
    ended = flows.run("emma", "lamp.party", first="door")
    assert flows.states(ID) == {"a": "undone", "b": "not undone", "c": "failed"}
    assert ended["outcome"] == "partial"
    assert "The switch sticks." in ended["message"]


def test_a_step_may_say_itself_what_makes_up_for_it(tmp_path: Path) -> None:
    text = PARTY.replace(
        'with: {lamp: "${first}"}',
        'with: {lamp: "${first}"}, undo: {call: lamp.on, with: {lamp: "${first} sign"}}',
    )
    flows = party(tmp_path, text)
    flows.lamps.broken["garden"] = fails()
    ended = flows.run("emma", "lamp.party", first="door")
    assert flows.lamps.lit == {"door", "door sign"}
    assert flows.states(ID)["a"] == "made good"
    assert "Made up for: a (lamp.on) with lamp.on." in ended["message"]
    assert ended["outcome"] == "partial"


def test_on_failure_stop_leaves_what_was_done(tmp_path: Path) -> None:
    flows = party(tmp_path, PARTY + "on-failure: stop\n")
    flows.lamps.broken["garden"] = fails()
    ended = flows.run("emma", "lamp.party", first="door")
    assert flows.lamps.lit == {"door", "hall"}
    assert ended["outcome"] == "partial"
    assert "it stays as it is" in ended["message"]


@pytest.mark.req("V1", "L4")
def test_what_moved_before_it_begins_makes_it_stale_with_no_effect(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.ask("emma", "lamp.party", first="door")
    flows.lamps.lit.add("garden")
    flows.work()
    ended = flows.ended(ID)
    assert ended["outcome"] == "failed"
    assert (
        "not what was agreed to any more (step c (lamp.on) would do something else now)" in ended["message"]
    )
    assert flows.lamps.done == []


@pytest.mark.req("V1", "L4")
def test_what_moves_in_the_middle_stops_it_and_takes_back(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.lamps.broken["hall"] = lambda: flows.lamps.lit.add("garden")
    ended = flows.run("emma", "lamp.party", first="door")
    assert flows.states(ID) == {"a": "undone", "b": "undone", "c": "failed"}
    assert "would not do what was agreed to any more" in ended["message"]
    assert flows.lamps.lit == {"garden"}


@pytest.mark.req("D9", "V3")
def test_whoever_lost_the_right_meanwhile_changes_nothing(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.ask("emma", "lamp.party", first="door")
    desk = flows.embedded.sign_in("dana", _secret("dana"))
    desk.set_enabled(desk.person("emma"), False)
    flows.work()
    assert flows.ended(ID)["outcome"] in ("refused", "failed")
    assert flows.lamps.done == []


def _secret(login: str) -> Any:
    from helpdesk.secrets import Secret
    from tests.unit.door_world import password_of

    return Secret(password_of(login))


# ── retries, and what nobody knows ────────────────────────────────────────────────────────────


def test_a_try_that_changed_nothing_is_made_again_after_a_pause(tmp_path: Path) -> None:
    flows = party(tmp_path, PARTY.replace("{lamp: hall}", "{lamp: hall}, retry: {times: 3, wait: 10s}"))
    flows.lamps.broken["hall"] = times(2, fails())
    flows.ask("emma", "lamp.party", first="door")
    flows.work()
    assert flows.engine.status(ID).state is RunState.RUNNING
    flows.later(seconds=11)
    assert flows.engine.status(ID).state is RunState.RUNNING
    flows.later(seconds=11)  # the second pause is twice as long
    assert flows.engine.status(ID).state is RunState.RUNNING
    flows.later(seconds=11)
    assert flows.ended(ID)["outcome"] == "done"
    assert flows.lamps.done == ["on door", "on hall", "on garden"]


def test_a_refusal_is_not_tried_again(tmp_path: Path) -> None:
    flows = party(tmp_path, PARTY.replace("{lamp: hall}", "{lamp: hall}, retry: 3"))

    def no() -> None:
        raise Refused("Not this lamp.")

    flows.lamps.broken["hall"] = no
    ended = flows.run("emma", "lamp.party", first="door")
    assert ended["outcome"] == "refused"
    assert flows.lamps.lit == set()


def test_a_timeout_ends_the_tries(tmp_path: Path) -> None:
    more = "{lamp: hall}, timeout: 15s, retry: {times: 9, wait: 10s, backoff: 1}"
    flows = party(tmp_path, PARTY.replace("{lamp: hall}", more))
    flows.lamps.broken["hall"] = fails()
    flows.ask("emma", "lamp.party", first="door")
    for _ in range(4):
        flows.later(seconds=11)
    assert "given up after 2 tries" in flows.ended(ID)["message"]


def lost(flows: Flows, took: bool) -> Any:
    """The effect happens or not, and from then on nothing answers."""

    def now() -> None:
        if took:
            flows.lamps.lit.add("hall")
            flows.lamps.done.append("on hall")
        flows.lamps.dark = True
        raise Unreachable("The line is dead.", maybe_applied=True)

    return now


@pytest.mark.req("R2", "R3")
@pytest.mark.parametrize("took", [True, False])
def test_an_unknown_outcome_is_read_back_and_never_repeated(tmp_path: Path, took: bool) -> None:
    flows = party(tmp_path)
    flows.lamps.broken["hall"] = lost(flows, took)
    flows.ask("emma", "lamp.party", first="door")
    flows.work()
    assert flows.engine.status(ID).state is RunState.RUNNING
    flows.lamps.dark = False
    flows.later(seconds=6)
    assert flows.ended(ID)["outcome"] == ("done" if took else "failed")
    assert flows.lamps.done.count("on hall") == int(took)
    assert flows.lamps.lit == (LAMPS if took else set())


@pytest.mark.req("R2", "R3")
def test_what_stays_unknown_stops_it_and_nothing_is_taken_back(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.lamps.broken["hall"] = lost(flows, took=True)
    flows.ask("emma", "lamp.party", first="door")
    for _ in range(4):
        flows.later(hours=1)
    ended = flows.ended(ID)
    assert ended["outcome"] == "unknown"
    assert flows.states(ID) == {"a": "done", "b": "unknown"}
    assert flows.lamps.done == ["on door", "on hall"]
    assert "nothing is repeated" in ended["message"]


@pytest.mark.req("R2", "R3")
def test_a_directory_that_is_away_for_an_hour_is_waited_for(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.ask("emma", "lamp.party", first="door")
    there = flows._acting

    async def no_answer() -> Any:
        raise Unreachable("The directory gave no answer.")

    flows._acting = no_answer  # type: ignore[method-assign]
    flows.worker = flows.process()
    flows.work()
    for _ in range(30):
        flows.later(minutes=2)
    assert flows.engine.status(ID).state is RunState.RUNNING
    assert flows.lamps.done == []
    flows.worker.dead = True
    flows._acting = there  # type: ignore[method-assign]
    flows.later(minutes=6)
    assert flows.ended(ID)["outcome"] == "done"
    assert flows.lamps.done == ["on door", "on hall", "on garden"]


@pytest.mark.req("R3")
def test_a_system_that_is_away_in_the_middle_is_waited_for_without_a_word_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = party(tmp_path)
    real, left = Runner.preview, [3]

    async def preview(self: Any, prepared: Any, *more: Any, **named: Any) -> Any:
        if prepared.values.get("lamp") == "hall" and flows.lamps.done == ["on door"] and left[0] > 0:
            left[0] -= 1
            raise Unreachable("The lamps give no answer.")
        return await real(self, prepared, *more, **named)

    monkeypatch.setattr(Runner, "preview", preview)
    flows.ask("emma", "lamp.party", first="door")
    for _ in range(6):
        flows.later(minutes=1)
    assert left == [0]
    assert flows.ended(ID)["outcome"] == "done"
    assert flows.lamps.done == ["on door", "on hall", "on garden"]


# ── cancelled, and begun again at a step ──────────────────────────────────────────────────────


def test_cancelled_it_stops_before_its_next_step_and_takes_back(tmp_path: Path) -> None:
    flows = party(tmp_path)
    flows.lamps.broken["hall"] = lambda: flows.engine.tell(ID, CANCEL, {"by": "emma"}, "once")
    ended = flows.run("emma", "lamp.party", first="door")
    assert ended["outcome"] == "cancelled"
    assert "emma cancelled it" in ended["message"]
    assert flows.lamps.done == ["on door", "on hall", "off hall", "off door"]


@pytest.mark.req("R3")
def test_begun_again_at_one_step_what_was_done_before_is_kept(tmp_path: Path) -> None:
    flows = party(tmp_path, PARTY + "on-failure: stop\n")
    flows.lamps.broken["hall"] = fails()
    assert flows.run("emma", "lamp.party", first="door")["outcome"] == "partial"
    del flows.lamps.broken["hall"]
    number = next(one.number for one in flows.engine.steps(ID) if one.name == "b:begin")
    again = flows.engine.retry(ID, number)
    flows.work()
    assert flows.ended(again)["outcome"] == "done"
    assert flows.lamps.done == ["on door", "on hall", "on garden"]


# ── conditions, lists, branches, waits ────────────────────────────────────────────────────────

MANY = """
workflow: lamp.many
version: "1"
summary: Light many
allow: anyone
inputs:
  lamps: {type: text, ask: which lamps}
  garden: {type: boolean, default: no}
steps:
  - id: each
    for-each: lamps
    as: lamp
    call: lamp.on
    with: {lamp: "${lamp}"}
  - id: outside
    when: garden and each.count > 1
    call: lamp.on
    with: {lamp: garden}
"""


@pytest.mark.parametrize(
    ("garden", "lit", "state"), [(True, {"x", "y", "garden"}, "done"), (False, {"x", "y"}, "left out")]
)
def test_for_each_and_conditions(tmp_path: Path, garden: bool, lit: set[str], state: str) -> None:
    flows = Flows(tmp_path, many=MANY)
    ended = flows.run("emma", "lamp.many", lamps="x, y", garden=garden)
    assert ended["outcome"] == "done"
    assert flows.lamps.lit == lit
    assert flows.states(run_id("lamp.many-emma")) == {"each[1]": "done", "each[2]": "done", "outside": state}


SIDES = """
workflow: lamp.sides
version: "1"
summary: Light both sides
allow: anyone
steps:
  - id: both
    parallel:
      - {id: left, call: lamp.on, with: {lamp: left}}
      - id: right
        steps:
          - {id: near, call: lamp.on, with: {lamp: near}}
          - {id: far, call: lamp.on, with: {lamp: far}}
  - {id: last, call: lamp.on, with: {lamp: last}}
"""
SIDES_ID = run_id("lamp.sides-emma")


def test_branches_go_on_together_and_the_rest_waits_for_all(tmp_path: Path) -> None:
    flows = Flows(tmp_path, sides=SIDES)
    assert flows.run("emma", "lamp.sides")["outcome"] == "done"
    assert flows.lamps.lit == {"left", "near", "far", "last"}
    assert flows.lamps.done[-1] == "on last"


@pytest.mark.req("R2", "R3")
def test_branches_are_killed_at_every_boundary(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir(mode=0o700)
    flows = Flows(tmp_path / "whole", sides=SIDES)
    flows.run("emma", "lamp.sides")
    for number in range(1, len(flows.engine.steps(SIDES_ID)) + 1):
        for death in deaths(number):
            folder = tmp_path / f"{number}-{death.name}"
            folder.mkdir(mode=0o700)
            flows = Flows(folder, sides=SIDES)
            flows.ask("emma", "lamp.sides")
            flows.engine.die_at(number, death)
            flows.work()
            flows.later(seconds=30)
            assert flows.ended(SIDES_ID)["outcome"] == "done", (number, death)
            assert sorted(flows.lamps.done) == ["on far", "on last", "on left", "on near"], (number, death)


def test_a_branch_that_fails_stops_the_others_and_all_are_taken_back(tmp_path: Path) -> None:
    flows = Flows(tmp_path, sides=SIDES)
    flows.lamps.broken["near"] = fails()
    ended = flows.run("emma", "lamp.sides")
    assert ended["outcome"] == "failed"
    assert flows.lamps.lit == set()
    assert "far" not in str(flows.lamps.done)


WAITS = """
workflow: lamp.wait
version: "1"
summary: Light up when somebody says so
allow: anyone
inputs:
  who: {type: login, ask: who says so}
steps:
  - {id: a, call: lamp.on, with: {lamp: a}}
  - id: ready
    wait-for: {person: "${who}", ask: "Is it dark?"}
    timeout: 2d
  - {id: b, when: ready.answer == 'yes', call: lamp.on, with: {lamp: b}}
  - id: dawn
    wait-for: {span: 6h}
  - {id: c, call: lamp.on, with: {lamp: c}}
"""
WAITS_ID = run_id("lamp.wait-emma")


def answer(flows: Flows, login: str, what: str) -> None:
    person = flows.embedded.look_up().person(login)
    message = {"what": "answer", "person": person.id, "answer": what, "note": ""}
    flows.engine.tell(WAITS_ID, answer_topic("ready"), message, f"{login}-{what}")


@pytest.mark.parametrize(("said", "lit"), [("yes", {"a", "b", "c"}), ("no", {"a", "c"})])
def test_it_waits_for_a_person_and_for_a_moment(tmp_path: Path, said: str, lit: set[str]) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    note = flows.engine.status(WAITS_ID).note
    assert note is not None
    assert note["steps"][-1] | {"arguments": {}} == {
        "path": "ready",
        "action": "",
        "title": "",
        "state": "waiting",
        "message": "Is it dark?",
        "arguments": {},
    }
    answer(flows, "mia", "yes")  # somebody else's answer counts for nothing
    flows.work()
    assert flows.lamps.lit == {"a"}
    answer(flows, "bo", said)
    flows.work()
    assert flows.engine.status(WAITS_ID).state is RunState.RUNNING
    flows.later(hours=7)
    assert flows.ended(WAITS_ID)["outcome"] == "done"
    assert flows.lamps.lit == lit


def test_an_answer_that_does_not_come_in_time_ends_it(tmp_path: Path) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    flows.later(days=3)
    ended = flows.ended(WAITS_ID)
    assert ended["outcome"] == "failed"
    assert "bo did not answer in time" in ended["message"]
    assert flows.lamps.lit == set()


def test_cancelled_while_it_waits(tmp_path: Path) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    flows.engine.tell(WAITS_ID, answer_topic("ready"), {"what": CANCEL, "by": "emma"}, "c")
    flows.work()
    assert flows.ended(WAITS_ID)["outcome"] == "cancelled"
    assert flows.lamps.lit == set()


def test_what_waits_costs_a_row(tmp_path: Path) -> None:
    flows = Flows(tmp_path, wait=WAITS)
    flows.ask("emma", "lamp.wait", who="bo")
    flows.work()
    assert flows.clock.now + timedelta(days=1) < flows.engine.rows[WAITS_ID].wakes  # type: ignore[operator]
