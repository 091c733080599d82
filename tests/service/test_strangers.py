"""Who may call a tool process: whoever started it, and nobody else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import psutil
import pytest
import trustme

from kedge import UsageError
from kedge.host.process import ToolProcess
from kedge.service.settings import ServiceSettings
from kedge.wire.record_socket import RecordListener
from kedge.wire.transport_security import Certificates
from tests.behaviour import tools
from tests.behaviour.adapters import RawStreams, Script, Served, raw_initialization
from tests.faults.processes import TOOLS, posix_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

COMMAND = (sys.executable, "-m", "kedge.service", "start-sdk-tool-service", str(TOOLS), "Copy")
SCRIPT = Script(tools.Source)
SOCKETS = """
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
    except PermissionError:
        print("refused", path)
    else:
        print("reached", path)
"""
"""Says of each path whether this user reaches it."""
NOBODY = 65534
as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def process() -> Iterator[ToolProcess]:
    with ToolProcess(COMMAND, patience=0.2) as process:
        process.start()
        yield process
        process.kill()


@posix_only
class TestSocket:
    def test_lies_in_a_folder_for_this_user_alone(self, process: ToolProcess) -> None:
        for folder in (process.run_directory, process.shared_folder):
            assert folder is not None
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.stat().st_uid == os.geteuid()

    @as_root
    @pytest.mark.skipif(sys.platform != "linux", reason="it becomes nobody")
    def test_another_user_cannot_reach_it(self, process: ToolProcess) -> None:
        assert process.run_directory is not None
        listener = RecordListener(process.run_directory / "records.sock", process.token)
        sockets = process.address.removeprefix("unix:"), str(listener.path)
        arguments = [sys.executable, "-I", "-S", "-c", SOCKETS, *sockets]
        options: Any = {"capture_output": True, "check": False, "cwd": "/", "env": {}, "text": True}
        mine = subprocess.run(arguments, **options)
        assert mine.stdout.splitlines() == [f"reached {path}" for path in sockets], mine.stderr
        theirs = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", *arguments], **options)
        listener.close()
        if "setpriv" in theirs.stderr or "libpython" in theirs.stderr:
            pytest.skip(f"nobody cannot run this interpreter: {theirs.stderr}")
        assert theirs.stdout.splitlines() == [f"refused {path}" for path in sockets], theirs.stderr

    def test_is_all_that_is_opened(self, process: ToolProcess) -> None:
        """Nothing listens on a port, so a client over TCP finds nobody."""
        assert process.address.startswith("unix:")
        assert process._process is not None
        assert psutil.Process(process._process.pid).net_connections("inet") == []

    def test_a_caller_without_the_token_is_refused(self, process: ToolProcess) -> None:
        with grpc.insecure_channel(process.address) as channel:
            streams = RawStreams(channel)
            with pytest.raises(grpc.RpcError) as caught:
                next(streams.control_in)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            streams.end_control()
            streams.end_records()

    @pytest.mark.parametrize("kind", ["open to others", "a link", "of another user"])
    def test_a_folder_that_was_made_before_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        folder, made = tmp_path / "run", tmp_path / "made"
        made.mkdir(mode=0o700)
        if kind == "a link":
            folder.symlink_to(made)
        else:
            made.rename(folder)
            folder.chmod(0o755 if kind == "open to others" else 0o700)
        if kind == "of another user":
            if os.geteuid() != 0:
                pytest.skip("only root gives a folder away")
            os.chown(folder, NOBODY, NOBODY)
        monkeypatch.setenv("KEDGE_ADDRESS", f"unix:{folder / 'tool.sock'}")
        with pytest.raises(UsageError, match="is not a folder of this user alone"):
            ServiceSettings.from_environment()


class TestAddress:
    @pytest.mark.parametrize(
        "address", ["0.0.0.0:0", "192.168.1.5:80", "[::]:0", "localhost.example.org:1", "127.0.0.1.example.org:1"]
    )
    def test_beyond_loopback_wants_tls_or_a_clear_word(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        monkeypatch.setenv("TOOL_SERVICE_ADDRESS", address)
        with pytest.raises(UsageError, match=r"no loopback address: .*KEDGE_TLS_CERT.*KEDGE_INSECURE=1"):
            ServiceSettings.from_environment()
        monkeypatch.setenv("KEDGE_INSECURE", "1")
        assert ServiceSettings.from_environment().address == address

    @pytest.mark.parametrize("address", ["localhost:0", "127.0.0.1:5000", "127.3.2.1:0", "[::1]:0"])
    def test_on_loopback_wants_nothing(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        monkeypatch.setenv("TOOL_SERVICE_ADDRESS", address)
        assert ServiceSettings.from_environment().certificates is None


class Authority:
    """An authority, and the files that an end of its has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authority = trustme.CA()

    def files(self, name: str, not_after: datetime | None = None) -> dict[str, str]:
        """The environment of one end, whose certificate is for ``localhost``."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        issued = self._authority.issue_cert("localhost", not_after=not_after)
        issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        self._authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        parts = {"CERT": "cert", "KEY": "key", "CA": "ca"}
        return {f"KEDGE_TLS_{part}": str(folder / f"{file}.pem") for part, file in parts.items()}


def certificates(environment: dict[str, str]) -> Certificates:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        found = Certificates.from_environment()
    assert found is not None
    return found


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    def served(self, authority: Authority, tmp_path: Path) -> Iterator[Served]:
        served = Served(SCRIPT, tmp_path, address="localhost:0", certificates=certificates(authority.files("tool")))
        yield served
        served.service._give_up_waiting()
        assert served.join()

    def speak(self, channel: grpc.Channel) -> Any:
        """What a raw engine hears first; an error within a second where nobody lets it in."""
        grpc.channel_ready_future(channel).result(1)
        streams = RawStreams(channel)
        streams.control(plugin_initialization_data=raw_initialization(SCRIPT))
        streams.control(notify_complete={})
        streams.end_records()
        outcome = streams.read_all()
        streams.end_control()
        return outcome

    def test_lets_in_an_engine_of_the_same_authority(self, served: Served, authority: Authority) -> None:
        engine = certificates(authority.files("engine"))
        with grpc.secure_channel(f"localhost:{served.port}", engine.client()) as channel:
            assert self.speak(channel).rows

    @pytest.mark.parametrize("stranger", ["no certificate", "another authority", "no tls"])
    def test_lets_nobody_else_in(self, served: Served, authority: Authority, tmp_path: Path, stranger: str) -> None:
        address = f"localhost:{served.port}"
        if stranger == "no tls":
            channel = grpc.insecure_channel(address)
        elif stranger == "no certificate":
            root = certificates(authority.files("engine")).authority
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(root))
        else:
            (tmp_path / "other").mkdir()
            other = certificates(Authority(tmp_path / "other").files("engine"))
            mixed = other._replace(authority=certificates(authority.files("engine")).authority)
            channel = grpc.secure_channel(address, mixed.client())
        with channel, pytest.raises((grpc.FutureTimeoutError, grpc.RpcError)):
            self.speak(channel)

    def test_wants_all_three_files(self, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_TLS_CERT", authority.files("tool")["KEDGE_TLS_CERT"])
        with pytest.raises(UsageError, match="belong together; KEDGE_TLS_KEY and KEDGE_TLS_CA are not set"):
            Certificates.from_environment()

    def test_names_a_file_that_cannot_be_read(self, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in authority.files("tool"):
            monkeypatch.setenv(name, str(Path(tempfile.gettempdir(), "none.pem")))
        with pytest.raises(UsageError, match=r"KEDGE_TLS_CERT='.*none\.pem' cannot be read: No such file"):
            Certificates.from_environment()

    def test_keeps_the_key_out_of_logs(self, authority: Authority) -> None:
        assert repr(certificates(authority.files("tool"))) == "<Certificates>"
