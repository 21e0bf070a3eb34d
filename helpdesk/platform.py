"""What differs between operating systems: where files live, who may read them, and signals.

Linux is exercised; the behaviour for macOS and Windows is written here and unit-tested on Linux.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from helpdesk.errors import Exit, Failed, UsageError

APP = "helpdesk"
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where one profile lives.

    Attributes:
        config: folder of ``config.toml``. system_configs: lower-ranking configuration files, best first.
        state: log, requests, session. cache: what can be rebuilt.
        managed: the administrator's file, at a place no environment variable moves.
    """

    profile: str
    config: Path
    state: Path
    cache: Path
    system_configs: tuple[Path, ...]
    managed: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


def paths(profile: str, environ: Mapping[str, str], system: str = sys.platform) -> Paths:
    """The folders of a profile by the XDG base directory specification, or the system's own habits.

    Args:
        profile: "" for the default one. environ: the environment. system: ``sys.platform``.

    Raises:
        UsageError: the profile's name could leave its folder. Failed: there is no home folder.
    """
    if profile and (len(profile) > 40 or not set(profile) <= NAME_CHARACTERS):
        raise UsageError(
            f"{profile[:40]!r} is no profile name.", hint="Use letters, digits, dashes and underscores."
        )
    below = Path(APP, "profiles", profile) if profile else Path(APP)
    if system == "win32":
        return _windows(profile, environ, below)
    home = _home(environ)
    mac = system == "darwin"
    library = home / "Library"
    config = _xdg(environ, "XDG_CONFIG_HOME", library / "Application Support" if mac else home / ".config")
    state = _xdg(environ, "XDG_STATE_HOME", library / "Application Support" if mac else home / ".local/state")
    cache = _xdg(environ, "XDG_CACHE_HOME", library / "Caches" if mac else home / ".cache")
    folders = [Path(f) for f in environ.get("XDG_CONFIG_DIRS", "").split(":") if os.path.isabs(f)]
    system_configs = folders or [Path("/Library/Application Support") if mac else Path("/etc/xdg")]
    managed = Path("/Library/Application Support") if mac else Path("/etc")
    return Paths(
        profile=profile,
        config=config / below,
        state=state / below,
        cache=cache / below,
        system_configs=tuple(folder / APP / "config.toml" for folder in system_configs),
        managed=managed / APP / "managed.toml",
    )


def _windows(profile: str, environ: Mapping[str, str], below: Path) -> Paths:
    local, roaming = environ.get("LOCALAPPDATA", ""), environ.get("APPDATA", "")
    if not local:
        raise Failed("There is no LOCALAPPDATA, so helpdesk has no place for its files.", code="no-home")
    everyone = Path(environ.get("PROGRAMDATA") or "C:/ProgramData")
    return Paths(
        profile=profile,
        config=Path(roaming or local) / below,
        state=Path(local) / below / "state",
        cache=Path(local) / below / "cache",
        system_configs=(everyone / APP / "config.toml",),
        managed=Path("C:/ProgramData") / APP / "managed.toml",  # PROGRAMDATA is the person's own to set
    )


def _xdg(environ: Mapping[str, str], name: str, default: Path) -> Path:
    """The variable's value; relative ones are ignored, as the specification says."""
    value = environ.get(name, "")
    return Path(value) if os.path.isabs(value) else default


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME", "")
    if not os.path.isabs(home):
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = ""
    if not os.path.isabs(home):
        raise Failed(
            "There is no home folder, so helpdesk has no place for its files.",
            hint="Set HOME, or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME.",
            code="no-home",
        )
    return Path(home)


