"""Where secrets come from: the keyring, a variable, a private file, a credential of the service manager."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from helpdesk.app.references import referenced
from helpdesk.errors import ConfigError, Failed
from helpdesk.secrets import Secret


def _no_keychain() -> Any:
    raise AssertionError("the keyring is not needed")


def _found(reference: str, **environ: str) -> str:
    secret = referenced(reference, _no_keychain, environ)
    assert secret is not None
    return secret.expose()


def test_a_private_file_gives_its_line(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch(mode=0o600)
    path.write_text("to the lighthouse\n")
    assert _found(f"file:{path}") == "to the lighthouse"
    assert _found("env:DB", DB="kept") == "kept"
    assert referenced("", _no_keychain, {}) is None


def test_a_credential_is_one_of_the_service_s_folder(tmp_path: Path) -> None:
    path = tmp_path / "worker"
    path.touch(mode=0o400)
    os.chmod(path, 0o600)
    path.write_text("beacon")
    os.chmod(path, 0o400)
    assert _found("credential:worker", CREDENTIALS_DIRECTORY=str(tmp_path)) == "beacon"
    with pytest.raises(ConfigError, match="credential:other"):
        _found("credential:other", CREDENTIALS_DIRECTORY=str(tmp_path))
    with pytest.raises(ConfigError) as missing:
        _found("credential:worker")
    assert "LoadCredential=worker" in missing.value.hint


@pytest.mark.req("S7")
def test_a_file_that_others_read_or_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("seen")
    path.chmod(0o644)
    with pytest.raises(Failed, match="can be read by others"):
        _found(f"file:{path}")
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(Failed):
        _found(f"file:{link}")
    with pytest.raises(ConfigError, match="is not there"):
        _found(f"file:{tmp_path / 'nothing'}")


def test_the_keyring_gives_what_it_has() -> None:
    class Keys:
        def get(self, name: str) -> Secret | None:
            return Secret("rung") if name == "bell" else None

    keys: Any = Keys
    assert referenced("keyring:bell", keys, {}) == Secret("rung")
    with pytest.raises(ConfigError, match="keyring:other"):
        referenced("keyring:other", keys, {})
