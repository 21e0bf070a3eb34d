"""The one wheel holds everything that runs: plugins, the default policy, the demo's documents."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def shipped(folder: Path, below: Path) -> set[str]:
    """Every file of the source tree that belongs into the wheel."""
    return {
        file.relative_to(below).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_everything_of_the_source_is_in_it(names: set[str]) -> None:
    wanted = shipped(ROOT / "helpdesk", ROOT) | shipped(ROOT / "plugins", ROOT / "plugins")
    assert wanted - names == set()
    assert "helpdesk/gate/default.cedar" in names
    assert sum(name.startswith("helpdesk/demo/policies/") for name in names) >= 6


def test_nothing_else_is_in_it(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    plugins = {folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "__init__.py").is_file()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"helpdesk", *plugins}
