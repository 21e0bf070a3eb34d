"""The host's key (Ed25519): it seals requests and signs the checkpoints of the log.

It is the one secret that lives in a file instead of a keyring (0600, in a private folder): a log must be
signed when nobody is there to unlock anything. Whoever can read the file can sign like this host, so a
signature tells a later change from the truth only to those who kept an earlier checkpoint elsewhere.
Verifying needs the public file alone.

Both files hold one line in the form that signed notes use, so that other people's verifiers can read them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from helpdesk.errors import Failed
from helpdesk.platform import create_private, private_folder, read_private, sync_folder, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE, PUBLIC = "host.key", "host.pub"
_SECRET_PREFIX = "PRIVATE+KEY+"  # noqa: S105 - the form's own words
_ED25519 = b"\x01"


@dataclass(frozen=True)
class PublicKey:
    """What verifies a host's signatures.

    Attributes:
        name: the host's log by name ("helpdesk.local/3f9c…"); checkpoints begin with it.
        raw: the 32 bytes of the key.
    """

    name: str
    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> PublicKey:
        return cls(f"helpdesk.local/{hashlib.sha256(raw).hexdigest()[:16]}", raw)

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """From the line of a public file. Raises ValueError when it is none, or not consistent."""
        name, _, rest = text.strip().partition("+")
        hint, _, key = rest.partition("+")
        data = b64decode(key, validate=True)
        if not name or len(data) != 33 or data[:1] != _ED25519:
            raise ValueError("this is no public key of a helpdesk host")
        found = cls(name, data[1:])
        if found.hint.hex() != hint:
            raise ValueError("the public key is damaged: its check digits do not match")
        return found

    @property
    def hint(self) -> bytes:
        """Four bytes that tell a signature line which key made it."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def line(self) -> str:
        return f"{self.name}+{self.hint.hex()}+{b64encode(_ED25519 + self.raw).decode()}\n"

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(self.raw)

    def verify(self, message: bytes, signature: bytes, /) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, eq=False)
class HostKey:
    """The private key and its public half. It cannot be printed or pickled."""

    public: PublicKey
    _seed: bytes = field(repr=False)

    @classmethod
    def load_or_create(cls, folder: Path) -> HostKey:
        """The key in a folder, made there when there is none; two processes that begin at once get one key.

        Raises:
            Failed: the files cannot be used, are open to others, or hold no key.
        """
        private_folder(folder)
        try:
            key = cls._load(folder / PRIVATE)
        except FileNotFoundError:
            _create(folder / PRIVATE)
            key = cls._load(folder / PRIVATE)
        key._publish(folder / PUBLIC)
        return key

    @classmethod
    def _load(cls, path: Path) -> HostKey:
        """Raises FileNotFoundError, Failed."""
        text = read_private(path).decode("ascii", "replace")
        try:
            return cls._parse(text)
        except ValueError as error:
            raise Failed(
                f"The host's key in {path} is damaged: {error}.",
                hint="Restore it from a backup; with another key the log and the requests no longer match.",
                code="key",
            ) from error

    @classmethod
    def _parse(cls, text: str) -> HostKey:
        """From the line of a private file. Raises ValueError."""
        name, _, rest = text.removeprefix(_SECRET_PREFIX).strip().partition("+")
        hint, _, data = rest.partition("+")
        seed = b64decode(data, validate=True)
        if not text.startswith(_SECRET_PREFIX) or len(seed) != 33 or seed[:1] != _ED25519:
            raise ValueError("this is no private key of a helpdesk host")
        public = PublicKey.of(_public_of(seed[1:]))
        if (public.name, public.hint.hex()) != (name, hint):
            raise ValueError("its check digits do not match")
        return cls(public, seed[1:])

    def _publish(self, path: Path) -> None:
        """Write the public half beside the key, where it is missing or another one."""
        try:
            if path.read_bytes() == self.public.line.encode():
                return
        except OSError:
            pass  # missing or unreadable: written below, or that says why not
        write_private(path, self.public.line.encode())

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return _private_key(self._seed)

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes, /) -> bool:
        return self.public.verify(message, signature)

    def sealed_by(self, _seal: bytes, /) -> str:
        """Only this host's are believed, so none has a name."""
        return ""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a host's key is never serialised")


def read_public(path: Path) -> PublicKey:
    """The public key in a file, for verifying without the private one.

    Raises:
        Failed: there is none, or it is damaged.
    """
    try:
        return PublicKey.parse(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Failed(
            f"The public key {path} cannot be used: {why}.", hint="Give the host's host.pub.", code="key"
        ) from error


def _create(path: Path) -> None:
    """A new key under its name, complete from its first moment; an existing one stays."""
    seed = secrets.token_bytes(32)
    public = PublicKey.of(_public_of(seed))
    data = b64encode(_ED25519 + seed).decode()
    line = f"{_SECRET_PREFIX}{public.name}+{public.hint.hex()}+{data}\n".encode()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    create_private(draft, line)
    try:
        os.link(draft, path)  # unlike a rename, it never replaces the key of a process that was faster
    except FileExistsError:
        return
    except OSError:
        if not path.exists():
            create_private(path, line)  # a file system without hard links
    finally:
        draft.unlink()
    sync_folder(path.parent)


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def _public_of(seed: bytes) -> bytes:
    return _private_key(seed).public_key().public_bytes_raw()
