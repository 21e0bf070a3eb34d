"""What is sent of the log: the form of messages, files that only grow, how far each place is, and what is said of it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpdesk import platform
from helpdesk.app.outside import EVERY
from helpdesk.config.addresses import checkpoint_problem, stream_problem
from helpdesk.connectors.checkpoint_sinks import FileSink
from helpdesk.connectors.syslog import INFORMATIONAL, message
from helpdesk.errors import ConfigError, Failed, Unreachable
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.checkpoint import newest_in, opened
from helpdesk.gate.keys import PUBLIC, read_public
from helpdesk.gate.shipping import Shipping
from helpdesk.gate.shipping_cursors import RESIDENT_WAIT, UNFINISHED, Cursor, Cursors
from helpdesk.gate.shipping_told import Delivery, window
from helpdesk.ports import LogLine
from tests.unit.audit_world import Clock, checked, open_log, story
from tests.unit.config_world import Machine

NOW = datetime(2026, 3, 9, 14, 10, tzinfo=UTC)


class Sink:
    """A place in memory, for checkpoints; ``down`` says why it takes nothing."""

    confirms = True

    def __init__(self, address: str = "memory:1") -> None:
        self.address = address
        self.down = ""
        self.notes: list[str] = []
        self.tries = 0
        self.hold: threading.Event | None = None

    def send(self, note: bytes) -> None:
        self.tries += 1
        if self.hold is not None:
            self.hold.wait(20)
        if self.down:
            raise Unreachable(self.down)
        self.notes.append(note.decode())


class Lines:
    """A place in memory, for entries."""

    confirms = True
    address = "memory:2"

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.fails_after: int | None = None

    def send(self, lines: Sequence[LogLine]) -> None:
        if self.fails_after is not None:
            self.lines += lines[: self.fails_after]
            raise Unreachable("It closed in the middle.")
        self.lines += lines


def _sent(root: Path, log: AuditLog, clock: Callable[[], datetime], *sinks: Sink, **more: object) -> Shipping:
    shipping = Shipping(root / "log", clock, sinks, **more)  # type: ignore[arg-type]
    log.on_signed = shipping.wake
    return shipping


@pytest.mark.req("A3")
def test_each_action_sends_its_checkpoint_and_the_log_continues_it(tmp_path: Path) -> None:
    log, sink = open_log(tmp_path), Sink()
    shipping = _sent(tmp_path, log, Clock(), sink)
    story(log)
    shipping.flush(20)
    assert int(sink.notes[-1].split("\n")[1]) == 5  # the outcome; what followed is not signed yet
    log.close()
    shipping.flush(20)
    kept = opened(sink.notes[-1], read_public(tmp_path / "keys" / PUBLIC))
    assert kept.size == 7
    assert checked(tmp_path, sink.notes[-1]).ok
    before = sink.tries
    shipping.flush(20)
    assert sink.tries == before  # nothing new, nothing sent
    (told,) = shipping.deliveries()
    assert (told.known, told.entries, told.current) == (7, 7, True)
    assert window([told]) == ""


@pytest.mark.req("A3")
def test_a_blocked_exporter_states_the_loss_window_and_delays_nobody(tmp_path: Path) -> None:
    log, sink = open_log(tmp_path), Sink()
    shipping = _sent(tmp_path, log, lambda: NOW, sink)
    log.append("sign-in", {"outcome": "done"}, {"actor": "ana"})
    shipping.flush(20)
    sink.hold = threading.Event()
    story(log)
    log.close()
    began = datetime.now(UTC)
    shipping.flush(0.2)
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    (told,) = shipping.deliveries()
    assert (told.known, told.entries) == (1, 8)
    assert told.problem == UNFINISHED  # a process that ended now would have left exactly this
    assert window([told]).startswith("Entries 2 to 8 are not yet known outside this machine")
    assert "up to entry 1 of 8" in told.words()
    assert told.waiting_since in told.words()
    assert told.waiting_since
    sink.hold.set()
    shipping.flush(20)
    assert window(shipping.deliveries()) == ""


@pytest.mark.req("A3")
def test_a_dead_place_is_tried_once_a_minute_and_catches_up(tmp_path: Path) -> None:
    clock = Clock()
    log, sink, other = open_log(tmp_path, clock), Sink(), Sink("memory:other")
    shipping = _sent(tmp_path, log, lambda: clock.now, sink, other)
    sink.down = "It is down."
    for _ in range(5):
        log.append("outcome", {"outcome": "done"}, {})
        shipping.flush(20)
    assert (sink.tries, len(other.notes)) == (1, 5)  # one dead place stops no other
    first, second = shipping.deliveries()
    assert (first.known, second.known) == (0, 5)
    assert "The last try failed: It is down." in first.words()
    assert window([first, second]) == ""  # it is known somewhere outside
    assert window([first]).startswith("Entries 1 to 5 are")
    clock.now += timedelta(seconds=60)
    sink.down = ""
    Shipping(tmp_path / "log", lambda: clock.now, [sink]).flush(20)  # the next command, another process
    assert [int(note.split("\n")[1]) for note in sink.notes] == [5]


def test_the_wait_grows_and_a_clock_put_back_makes_nothing_wait() -> None:
    waits = [Cursor(tried=NOW, failures=count).next_try() for count in (1, 2, 3, 4, 5, 500)]
    assert [(at - NOW).total_seconds() for at in waits if at] == [60, 120, 240, 480, 600, 600]
    open_ = [Cursor(tried=NOW, failures=count).next_try(RESIDENT_WAIT) for count in (1, 500)]
    assert all((at - NOW).total_seconds() + EVERY < 60 for at in open_ if at)
    once = Cursor(tried=NOW, failures=1)
    assert [once.due(NOW + timedelta(seconds=s)) for s in (0, 59, 60, -1)] == [False, False, True, True]


def test_what_a_place_knew_it_does_not_forget(tmp_path: Path) -> None:
    cursors = Cursors(tmp_path)
    assert cursors.read("one") == Cursor()
    cursors.trying("one", NOW)
    cursors.delivered("one", 9, "note", NOW)
    cursors.delivered("one", 4, "shorter", NOW)
    assert (cursors.read("one").sent, cursors.read("one").note) == (9, "shorter")
    told = Delivery("memory:1", "checkpoints", 9, 4)
    assert told.gone
    assert "entries are gone" in told.words()


@pytest.mark.req("A3")
@pytest.mark.req("A5")
def test_entries_are_sent_in_order_without_a_gap_and_without_personal_values(tmp_path: Path) -> None:
    clock = Clock()
    log, lines = open_log(tmp_path, clock), Lines()
    shipping = _sent(tmp_path, log, lambda: clock.now, stream=lines)
    lines.fails_after = 1
    story(log)
    shipping.flush(20)
    torn = [line.seq for line in lines.lines]
    assert torn == [1]
    lines.fails_after = None
    clock.now += timedelta(minutes=2)
    log.close()
    shipping.flush(20)
    assert [line.seq for line in lines.lines] == [*torn, 1, 2, 3, 4, 5, 6, 7]  # again, but never a gap
    text = "".join(line.text for line in lines.lines)
    assert not any(f'"{name}"' in text for name in ("ana", "bo", "cy"))
    entry = json.loads(lines.lines[-1].text)["entry"]
    assert (entry["seq"], len(entry["personal"]["actor"])) == (7, 64)  # the commitment


def test_personal_values_go_out_only_where_that_was_configured(tmp_path: Path) -> None:
    log, lines = open_log(tmp_path), Lines()
    shipping = _sent(tmp_path, log, Clock(), stream=lines, personal=True)
    story(log)
    shipping.flush(20)
    assert json.loads(lines.lines[4].text)["personal"] == {"actor": "ana", "message": "Ünlocked."}


@pytest.mark.req("A5")
def test_no_value_forges_a_line_or_leaves_its_place() -> None:
    evil = 'x"] [admin@1 ok="y\\\n<13>1 - - - - - forged\x1b[2J\x85\u2028😀\udc80'
    document = json.dumps({"a": evil}, ensure_ascii=False)
    made = message(
        INFORMATIONAL, "2026-03-09T14:10:00Z", "entry", {"seq": 1, "kind": evil}, document, "h\nx y"
    )
    assert made.isascii()
    assert made.decode().isprintable()
    head, _, rest = made.decode().partition(' [entry@32473 seq="1" kind="')
    assert head.split(" ")[:4] == ["<110>1", "2026-03-09T14:10:00Z", "h-x-y", "helpdesk"]
    value = rest.split('"] {')[0]
    assert '\\"\\] [admin@1 ok=\\"y\\\\' in value  # escaped as RFC 5424 wants it
    assert json.loads("{" + rest.split('"] {', 1)[1]) == {"a": evil}


@pytest.mark.req("A3")
def test_a_file_only_grows_and_its_newest_checkpoint_is_used(tmp_path: Path) -> None:
    place = tmp_path / "mnt" / "checkpoints"
    sink = FileSink(f"file://{place}")
    log = open_log(tmp_path)
    log.append("outcome", {"outcome": "done"}, {})
    first = log.checkpoint()
    with pytest.raises(Failed, match="No such file"):
        sink.send(first.encode())  # a disk that is not mounted is not replaced by a folder
    assert not place.parent.exists()
    place.parent.mkdir()
    sink.send(first.encode())
    assert place.stat().st_mode & 0o777 == 0o600
    with place.open("ab") as file:
        file.write(first.encode()[:40])  # a disk that was full once
    log.append("outcome", {"outcome": "done"}, {})
    second = log.checkpoint()
    sink.send(second.encode())
    text = place.read_text("utf-8")
    assert text.startswith(f"\n{first}")
    assert newest_in(text) == second
    assert newest_in(first) == first
    assert newest_in("no checkpoint") == "no checkpoint"
    link = tmp_path / "mnt" / "link"
    link.symlink_to(place)
    with pytest.raises(Failed):
        FileSink(f"file://{link}").send(first.encode())
    os.mkfifo(tmp_path / "mnt" / "pipe")
    with pytest.raises(Failed):
        FileSink(f"file://{tmp_path}/mnt/pipe").send(first.encode())


@pytest.mark.parametrize(
    "address",
    [
        "file:///mnt/x",
        "syslog://h:1",
        "syslog+udp://h",
        "syslog+tls://[::1]:6514",
        "https://h/a?b=c",
        "http://127.0.0.1:8",
    ],
)
def test_good_addresses(address: str) -> None:
    assert checkpoint_problem(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "file://mnt/x",
        "file:///mnt/",
        "ftp://h",
        "http://h",
        "https://u:p@h",
        "syslog://",
        "syslog://h:x",
        "syslog://h/p",
        "https://h\n",
    ],
)
def test_bad_addresses(address: str) -> None:
    assert checkpoint_problem(address)


def test_entries_are_not_sent_where_they_can_be_lost() -> None:
    assert stream_problem("syslog+udp://h")
    assert stream_problem("https://h")
    assert stream_problem("syslog+tls://h") == ""


def test_a_bad_address_is_an_error_that_repeats_no_password(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.user('[log]\ncheckpoints = ["https://log.example.com", "https://me:hunter2@log.example.com"]')
    with pytest.raises(
        ConfigError, match="checkpoints has an address that holds a name or password"
    ) as found:
        machine.load()
    assert "hunter2" not in found.value.message + found.value.hint
    machine.user('[log]\ncheckpoints = "file:///mnt/a"\nstream = "syslog+tls://h"\nca_file = "ca.pem"')
    log = machine.load().log
    assert (log.checkpoints, log.stream, log.stream_personal) == (("file:///mnt/a",), "syslog+tls://h", False)
    assert log.ca_file == str(machine.places().config_file.parent / "ca.pem")


def test_the_administrators_places_are_taken_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:  # only root can make a file of root's
        monkeypatch.setattr(platform, "trusted_owner", lambda path: "")
    machine = Machine(tmp_path / "machine")
    machine.manage('[log]\ncheckpoints = ["https://log.example.com/notes"]')
    machine.user('[log]\ncheckpoints = ["file:///tmp/mine"]\nca_file = "/tmp/mine.pem"')
    log = machine.load({"HELPDESK_LOG_STREAM": "syslog://mine"}).log
    assert (log.checkpoints, log.stream, log.ca_file) == (("https://log.example.com/notes",), "", None)


def test_without_a_log_nothing_is_made_and_a_missing_thread_stops_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    shipping = Shipping(tmp_path / "log", lambda: NOW, [sink])
    shipping.flush(20)
    assert [(told.known, told.entries) for told in shipping.deliveries()] == [(0, 0)]
    assert list(tmp_path.iterdir()) == []

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    log = open_log(tmp_path)
    log.on_signed = shipping.wake
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert log.append("outcome", {"outcome": "done"}, {}) == 1
    assert sink.tries == 0
    shipping.flush(20)
    assert len(sink.notes) == 1


@pytest.mark.req("A4")
def test_entries_are_sent_across_segments_once_each_and_what_is_proven_is_known(tmp_path: Path) -> None:
    """A place that fell behind gets what closed segments hold, in order, with the names that stay in the live file."""
    log, sink, lines = open_log(tmp_path), Sink(), Lines()
    shipping = Shipping(tmp_path / "log", Clock(), [sink], lines, personal=True)
    assert shipping.proven_up_to(log.public_key()) == 0
    for _ in range(3):
        story(log)
        assert log.rotate({"action": "log.rotate"}, {"actor": "aud"}) is not None
    (checkpoints, entries) = shipping.deliveries()
    assert (checkpoints.entries, entries.known) == (24, 0)
    assert entries.waiting_since == log.entry(1).time.isoformat(timespec="microseconds")
    shipping.flush(20)
    assert [line.seq for line in lines.lines] == list(range(1, 25))
    assert [line.hash for line in lines.lines] == [entry.hash for entry in log.entries()]
    assert '"personal":{"actor":"ana"' in lines.lines[2].text
    assert shipping.proven_up_to(log.public_key()) == 24
    story(log)
    log.checkpoint()
    lines.fails_after = 2
    shipping.flush(20)
    assert shipping.proven_up_to(log.public_key()) == 24  # the checkpoint arrived, the entries did not


@pytest.mark.req("A4")
def test_a_number_that_somebody_wrote_for_a_place_proves_nothing(tmp_path: Path) -> None:
    """Only the signed checkpoint that the place took does, and a stranger's signature is none."""
    log, sink = open_log(tmp_path), Sink()
    shipping = Shipping(tmp_path / "log", Clock(), [sink])
    story(log)
    shipping.flush(20)
    (taken,) = [path for path in (tmp_path / "log" / "outside").iterdir() if path.suffix == ".json"]
    known = json.loads(taken.read_text())
    key = log.public_key()
    assert shipping.proven_up_to(key) == known["sent"] > 0
    other = open_log(tmp_path / "other")
    for _ in range(3):
        story(other)
    stranger = other.checkpoint()
    for changed, proven in (
        ({"sent": 1_000_000}, known["sent"]),
        ({"sent": 1_000_000, "note": ""}, 0),
        ({"sent": 1_000_000, "note": known["note"].replace("\n", "0\n", 1)}, 0),
        ({"sent": 1_000_000, "note": stranger}, 0),
    ):
        taken.write_text(json.dumps({**known, **changed}))
        assert shipping.proven_up_to(key) == proven, changed
