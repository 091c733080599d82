"""``kedge dev`` runs a tool again when its sources change, shows what differs, and ends by Ctrl-C."""

import json
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kedge.cli import last_run
from kedge.cli.app import app
from tests.faults.processes import Command, posix_only

TOOL = """
import pyarrow as pa
import pyarrow.compute as pc
from kedge import PluginV2

class Times(PluginV2):
    def __init__(self, provider):
        self.provider = provider

    def on_record_batch(self, batch, anchor):
        self.provider.write_to_anchor("Output", pa.table({"n": pc.multiply(batch["n"].cast(pa.int64()), 2)}))

    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "times.py").write_text(TOOL)
    (tmp_path / "in.csv").write_text("n\n1\n2\n")
    return tmp_path


@posix_only
class TestDev:
    def test_a_change_is_run_and_compared_with_the_last_good_run(self, folder: Path) -> None:
        out = folder / "out.csv"
        command = Command("dev", "--", "times.py:Times", "-i", "Input=in.csv", "-o", f"Output={out}", folder=folder)
        waiting = "waiting for changes"
        try:
            command.wait_until_it_says(waiting)
            assert out.read_text().split() == ['"n"', "2", "4"]
            command.stderr = ""
            (folder / "times.py").write_text("def broken(:\n")
            command.wait_until_it_says(waiting)
            assert "changed: times.py" in command.stderr
            assert "SyntaxError" in command.stderr
            assert out.read_text().split() == ['"n"', "2", "4"]
            command.stderr = ""
            (folder / "times.py").write_text(TOOL.replace(", 2)", ", 3)"))
            command.wait_until_it_says(waiting)
            assert out.read_text().split() == ['"n"', "3", "6"]
            command.stderr = ""
            (folder / "in.csv").write_text("n\n1\n2\n5\n")
            command.wait_until_it_says(waiting)
            assert "changed: in.csv" in command.stderr
        finally:
            command.send(signal.SIGINT)
            code, printed = command.finish()
        assert code == 130
        assert "Traceback" not in command.stderr
        assert "Output: 2 rows\n" in printed
        assert (
            "Output: 2 rows, 2 differences (expected is the run before):\n  column 'n', row 0: 3, expected 2" in printed
        )
        assert "only actual has the row n=15" in printed


class TestCalls:
    def refused(self, *arguments: str) -> str:
        result = CliRunner().invoke(app, ["dev", *arguments])
        assert result.exit_code == 2, result.output
        return result.stderr

    def test_an_option_that_tool_run_has_not_is_named(self) -> None:
        assert "No such option" in self.refused("--", "times.py:Times", "--no-such-thing")

    @pytest.mark.parametrize("option", ["--in-process", "--update-only"])
    def test_an_option_that_does_not_go_with_it_is_named(self, option: str) -> None:
        assert f"{option} does not go with kedge dev" in self.refused("--", "times.py:Times", option)

    def test_a_first_call_that_is_wrong_ends_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        assert "none.csv does not exist" in self.refused("--", "times.py:Times", "-i", "Input=none.csv")

    def test_without_a_run_before_it_asks_for_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert "no run in this folder is known: write kedge dev --" in self.refused()


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of the user's state is named by XDG_STATE_HOME")
class TestLastRun:
    def test_a_run_on_a_terminal_is_known_in_its_folder_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.setattr("sys.argv", ["kedge", "tool", "run", "times.py:Times", "-c", "Key=ü"])
        monkeypatch.chdir(tmp_path)
        last_run.remember_run()
        assert last_run.last_run() == []
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        last_run.remember_run()
        assert last_run.last_run() == ["times.py:Times", "-c", "Key=ü"]
        (kept,) = (tmp_path / "state").rglob("*.json")
        assert (json.loads(kept.read_text())[0], kept.stat().st_mode & 0o777) == ("times.py:Times", 0o600)
        monkeypatch.chdir("/")
        assert last_run.last_run() == []
