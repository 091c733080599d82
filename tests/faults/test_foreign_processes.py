"""Kedge's host against tool processes that know nothing of Kedge, well-behaved and not."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from kedge import ProtocolError, ToolCrashed, ToolResult, ToolStartError, ToolTimeout, run_tool
from kedge.host import out_of_process
from tests.faults.processes import PEOPLE, kedge

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = Path(__file__).with_name("foreign_service.py")
TABLE = pa.table({"number": list(range(100_000)), "text": ["x"] * 100_000})


def run_foreign(manners: str, **options: Any) -> ToolResult:
    command = [sys.executable, str(SERVICE), "start-sdk-tool-service", manners, "Tool"]
    return run_tool(command, {"Input": TABLE}, **options)


def run_lines(*lines: str, **options: Any) -> ToolResult:
    """Run a process that does what these lines of Python say."""
    return run_tool([sys.executable, "-c", "\n".join(lines)], {"Input": TABLE}, **options)


class TestGoodEnough:
    @pytest.mark.parametrize("manners", ["plain", "noise", "leaves records open"])
    def test_a_process_of_any_make_runs(self, manners: str) -> None:
        result = run_foreign(manners)
        assert result.ok
        assert result.outputs["Output"].equals(TABLE)
        assert [message.text for message in result.messages] == [f"hello from {manners}"]

    @pytest.mark.parametrize("manners", ["closes nothing", "closes nothing, leaves records open"])
    def test_anchors_that_it_does_not_close_are_whole_all_the_same(self, manners: str) -> None:
        assert run_foreign(manners).outputs["Output"].num_rows == TABLE.num_rows

    def test_an_update_only_run_gives_no_records(self) -> None:
        assert run_foreign("plain", update_only=True).outputs["Output"].num_rows == 0

    def test_it_runs_from_the_command_line(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text(PEOPLE)
        command = f'"{sys.executable}" "{SERVICE}" start-sdk-tool-service plain Tool'
        files = ("-i", "Input=people.csv", "-o", "Output=out.csv")
        code, _, stderr = kedge("tool", "run", "--command", command, *files, folder=tmp_path)
        assert code == 0, stderr
        assert (tmp_path / "out.csv").read_text() == '"name","age"\n"Ada",36\n"Grace",85\n'


class TestBrokenProtocol:
    @pytest.mark.parametrize(
        ("manners", "text"),
        [
            ("half a batch", "anchor 'Output', connection '' has "),
            ("half a batch, open", "anchor 'Output', connection '' has 8 bytes in 1 chunk"),
            ("sends garbage", "a batch on anchor 'Output', connection '', in 1 chunk"),
            ("closes control", "closed Control without a confirm_complete"),
            ("unknown anchor", "anchor 'Elsewhere'"),
        ],
    )
    def test_is_named_and_ends_the_run(self, manners: str, text: str) -> None:
        with pytest.raises(ProtocolError, match=text):
            run_foreign(manners)

    def test_a_process_that_dies_is_a_crash(self) -> None:
        with pytest.raises(ToolCrashed, match="exit code 9"):
            run_foreign("dies at once")

    def test_one_that_never_confirms_is_bounded_by_the_timeout(self) -> None:
        with pytest.raises(ToolTimeout, match="longer than 4 s"):
            run_foreign("never confirms", timeout=4)

    def test_one_that_goes_silent_after_its_confirmation_is_not_waited_for_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Records are still to come then. What ends it is on by default."""
        monkeypatch.setattr(out_of_process, "_ENDS_WITHIN", 1.0)
        with pytest.raises(ToolTimeout, match="no sign of life for 1 s while it was waited for"):
            run_foreign("goes silent")

    def test_an_input_that_fails_ends_the_run_with_its_own_error(self) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            yield pa.record_batch({"x": [1]})
            raise OSError("the disk is gone")

        reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), batches())
        command = [sys.executable, str(SERVICE), "start-sdk-tool-service", "plain", "Tool"]
        with pytest.raises(OSError, match="the disk is gone"):
            run_tool(command, {"Input": reader})


class TestNoStart:
    def test_a_command_that_is_not_there(self) -> None:
        with pytest.raises(ToolStartError, match="cannot start 'no-such-command': No such file"):
            run_tool(["no-such-command", "x"])

    def test_a_process_that_ends_before_it_says_its_port(self) -> None:
        with pytest.raises(ToolStartError) as caught:
            run_lines("import sys", "print('no licence', file=sys.stderr)", "sys.exit(5)")
        assert caught.value.headline == "the tool process ended with exit code 5 before it said its port"
        assert caught.value.stderr_tail == ("no licence",)

    def test_one_that_never_says_it(self) -> None:
        began = time.monotonic()
        with pytest.raises(ToolStartError) as caught:
            run_lines(
                "import sys, time",
                "for n in range(60): print('waiting', n, file=sys.stderr)",
                "time.sleep(600)",
                start_timeout=1.0,
            )
        assert time.monotonic() - began < 4
        assert caught.value.headline == "the tool process did not say its port within 1 s"
        assert caught.value.stderr_tail == tuple(f"waiting {n}" for n in range(10, 60))

    @pytest.mark.parametrize("said", ["ListenPort: none", "ListenPort: 99999", "ListenPort: -4", "Listen Port: 5"])
    def test_one_that_says_garbage(self, said: str) -> None:
        with pytest.raises(ToolStartError, match="did not say its port"):
            run_lines("import time", f"print({said!r}, flush=True)", "time.sleep(600)", start_timeout=0.5)

    def test_one_that_says_a_port_and_ends(self) -> None:
        with pytest.raises(ToolCrashed, match="exit code 0"):
            run_lines("print('ListenPort: 1')")

    def test_one_that_says_a_port_where_nobody_answers(self) -> None:
        with pytest.raises(ToolStartError, match="serves at localhost:1, and no gRPC server answered there in 2 s"):
            run_lines("import time", "print('ListenPort: 1', flush=True)", "time.sleep(600)", start_timeout=2.0)

    def test_one_whose_server_speaks_no_grpc(self) -> None:
        with pytest.raises(ToolStartError, match="no gRPC server answered there"):
            run_lines(
                "import socket",
                "server = socket.create_server(('127.0.0.1', 0))",
                "print(f'ListenPort: {server.getsockname()[1]}', flush=True)",
                "while True:",
                "    connection, _ = server.accept()",
                "    connection.sendall(b'SSH-2.0-OpenSSH_9.6\\r\\n')",
                start_timeout=2.0,
            )