# ── private files (S7) ────────────────────────────────────────────────────────────────────────


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; an existing one must be ours, and no link.

    Raises:
        Failed: it cannot be made, or it is somebody else's or a link.
    """
    try:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            for folder in reversed(path.parents):  # mkdir(parents=True) would leave their mode to the umask
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            found = os.lstat(path)
        _ours(path, found, stat.S_ISDIR)
        if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise _unusable(path, error) from error


def private_file(path: Path) -> None:
    """Make sure that a private file exists: 0600 from its first moment, ours, and no link.

    A file that is there already is not opened: closing a descriptor of it would end every lock that this process
    holds on it, and with SQLite that costs the database.

    Raises:
        Failed: it cannot be made, or it is somebody else's or a link.
    """
    private_folder(path.parent)
    try:
        with suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            os.close(os.open(path, flags, 0o600))
        found = path.lstat()
        _ours(path, found, stat.S_ISREG)
        if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise _unusable(path, error) from error


def write_private(path: Path, data: bytes) -> None:
    """Write a whole file that only its owner may read, or leave the old one as it was.

    Raises:
        Failed: it cannot be written, or what stands there is somebody else's or a link.
    """
    private_folder(path.parent)
    try:
        if path.is_symlink() or path.exists():
            _ours(path, path.lstat(), stat.S_ISREG)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 by mkstemp
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error


def create_private(path: Path, data: bytes) -> None:
    """Write a new file; never over an existing one.

    Raises:
        Failed: something stands there already, or it cannot be written.
    """
    try:
        with os.fdopen(open_new_private(path), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, error) from error


def open_new_private(path: Path) -> int:
    """A descriptor of a new, empty file, open for writing. It stays this file, whatever the name becomes.

    Raises:
        Failed: something stands there already, or it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error


def reopen_private(path: Path) -> int:
    """A descriptor of a private file that is there already, for reading and for adding at its end.

    Raises:
        FileNotFoundError: it is not there.
        Failed: it is a link, somebody else's, or open to others, or it cannot be used.
    """
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        found = os.fstat(descriptor)
        _ours(path, found, stat.S_ISREG)
        _not_open_to_others(path, found)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _not_open_to_others(path: Path, found: os.stat_result) -> None:
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        raise Failed(
            f"{path} can be read by others, so it is not used.",
            hint=f"Find out who has read it, then: chmod 600 {path}",
            code="unsafe-file",
        )


def read_private(path: Path) -> bytes:
    """A file that only its owner may read; unlike the writers, this mends nothing.

    Raises:
        FileNotFoundError: it is not there.
        Failed: it is a link, somebody else's, or open to others, or it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            _ours(path, found, stat.S_ISREG)
            _not_open_to_others(path, found)
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error


def lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take a lock on an open file, without waiting; the system lets it go when the process ends, however.

    Args:
        shared: a lock that others may share, where the system has such.

    Returns:
        False when another holder is in the way.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int) -> None:
    """Wait for a lock on an open file, as long as it takes; whoever waits longest is woken, at once. POSIX alone."""
    if sys.platform == "win32":
        raise NotImplementedError("waiting for a lock")
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)


def unlock(descriptor: int) -> None:
    """Let a lock go, and keep the file open. POSIX alone."""
    if sys.platform == "win32":
        raise NotImplementedError("letting a lock go")
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_UN)


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def trusted_owner(path: Path, system: str = os.name) -> str:
    """Why a file of the administrator's cannot be trusted; "" when only root may have written it."""
    if system != "posix":
        return ""  # the folder's own access list keeps others out
    for place in (path, *path.parents):
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            return f"{place} is a link"
        if found.st_uid != 0:
            return f"{place} is not owned by root"
        sticky = (
            stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        )  # nobody takes root's files away
        if stat.S_IMODE(found.st_mode) & 0o022 and not sticky:
            return f"{place} can be written by others than root"
    return ""


def _ours(path: Path, found: os.stat_result, right_kind: Callable[[int], bool]) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise Failed(f"{path} is a link, so it is not used.", hint="Take it away.", code="unsafe-file")
    if not right_kind(found.st_mode):
        raise Failed(f"{path} is not what belongs there.", hint="Take it away.", code="unsafe-file")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise Failed(f"{path} belongs to someone else, so it is not used.", code="unsafe-file")


def _unusable(path: Path, error: OSError) -> Failed:
    return Failed(
        f"{path} cannot be used: {error.strerror or error}.",
        hint="Check the disk's room and the folder's rights, or set XDG_STATE_HOME and XDG_CACHE_HOME.",
        code="files",
    )


# ── the process ───────────────────────────────────────────────────────────────────────────────


def no_core_dumps() -> None:
    """A crash leaves no copy of the memory, where passwords may stand (S5)."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ending_signals(system: str = os.name) -> tuple[signal.Signals, ...]:
    """The signals that ask the program to end, besides Ctrl-C."""
    if system != "posix":
        return (signal.SIGTERM,)
    return (signal.SIGTERM, signal.SIGHUP)


def exit_when_asked() -> None:
    """Let SIGTERM and SIGHUP unwind the program, so that terminals are restored and files closed (R6)."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(Exit.TERMINATED if number == signal.SIGTERM else 128 + number)

    for number in ending_signals():
        signal.signal(number, leave)
