"""Lines that a tool process prints for the host that started it; all but the port are Kedge's own."""

from __future__ import annotations

__all__ = [
    "ADDRESS_PREFIX",
    "DESCRIPTION_PREFIX",
    "PORT_PREFIX",
    "REFUSAL_PREFIX",
    "STACK_PREFIX",
    "STATISTICS_PREFIX",
    "TAKEN_LINE",
    "WAITING_LINE",
]

PORT_PREFIX = "ListenPort: "
"""On stdout: the port on which the process serves. The one line of protocol version 2."""
ADDRESS_PREFIX = "ListenAddress: "
"""On stdout, in the place of the port: the address that the host chose."""
DESCRIPTION_PREFIX = "KedgeTool: "
"""On stdout: the anchors that the tool declares, as JSON."""
REFUSAL_PREFIX = "KedgeRefusal: "
"""On stdout, at the end: what is wrong with the configuration, as a JSON list of texts. The call was wrong then, and
not the tool, which the error message on the wire cannot say."""
STATISTICS_PREFIX = "KedgeStatistics: "
"""On stdout, at the end: what passed the tool and its end of the connection, as JSON."""
STACK_PREFIX = "Tool stack: "
"""On stderr: in which callback the process was stopped; indented lines that say where follow."""
WAITING_LINE = "KedgeWaiting"
"""On stdout: the process was started without a tool, has imported what every tool needs, and waits for its order."""
TAKEN_LINE = "KedgeOrderTaken"
"""On stdout: the order is there; what happens from now on is the tool's."""
