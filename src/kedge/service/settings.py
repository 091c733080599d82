"""What a tool process takes from its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kedge.exceptions import UsageError

__all__ = ["ServiceSettings"]

_LOOPBACK = ("localhost", "127.", "[::1]")


@dataclass(frozen=True)
class ServiceSettings:
    """How a tool process serves. Times in seconds, budgets in bytes."""

    address: str = "localhost:0"
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
        """Read ``KEDGE_ADDRESS``, ``KEDGE_TOKEN``, ``TOOL_SERVICE_ADDRESS`` and the numbers.

        These are ``KEDGE_QUIET``, ``KEDGE_BUDGET``, ``KEDGE_CONNECT_WITHIN`` and ``KEDGE_HANG_AFTER``.

        The token leaves the environment, so that what the tool starts does not inherit it. Raises UsageError for an
        address beyond loopback, or a number that is none.
        """
        address = os.environ.get("KEDGE_ADDRESS") or os.environ.get("TOOL_SERVICE_ADDRESS") or cls.address
        if not address.startswith("unix:") and not address.startswith(_LOOPBACK):
            raise UsageError(
                f"TOOL_SERVICE_ADDRESS={address!r} is no loopback address; a tool process serves this machine only"
            )
        budget = int(_number("KEDGE_BUDGET", cls.incoming_budget))
        return cls(
            address=address,
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


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise UsageError(f"{name}={text!r} is no number") from None
