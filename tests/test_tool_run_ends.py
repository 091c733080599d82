"""How a run of one tool ends: the engine goes away, a callback is interrupted, an exception is told."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kedge import tool_run
from kedge.exceptions import AnchorNotFoundException, EngineGone, WorkflowRuntimeError
from kedge.lifecycle import State
from kedge.lifecycle.events import Disconnected, Initialized, Violated
from kedge.sdk.plugin import PluginV2
from kedge.tool_run import describe_exception
from tests.lifecycle.driving import answer, initialized, name_of_action, rows
from tests.scripted_port import COMPLETE, RECORD_BATCH, WHOLE_RUN, Clock, Tool, called, errors, feed, made

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.lifecycle.events import Event
    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2
    from kedge.tool_run import CurrentCall


class TestEngineGone:
    """A port that says so ends the run, wherever it says so; nothing is raised and nothing waits."""

    @pytest.mark.parametrize("when", ["INFO: hello", "1 rows to Output", "close Output", "flushed", "confirm"])
    def test_at_any_step(self, when: str) -> None:
        def work(tool: Tool, *_: object) -> None:
            tool.provider.io.info("hello")
            tool.provider.write_to_anchor("Output", rows(1))

        def go_away(name: str) -> None:
            if name == when:
                raise EngineGone("the engine has gone")

        run, port = made({RECORD_BATCH: work})
        port.before_sending = lambda action: go_away(name_of_action(action))
        port.before_flush = lambda: go_away("flushed")
        feed(run, *WHOLE_RUN)
        run.run()
        expected = ["INFO: hello", "announce Output: n", "1 rows to Output", "close Output", "flushed", "confirm"]
        assert port.sent == expected[: expected.index(when)]
        assert run.lifecycle.state is (State.CONFIRMED if when == "confirm" else State.LOST)
        assert ("on_complete" in called(run)) == (when not in ("INFO: hello", "1 rows to Output"))

    def test_while_an_event_is_fed(self) -> None:
        """The thread that reads has nothing to do with what cannot be sent."""

        def go_away(_action: object) -> None:
            raise EngineGone("the engine has gone")

        run, port = made()
        port.before_sending = go_away
        feed(run, initialized("In#1"), Violated("garbage"))
        assert run.lifecycle.state is State.LOST
        run.run()
        assert (port.sent, run.plugin) == ([], None)

    def test_is_not_waited_for(self) -> None:
        run, port = made()
        port.before_flush = lambda: pytest.fail("there is nobody to flush for")
        feed(run, initialized("In#1"), Disconnected("gone"))
        run.run()
        assert port.sent == []


class TestCurrentCall:
    def test_names_the_callback_and_how_long_it_has_run(self) -> None:
        clock = Clock()
        seen: list[CurrentCall | None] = []

        def look(*_: object) -> None:
            clock.now += 2.5
            seen.append(run.current_call())

        names = ("__init__", "on_record_batch", "on_incoming_connection_complete", "on_complete")
        run, port = made(dict.fromkeys(names, look), clock=clock)
        port.before_sending = lambda _: seen.append(run.current_call())
        feed(run, *WHOLE_RUN)
        assert run.current_call() is None
        run.run()
        assert seen == [*((name, 2.5) for name in names), None, None]

    def test_names_the_callback_of_a_request(self) -> None:
        seen: list[CurrentCall | None] = []
        run, port = made(
            {
                "__init__": lambda tool: tool.provider.io.translate_msg_use_callback(
                    "hello", None, lambda _: seen.append(run.current_call())
                )
            },
            clock=Clock(),
        )
        port.when_asked(lambda msg_id: run.feed(answer(msg_id)))
        run.feed(initialized(update_only=True))
        run.run()
        assert seen == [("the callback of a request", 0.0)]

    @pytest.mark.parametrize("name", ["__init__", "on_record_batch", "on_complete"])
    def test_names_the_callback_that_a_keyboard_interrupt_ended(self, name: str) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        run, port = made({name: interrupt}, clock=Clock())
        feed(run, *WHOLE_RUN)
        with pytest.raises(KeyboardInterrupt):
            run.run()
        assert run.current_call() == (name, 0.0)
        assert errors(port) == []


def raising(error: BaseException) -> Callable[..., None]:
    def callback(*_: object) -> None:
        raise error

    return callback


def told(does: dict[str, Callable[..., object]], initialization: Event = WHOLE_RUN[0]) -> str:
    """What the engine's user is told of a run that fails, which is one message."""
    run, port = made(does)
    feed(run, initialization, *WHOLE_RUN[1:])
    run.run()
    (text,) = errors(port)
    assert port.sent[-3:] == ["close Output", "flushed", "confirm"]
    return text


def frames(text: str) -> list[str]:
    """The files of a traceback, from the outermost frame to the innermost."""
    return [Path(line.split('"')[1]).name for line in text.splitlines() if line.startswith('  File "')]


