"""Migrated tools do what the V1 tools did; what cannot be decided is said."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pytest

import kedge
from kedge.compat.alias import AliasFinder, install
from kedge.compat.names import ROOTS
from kedge.exceptions import UsageError
from kedge.loading import load_tool, parse_tool_name
from kedge.sdk.plugin import PluginV2
from kedge.workspace.migrate import FileMigration, Outcome, migrate
from tests.realworld.cases import FOLDER, V1_CASES, Case


@pytest.fixture(autouse=True)
def imports_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tools are loaded into this process: take each away again."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)])
    install()
    before = set(sys.modules)
    tools = {"tool", "old_tool", *(path.stem for path in FOLDER.glob("v1/*.py"))}
    yield
    for name in set(sys.modules) - before:
        if name in tools or name.partition(".")[0] in ROOTS:
            del sys.modules[name]


def migrated(folder: Path, source: str) -> FileMigration:
    """The migration of one file of this source."""
    file = folder / "tool.py"
    file.write_text(dedent(source))
    (result,) = migrate(file, write=True).files
    ast.parse(file.read_text())
    return result


def tool(on_packet: str = "pass", on_complete: str = "pass", init: str = "pass", opened: str = "pass") -> str:
    """A V1 tool of these bodies (single statements or several, separated by semicolons)."""
    return f"""
from ayx_python_sdk.core import Plugin, RecordPacket
class Tool(Plugin):
    def __init__(self, provider):
        self.provider = provider
        self.output = provider.get_output_anchor("Output")
        self.input = provider.get_input_anchor("Input")
        {init}
    def on_input_connection_opened(self, connection):
        {opened}
    def on_record_packet(self, connection):
        {on_packet}
    def on_complete(self):
        {on_complete}
"""


class TestSameOutput:
    @pytest.mark.parametrize("case", V1_CASES, ids=str)
    def test_as_the_v1_tool(self, case: Case, tmp_path: Path) -> None:
        file = tmp_path / Path(case.file).name
        file.write_bytes((FOLDER / case.file).read_bytes())
        (result,) = migrate(file, write=True).files
        assert result.outcome is Outcome.MIGRATED
        target = f"{file}:{case.tool}"
        assert issubclass(load_tool(parse_tool_name(target)), PluginV2)
        assert "Plugin):" not in file.read_text()
        run = kedge.run_tool(target, case.inputs, config=case.config, outputs=case.outputs, in_process=True)
        assert run.errors == ()
        assert {anchor: table.to_pydict() for anchor, table in run.outputs.items()} == case.columns
        assert [message.text for message in run.messages] == case.messages

    def test_a_migrated_file_is_v2_and_stays_as_it_is(self, tmp_path: Path) -> None:
        file = tmp_path / "tool.py"
        file.write_bytes((FOLDER / "v1/price_with_tax.py").read_bytes())
        migrate(file, write=True)
        text = file.read_text()
        (again,) = migrate(file, write=True).files
        assert (again.outcome, again.changes, file.read_text()) == (Outcome.ALREADY_V2, False, text)


class TestRewriting:
    def test_comments_and_formatting_stay(self, tmp_path: Path) -> None:
        after = migrated(tmp_path, (FOLDER / "v1/price_with_tax.py").read_text()).after
        assert "# per cent" in after
        assert "        # what came in goes out, with one column more\n" in after
        assert '    """Multiplies the column Price."""' in after

    def test_the_older_root_becomes_the_newer(self, tmp_path: Path) -> None:
        assert "ayx_plugin_sdk" not in migrated(tmp_path, (FOLDER / "v1/optional_seed.py").read_text()).after

    def test_other_classes_are_left_alone(self, tmp_path: Path) -> None:
        other = "class Other:\n    def on_record_packet(self, connection):\n        return connection.read()\n"
        assert other in migrated(tmp_path, tool() + other).after

    def test_a_base_by_way_of_its_module(self, tmp_path: Path) -> None:
        source = tool().replace("import Plugin, RecordPacket", "import plugin").replace("(Plugin)", "(plugin.Plugin)")
        after = migrated(tmp_path, source.replace("core import plugin", "core import plugin")).after
        assert "class Tool(plugin.PluginV2)" in after or "class Tool(PluginV2)" in after

    def test_an_anchor_that_is_never_kept(self, tmp_path: Path) -> None:
        body = "self.provider.get_output_anchor('Other').write(RecordPacket(self.fields, frame))"
        after = migrated(tmp_path, tool(on_complete=body)).after
        columns = "columns=[field.name for field in self.fields], preserve_index=False"
        assert f"self.provider.write_to_anchor('Other', pa.Table.from_pandas(frame, {columns}))" in after

    def test_connections_are_asked_as_a_dict(self, tmp_path: Path) -> None:
        after = migrated(tmp_path, tool(on_complete="print(len(self.input.connections), not self.input.connections)"))
        assert "print(len(self.input), not self.input)" in after.after
        assert after.remarks == ()

    def test_names_within_an_f_string_are_quoted_the_other_way(self, tmp_path: Path) -> None:
        after = migrated(tmp_path, tool(on_complete='print(f"{self.output.num_connections} {self.output.name}")')).after
        assert """print(f"{self.output['num_connections']} {'Output'}")""" in after

    def test_a_tool_that_does_not_keep_its_provider(self, tmp_path: Path) -> None:
        source = tool(on_complete="self.output.close()").replace("self.provider = provider", "pass")
        after = migrated(tmp_path, source).after
        assert "self.provider = provider\n" in after
        assert 'self.provider.close_outgoing_anchor("Output")' in after

    def test_line_ends_and_encoding_stay(self, tmp_path: Path) -> None:
        file = tmp_path / "tool.py"
        text = "# -*- coding: latin-1 -*-\n# für alle\n" + tool()
        file.write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
        migrate(file, write=True)
        written = file.read_bytes()
        assert "für alle\r\n".encode("latin-1") in written
        assert b"PluginV2" in written
        assert b"\n" not in written.replace(b"\r\n", b"")


INHERITING = """
from ayx_plugin_sdk.core import Plugin, RecordPacket
class Base(Plugin):
    def __init__(self, provider): self.provider = provider; self.output = provider.get_output_anchor("Output")
    def on_input_connection_opened(self, c): self.fields = c.metadata; self.output.open(c.metadata)
    def on_record_packet(self, c): self.output.write(c.read())
    def on_complete(self): self.output.flush(); self.output.close()  # both
