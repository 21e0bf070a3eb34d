"""Where files live, and who may read them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpdesk.errors import Failed, UsageError
from helpdesk.platform import (
    create_private,
    ending_signals,
    paths,
    private_file,
    private_folder,
    trusted_owner,
    write_private,
)

ANA = {"HOME": "/home/ana"}
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


# ── where ─────────────────────────────────────────────────────────────────────────────────────


def test_the_habits_of_linux() -> None:
    found = paths("", ANA, "linux")
    assert found.config_file == Path("/home/ana/.config/helpdesk/config.toml")
    assert found.state == Path("/home/ana/.local/state/helpdesk")
    assert found.cache == Path("/home/ana/.cache/helpdesk")
    assert found.system_configs == (Path("/etc/xdg/helpdesk/config.toml"),)
    assert found.managed == Path("/etc/helpdesk/managed.toml")


def test_xdg_variables_win_where_they_are_absolute() -> None:
    environ = ANA | {
        "XDG_CONFIG_HOME": "/c",
        "XDG_STATE_HOME": "/s",
        "XDG_CACHE_HOME": "/k",
        "XDG_CONFIG_DIRS": "/one:relative::/two",
    }
    found = paths("", environ, "linux")
    assert (found.config, found.state, found.cache) == (
        Path("/c/helpdesk"),
        Path("/s/helpdesk"),
        Path("/k/helpdesk"),
    )
    assert found.system_configs == (Path("/one/helpdesk/config.toml"), Path("/two/helpdesk/config.toml"))


@pytest.mark.parametrize("value", ["relative", "./here", "", "~/x", "../up"])
def test_relative_xdg_values_are_ignored(value: str) -> None:
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS")
    assert paths("", ANA | dict.fromkeys(names, value), "linux") == paths("", ANA, "linux")


def test_no_variable_moves_the_administrators_file() -> None:
    environ = ANA | dict.fromkeys(
        ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_STATE_HOME", "HELPDESK_CONFIG", "HELPDESK_MANAGED"),
        "/tmp/mine",
    )
    assert paths("", environ, "linux").managed == Path("/etc/helpdesk/managed.toml")


def test_a_profile_has_roots_of_its_own() -> None:
    demo, usual = paths("demo", ANA, "linux"), paths("", ANA, "linux")
    assert demo.state == usual.state / "profiles" / "demo"
    assert demo.config == usual.config / "profiles" / "demo"
    assert demo.cache == usual.cache / "profiles" / "demo"


@pytest.mark.parametrize("name", ["..", "a/b", "a b", ".", "é", "a\0", "x" * 41, "C:"])
def test_a_profile_does_not_leave_its_folder(name: str) -> None:
    with pytest.raises(UsageError, match="profile"):
        paths(name, ANA, "linux")


@posix
def test_without_home_the_accounts_own_is_used() -> None:
    import pwd

    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for environ in ({}, {"HOME": ""}, {"HOME": "relative"}):
        assert paths("", environ, "linux").config == home / ".config/helpdesk"


@posix
def test_no_home_at_all_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def nobody(_: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(Failed, match="no home folder") as told:
        paths("", {}, "linux")
    assert "HOME" in told.value.hint


def test_the_habits_of_macos() -> None:
    found = paths("", {"HOME": "/Users/ana"}, "darwin")
    support = Path("/Users/ana/Library/Application Support/helpdesk")
    assert (found.config, found.state) == (support, support)
    assert found.cache == Path("/Users/ana/Library/Caches/helpdesk")
    assert found.managed == Path("/Library/Application Support/helpdesk/managed.toml")
    assert found.system_configs == (Path("/Library/Application Support/helpdesk/config.toml"),)


def test_the_habits_of_windows() -> None:
    environ = {"LOCALAPPDATA": "C:/U/ana/Local", "APPDATA": "C:/U/ana/Roaming", "PROGRAMDATA": "D:/All"}
    found = paths("demo", environ, "win32")
    assert found.config == Path("C:/U/ana/Roaming/helpdesk/profiles/demo")
    assert found.state == Path("C:/U/ana/Local/helpdesk/profiles/demo/state")
    assert found.cache == Path("C:/U/ana/Local/helpdesk/profiles/demo/cache")
    assert found.system_configs == (Path("D:/All/helpdesk/config.toml"),)
    assert found.managed == Path("C:/ProgramData/helpdesk/managed.toml")


def test_windows_without_a_place_is_a_clear_error() -> None:
    with pytest.raises(Failed, match="LOCALAPPDATA"):
        paths("", {"HOME": "/x"}, "win32")


# ── private (S7) ──────────────────────────────────────────────────────────────────────────────


@posix
@pytest.mark.req("S7")
def test_folders_are_private_from_the_first_to_the_last(tmp_path: Path, no_umask: None) -> None:
    folder = tmp_path / "a" / "b" / "c" / "d"
    private_folder(folder)
    made = [folder, *folder.parents[:3]]
    assert [mode(one) for one in made] == [0o700] * 4
    private_folder(folder)


@posix
@pytest.mark.req("S7")
@pytest.mark.parametrize(
    "write",
    [private_file, lambda path: write_private(path, b"x"), lambda path: create_private(path, b"x")],
    ids=["private_file", "write_private", "create_private"],
)
def test_files_are_private_from_their_first_moment(
    tmp_path: Path, no_umask: None, write: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = os.open

    def watched(path: str | Path, *arguments: int, **more: int) -> int:
        descriptor = real(path, *arguments, **more)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    write(tmp_path / "secret")
    assert set(seen) == {0o600}
    assert mode(tmp_path / "secret") == 0o600


@posix
@pytest.mark.req("S7")
def test_what_others_could_read_is_closed(tmp_path: Path) -> None:
    folder, file = tmp_path / "open", tmp_path / "open" / "file"
    folder.mkdir(mode=0o755)
    file.touch()
    file.chmod(0o644)
    private_file(file)
    assert (mode(folder), mode(file)) == (0o700, 0o600)


@posix
@pytest.mark.req("S7")
def test_a_planted_link_is_refused_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("theirs")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (tmp_path / "file").symlink_to(target)
    (tmp_path / "nothing").symlink_to(tmp_path / "not-there")
    (tmp_path / "folder").symlink_to(elsewhere)
    for attempt in (
        lambda: private_file(tmp_path / "file"),
        lambda: private_file(tmp_path / "nothing"),
        lambda: write_private(tmp_path / "file", b"ours"),
        lambda: write_private(tmp_path / "nothing", b"ours"),
        lambda: create_private(tmp_path / "file", b"ours"),
        lambda: create_private(tmp_path / "nothing", b"ours"),
        lambda: private_folder(tmp_path / "folder"),
        lambda: private_file(tmp_path / "folder" / "inside"),
    ):
        with pytest.raises(Failed):
            attempt()
    assert target.read_text() == "theirs"
    assert not (tmp_path / "not-there").exists()
    assert mode(elsewhere) == 0o755
    assert list(elsewhere.iterdir()) == []


@posix
@pytest.mark.req("S7")
def test_what_belongs_to_someone_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = tmp_path / "folder", tmp_path / "folder" / "file"
    private_file(file)
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    for attempt in (
        lambda: private_folder(folder),
        lambda: private_file(file),
        lambda: write_private(file, b"ours"),
    ):
        with pytest.raises(Failed, match="belongs to someone else") as told:
            attempt()
        assert told.value.code == "unsafe-file"
    assert file.read_bytes() == b""


@posix
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.req("S7")
def test_a_folder_that_was_really_given_away_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(Failed, match="belongs to someone else"):
        private_folder(folder)


def test_a_file_where_a_folder_belongs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thing").touch()
    (tmp_path / "place").mkdir()
    with pytest.raises(Failed, match="thing"):
        private_folder(tmp_path / "thing")
    with pytest.raises(Failed, match="thing"):
        private_file(tmp_path / "thing" / "below")
    with pytest.raises(Failed, match="place"):
        private_file(tmp_path / "place")


@posix
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_place_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Failed, match="cannot be used") as told:
            private_folder(tmp_path / "a" / "b")
    finally:
        tmp_path.chmod(0o700)
    assert "XDG_STATE_HOME" in told.value.hint


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_private(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failed, match="No space left on device"):
        write_private(file, b"new")
    assert file.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_nothing_is_created_over_something(tmp_path: Path) -> None:
    create_private(tmp_path / "file", b"first")
    with pytest.raises(Failed, match="exists"):
        create_private(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"


# ── the administrator's file ──────────────────────────────────────────────────────────────────


@posix
def test_only_what_root_alone_could_write_is_trusted(tmp_path: Path) -> None:
    file = tmp_path / "managed.toml"
    file.touch(mode=0o644)
    if os.geteuid() != 0:
        assert "not owned by root" in trusted_owner(file)
    link = tmp_path / "link.toml"
    link.symlink_to("/etc/passwd")
    assert "is a link" in trusted_owner(link)
    assert trusted_owner(Path("/etc/passwd")) == ""


@posix
@pytest.mark.skipif(os.geteuid() != 0, reason="only root owns such files")
@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_what_others_may_write_is_not_trusted(tmp_path: Path, bits: int) -> None:
    file = tmp_path / "managed.toml"
    file.touch()
    file.chmod(0o644 | bits)
    assert "can be written by others" in trusted_owner(file)
    file.chmod(0o644)
    tmp_path.chmod(0o755 | bits)
    assert "can be written by others" in trusted_owner(file)


def test_windows_leaves_that_to_its_access_lists(tmp_path: Path) -> None:
    assert trusted_owner(tmp_path / "managed.toml", "nt") == ""


# ── the process ───────────────────────────────────────────────────────────────────────────────


@posix
@pytest.mark.req("S5")
def test_a_crash_leaves_no_core() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_CORE)
    script = (
        "import resource; from helpdesk.platform import no_core_dumps; no_core_dumps(); "
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "(0, 0)"
    assert resource.getrlimit(resource.RLIMIT_CORE) == before


def test_the_signals_that_end_us() -> None:
    assert ending_signals("posix") == (signal.SIGTERM, signal.SIGHUP)
    assert ending_signals("nt") == (signal.SIGTERM,)


@posix
@pytest.mark.req("R6")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_unwinds_the_program(number: signal.Signals, code: int) -> None:
    script = (
        "import os, time\n"
        "from helpdesk.platform import exit_when_asked\n"
        "exit_when_asked()\n"
        "try:\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(10)\n"
        "finally:\n"
        "    print('restored')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout.strip()) == (code, "restored")
