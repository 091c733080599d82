"""All benchmarks as one document."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from typer.testing import CliRunner

from kedge.bench import memory
from kedge.bench.report import report_page
from kedge.bench.whole import PARTS, bench_whole
from kedge.cli.bench import app
from kedge.exceptions import KedgeError
from tests.faults.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path


class TestWhole:
    def test_is_one_document_of_which_the_page_is_made(self, tmp_path: Path) -> None:
        printed = CliRunner().invoke(app, ["--part", "harness", "--part", "harness", "--rounds", "1"])
        assert printed.exit_code == 0
        found = json.loads(printed.stdout)
        assert [each["benchmark"] for each in found["documents"]] == ["harness", "harness"]
        assert found["documents"][0]["rounds"] == 1
        assert found["left_out"] == {}
        (tmp_path / "all.json").write_text(printed.stdout, encoding="utf-8")
        page = CliRunner().invoke(app, ["report", str(tmp_path / "all.json")]).stdout
        assert page == report_page(found["documents"])
        assert page.count("## Harness") == 2

    def test_says_what_was_left_out_and_why(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(memory, "_OF_THIS_PROCESS", tmp_path / "none")
        said: list[str] = []
        found = bench_whole(said.append, parts=["memory", "harness"], rounds=1)
        assert [each["benchmark"] for each in found["documents"]] == ["harness"]
        assert found["left_out"] == {"memory": "memory is measured on Linux alone, by /proc"}
        assert said == ["--- memory", "--- harness"]

    def test_ends_where_a_part_does(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(KedgeError, match="kedge bench harness ended with exit code 2"):
            bench_whole(parts=["harness"], rounds=0)
        assert "--rounds" in capfd.readouterr().err

    def test_refuses_a_part_that_is_none(self) -> None:
        refused = CliRunner().invoke(app, ["--part", "speed"], env={"COLUMNS": "200"})
        assert refused.exit_code == 2
        assert f"'speed' is none of {', '.join(PARTS)}" in refused.output

    def test_refuses_an_option_that_the_command_behind_it_would_not_get(self) -> None:
        refused = CliRunner().invoke(app, ["--rounds", "1", "harness"], env={"COLUMNS": "200"})
        assert refused.exit_code == 2
        assert "rounds is for all; put what is for harness behind it" in refused.output


class TestReport:
    @pytest.mark.parametrize(
        ("text", "why"),
        [("", "cannot be read: Expecting value"), ("[]", "is nothing that kedge bench has printed"), ("{}", "nothing")],
    )
    def test_names_a_file_that_is_no_document(self, tmp_path: Path, text: str, why: str) -> None:
        (tmp_path / "some.json").write_text(text, encoding="utf-8")
        refused = CliRunner().invoke(app, ["report", str(tmp_path / "some.json")])
        assert refused.exit_code == 2
        assert "some.json" in refused.output
        assert why in refused.output


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_peer_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from kedge.bench.raw_echo import RawEcho\n"
        "echo = RawEcho(sys.argv[1]); print(echo._process._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, f"unix:{tmp_path}/raw.sock"], stdout=subprocess.PIPE, check=False
    )
    assert printed.returncode == -9
    assert wait_until(lambda: not psutil.pid_exists(int(printed.stdout)), 10)
