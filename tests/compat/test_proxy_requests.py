"""HTTP through the engine's proxy."""

import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from kedge.compat.proxy_requests import create_proxied_session

CREDENTIALS = {
    "ProxyRequiresCredentials": "True",
    "ProxyCommonUserName": "domain\\user",
    "ProxyCommonPassword": "p@ss:word",
}


class Proxy(HTTPServer):
    """Answers every request itself, and keeps what it was asked for and by whom."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), ProxyHandler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    server = Proxy()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://{server.address}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def provider(configuration: dict[str, str]) -> Any:
    return SimpleNamespace(environment=SimpleNamespace(proxy_configuration=configuration))


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_engines_user_is_named_to_the_proxy(proxy: Proxy) -> None:
    with create_proxied_session(provider(CREDENTIALS)) as session:
        assert session.get("http://somewhere.test/a").status_code == 200
    assert proxy.seen == [("http://somewhere.test/a", basic("domain\\user", "p@ss:word"))]


@pytest.mark.parametrize(
    ("configuration", "use"),
    [({}, True), ({**CREDENTIALS, "ProxyRequiresCredentials": "False"}, True), (CREDENTIALS, False)],
)
def test_nobody_is_named_where_nobody_must_be(proxy: Proxy, configuration: dict[str, str], use: bool) -> None:
    with create_proxied_session(provider(configuration), use_engine_credentials=use) as session:
        session.get("http://somewhere.test/b")
    assert proxy.seen == [("http://somewhere.test/b", None)]


def test_an_address_with_a_user_of_its_own_keeps_it(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:mine@{proxy.address}")
    with create_proxied_session(provider(CREDENTIALS)) as session:
        session.get("http://somewhere.test/c")
    assert proxy.seen == [("http://somewhere.test/c", basic("me", "mine"))]


def test_hosts_that_want_no_proxy_are_asked_directly(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with create_proxied_session(provider(CREDENTIALS)) as session:
        session.get(f"http://{proxy.address}/d")
    assert proxy.seen == [("/d", None)]


def test_requests_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    monkeypatch.delitem(sys.modules, "kedge.compat.proxied_session", raising=False)
    with pytest.raises(ImportError, match="needs the package 'requests', which this Python has not: pip install"):
        create_proxied_session(provider({}))
