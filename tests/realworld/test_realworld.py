"""Tools in the shapes that people publish, unmodified, over the real process and in this one."""

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

import kedge
from kedge.compat.alias import AliasFinder
from kedge.compat.names import ROOTS
from kedge.host.collector import Observer
from kedge.host.dcm_store import DcmStore
from kedge.host.engine_services import LocalEngineServices
from kedge.host.results import ToolResult
from kedge.sdk.constants import MessageType
from kedge.sdk.schemas import get_metadata
from tests.realworld.cases import FOLDER, V1_CASES, V2_CASES, Case, all_types


@pytest.fixture(autouse=True)
def imports_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tools of equal file names are loaded into this process: take each away again."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)])
    before = set(sys.modules)
    yield
    tools = {path.stem for path in FOLDER.glob("v*/*.py")}
    for name in set(sys.modules) - before:
        if name in tools or name.partition(".")[0] in ROOTS:
            del sys.modules[name]


@pytest.fixture(params=[True, False], ids=["in process", "own process"])
def in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def texts(result: ToolResult) -> list[str]:
    return [message.text for message in result.messages if message.kind is not MessageType.UPDATE_CONFIG]


@pytest.mark.parametrize("case", [*V1_CASES, *V2_CASES], ids=str)
def test_output_and_messages(case: Case, in_process: bool) -> None:
    result = kedge.run_tool(case.target, case.inputs, config=case.config, outputs=case.outputs, in_process=in_process)
    assert result.ok, result.errors
    assert {anchor: table.to_pydict() for anchor, table in result.outputs.items()} == case.columns
    assert sorted(texts(result)) == sorted(case.messages)  # nothing orders the connections of several anchors


@pytest.mark.parametrize("case", [case for case in V1_CASES if case.inputs], ids=str)
def test_v1_tools_announce_their_output_in_an_update_only_run(case: Case) -> None:
    result = kedge.run_tool(
        case.target, case.inputs, config=case.config, outputs=case.outputs, in_process=True, update_only=True
    )
    if case.inputs["Input"] != []:
        assert {anchor: [f.name for f in fields] for anchor, fields in result.metadata.items()} == {
            anchor: list(columns) for anchor, columns in case.columns.items()
        }
    assert not any(table.num_rows for table in result.outputs.values())


@pytest.mark.parametrize(("file", "change"), [("v1", False), ("v2", True)])
def test_fields_keep_their_metadata(file: str, change: bool, in_process: bool) -> None:
    result = kedge.run_tool(f"{FOLDER / file}/every_type.py:EveryType", {"Input": all_types()}, in_process=in_process)
    before, after = get_metadata(all_types()), get_metadata(result.outputs["Output"])
    for name, described in before.items():
        if change:
            described["ayx.description"] = f"{name}, {described['ayx.size']}"
        assert after[name] == described


