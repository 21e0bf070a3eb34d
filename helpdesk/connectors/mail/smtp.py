"""A mail server over SMTP: encrypted and verified, or on this very machine.

The message goes over whole before its last word, the line with the dot. Until then nothing was sent, whatever breaks;
from then on only the server's answer tells. So that word is noted before it is said, and said once.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from helpdesk.connectors.mail.ledger import Ledger, another
from helpdesk.connectors.mail.message import envelope, written
from helpdesk.errors import ConfigError, Failed, HelpdeskError, OutcomeUnknown, Unreachable
from helpdesk.mail import Handing, Kept, Letter, MailRefused, State, address, checked, message_id
from helpdesk.ports import Clock
from helpdesk.secrets import Secret
from helpdesk.text import shorten, visible

_PORTS = {"smtp": 587, "smtps": 465}
TRIES, PAUSE = 3, 0.5
"""How often a letter is tried that the server asks to be sent later, and the first pause between, in seconds."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A server as it is configured.

    Attributes:
        url: ``smtps://host[:port]``, or ``smtp://host[:port]``, which means STARTTLS; on a loopback address it may be
            without (``start_tls=False``), and nowhere else.
        sender: whom letters come from. user, password: for servers that want to know.
        connect, total: seconds for a connection, and for everything that one letter takes.
    """

    url: str
    sender: str
    sender_name: str = "IT Helpdesk"
    user: str = ""
    password: Secret | None = None
    start_tls: bool = True
    connect: float = 5.0
    total: float = 20.0

    def __post_init__(self) -> None:
        address(self.sender)
        if not self.sender.isascii():
            raise ConfigError("[mail] sender must be an address in plain letters.")
        if self.user and not self.password:
            raise ConfigError(
                "[mail] user is set without a password.", hint="Set [mail] password to a reference."
            )
        parts = urlsplit(self.url)
        if not self.start_tls and not (parts.scheme == "smtp" and is_loopback(parts.hostname or "")):
            raise ConfigError(
                "[mail] start_tls = false would send mail in the clear.",
                hint="Leave it out; only a server on this machine itself may do without.",
            )
        if self.user and not self.start_tls:
            raise ConfigError("[mail] user would send a password in the clear.", hint="Leave start_tls out.")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def from_first_byte(self) -> bool:
        return urlsplit(self.url).scheme == "smtps"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Smtp:
    """Implements :class:`helpdesk.mail.Mail`.

    Args:
        path: the file that remembers what was handed over. context: gives the TLS context when it is needed.
    """

    reads_back = False

    def __init__(
        self, settings: SmtpSettings, path: Path, clock: Clock, context: Callable[[], ssl.SSLContext]
    ) -> None:
        self._settings = settings
        self._ledger = Ledger(path, clock, bodies=False)
        self._clock = clock
        self._context = context
        self._domain = settings.sender.rpartition("@")[2]

    @property
    def where(self) -> str:
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"{urlsplit(self._settings.url).scheme}://{host}:{self._settings.port}"

    def begin(self, letter: Letter, key: str) -> Handing | None:
        letter = checked(letter)
        before = self._ledger.kept(key)
        if before is not None and before.to != letter.to:
            raise another()
        match before.state if before else State.UNTOLD:
            case State.ACCEPTED:
                return None
            case State.UNSURE:
                raise OutcomeUnknown(
                    f"A message to {letter.to} was handed over before, and no answer came, so it is not sent again.",
                    hint="Ask whether it arrived; a new message is a new call.",
                )
        id = message_id(key, self._domain)
        self._ledger.note(letter, key, id, State.NOT_SENT)
        whole = written(letter, self._settings.sender, self._settings.sender_name, id, self._clock())
        talk = _Talk(self._settings, self.where)
        try:
            talk.open(self._context)
            talk.offer(self._settings.sender, envelope(letter.to), whole)
        except BaseException:
            talk.close()
            raise
        return _Handing(talk, self._ledger, letter, key, id)

    def send(self, letter: Letter, key: str) -> None:
        """A server that asks for patience gets a little of it; what has no answer is not said twice."""
        pause = PAUSE
        for left in reversed(range(TRIES)):
            try:
                handing = self.begin(letter, key)
                if handing is not None:
                    handing.finish()
            except Later:
                if not left:
                    raise
                time.sleep(pause)
                pause *= 2
            else:
                return

    def state(self, key: str) -> State:
        return self._ledger.state(key)

    def kept(self, key: str) -> Kept | None:
        return self._ledger.kept(key)

    def unsure(self) -> list[Kept]:
        return self._ledger.standing(State.UNSURE)

    def check(self) -> str:
        talk = _Talk(self._settings, self.where)
        try:
            talk.open(self._context)
        finally:
            talk.close()
        signed = f", signed in as {self._settings.user}" if self._settings.user else ""
        return f"{self.where} answers ({talk.transport}{signed})."

    def close(self) -> None:
        """Every letter has a connection of its own."""


class Later(Unreachable):
    """The server is there, and asks to be asked again later."""

    code = "mail-later"


@dataclass(slots=True)
class _Handing:
    talk: _Talk
    ledger: Ledger
    letter: Letter
    key: str
    id: str

    def finish(self) -> None:
        try:
            self.ledger.note(self.letter, self.key, self.id, State.UNSURE)
            try:
                self.talk.last_word(self.letter.to)
            except Unreachable as error:
                if not error.maybe_applied:
                    self.ledger.note(self.letter, self.key, self.id, State.NOT_SENT)
                raise
            except HelpdeskError:
                self.ledger.note(self.letter, self.key, self.id, State.NOT_SENT)
                raise
            self.ledger.note(self.letter, self.key, self.id, State.ACCEPTED)
        finally:
            self.talk.close()

    def abandon(self) -> None:
        self.talk.close()


@dataclass(slots=True)
class _Talk:
    """One connection, for one letter; when its time is over it is cut, however slowly the server drips."""

    settings: SmtpSettings
    where: str
    transport: str = ""
    _smtp: smtplib.SMTP | None = None
    _timer: threading.Timer | None = field(default=None, init=False)
    _cut: bool = field(default=False, init=False)

    def open(self, context: Callable[[], ssl.SSLContext]) -> None:
        """Connect, encrypt, sign in."""
        settings = self.settings
        verified = context() if settings.start_tls or settings.from_first_byte else None
        me = settings.sender.rpartition("@")[2]
        self._timer = threading.Timer(settings.total, self._out_of_time)
        self._timer.daemon = True
        self._timer.start()
        with self._worded():
            if settings.from_first_byte:
                assert verified is not None
                self._smtp = smtplib.SMTP_SSL(timeout=settings.connect, context=verified, local_hostname=me)
                self._smtp._host = settings.host  # type: ignore[attr-defined]  # what the certificate must name
            else:
                self._smtp = smtplib.SMTP(timeout=settings.connect, local_hostname=me)
            self._expect(self._smtp.connect(settings.host, settings.port), "greet us")
            self._smtp.sock.settimeout(settings.total)  # type: ignore[union-attr]
            self._expect(self._smtp.ehlo(), "say what it can do")
            self.transport = "TLS" if settings.from_first_byte else "no TLS, on this machine"
            if not settings.from_first_byte and settings.start_tls:
                self._start_tls(verified)
            if settings.user:
                self._sign_in()

    def _start_tls(self, context: ssl.SSLContext | None) -> None:
        smtp = self._connection
        if not smtp.has_extn("starttls"):
            raise Failed(
                f"The mail server {self.where} does not offer STARTTLS, so nothing is sent to it.",
                hint="Have its administrators switch TLS on, or use an smtps:// address.",
                code="no-tls",
            )
        smtp._host = self.settings.host  # type: ignore[attr-defined]
        self._expect(smtp.starttls(context=context), "begin TLS")
        self._expect(smtp.ehlo(), "say what it can do")
        self.transport = "STARTTLS"

    def _sign_in(self) -> None:
        password = self.settings.password
        assert password is not None
        try:
            self._connection.login(self.settings.user, password.expose())
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise self._later(error.smtp_code, error.smtp_error) from None
            raise ConfigError(
                f"The mail server {self.where} does not accept the sign-in as {self.settings.user}.",
                hint="Check [mail] user and password.",
                code="mail-sign-in",
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise ConfigError(
                f"The mail server {self.where} takes no sign-in.", hint="Take [mail] user out."
            ) from None

    def offer(self, sender: str, to: str, whole: bytes) -> None:
        """Everything but the last word."""
        smtp = self._connection
        options = ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") else []
        if not to.isascii():
            if not smtp.has_extn("smtputf8"):
                raise MailRefused(
                    f"The mail server {self.where} takes no address outside the plain letters: {to}.",
                    hint="Give the person another address in the directory.",
                )
            smtp.command_encoding = "utf-8"
            options.append("SMTPUTF8")
        most = smtp.esmtp_features.get("size", "")
        if most.isdigit() and 0 < int(most) < len(whole):
            raise MailRefused(f"The message is larger than the mail server {self.where} takes.")
        with self._worded():
            self._expect(smtp.mail(sender, options), f"take mail from {sender}")
            self._expect(smtp.rcpt(to), f"take mail for {to}")
            self._expect(smtp.docmd("DATA"), "take a message", wanted=354)
            smtp.send(whole)

    def last_word(self, to: str) -> None:
        smtp = self._connection
        with self._worded(maybe_applied=True):
            smtp.send(b".\r\n")
            code, said = smtp.getreply()
            if not 200 <= code < 600:
                raise self._silent("it does not speak SMTP", maybe_applied=True)
            self._expect((code, said), f"take the message to {to}")

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):  # good manners; nothing depends on it
                smtp.putcmd("QUIT")
            smtp.close()

    # ── words ─────────────────────────────────────────────────────────────────────────────────

    @property
    def _connection(self) -> smtplib.SMTP:
        assert self._smtp is not None
        return self._smtp

    def _expect(self, reply: tuple[int, Any], what: str, wanted: int = 0) -> None:
        code, said = reply
        if code == wanted or (not wanted and 200 <= code < 300):
            return
        if 400 <= code < 500:
            raise self._later(code, said)
        if 500 <= code < 600:
            raise MailRefused(
                f"The mail server {self.where} does not {what}: {_words(code, said)}.",
                hint="Show this to whoever looks after the mail server.",
            )
        raise self._silent("it does not speak SMTP")

    def _later(self, code: int, said: Any) -> Later:
        return Later(
            f"The mail server {self.where} asks to try later: {_words(code, said)}.",
            hint="Try again in a while.",
        )

    def _silent(self, reason: str, *, maybe_applied: bool = False) -> Unreachable:
        hint = (
            "Ask whether it arrived." if maybe_applied else "Check [mail] url and the server, then try again."
        )
        return Unreachable(
            f"The mail server {self.where} gave no answer: {reason}.", hint=hint, maybe_applied=maybe_applied
        )

    def _worded(self, *, maybe_applied: bool = False) -> _Worded:
        return _Worded(self, maybe_applied)

    def _out_of_time(self) -> None:
        self._cut = True
        connection = getattr(self._smtp, "sock", None)
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is gone already, which is all that was wanted


@dataclass(slots=True)
class _Worded:
    """What breaks within becomes a sentence of ours."""

    talk: _Talk
    maybe_applied: bool

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, HelpdeskError):
            return
        if isinstance(error, ssl.SSLCertVerificationError):
            raise Failed(
                f"The certificate of the mail server {self.talk.where} is not trusted: {error.verify_message}.",
                hint="Set [mail] ca_file to the authority that signed it.",
                code="untrusted-certificate",
            ) from None
        if isinstance(error, TimeoutError) or self.talk._cut:
            reason = "it took too long"
        elif isinstance(error, smtplib.SMTPServerDisconnected):
            reason = "it ended the connection"
        elif isinstance(error, (smtplib.SMTPException, ValueError)):
            reason = "it does not speak SMTP as it should"
        elif isinstance(error, OSError):
            reason = error.strerror or "the connection broke"
        else:
            return
        raise self.talk._silent(reason, maybe_applied=self.maybe_applied) from None


def _words(code: int, said: Any) -> str:
    """The server's own words, untrusted: made visible, on one line, and short."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"{code} {shorten(visible(text, one_line=True), 160)}".strip()
