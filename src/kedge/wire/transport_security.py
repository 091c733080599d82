"""TLS between an engine and a tool process on different machines: each end proves itself by a certificate.

Both read PEM files, named in the environment: ``KEDGE_TLS_CERT`` and ``KEDGE_TLS_KEY`` are this end's own certificate
and its key, ``KEDGE_TLS_CA`` the authority that has to have signed the other end's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import grpc

from kedge.exceptions import UsageError

__all__ = ["Certificates"]

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
            raise UsageError(f"for TLS {', '.join(_VARIABLES)} belong together; {' and '.join(missing)} is not set")
        return cls(*(_read(name, path or "") for name, path in paths.items()))

    def server(self) -> grpc.ServerCredentials:
        """Credentials of a server that takes nobody without a certificate of the authority."""
        return grpc.ssl_server_credentials([(self.key, self.chain)], self.authority, require_client_auth=True)

    def client(self) -> grpc.ChannelCredentials:
        """Credentials of a client."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.chain)


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}={path!r} cannot be read: {error.strerror}") from error