class Pages(BaseHTTPRequestHandler):
    """A service of five items, some to a page, for those who know the key."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        size, start = int(query["size"][0]), int(query.get("start", ["0"])[0])
        items = [{"Id": number, "Name": f"item {number}"} for number in range(5)][start : start + size]
        page: dict[str, Any] = {"items": items, "total": 5}
        if start + size < 5:
            page["next"] = f"http://{self.headers['Host']}/items?size={size}&start={start + size}"
        known = self.headers.get("X-Key") == "sesame"
        body = json.dumps(page).encode() if known else b"who are you?"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/items"
    server.shutdown()
    thread.join()
    server.server_close()


class TestPagedSource:
    def run(self, url: str, key: str, in_process: bool, **options: Any) -> ToolResult:
        config = {
            "Url": url,
            "Paging": {"Size": "2"},
            "Headers": {"Header": [{"@name": "X-Key", "#text": key}, {"@name": "X-Other", "#text": "1"}]},
        }
        target = f"{FOLDER / 'v2'}/paged_source.py:PagedSource"
        return kedge.run_tool(target, config=config, in_process=in_process, **options)

    def test_every_page(self, service: str, in_process: bool) -> None:
        result = self.run(service, "sesame", in_process)
        assert result.outputs["Output"].column("Id").to_pylist() == [0, 1, 2, 3, 4]
        assert texts(result) == ["page 1", "page 2", "page 3"]

    def test_a_refusal_is_an_error_without_a_traceback(self, service: str, in_process: bool) -> None:
        result = self.run(service, "wrong", in_process)
        assert result.errors == ("The service answered 401: who are you?",)

    def test_columns_are_known_without_the_service(self, in_process: bool) -> None:
        result = self.run("http://127.0.0.1:9/", "any", in_process, update_only=True)
        assert [(f.name, f.size, f.source) for f in result.metadata["Output"]] == [
            ("Id", 0, ""),
            ("Name", 200, "service"),
        ]


def test_records_arrive_in_a_database(tmp_path: Path, in_process: bool) -> None:
    file = tmp_path / "out.db"
    result = kedge.run_tool(
        f"{FOLDER / 'v2'}/database_output.py:DatabaseOutput",
        {"Input": pa.table({"Id": [1, None], "Name": ["a", "b"]})},
        config={"Database": str(file), "Table": "things"},
        outputs=(),
        in_process=in_process,
    )
    assert texts(result) == ["Input is complete", "2 records written to things"]
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT * FROM things").fetchall() == [(1, "a"), (None, "b")]
    connection.close()


class TestConnectionManager:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        file = tmp_path / "connections.json"
        secrets: dict[str, Any] = {"oauth-token": {"value": "old", "expiresOn": None, "parameters": {}}}
        credential = {"credRole": "main", "parameters": {"username": "ada"}, "secrets": secrets}
        file.write_text(json.dumps({"c1": {"dataSource": {}, "credentials": [credential], "username": "ada"}}))
        return file

    def run(self, tool: str, store: Path, connection: str, in_process: bool) -> ToolResult:
        services = LocalEngineServices(connections=DcmStore(store))
        config = {"ConnectionId": connection}
        return kedge.run_tool(f"{FOLDER}/{tool}", config=config, services=services, in_process=in_process)

    def test_a_new_secret_is_stored_under_a_lock(self, store: Path, in_process: bool) -> None:
        result = self.run("v2/token_rotation.py:TokenRotation", store, "c1", in_process)
        assert texts(result) == ["connected as ada", "stored", "complete"]
        secret = json.loads(store.read_text())["c1"]["credentials"][0]["secrets"]["oauth-token"]
        assert secret["value"] == "fresh-token"
        assert "lock" not in secret

    def test_a_connection_that_is_not_there(self, store: Path, in_process: bool) -> None:
        result = self.run("v2/token_rotation.py:TokenRotation", store, "c2", in_process)
        assert not result.ok
        assert result.errors[0].startswith("no connection: ")

    def test_v1_waits_for_its_answer(self, store: Path, in_process: bool) -> None:
        result = self.run("v1/secret_reader.py:SecretReader", store, "c1", in_process)
        assert result.outputs["Output"].to_pydict() == {"User": ["ada"]}
        refused = self.run("v1/secret_reader.py:SecretReader", store, "c2", in_process)
        assert refused.errors[0].startswith("no connection: ")


def test_messages_in_the_users_language(in_process: bool) -> None:
    lines: list[str] = []

    class Listener(Observer):
        def on_line(self, stream: str, line: str) -> None:
            lines.append(line)

    services = LocalEngineServices(
        {"de": {"Report": "Bericht", "{0} rows": "{0} Zeilen", "done": "fertig"}}, locale="de"
    )
    result = kedge.run_tool(
        f"{FOLDER / 'v2'}/translated_report.py:TranslatedReport",
        {"Input": pa.table({"a": [1, 2, 3]})},
        services=services,
        observer=Listener(),
        in_process=in_process,
    )
    assert texts(result) == ["Bericht: 3 Zeilen", "fertig"]
    if not in_process:
        assert "started 🚀" in lines


def test_progress_in_the_habits_of_tools() -> None:
    class Listener(Observer):
        def __init__(self) -> None:
            self.seen: list[float] = []

        def on_progress(self, fraction: float) -> None:
            self.seen.append(round(fraction, 3))

    listener = Listener()
    values = pa.table({"Value": [1]})
    kedge.run_tool(f"{FOLDER / 'v2'}/slow_finish.py:SlowFinish", {"Input": values}, observer=listener, in_process=True)
    assert listener.seen == [*(number / 20 for number in range(1, 21)), 1.0]


def test_threads_write_and_report(in_process: bool) -> None:
    target = f"{FOLDER / 'v2'}/threaded_fetch.py:ThreadedFetch"
    result = kedge.run_tool(target, {"Input": pa.table({"a": [1, 2]})}, in_process=in_process)
    numbers = result.outputs["Output"].column("Number").to_pylist()
    assert sorted(numbers) == sorted([2, *range(100, 140)] * 6)
    assert sorted(texts(result)) == sorted(["fetched 2", *(f"fetched {n}" for n in range(100, 140)), "all there"])
    assert texts(result)[-1] == "all there"
