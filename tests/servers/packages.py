"""Where the server programs come from: the machine's own, or Debian's packages unpacked into a folder.

Nothing is installed: an installed slapd package would start a service on every interface.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

_CHECKOUT = Path(__file__).resolve().parents[2]
_TIMEOUT = 120


class Missing(Exception):
    """A server program is neither here nor obtainable; the message says why."""


@dataclass(frozen=True, slots=True)
class SlapdProgram:
    """An OpenLDAP server that can be started.

    Attributes:
        environment: variables to add, so that unpacked libraries are found.
    """

    program: Path
    modules: Path
    schema: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def cache_folder() -> Path:
    """Where unpacked servers are kept: ``$HELPDESK_TEST_SERVERS``, or ``.servers`` in the checkout."""
    return Path(os.environ.get("HELPDESK_TEST_SERVERS") or _CHECKOUT / ".servers")


def slapd_program() -> SlapdProgram:
    """The machine's slapd, or Debian's unpacked.

    Raises:
        Missing: there is none, and none could be brought.
    """
    return _installed() or _unpacked(cache_folder() / "slapd")


def slapd_or_skip() -> SlapdProgram:
    """Like :func:`slapd_program`; where it is missing the test is skipped by name, and fails in CI."""
    try:
        return slapd_program()
    except Missing as error:
        absent(f"slapd (OpenLDAP's server) is missing: {error}")


def absent(reason: str) -> NoReturn:
    """A server is not here: a named skip for a person, a failure when ``CI=true``."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _installed() -> SlapdProgram | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    found = shutil.which("slapd", path=path)
    return _described(Path(found), Path("/")) if found else None


def _described(
    program: Path, root: Path, environment: Mapping[str, str] | None = None
) -> SlapdProgram | None:
    """The program with its modules and schema files, wherever this distribution puts them."""
    modules = _first(root, ("usr/lib/ldap", "usr/lib/openldap", "usr/lib64/openldap", "usr/libexec/openldap"))
    schema = _first(root, ("etc/ldap/schema", "etc/openldap/schema"))
    if modules is None or schema is None:
        return None
    return SlapdProgram(program, modules, schema, environment or {})


def _first(root: Path, folders: Iterable[str]) -> Path | None:
    return next((root / folder for folder in folders if (root / folder).is_dir()), None)


# ── Debian's packages, unpacked ───────────────────────────────────────────────────────────────


def unpacked_program(name: str, package: str) -> tuple[Path, Mapping[str, str]]:
    """A program and the variables it needs: the machine's own, or out of Debian's package, unpacked.

    Raises:
        Missing: it is neither here nor obtainable.
    """
    found = shutil.which(name)
    if found:
        return Path(found), {}
    folder = cache_folder() / package
    program = folder / "usr/bin" / name
    if not program.exists():
        _bring(folder, package, program)
    return program, _libraries(folder)


def unpacked_postgres() -> tuple[Path, Mapping[str, str]]:
    """The folder of Postgres's programs out of Debian's package, unpacked, and the variables they need.

    Raises:
        Missing: it is not obtainable.
    """
    folder = cache_folder() / "postgresql"
    programs = sorted(folder.glob("usr/lib/postgresql/*/bin/postgres"))
    if not programs:
        package = re.search(r"Depends: (postgresql-(\d+))$", _described_by_apt("postgresql"), re.MULTILINE)
        if package is None:
            raise Missing("no package of this distribution brings it")
        _bring(folder, package[1], folder / f"usr/lib/postgresql/{package[2]}/bin/postgres")
        programs = sorted(folder.glob("usr/lib/postgresql/*/bin/postgres"))
    return programs[-1].parent, _libraries(folder)


def _described_by_apt(package: str) -> str:
    if shutil.which("apt-cache") is None:
        raise Missing("apt-cache is not here to bring Debian's packages")
    return _run(["apt-cache", "depends", package], Path.cwd())


def keyring_or_skip() -> tuple[Path, Path, Mapping[str, str]]:
    """A session bus (the machine's own: it needs its configuration), gnome-keyring, and its variables."""
    bus = shutil.which("dbus-run-session")
    if bus is None:
        absent("gnome-keyring needs a session bus, and dbus-run-session is not installed")
    try:
        return Path(bus), *unpacked_program("gnome-keyring-daemon", "gnome-keyring")
    except Missing as error:
        absent(f"gnome-keyring is missing: {error}")


def _libraries(folder: Path) -> dict[str, str]:
    libraries = sorted({str(path.parent) for path in folder.glob("usr/lib/*/lib*.so.*")})
    return {"LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else {}


def _unpacked(folder: Path) -> SlapdProgram:
    program = folder / "usr/sbin/slapd"
    if not program.exists():
        _bring(folder, "slapd", program)
    described = _described(program, folder, _libraries(folder))
    if described is None:
        raise Missing(f"the packages unpacked in {folder} hold no modules or schema; remove that folder")
    return described


def _bring(folder: Path, package: str, program: Path) -> None:
    """Download and unpack beside the target, then rename: two test processes never see half of it."""
    for tool in ("apt-get", "apt-cache", "dpkg-deb", "dpkg-query"):
        if shutil.which(tool) is None:
            raise Missing(f"it is not installed, and {tool} is not here to bring Debian's packages")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name)
        root = work / "root"
        root.mkdir()
        _download(package, work)
        for package in sorted(work.glob("*.deb")):
            _run(["dpkg-deb", "-x", package.name, "root"], work)
        try:
            root.rename(folder)
        except OSError:
            if not program.exists():
                raise


def _download(package: str, folder: Path) -> None:
    """Debian's packages; where this machine has no lists of them yet, root reads those first."""
    try:
        _run(["apt-get", "download", *_wanted(package)], folder)
    except Missing:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update"], folder)
        _run(["apt-get", "download", *_wanted(package)], folder)


def _wanted(package: str) -> list[str]:
    """The package and, three levels down, the libraries it needs that this machine does not have."""
    wanted = {package}
    level = {package}
    for _ in range(3):
        level = _libraries_of(level) - wanted
        wanted |= level
    return sorted(name for name in wanted if name == package or not _has(name))


def _libraries_of(packages: set[str]) -> set[str]:
    listing = _run(["apt-cache", "depends", "--important", *sorted(packages)], Path.cwd())
    return set(re.findall(r"^\s*(?:Pre)?Depends: (lib[^\s<>:]+)", listing, re.MULTILINE))


def _has(package: str) -> bool:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    return asked.returncode == 0 and "not-installed" not in asked.stdout and "installed" in asked.stdout


def _run(command: list[str], folder: Path) -> str:
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"`{' '.join(command[:2])}` did not run: {error}") from error
    if ran.returncode:
        reason = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Missing(f"it is not installed, and `{' '.join(command[:2])}` said: {reason}")
    return ran.stdout
