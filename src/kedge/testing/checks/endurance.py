"""Checks of how a tool treats its surroundings: threads, files, and an engine that is slow or goes away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from kedge.exceptions import EngineGone
from kedge.sdk.plugin import PluginV2
from kedge.testing.checks.check import DoesNotApplyError, ViolationError, check
from kedge.testing.checks.samples import cut
from kedge.testing.checks.subject import demand_same_outputs
from kedge.testing.checks.surroundings import demand_nothing_left
from kedge.testing.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.sdk.constants import Anchor
    from kedge.testing.checks.subject import Subject

KeptT = TypeVar("KeptT")

__all__ = ["exception_safety", "leaves_nothing", "slow_reader"]

_DELAY = 0.02
"""Seconds that the slow reader takes for a batch."""
_SLOW_BATCHES = 10


@check(
    "leaves-nothing",
    does="ran the tool and looked for threads, open files and new files in the working and the temporary folder",
    why="an engine runs thousands of tools; what each leaves behind adds up until the machine is full",
    fix="join threads and close files before on_complete returns; put temporary files where "
    "provider.environment.create_temp_file does, the engine deletes them",
)
def leaves_nothing(subject: Subject) -> str:
    """No thread, file or descriptor is left."""
    subject.reference  # noqa: B018 - what a library opens once is open from here on
    with demand_nothing_left():
        subject.run()
    return "no thread and no file"


class _SlowTape(Tape):
    """A reader that takes its time over the first batches."""

    def on_batch(self, anchor: str, table: pa.Table) -> None:
        """Take a batch, slowly."""
        if len(self.entries) < _SLOW_BATCHES * 4:
            time.sleep(_DELAY)
        super().on_batch(anchor, table)


@check(
    "slow-reader",
    does=f"ran the tool on the sample in ten batches before a reader that takes {_DELAY * 1000:.0f} ms for each",
    why="write_to_anchor waits while the engine is busy: for seconds, behind a tool that sorts or a slow disk",
    fix="do not measure the time of a write, and hold no lock or connection that runs out meanwhile",
)
def slow_reader(subject: Subject) -> str:
    """A write that takes long changes nothing."""
    subject.reference  # noqa: B018 - where there is none the check does not apply
    tenths = [cut(c, max(1, sum(t.num_rows for t in c.tables) // 10)) for c in subject.connections]
    expected = subject.run(tenths)
    demand_same_outputs(subject.run(tenths, make_tape=_SlowTape), expected, "before a slow reader")
    return "the same output"


class _BrokenTape(Tape):
    """An engine that goes away at the first batch."""

    def __init__(self, services: Any) -> None:
        super().__init__(services)
        self.attempts = 0

    def on_batch(self, anchor: str, table: pa.Table) -> None:  # noqa: ARG002 - a receiver's signature
        """Refuse a batch."""
        self.attempts += 1
        raise EngineGone("the engine is gone")


class _Watched(PluginV2):
    """A tool, and how many of its callbacks raised."""

    def __init__(self, tool: PluginV2) -> None:
        self._tool = tool
        self.raised = 0

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        """Pass a batch on."""
        self._watch(self._tool.on_record_batch, batch, anchor)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Pass a completion on."""
        self._watch(self._tool.on_incoming_connection_complete, anchor)

    def on_complete(self) -> None:
        """Pass the end on."""
        self._watch(self._tool.on_complete)

    def _watch(self, callback: Callable[..., None], *args: Any) -> None:
        """Count an exception and end it here: the run is over already, and nobody need hear of it."""
        try:
            callback(*args)
        except Exception:
            self.raised += 1


@check(
    "exception-safety",
    does="let the engine go away at the first write, looked at what was left behind, and ran the tool once more",
    why="a user who stops a workflow ends a tool in the middle of a write; a tool that goes on regardless, or leaves "
    "things half done, spoils the next run",
    fix="let exceptions of the provider pass (no bare except around a write), and clean up in finally",
)
def exception_safety(subject: Subject) -> str:
    """A write that fails ends the run cleanly, and the next run is as good as the first."""
    tapes: list[_BrokenTape] = []
    tools: list[_Watched] = []
    reference = subject.reference
    with demand_nothing_left():
        subject.run(
            make_tape=lambda services: _kept(tapes, _BrokenTape(services)),
            factory=lambda provider: _kept(tools, _Watched(subject.tool_class(provider))),
        )
    if not tapes[0].attempts:
        raise DoesNotApplyError("the tool writes nothing on this sample")
    if not tools[0].raised:
        raise ViolationError("write_to_anchor raised EngineGone, and the tool kept it to itself and went on")
    demand_same_outputs(subject.run(), reference, "in the run after")
    return "the error came through, nothing was left behind, and the next run gave the same"


def _kept(kept: list[KeptT], value: KeptT) -> KeptT:
    kept.append(value)
    return value
