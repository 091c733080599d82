"""What a tool process takes from its environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kedge.exceptions import UsageError
from kedge.wire.shared_memory import is_private
from kedge.wire.transport_security import Certificates

__all__ = ["ServiceSettings"]

_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$")


@dataclass(frozen=True)
class ServiceSettings:
    """How a tool process serves. Times in seconds, budgets in bytes."""

    address: str = "localhost:0"
    certificates: Certificates | None = None
    """For TLS, by which both ends have to prove themselves; None for a plain connection."""
    token: str | None = None
    quiet: float = 0.05
    incoming_budget: int = 64 << 20
    outgoing_budget: int = 64 << 20
    linger: float = 2.0
    """How long streams stay open after the confirmation for an engine that still writes."""
    grace: float = 1.0
    """How long a callback may go on after the engine is gone."""
    connect_within: float = 600.0
    """How long to wait for an engine to call."""
    hang_after: float = 10.0
    """How long a callback may run until the log gets its stack; 0 for never."""

    @classmethod
    def from_environment(cls) -> ServiceSettings:
        """Read ``KEDGE_ADDRESS``, ``KEDGE_TOKEN``, ``TOOL_SERVICE_ADDRESS``, ``KEDGE_TLS_…`` and the numbers.

        These are ``KEDGE_QUIET``, ``KEDGE_BUDGET``, ``KEDGE_CONNECT_WITHIN`` and ``KEDGE_HANG_AFTER``.

        The token leaves the environment, so that what the tool starts does not inherit it. Raises UsageError for an
        address beyond loopback without TLS and without ``KEDGE_INSECURE=1``, certificates that cannot be read, a socket
        in a folder that is open to others, and a number that is none.
        """
        address = os.environ.get("KEDGE_ADDRESS") or os.environ.get("TOOL_SERVICE_ADDRESS") or cls.address
        certificates = None if address.startswith("unix:") else Certificates.from_environment()
        _require_privacy(address, certificates)
        budget = int(_number("KEDGE_BUDGET", cls.incoming_budget))
        return cls(
            address=address,
            certificates=certificates,
            token=os.environ.pop("KEDGE_TOKEN", None),
            quiet=_number("KEDGE_QUIET", cls.quiet),
            incoming_budget=budget,
            outgoing_budget=budget,
            connect_within=_number("KEDGE_CONNECT_WITHIN", cls.connect_within),
            hang_after=_number("KEDGE_HANG_AFTER", cls.hang_after),
        )

    @property
    def run_directory(self) -> Path | None:
        """The folder of the socket that only this run uses; None where the process listens on a port."""
        return Path(self.address.removeprefix("unix:")).parent if self.address.startswith("unix:") else None


def _require_privacy(address: str, certificates: Certificates | None) -> None:
    """Raise UsageError where others could call, or listen in."""
    if address.startswith("unix:"):
        folder = Path(address.removeprefix("unix:")).parent
        if address == os.environ.get("KEDGE_ADDRESS") and not is_private(folder):
            raise UsageError(f"KEDGE_ADDRESS={address!r}: {folder} is not a folder of this user alone (mode 0700)")
    elif certificates is None and not _LOOPBACK.match(address) and os.environ.get("KEDGE_INSECURE") != "1":
        raise UsageError(
            f"TOOL_SERVICE_ADDRESS={address!r} is no loopback address: name certificates for TLS in KEDGE_TLS_CERT, "
            "KEDGE_TLS_KEY and KEDGE_TLS_CA, or set KEDGE_INSECURE=1 where all who reach it may call the tool"
        )


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise UsageError(f"{name}={text!r} is no number") from None