class Counting(Base):
    def __init__(self, provider):
        self.rows = 0
        super().__init__(provider)
    def on_input_connection_opened(self, connection):
        super().on_input_connection_opened(connection)
        self.provider.io.info(f"{connection.name} of {connection.anchor.name}")
    def on_record_packet(self, connection):
        df = connection.read().to_dataframe()
        self.rows += len(df)
        self.output.write(RecordPacket.from_dataframe(connection.metadata, df))
class Saying(Counting):
    def on_complete(self):
        self.provider.io.info(f"{self.rows} rows")
        super().on_complete()
"""


class TestInheritance:
    """A tool may derive from another of its module."""

    @pytest.mark.parametrize("name", ["Base", "Counting", "Saying"])
    def test_each_does_what_it_did(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "old_tool.py").write_text(INHERITING)
        result = migrated(tmp_path, INHERITING)
        assert "on_record_packet" not in result.after
        outcomes = []
        for file in ("old_tool.py", "tool.py"):
            run = kedge.run_tool(f"{tmp_path / file}:{name}", {"Input": pa.table({"n": [1, None]})}, in_process=True)
            assert run.ok, run.errors
            outcomes.append((run.outputs["Output"].to_pydict(), [message.text for message in run.messages]))
        assert outcomes[0] == outcomes[1]
        assert outcomes[0][0] == {"n": [1, None]}

    def test_what_comes_before_the_base_is_to_be_looked_at(self, tmp_path: Path) -> None:
        (remark,) = migrated(tmp_path, INHERITING).remarks
        assert "must be there before super().__init__" in remark.text

    def test_a_body_behind_the_colon_keeps_its_comment(self, tmp_path: Path) -> None:
        after = migrated(tmp_path, INHERITING).after
        assert 'def on_complete(self):\n        self.provider.close_outgoing_anchor("Output")  # both\n' in after


class TestLeftToDecide:
    @pytest.mark.parametrize(
        ("source", "remark"),
        [
            (tool(opened="connection.max_packet_size = 100"), "V2 has no packet size"),
            (tool(on_complete="x = self.provider.dcm.get_connection('a')"), "takes a callback in V2"),
            (tool(on_complete="helper(self.output)"), "an anchor is a dict now"),
            (tool(init="self.all = [provider.get_output_anchor(n) for n in 'ab']"), "an anchor is a dict now"),
            (tool(on_complete="print(self.output.allow_multiple)"), "an anchor is a dict now"),
            (tool(on_complete="self.on_record_packet(None)"), "is called on_record_batch(batch, anchor) now"),
            (tool(on_complete="x = RecordPacket(*made())"), "V2 has no packets"),
            (
                tool(on_packet="p = connection.read(); df = p.to_dataframe()\n        self.output.write(p)"),
                "in V1 the frame of a packet was the packet's own",
            ),
            (
                tool(on_packet="while True: a = connection.read()"),
                "V2 has no connection objects",
            ),
            (tool(on_packet="self.helper(connection)"), "V2 has no connection objects"),
            (
                tool().replace("(self, connection):\n        pass", "(self, c): self.kept = c", 1),
                "V2 has no connection objects",
            ),
        ],
    )
    def test_gets_a_comment_and_is_listed(self, source: str, remark: str, tmp_path: Path) -> None:
        result = migrated(tmp_path, source)
        (found,) = [left for left in result.remarks if remark in left.text]
        line = result.after.splitlines()[found.line - 1]
        assert line.strip() == f"# TODO(kedge migrate): {found.text}"

    def test_the_report_names_file_and_line(self, tmp_path: Path) -> None:
        file = tmp_path / "tool.py"
        file.write_text(tool(opened="connection.max_packet_size = 100"))
        report = migrate(file).lines()
        assert report[0] == f"{file}: V1, rewritten for V2"
        assert report[1] == "1 left for you to decide:"
        assert report[2].startswith(f"{file}:")
        assert report[2].endswith("was: connection.max_packet_size = 100")


class TestFiles:
    def test_nothing_is_written_unless_asked_for(self, tmp_path: Path) -> None:
        file = tmp_path / "tool.py"
        file.write_text(tool())
        result = migrate(file)
        assert file.read_text() == tool()
        assert "-class Tool(Plugin):" in result.diff()
        assert "+class Tool(PluginV2):" in result.diff()
        assert not result.written

    def test_a_folder_with_a_mixture(self, tmp_path: Path) -> None:
        sources = {
            "old.py": tool(),
            "sub/new.py": "from ayx_python_sdk.core import PluginV2\nclass New(PluginV2): ...\n",
            "broken.py": "def f(:\n",
            "helpers.py": "X = 1\n",
            "latin.py": "# für\n",
            ".venv/hidden.py": tool(),
            "env/installed.py": tool(),
            "notes.txt": "no Python",
        }
        for name, source in sources.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(source.encode("latin-1"))
        (tmp_path / "env" / "pyvenv.cfg").touch()
        result = migrate(tmp_path, write=True)
        assert {str(file.path.relative_to(tmp_path)): file.outcome for file in result.files} == {
            "broken.py": Outcome.UNREADABLE,
            "helpers.py": Outcome.NO_TOOL,
            "latin.py": Outcome.UNREADABLE,
            "old.py": Outcome.MIGRATED,
            str(Path("sub/new.py")): Outcome.ALREADY_V2,
        }
        report = "\n".join(result.lines())
        assert f"{tmp_path / 'broken.py'}:1:" in report
        assert f"{tmp_path / 'sub' / 'new.py'}: V2 already, unchanged" in report
        assert "helpers.py" not in report
        assert (tmp_path / "broken.py").read_text() == sources["broken.py"]
        assert "PluginV2" in (tmp_path / "old.py").read_text()
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.endswith(".migrating")) == []

    @pytest.mark.parametrize(("name", "message"), [("gone.py", "there is no file or folder"), ("a.txt", "no Python")])
    def test_what_cannot_be_migrated(self, name: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch()
        with pytest.raises(UsageError, match=message):
            migrate(tmp_path / name)

    def test_libcst_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "libcst", None)
        with pytest.raises(UsageError, match=r"needs the package 'libcst'.*pip install 'kedge\[migrate\]'"):
            migrate(tmp_path)


ENGINE_TOOL = '''\
"""Doubles a column."""
import xml.etree.ElementTree as Et
import AlteryxPythonSDK as Sdk


class AyxPlugin:
    def __init__(self, n_tool_id: int, alteryx_engine: object, output_anchor_mgr: object):
        self.n_tool_id = n_tool_id
        self.output_anchor_mgr = output_anchor_mgr

    def pi_init(self, str_xml: str):
        self.column = Et.fromstring(str_xml).find('ColumnName').text
        self.output_anchor = self.output_anchor_mgr.get_output_anchor('Doubled')

    def pi_add_incoming_connection(self, str_type: str, str_name: str) -> object:
        return IncomingInterface(self)

    def pi_add_outgoing_connection(self, str_name: str) -> bool:
        return True

    def pi_push_all_records(self, n_record_limit: int) -> bool:
        return False

    def pi_close(self, b_has_errors: bool):
        self.output_anchor.assert_close()


class IncomingInterface:
    def __init__(self, parent: object):
        self.parent = parent

    def ii_init(self, record_info_in: object) -> bool:
        return True

    def ii_push_record(self, in_record: object) -> bool:
        # twice as much
        return True

    def ii_update_progress(self, d_percent: float):
        pass

    def ii_close(self):
        self.parent.output_anchor.close()
'''


class TestEngineSdk:
    def test_it_is_recognised_and_its_callbacks_are_mapped(self, tmp_path: Path) -> None:
        result = migrated(tmp_path, ENGINE_TOOL)
        assert result.outcome is Outcome.SKELETON
        mapped = {note.partition(":")[0] for note in result.notes}
        assert mapped == {
            "AyxPlugin.pi_init (line 11) -> __init__",
            "AyxPlugin.pi_add_incoming_connection (line 15) -> __init__",
            "AyxPlugin.pi_add_outgoing_connection (line 18) -> __init__",
            "AyxPlugin.pi_push_all_records (line 21) -> on_complete",
            "AyxPlugin.pi_close (line 24) -> on_complete",
            "IncomingInterface.ii_init (line 32) -> __init__",
            "IncomingInterface.ii_push_record (line 35) -> on_record_batch",
            "IncomingInterface.ii_update_progress (line 39) -> on_record_batch",
            "IncomingInterface.ii_close (line 42) -> on_incoming_connection_complete",
        }

    def test_the_skeleton_stands_beside_it_and_runs(self, tmp_path: Path) -> None:
        result = migrated(tmp_path, ENGINE_TOOL)
        assert (tmp_path / "tool.py").read_text() == ENGINE_TOOL
        assert result.target == tmp_path / "tool_v2.py"
        skeleton = load_tool(parse_tool_name(f"{result.target}:AyxPlugin"))
        assert issubclass(skeleton, PluginV2)
        sys.modules.pop("tool_v2")
        run = kedge.run_tool(f"{result.target}:AyxPlugin", outputs=["Doubled"], in_process=True)
        assert run.errors == ()
        sys.modules.pop("tool_v2")

    def test_old_bodies_are_comments_in_the_right_callback(self, tmp_path: Path) -> None:
        after = migrated(tmp_path, ENGINE_TOOL).after
        callbacks = {node.name: node for node in ast.walk(ast.parse(after)) if isinstance(node, ast.FunctionDef)}
        lines = after.splitlines()
        ends = [*(node.lineno - 1 for node in callbacks.values()), len(lines)][1:]
        bodies = {n: "\n".join(lines[c.lineno - 1 : e]) for (n, c), e in zip(callbacks.items(), ends, strict=True)}
        assert "#     # twice as much" in bodies["on_record_batch"]
        assert "self.output_anchor.assert_close()" in bodies["on_complete"]
        assert "the configuration was asked for ColumnName" in bodies["__init__"]
        assert "push_outgoing_metadata('Doubled', create_schema({}))" in bodies["__init__"]
        assert "self.parent.output_anchor.close()" in bodies["on_incoming_connection_complete"]

    def test_a_skeleton_that_is_there_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "tool_v2.py").write_text("mine")
        result = migrated(tmp_path, ENGINE_TOOL)
        assert (tmp_path / "tool_v2.py").read_text() == "mine"
        assert "is there already" in result.notes[-1]
