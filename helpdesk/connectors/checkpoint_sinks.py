"""Where checkpoints and entries go: a file on another's disk, a syslog server, a web server (A3)."""

from __future__ import annotations

import os
import ssl
import stat
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from helpdesk.connectors.syslog import CONNECT_SECONDS, INFORMATIONAL, NOTICE, WHOLE_SECONDS, Syslog, message
from helpdesk.errors import Failed, Unreachable
from helpdesk.ports import CheckpointSink, EntrySink, LogLine

_TIME = "time "
Context = Callable[[], ssl.SSLContext]


def checkpoint_sink(address: str, context: Context, proxy: str | None = None) -> CheckpointSink:
    """The sink behind an address that the configuration has checked.

    Args:
        context: gives the TLS context; asked when it is needed. proxy: for web servers.
    """
    scheme = urlsplit(address).scheme
    if scheme == "file":
        return FileSink(address)
    if scheme.startswith("syslog"):
        return SyslogCheckpoints(Syslog(address, context))
    return HttpSink(address, context, proxy)


def entry_sink(address: str, context: Context) -> EntrySink:
    return SyslogEntries(Syslog(address, context))


class FileSink:
    """A file that notes are added to; meant for a disk of another machine, or one that only takes additions."""

    confirms = True

    def __init__(self, address: str) -> None:
        self.address = address
        self._path = Path(address.removeprefix("file://"))

    def send(self, note: bytes) -> None:
        """Add one note, on the disk. A folder that is not there is not made: its disk may not be mounted.

        Raises:
            Failed: it cannot be written.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"):
            flags |= getattr(os, name, 0)
        try:
            descriptor = os.open(self._path, flags, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Failed(f"{self._path} is no file, so no checkpoint is added to it.")
                data = (
                    b"\n" + note
                )  # after half a note that a full disk left behind, the next one stands whole
                if os.write(descriptor, data) != len(data):
                    raise Failed(f"{self._path} took a part of the checkpoint only.", hint="Make room there.")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Failed(
                f"No checkpoint can be added to {self._path}: {error.strerror or error}.",
                hint="See that its disk is there and that your account may write the file.",
            ) from error


class SyslogCheckpoints:
    """Checkpoints as syslog messages: the note stands in the structured data, in base64."""

    def __init__(self, server: Syslog) -> None:
        self._server = server
        self.address, self.confirms = server.address, server.confirms

    def send(self, note: bytes) -> None:
        """Raises what :meth:`Syslog.send` raises."""
        lines = note.decode().split("\n")
        origin, size, when = lines[0], lines[1], lines[3].removeprefix(_TIME)
        values = {"origin": origin, "size": size, "note": b64encode(note).decode()}
        text = f"The log {origin} has {size} entries."
        self._server.send([message(NOTICE, when, "checkpoint", values, text)])


class SyslogEntries:
    """Entries as syslog messages: one JSON document each."""

    def __init__(self, server: Syslog) -> None:
        self._server = server
        self.address, self.confirms = server.address, server.confirms

    def send(self, lines: Sequence[LogLine]) -> None:
        """Raises what :meth:`Syslog.send` raises."""
        self._server.send(
            [
                message(
                    INFORMATIONAL,
                    line.time,
                    "entry",
                    {"seq": line.seq, "kind": line.kind, "hash": line.hash},
                    line.text,
                )
                for line in lines
            ]
        )


class HttpSink:
    """A web server that takes notes by POST. Redirects are not followed, the environment's proxies not used."""

    confirms = True

    def __init__(self, address: str, context: Context, proxy: str | None) -> None:
        self.address = address
        self._context = context
        self._proxy = proxy
        self._host = urlsplit(address).hostname or ""

    def send(self, note: bytes) -> None:
        """Post one note; any answer from 200 to 299 says that it was kept.

        Raises:
            Unreachable: no answer. Failed: another answer, or its certificate is not trusted.
            ConfigError: no authorities can be read.
        """
        import httpx

        plain = self.address.startswith("http:")
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else self._context()
        limits = httpx.Timeout(WHOLE_SECONDS, connect=CONNECT_SECONDS)
        headers = {"content-type": "text/plain; charset=utf-8", "accept-encoding": "identity"}
        try:
            with (
                httpx.Client(
                    verify=verify,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=limits,
                    proxy=None if plain else self._proxy,
                ) as client,
                client.stream("POST", self.address, content=note, headers=headers) as answer,
            ):
                status = answer.status_code  # what else it says is not read
        except httpx.HTTPError as error:
            if _certificate(error):
                raise Failed(
                    f"The certificate of the server {self._host} is not trusted.",
                    hint="Set [log] ca_file to the authority that signed it.",
                    code="untrusted-certificate",
                ) from error
            raise Unreachable(
                f"The server {self._host} did not take the checkpoint: {_why(error)}.",
                hint="It is sent again; see [log] in the configuration if the address is wrong.",
                maybe_applied=True,
            ) from error
        if not 200 <= status < 300:
            raise Failed(
                f"The server {self._host} did not take the checkpoint: it answered {status}.",
                hint="See [log] in the configuration, and what the server's own log says.",
            )


def _certificate(error: BaseException | None) -> bool:
    """Whether a certificate that is not trusted is behind an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _why(error: Exception) -> str:
    import httpx

    return (
        "it gave no answer in time"
        if isinstance(error, httpx.TimeoutException)
        else str(error) or "no answer"
    )
