"""TLS between an engine and a tool process on different machines: each end proves itself by a certificate.

Both read PEM files, named in the environment: ``KEDGE_TLS_CERT`` and ``KEDGE_TLS_KEY`` are this end's own certificate
and its key, ``KEDGE_TLS_CA`` the authority that has to have signed the other end's.
"""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import grpc

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    import ssl

__all__ = ["Certificates", "why_unanswered"]

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What every client of gRPC says first; its server answers."""
_VARIABLES = ("KEDGE_TLS_CERT", "KEDGE_TLS_KEY", "KEDGE_TLS_CA")


class Certificates(NamedTuple):
    """PEM texts: a certificate with its chain, its key, and the authority for the other end's."""

    chain: bytes
    key: bytes
    authority: bytes

    def __repr__(self) -> str:
        return "<Certificates>"  # the key belongs in no log

    @classmethod
    def from_environment(cls) -> Certificates | None:
        """Read what the environment names; None where it names nothing.

        Raises UsageError where it names only some of the files, or one cannot be read.
        """
        paths = {name: os.environ.get(name) for name in _VARIABLES}
        missing = [name for name, path in paths.items() if not path]
        if len(missing) == len(paths):
            return None
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise UsageError(f"for TLS {', '.join(_VARIABLES)} belong together; {' and '.join(missing)} {verb} not set")
        return cls(*(_read(name, path or "") for name, path in paths.items()))

    def server(self) -> grpc.ServerCredentials:
        """Credentials of a server that takes nobody without a certificate of the authority."""
        return grpc.ssl_server_credentials([(self.key, self.chain)], self.authority, require_client_auth=True)

    def client(self) -> grpc.ChannelCredentials:
        """Credentials of a client."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.chain)

    def context(self) -> ssl.SSLContext:
        """The same for Python's own sockets."""
        import ssl

        context = ssl.create_default_context(cadata=self.authority.decode("ascii"))
        context.set_alpn_protocols(["h2"])
        with tempfile.TemporaryDirectory(prefix="kedge-") as folder:  # it takes nothing but files
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(self.chain)
            key.touch(0o600)
            key.write_bytes(self.key)
            context.load_cert_chain(chain, key)
        return context


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}={path!r} cannot be read: {error.strerror}") from error


def why_unanswered(address: str, certificates: Certificates | None, timeout: float = 2.0) -> str | None:
    """Why gRPC gets no answer at ``host:port``, which it does not say itself, and what to do; None where nobody knows.

    Calls there as a client of gRPC does. Each step blocks for ``timeout`` seconds at most.
    """
    import ssl

    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout) as plain:
            if certificates is None:
                return None if _answers(plain) else f"{address} takes no plain connection: {_NAME_THEM}"
            with certificates.context().wrap_socket(plain, server_hostname=host.strip("[]")) as secured:
                if _answers(secured):
                    return None
    except ssl.SSLCertVerificationError as error:
        return (
            f"the certificate of {address} is not to be trusted ({error.verify_message}): it has to be valid, to name "
            f"that host, and to be signed by the authority in KEDGE_TLS_CA"
        )
    except ssl.SSLError as error:
        if error.reason is not None and "ALERT" not in error.reason:
            return f"{address} does not speak TLS ({error.reason}): set KEDGE_TLS_… for the tool process, too"
    except (TimeoutError, ConnectionRefusedError, socket.gaierror):
        return None
    except OSError:
        """It hung up."""
    return _NOT_TAKEN.format(address) if certificates is not None else None


_NAME_THEM = f"if it speaks TLS, name certificates in {', '.join(_VARIABLES)}"
_NOT_TAKEN = (
    "{} does not take the certificate in KEDGE_TLS_CERT: it has to be valid, and signed by the authority in the "
    "KEDGE_TLS_CA of the tool process"
)


def _answers(connected: socket.socket) -> bool:
    """Whether a server of gRPC is at the other end."""
    connected.sendall(_HELLO)
    try:
        return bool(connected.recv(1))
    except ConnectionResetError:
        return False
