"""Whose certificates a connector believes: never what the environment says (D1, S9)."""

from __future__ import annotations

import os
import ssl
import sys
from typing import Literal, TypeAlias

from helpdesk.errors import ConfigError

Trust: TypeAlias = Literal["system", "bundled"]

_USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where distributions keep the bundle: Debian, Fedora, openSUSE, Alpine and macOS."""


def verifying_context(
    trust: Trust = "system", ca_file: str | None = None, *, section: str = "network"
) -> ssl.SSLContext:
    """A context that verifies certificate and host name, TLS 1.2 or newer.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are not read: OpenSSL's own default paths would honour them, so
    the paths compiled into OpenSSL, or a distribution's usual place, are loaded by name.

    Args:
        trust: the operating system's authorities, or the list that ships with the program.
        ca_file: only these authorities.
        section: where the configuration names them, for the hint.

    Raises:
        ConfigError: no usable authority was found.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # a name counts where names stand (RFC 9525)
    try:
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        elif trust == "bundled":
            import certifi

            context.load_verify_locations(cafile=certifi.where())
        else:
            _load_system(context)
    except (OSError, ssl.SSLError) as error:
        where = ca_file or "the system's certificate store"
        raise ConfigError(
            f"The certificate authorities in {where} cannot be read: {error.strerror or error}.",
            hint=f"Set [{section}] ca_file, or [network] trust to bundled.",
        ) from None
    return context


def bundle(trust: Trust = "system", ca_file: str | None = None, *, section: str = "network") -> str:
    """The file of authorities, for a library that takes no context of ours; as :func:`verifying_context` chooses.

    Raises:
        ConfigError: there is none.
    """
    verifying_context(trust, ca_file, section=section)  # says what is wrong with it
    if ca_file is not None:
        return ca_file
    if trust == "bundled":
        import certifi

        return certifi.where()
    file = _system_file()
    if file is None:
        raise ConfigError(
            "The system keeps its certificate authorities in no single file.",
            hint=f"Set [{section}] ca_file, or [network] trust to bundled.",
        )
    return file


def _system_file() -> str | None:
    paths = ssl.get_default_verify_paths()
    return next((path for path in (paths.openssl_cafile, *_USUAL) if os.path.isfile(path)), None)


def _load_system(context: ssl.SSLContext) -> None:
    if sys.platform == "win32":  # pragma: no cover - Windows keeps them in its own store
        for store in ("CA", "ROOT"):
            for certificate, encoding, _ in ssl.enum_certificates(store):
                if encoding == "x509_asn":
                    context.load_verify_locations(cadata=certificate)
        return
    paths = ssl.get_default_verify_paths()
    cafile = _system_file()
    capath = paths.openssl_capath if os.path.isdir(paths.openssl_capath) else None
    if cafile is None and capath is None:
        raise FileNotFoundError(2, "no such file")
    context.load_verify_locations(cafile=cafile, capath=capath)
