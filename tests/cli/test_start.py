"""How a command begins: what it loads, and that it ends without a word too many."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kedge.cli.app import app
from kedge.cli.commands import COMMANDS
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "<Fields><Field name='n'/></Fields><Data><r><c>3</c></r><r><c>1</c></r></Data>"
LOADED = """
import sys
from kedge.cli import main
sys.argv[1:] = sys.argv[2:]
try:
    main()
finally:
    print(*sorted(sys.modules.keys() & set({modules!r})))
"""


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    made, origin = Workflow().add("TextInput", ROWS)
    made, browse = made.add("BrowseV2")
    made.connect(origin, "Output", browse, "Input").save(tmp_path / "flow.yxmd")
    return tmp_path / "flow.yxmd"


def loaded(modules: list[str], *arguments: str) -> set[str]:
    """Run a command in a process of its own, and return which of the modules it loaded."""
    code = LOADED.format(modules=modules)
    done = subprocess.run([sys.executable, "-c", code, "-", *arguments], capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines()[-1].split())


class TestMain:
    """The command line of a process."""

    def test_a_run_ends_with_what_it_says_and_nothing_else(self, flow: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "kedge.cli", "run", str(flow)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0
        assert [line.partition(" in ")[0] for line in done.stderr.splitlines()] == ["done"]

    @pytest.mark.parametrize("command", ["run", "check"])
    def test_no_parser_of_options_is_loaded_where_there_are_none(self, command: str, flow: Path) -> None:
        assert loaded(["typer", "pydantic", "kedge.cli.flow_calls"], command, str(flow)) == {"kedge.cli.flow_calls"}

    def test_a_command_loads_no_other(self, flow: Path) -> None:
        modules = [f"kedge.cli.{place.module}" for place in COMMANDS.values()]
        found = loaded(modules, "check", str(flow), "--set", "User.X=1")
        assert found == {"kedge.cli.app", "kedge.cli.flow"}

    @pytest.mark.parametrize("options", [(), ("--memory", "512")])
    def test_what_is_loaded_before_the_engine_is_searched_for_garbage_no_more(
        self, options: tuple[str, ...], flow: Path
    ) -> None:
        code = "import gc, sys\nfrom kedge.cli import main\ntry: main()\nfinally: print(gc.get_freeze_count() > 20_000)"
        command = [sys.executable, "-c", code, "run", str(flow), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "True"
        assert "leak" not in done.stderr

    def test_a_process_with_other_work_keeps_its_garbage_in_search(self, flow: Path) -> None:
        before = gc.get_freeze_count()
        assert CliRunner().invoke(app, ["run", str(flow)]).exit_code == 0
        assert gc.get_freeze_count() == before

    @pytest.mark.parametrize("command", ["run", "check"])
    def test_a_name_that_is_too_long_is_a_wrong_call(self, command: str) -> None:
        arguments = [sys.executable, "-m", "kedge.cli", command, "x" * 300]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr

    def test_a_file_that_is_not_there_is_a_wrong_call(self, tmp_path: Path) -> None:
        missing = tmp_path / "none.yxmd"
        command = [sys.executable, "-m", "kedge.cli", "run", str(missing)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 2
        assert b"none.yxmd" in done.stderr


class TestCommands:
    """All commands are built when they are listed."""

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_has_help(self, name: str) -> None:
        result = CliRunner().invoke(app, [name, "--help"])
        assert (result.exit_code, f"kedge {name} " in result.output) == (0, True)

    def test_the_list_leaves_out_old_verbs(self) -> None:
        listed = CliRunner().invoke(app, ["--help"]).output
        shown = [name for name in COMMANDS if f"│ {name} " in listed]
        assert shown == [name for name, place in COMMANDS.items() if not place.hidden]

    def test_an_unknown_name_is_answered_with_a_near_one(self) -> None:
        result = CliRunner().invoke(app, ["chekc"])
        assert result.exit_code == 2
        assert "check" in result.output
