"""``kedge tool test``: the table, the reasons, and the exit codes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kedge.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
WRONG = f"{ROOT}/tests/testing/wrong_tools.py"
CALENDAR = f"{ROOT}/examples/calendar_days.py:CalendarDays"


def tool_test(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tool", "test", *arguments], env={"COLUMNS": "160"})


class TestATool:
    def test_that_passes_ends_with_0_and_a_table(self) -> None:
        result = tool_test("kedge.bench.tools:PassThrough", "--skip", "message-order", "--skip", "memory-slope")
        assert result.exit_code == 0, result.output
        assert "│ plain-run        │ passed  │ 40 rows in; 40 to Output out" in result.stdout
        assert "│ optional-anchors │ skipped │ the tool declares no optional anchor" in result.stdout
        assert "message-order" not in result.stdout
        assert result.stdout.endswith("PassThrough: 12 passed, 0 failed, 2 skipped\n")

    def test_that_fails_ends_with_1_and_the_reasons(self) -> None:
        result = tool_test(f"{WRONG}:TakesTheFirstColumn", "--only", "column-order", "--only", "plain-run")
        assert result.exit_code == 1
        assert "column-order │ failed" in result.stdout
        assert "  how to fix it: take columns by their names\n" in result.stdout
        assert result.stdout.endswith("TakesTheFirstColumn: 1 passed, 1 failed, 0 skipped\n")

    def test_takes_settings_one_by_one_or_from_a_file(self, tmp_path: Path) -> None:
        plain = tool_test(CALENDAR, "-c", "From=2013-01-01", "-c", "To=2013-01-31", "--only", "plain-run")
        assert "31 to Days" in plain.stdout
        file = tmp_path / "config.xml"
        file.write_text("<Configuration><From>2013-01-01</From><To>2013-01-02</To></Configuration>")
        assert "2 to Days" in tool_test(CALENDAR, "--config", str(file), "--only", "plain-run").stdout

    def test_takes_a_sample(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text("name\nAda\nGrace\n")
        for sample in (f"{tmp_path}/people.csv", f"Input={tmp_path}/people.csv"):
            result = tool_test("kedge.bench.tools:PassThrough", "--sample", sample, "--only", "plain-run")
            assert "2 rows in; 2 to Output out" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["kedge.bench.tools:PassThrough", "--only", "splits"], "there is no check 'splits': there are plain-run, "),
        (["kedge.bench.tools:PassThrough", "--sample", "none.csv"], "none.csv does not exist"),
        (["kedge.bench.tools:PassThrough", "--sample", "In=none.csv"], "no incoming anchor 'In' for a sample"),
        (["nothing"], "'nothing' names no tool"),
        ([CALENDAR, "-c", "From=a", "--config", "b.xml"], "-c and --config exclude each other"),
        ([CALENDAR, "--config", "b.xml"], "b.xml cannot be read"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(arguments: list[str], text: str) -> None:
    result = tool_test(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
