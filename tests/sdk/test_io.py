"""Messages, progress, translation and passwords."""

from __future__ import annotations

import threading
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kedge.exceptions import EngineGone
from kedge.sdk.constants import MessageType, Priority
from kedge.sdk.io import AMPIOV2
from kedge.sdk.outlet import DecryptRequest, Message, PasswordAnswer, TranslatedMessage, TranslateRequest
from tests.sdk.recording_outlet import RecordingOutlet

if TYPE_CHECKING:
    from collections.abc import Callable


class Unspeakable:
    """An object whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def made(*answers: PasswordAnswer | TranslatedMessage) -> tuple[AMPIOV2, RecordingOutlet]:
    outlet = RecordingOutlet(lambda _: answers[0]) if answers else RecordingOutlet()
    return AMPIOV2(outlet), outlet


# What a tool says, and what the engine's user reads.
MESSAGES: list[tuple[tuple[object, ...], str]] = [
    (("plain",), "plain"),
    (("{} of {}", 1, 2), "1 of 2"),
    (("{1} {0}", "world", "hello"), "hello world"),
    (("{0:.2f}", 1.005), "1.00"),
    (("{}", None), "None"),
    (("config:", OrderedDict(a="1")), f"config: {OrderedDict(a='1')}"),
    (("text", {"a": 1}), "text {'a': 1}"),
    (("text", "a", 2, None), "text a 2 None"),
    (('{"json": [1]}',), '{"json": [1]}'),
    (('{"json": [1]}', "more"), '{"json": [1]} more'),
    (("{named}", "positional"), "{named} positional"),
    (("{} {}", "too few"), "{} {} too few"),
    (("{", "unbalanced"), "{ unbalanced"),
    (("}", "unbalanced"), "} unbalanced"),
    (("100 % {", 3), "100 % { 3"),
    (("{0.missing}", 3), "{0.missing} 3"),
    (("{0:d}", "no number"), "{0:d} no number"),
    (("{{}}", "escaped"), "{} escaped"),
    (("{{{}}}", "escaped"), "{escaped}"),
    (("%s", "the other way"), "%s the other way"),
    ((17,), "17"),
    ((None,), "None"),
    ((ValueError("broken"),), "broken"),
    ((Path("a") / "b", "c"), f"{Path('a') / 'b'} c"),
    ((b"bytes",), "b'bytes'"),
    ((["a", 1],), "['a', 1]"),
    (("",), ""),
    (("\N{GRINNING FACE} {}", "\N{SNOWMAN}"), "\N{GRINNING FACE} \N{SNOWMAN}"),
    ((Unspeakable(),), "<a Unspeakable whose text cannot be had: ValueError>"),
    (("{}", Unspeakable()), "{} <a Unspeakable whose text cannot be had: ValueError>"),
    (("file \udc80",), r"file \udc80"),
]


class TestMessages:
    def test_are_formatted_and_never_fail(self) -> None:
        for arguments, text in MESSAGES:
            io, outlet = made()
            io.info(*arguments)
            assert outlet.messages == [Message(MessageType.INFO, text)], arguments

    def test_have_the_kind_that_their_method_says(self) -> None:
        io, outlet = made()
        for method in (io.info, io.warn, io.error):
            method("{}!", "hello")
        assert outlet.texts == ["INFO: hello!", "WARN: hello!", "ERROR: hello!"]

    def test_may_have_a_priority(self) -> None:
        io, outlet = made()
        io.info_with_priority(Priority.HIGH, "{}", 1)
        io.warn_with_priority(4, "text", {"a": 1})
        io.error_with_priority(Priority.MEDIUM | Priority.NO_DUPLICATES, "x")
        assert outlet.messages == [
            Message(MessageType.INFO, "1", Priority.HIGH),
            Message(MessageType.WARN, "text {'a': 1}", Priority.TRANSIENT),
            Message(MessageType.ERROR, "x", Priority(17)),
        ]

    def test_can_be_sent_through_a_method_that_a_tool_kept(self) -> None:
        io, outlet = made()
        log: Callable[..., None] = io.info
        log("a {}", "b")
        log("c", "d")
        assert outlet.texts == ["INFO: a b", "INFO: c d"]


# What a tool reports, and what is sent.
PROGRESS: list[tuple[float, float]] = [
    (0.0, 0.0),
    (0, 0.0),
    (0.25, 0.25),
    (1.0, 1.0),
    (1, 1.0),
    (True, 1.0),
    (50, 0.5),
    (100, 1.0),
    (1.5, 0.015),
    (Fraction(1, 4), 0.25),  # type: ignore[list-item]
    (Decimal("0.5"), 0.5),  # type: ignore[list-item]
]
CLAMPED: list[tuple[float, float]] = [
    (-0.1, 0.0),
    (100.1, 1.0),
    (float("inf"), 1.0),
    (float("-inf"), 0.0),
    (float("nan"), 0.0),
]


class TestProgress:
    def test_is_a_fraction_or_else_per_cent(self) -> None:
        io, outlet = made()
        for percent, _ in PROGRESS:
            io.update_progress(percent)
        assert outlet.progresses == [fraction for _, fraction in PROGRESS]
        assert {type(fraction) for fraction in outlet.progresses} == {float}
        assert outlet.messages == []

    def test_outside_of_both_is_clamped_with_one_warning(self) -> None:
        io, outlet = made()
        for percent, _ in CLAMPED:
            io.update_progress(percent)
        assert outlet.progresses == [fraction for _, fraction in CLAMPED]
        assert outlet.texts == [
            "WARN: update_progress(-0.1) is outside 0.0 to 1.0 (or 100 per cent) and was clamped",
        ]

    def test_warns_once_though_many_threads_report(self) -> None:
        io, outlet = made()
        threads = [threading.Thread(target=io.update_progress, args=(-1,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(outlet.texts), outlet.progresses) == (1, [0.0] * 8)

    def test_that_is_no_number_is_the_tools_error(self) -> None:
        io, outlet = made()
        with pytest.raises((TypeError, ValueError)):
            io.update_progress("half")  # type: ignore[arg-type]
        assert outlet.progresses == []


class TestTranslation:
    def test_waits_for_the_text(self) -> None:
        io, outlet = made(TranslatedMessage("3 Zeilen in a"))
        assert io.translate_msg("{0} rows in {1}", 3, Path("a")) == "3 Zeilen in a"
        assert outlet.requests == [TranslateRequest("{0} rows in {1}", ("3", "a"))]

    def test_fails_where_the_engine_goes_away(self) -> None:
        with pytest.raises(EngineGone, match="the engine has gone"):
            AMPIOV2(RecordingOutlet(lambda _: None)).translate_msg("hello")

    @pytest.mark.parametrize("given", [["a", 2], ("a", 2), iter(["a", 2])])
    def test_with_a_callback_gives_it_the_answer(self, given: list[object]) -> None:
        heard: list[str] = []
        io, outlet = made()
        io.translate_msg_use_callback("hello", given, lambda answer: heard.append(answer.translated_message))
        assert (heard, outlet.requests) == (["bonjour"], [TranslateRequest("hello", ("a", "2"))])

    @pytest.mark.parametrize("given", [None, [], ()])
    def test_with_a_callback_needs_no_arguments(self, given: list[object] | None) -> None:
        io, outlet = made()
        io.translate_msg_use_callback("hello", given, lambda _: None)
        assert outlet.requests == [TranslateRequest("hello")]


class TestDecryption:
    def test_is_deprecated_and_works(self) -> None:
        io, outlet = made(PasswordAnswer("secret"))
        with pytest.warns(DeprecationWarning, match=r"deprecated since SDK 1\.0\.2") as warnings:
            assert io.decrypt_password("A1B2") == "secret"
        assert outlet.requests == [DecryptRequest("A1B2")]
        assert [warning.filename for warning in warnings] == [__file__]
