"""What the session gives to and keeps from every test."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


class TestNetwork:
    def test_an_address_beyond_loopback_is_refused(self) -> None:
        """The refusal also warns, and here a warning is an error."""
        with (
            socket.socket() as client,
            pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"),
        ):
            client.connect(("192.0.2.1", 9))

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
    def test_loopback_is_open(self, host: str) -> None:
        with socket.socket() as server, socket.socket() as client:
            server.bind((host, 0))
            server.listen()
            client.connect((host, server.getsockname()[1]))


class TestCorpus:
    def test_without_the_folder_the_tests_that_use_it_are_skipped_with_the_reason(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEDGE_CORPUS", "/no/such/folder")
        pytester.makeconftest("from tests.conftest import corpus")
        pytester.makepyfile("def test_reads(corpus): raise AssertionError")
        result = pytester.runpytest_inprocess("-rs")
        result.assert_outcomes(skipped=1)
        result.stdout.fnmatch_lines(["*no corpus of workflows: /no/such/folder is not there*"])
