"""A machine's configuration files in a temporary folder, for the tests of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpdesk.config import Config, load
from helpdesk.platform import Paths, paths


@dataclass
class Machine:
    """One machine: a home, a system folder, and where the administrator's file would be."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self.environ |= {
            "HOME": str(self.home),
            "XDG_CONFIG_DIRS": f"{self.root / 'first'}:{self.root / 'second'}",
        }

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def managed(self) -> Path:
        return self.root / "etc" / "managed.toml"

    def places(self, profile: str = "") -> Paths:
        return replace(paths(profile, self.environ), managed=self.managed)

    def user(self, text: str | bytes, profile: str = "") -> Path:
        return write(self.places(profile).config_file, text)

    def system(self, text: str, which: str = "first") -> Path:
        return write(self.root / which / "helpdesk" / "config.toml", text)

    def manage(self, text: str) -> Path:
        return write(self.managed, text)

    def load(
        self,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
        profile: str = "",
    ) -> Config:
        return load(profile, {**self.environ, **(environ or {})}, flags or {}, self.places(profile))


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(0o644)
    return file
