from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kedge.cli.exits import MACHINERY, UNREAD, errors_as_exit_codes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader is told otherwise there")


def run_unread(code: str, *, buffered: bool) -> subprocess.CompletedProcess[bytes]:
    """Run Python code whose stdout is a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, *(() if buffered else ("-u",)), "-c", code]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
        return subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, env=environment)
    finally:
        os.close(writer)


CHECK = """
import sys
from kedge.workflow.workflow import Workflow
flow, _ = Workflow().add("TextInput", '<Fields><Field name="n"/></Fields><Data><r><c>1</c></r></Data>')
flow.save({path!r})
sys.argv[1:] = ["check", {path!r}]
from kedge.cli import main
main()
"""


class TestOutputThatNobodyReads:
    """``kedge ... | head`` ends without a word, with the exit code of a tool that SIGPIPE ended."""

    @pytest.mark.parametrize("buffered", [True, False])
    def test_ends_quietly(self, buffered: bool, tmp_path: Path) -> None:
        done = run_unread(CHECK.format(path=f"{tmp_path}/flow.yxmd"), buffered=buffered)
        assert (done.returncode, done.stderr) == (UNREAD, b"")

    def test_is_not_a_pipe_to_a_tool_that_broke(self, capsys: pytest.CaptureFixture[str]) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb", buffering=0) as pipe, pytest.raises(SystemExit) as exited, errors_as_exit_codes():
            pipe.write(b"records")
        assert exited.value.code == MACHINERY
        assert "BrokenPipeError" in capsys.readouterr().err
