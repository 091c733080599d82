"""The run of one tool as a state machine, without any input or output.

Events go in, calls and actions come out; whoever drives it owns the sockets, the threads and the clock. All ordering
rules of protocol version 2 live here, so that a tool behaves the same in a tool process, in the caller's process, in a
test harness and on a cluster. Times are seconds of any clock that never goes back; only differences matter.
"""

from __future__ import annotations

from kedge.lifecycle.machine import Lifecycle, Statistics
from kedge.lifecycle.transitions import TRANSITIONS, Reaction, State

__all__ = ["TRANSITIONS", "Lifecycle", "Reaction", "State", "Statistics"]
