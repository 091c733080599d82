"""Whole runs over mutual TLS, and what is said where one end does not trust the other."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from unittest.mock import patch

import pyarrow as pa
import pytest

from kedge import ToolStartError
from kedge.host import out_of_process
from kedge.host.run_tool import TableSink
from kedge.host.target import ToolTarget, resolve_target
from kedge.host.tool_call import ToolCall
from tests.behaviour.adapters import Served
from tests.faults.processes import TOOLS, posix_only
from tests.service.test_strangers import SCRIPT, Authority, certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = posix_only

LAST_YEAR = datetime.now(timezone.utc) - timedelta(days=365)
TABLE = pa.table({"x": range(10_000)})
SERVES_BY_ITSELF = ("env", "-u", "KEDGE_ADDRESS", "-u", "KEDGE_TOKEN", "TOOL_SERVICE_ADDRESS=localhost:0")
"""A tool process that knows nothing of a host of Kedge: it listens on a port, by TLS where that is set up."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "other")


def test_a_run_over_tls_is_a_run_like_others(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in authority.files("host").items():
        monkeypatch.setenv(name, value)
    command = (*SERVES_BY_ITSELF, sys.executable, "-m", "kedge.service", "start-sdk-tool-service", str(TOOLS), "Copy")
    sink = TableSink()
    result = ToolCall(ToolTarget("Copy", command, authority.files("tool")), {"Input": TABLE}).run(lambda _anchor: sink)
    assert result.ok
    assert sink.table.equals(TABLE)


class TestRefusal:
    """The process says where it serves; what answers there is a server of this process, with other certificates."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(out_of_process, "_UNANSWERED_FOR", 0.0)
        monkeypatch.setattr(out_of_process, "_LEAVES_WITHIN", 0.05)

    @pytest.fixture
    def tool(self, request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Iterator[int]:
        """The port of a tool with a certificate."""
        expired = LAST_YEAR if request.param == "expired" else None
        tls = None if request.param == "none" else certificates(authority.files("tool", expired))
        served = Served(SCRIPT, tmp_path, address="localhost:0", certificates=tls)
        yield served.port
        served.service._give_up_waiting()
        assert served.join()

    def refused(self, port: int, environment: dict[str, str]) -> str:
        call = ToolCall(resolve_target(("sh", "-c", f"echo ListenPort: {port}; exec sleep 60")))
        with patch.dict(os.environ, environment), pytest.raises(ToolStartError) as caught:
            call.run(lambda _anchor: TableSink())
        return str(caught.value)

    @pytest.mark.parametrize("tool", ["ours"], indirect=True)
    def test_of_a_host_without_a_certificate_says_which_variables_name_one(self, tool: int) -> None:
        said = self.refused(tool, {})
        assert "takes no plain connection: if it speaks TLS, name certificates in KEDGE_TLS_CERT, KEDGE_TLS_KEY" in said

    @pytest.mark.parametrize("tool", ["ours"], indirect=True)
    @pytest.mark.parametrize("reason", ["another authority", "expired"])
    def test_of_the_hosts_certificate_names_it(
        self, tool: int, authority: Authority, stranger: Authority, reason: str
    ) -> None:
        ours = authority.files("host", LAST_YEAR if reason == "expired" else None)
        mine = ours if reason == "expired" else {**stranger.files("host"), "KEDGE_TLS_CA": ours["KEDGE_TLS_CA"]}
        said = self.refused(tool, mine)
        assert said.startswith(f"localhost:{tool} does not take the certificate in KEDGE_TLS_CERT: it has to be valid")
        assert "signed by the authority in the KEDGE_TLS_CA of the tool process" in said

    @pytest.mark.parametrize("tool", ["ours"], indirect=True)
    def test_of_a_tool_of_another_authority_names_the_hosts_own(self, tool: int, stranger: Authority) -> None:
        said = self.refused(tool, stranger.files("host"))
        assert "the certificate of localhost" in said
        assert "is not to be trusted (" in said
        assert "signed by the authority in KEDGE_TLS_CA" in said

    @pytest.mark.parametrize("tool", ["expired"], indirect=True)
    def test_of_a_tool_whose_certificate_is_too_old_says_so(self, tool: int, authority: Authority) -> None:
        assert "is not to be trusted (certificate has expired)" in self.refused(tool, authority.files("host"))

    @pytest.mark.parametrize("tool", ["none"], indirect=True)
    def test_of_a_tool_without_tls_says_where_it_is_set_up(self, tool: int, authority: Authority) -> None:
        said = self.refused(tool, authority.files("host"))
        assert "does not speak TLS" in said
        assert "set KEDGE_TLS_… for the tool process, too" in said
