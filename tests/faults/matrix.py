"""What can go wrong, and where: every fault at every step of the protocol, over every transport, with what is to come.

``test_matrix.py`` runs :data:`TOOL_FAULTS` and :data:`HOST_FAULTS` case by case and checks that the table has no hole;
:data:`ELSEWHERE` names the tests of what is no fault of a process at a step.

Each fault at each step is met over one transport always, and over the others at night: the daily cases
(:attr:`Case.daily`) are chosen so that every transport meets every fault, and every step has every transport.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from kedge import KedgeError, ToolCrashed, ToolError, ToolStartError, ToolTimeout
from tests.faults.transports import GRPC, TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = (
    "import",
    "constructor",
    "first batch",
    "middle of the records",
    "connection complete",
    "end",
    "confirmed",
)


class Ends(NamedTuple):
    """How a run ends: with every record in order, where ``error`` is None, else with an error and its text."""

    error: type[KedgeError] | None = None
    text: str = ""


WHOLE = Ends()
_NO_START = Ends(ToolStartError, "before it said its port")
_SILENT_START = Ends(ToolStartError, "did not say its port within 3 s")


def _at_each_step(in_run: Ends, at_import: Ends = _NO_START) -> dict[str, Ends]:
    """What is confirmed is whole, whatever the process does next."""
    return {step: {"import": at_import, "confirmed": WHOLE}.get(step, in_run) for step in STEPS}


_RESET = Ends(KedgeError, "the tool process broke .*(UNAVAILABLE|the peer is gone)|with exit code 3; it was here")
"""The process ends itself a second later: what the host sees first is the error."""

TOOL_FAULTS: dict[str, dict[str, Ends]] = {
    "killed": _at_each_step(Ends(ToolCrashed, "signal SIGKILL .*when its memory ran out")),
    "segfault": _at_each_step(Ends(ToolCrashed, "signal SIGSEGV; it was here(.|\n)*breaking_tool.py")),
    "frozen": _at_each_step(Ends(ToolTimeout, "gave no sign of life for 1 s"), _SILENT_START),
    "out_of_memory": _at_each_step(Ends(ToolError, "raised MemoryError(.|\n)*breaking_tool.py")),
    "connection_reset": _at_each_step(_RESET, _SILENT_START),
}

HOST_FAULTS = {"SIGINT": 130, "SIGTERM": 143, "SIGKILL": -9}
"""A signal to the host, and the exit code; in no case is anything left, neither a process nor half an output."""
HOST_STEPS = STEPS[:-1]
"""What comes when the run is confirmed is its good end, which a signal may find before or behind it."""

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "full shared memory": ("test_matrix.py::TestFull::test_shared_memory_sends_the_records_inline",),
    "full disk": (
        "test_matrix.py::TestFull::test_disk_for_an_output_is_named_and_leaves_no_file",
        "test_matrix.py::TestFull::test_disk_for_temporary_files_is_named",
    ),
    "little memory": ("test_matrix.py::TestFull::test_memory_for_what_arrives_ends_the_run_or_costs_nothing",),
    "stalled reader": (
        "test_matrix.py::TestStalled::test_a_reader_that_pauses_loses_nothing",
        "test_matrix.py::TestStalled::test_one_that_stands_still_is_ended_by_the_timeout",
        "test_memory.py::test_a_slow_side_stalls_the_other_and_not_the_heap",
    ),
    "stalled writer": (
        "test_matrix.py::TestStalled::test_a_writer_that_pauses_is_not_the_silence_of_the_tool",
        "test_matrix.py::TestStalled::test_one_that_stands_still_is_ended_by_the_timeout",
    ),
    "engine vanishes": (
        "../service/test_engine_misbehaves.py::TestEngineVanishes::test_before_a_message_ends_the_service",
    ),
    "leaves": (
        "test_crashes.py::TestCrash::test_an_exit_behind_the_back_of_python_is_named_with_the_last_words",
        "test_crashes.py::TestNoCrash::test_leaving_by_sys_exit_is_an_error_that_the_tool_reports",
    ),
    "own error": ("test_crashes.py::TestOwnError::test_is_told_with_its_place",),
    "clock jumps": (
        "test_matrix.py::TestClock::test_of_the_tool_process_changes_nothing",
        "test_matrix.py::TestClock::test_no_wait_looks_at_the_clock_on_the_wall",
    ),
}

REQUIRED = {
    "a tool process that is killed": "killed",
    "a fault in C code": "segfault",
    "a tool process that leaves": "leaves",
    "a tool process that is stopped": "frozen",
    "an error of Kedge's own in a tool process": "own error",
    "a tool that asks for too much memory": "out_of_memory",
    "a tool process for which no memory is left": "little memory",
    "a disk that is full": "full disk",
    "shared memory that is full": "full shared memory",
    "a host that is killed": "SIGKILL",
    "a host that is interrupted": "SIGINT",
    "a host that is terminated": "SIGTERM",
    "a reader that stands still": "stalled reader",
    "a writer that stands still": "stalled writer",
    "a connection that is reset": "connection_reset",
    "an engine that vanishes": "engine vanishes",
    "a clock that jumps": "clock jumps",
}
"""What a run has to survive, or to end from in good order, and the row of the tables above which says how."""


class Case(NamedTuple):
    """One run: what goes wrong, where, and how records travel."""

    fault: str
    step: str
    transport: str

    def __str__(self) -> str:
        return ", ".join(self)

    @property
    def daily(self) -> bool:
        """Whether it is run always, and not at night alone."""
        if self.step == "import":
            return True
        faults = list(HOST_FAULTS if self.fault in HOST_FAULTS else TOOL_FAULTS)
        turn = (faults.index(self.fault) + STEPS.index(self.step)) % len(TRANSPORTS)
        return TRANSPORTS[turn] == self.transport


def tool_cases() -> list[Case]:
    """All runs in which the tool process goes wrong."""
    return _cases(TOOL_FAULTS, STEPS)


def host_cases() -> list[Case]:
    """All runs in which the host is ended."""
    return _cases(HOST_FAULTS, HOST_STEPS)


def _cases(faults: Iterable[str], steps: Iterable[str]) -> list[Case]:
    """The product; before a tool process is called, there is no more than gRPC."""
    cases = [Case(*case) for case in product(faults, steps, TRANSPORTS)]
    return [case for case in cases if case.step != "import" or case.transport == GRPC]