class TestExceptions:
    """The engine's user gets type and text, and the traceback from the tool's own frames down."""

    @pytest.mark.parametrize("name", ["__init__", "on_record_batch", "on_incoming_connection_complete", "on_complete"])
    def test_says_what_was_raised_where(self, name: str) -> None:
        text = told({name: raising(ValueError("no such mode: 7"))})
        assert text.startswith(f"Tool.{name} raised ValueError: no such mode: 7\nTraceback (most recent call last):\n")
        assert text.endswith("\nValueError: no such mode: 7")
        assert set(frames(text)) == {"scripted_port.py", "test_tool_run_ends.py"}

    def test_ends_the_run_there(self) -> None:
        run, _ = made({RECORD_BATCH: raising(ValueError("no"))})
        feed(run, *WHOLE_RUN)
        run.run()
        assert called(run) == ["__init__", "on_record_batch"]
        assert run.lifecycle.failed

    def test_keeps_the_frames_of_libraries_that_the_tool_calls(self) -> None:
        text = told({RECORD_BATCH: lambda *_: json.loads("{")})
        assert text.startswith("Tool.on_record_batch raised json.decoder.JSONDecodeError: Expecting property name")
        assert frames(text)[-1] == "decoder.py"

    def test_leaves_out_this_packages_frames_and_no_others(self, tmp_path: Path) -> None:
        """A tool may live in a folder whose name begins like the package's."""
        namespace: dict[str, Any] = {}
        neighbour = f"{Path(tool_run.__file__).parent}_tools/clean.py"
        exec(compile("def clean(*_):\n    raise ValueError('unclean')", neighbour, "exec"), namespace)
        assert frames(told({RECORD_BATCH: namespace["clean"]}))[-1] == "clean.py"

    def test_of_a_wrong_call_says_what_is_wrong_and_where_in_the_tool(self) -> None:
        text = told({"__init__": lambda tool: tool.provider.write_to_anchor("Output", rows(1))})
        assert text.startswith("Tool.__init__: write_to_anchor('Output', …) in __init__: records can be written from")
        assert frames(text)[-1] == "test_tool_run_ends.py"

    def test_a_workflow_runtime_error_speaks_for_itself(self) -> None:
        assert told({RECORD_BATCH: raising(WorkflowRuntimeError("choose a column"))}) == "choose a column"

    def test_of_causes_are_told_too(self) -> None:
        def fail(*_: object) -> None:
            try:
                dict[str, str]()["key"]
            except KeyError as error:
                raise ValueError("bad configuration") from error

        text = told({RECORD_BATCH: fail})
        assert text.startswith("Tool.on_record_batch raised ValueError: bad configuration\n")
        assert "KeyError: 'key'\n\nThe above exception was the direct cause of the following exception:" in text
        assert "tool_run.py" not in frames(text)

    def test_of_causes_within_this_package_show_the_tools_frames_only(self) -> None:
        def fail(tool: Tool, *_: object) -> None:
            try:
                tool.provider.close_outgoing_anchor("Nowhere")
            except AnchorNotFoundException as error:
                raise ValueError("no anchor") from error

        text = told({RECORD_BATCH: fail})
        assert "AnchorNotFoundException: there is no outgoing anchor 'Nowhere'" in text
        assert set(frames(text)) == {"scripted_port.py", "test_tool_run_ends.py"}

    @pytest.mark.parametrize("code", [0, 3, None, "bye"])
    def test_sys_exit_is_told_as_what_it_is(self, code: object) -> None:
        text = told({COMPLETE: lambda *_: sys.exit(code)})  # type: ignore[arg-type]
        first, *_ = text.splitlines()
        assert first == f"Tool.on_complete called sys.exit({code!r}); a tool ends by returning from its callbacks"

    def test_that_are_no_ordinary_ones_end_the_run_all_the_same(self) -> None:
        assert told({RECORD_BATCH: raising(GeneratorExit())}).startswith("Tool.on_record_batch raised GeneratorExit")

    def test_whose_text_cannot_be_had_are_told_by_their_type(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no text")

        assert "Mute: <exception str() failed>" in told({RECORD_BATCH: raising(Mute())}).splitlines()[0]

    def test_without_a_frame_of_the_tool_have_no_traceback(self) -> None:
        broken = Initialized(replace(initialized("In#1").initialization, config_xml="<Wrong/>"))
        assert told({}, broken) == (
            "Tool.__init__: the configuration: the root element must be <Configuration>, not <Wrong>"
        )

    def test_of_an_abstract_tool_names_what_it_lacks(self) -> None:
        with pytest.raises(TypeError) as raised:
            Half(None)  # type: ignore[abstract, arg-type]
        assert "on_complete" in describe_exception(raised.value, "Half.__init__")

    def test_of_a_requests_callback_is_told_as_such(self) -> None:
        run, port = made(
            {
                RECORD_BATCH: lambda tool, *_: tool.provider.io.translate_msg_use_callback(
                    "hello", [], raising(ValueError("no"))
                )
            }
        )
        port.when_asked(lambda msg_id: run.feed(answer(msg_id)))
        feed(run, *WHOLE_RUN)
        run.run()
        assert errors(port)[0].startswith("the callback of a request by Tool raised ValueError: no\n")


class Half(PluginV2):
    """A tool that lacks on_complete."""

    def __init__(self, provider: AMPProviderV2) -> None: ...
    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None: ...
    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...
