"""A callback that takes long is in the log, with its place, again and again as the time doubles."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from kedge import UsageError, run_tool
from kedge.host.collector import Observer
from kedge.service.hang import HangWatch, callback_report
from kedge.service.settings import ServiceSettings
from kedge.tool_run import CurrentCall
from tests.faults.processes import TOOLS

if TYPE_CHECKING:
    from pathlib import Path


class Run:
    """What the watch asks a run."""

    tool_name = "Slow"

    def __init__(self) -> None:
        self.began: float | None = None

    def current_call(self) -> CurrentCall | None:
        return None if self.began is None else CurrentCall("on_complete", time.monotonic() - self.began)


class TestWatch:
    def reported(self, caplog: pytest.LogCaptureFixture, seconds: float, pauses: int = 0) -> list[float]:
        run: Any = Run()
        watch = HangWatch(run, 0.2)
        with caplog.at_level(logging.WARNING, "kedge.service.hang"):
            for _ in range(pauses + 1):
                run.began = time.monotonic()
                time.sleep(seconds)
                run.began = None
                time.sleep(0.15)
        watch.stop()
        times = (re.search(r"Slow.on_complete has run for ([\d.]+) s", r.getMessage()) for r in caplog.records)
        return [float(match[1]) for match in times if match]

    def test_tells_once_and_then_at_doubling_times(self, caplog: pytest.LogCaptureFixture) -> None:
        times = self.reported(caplog, 1.1)
        assert len(times) == 3
        assert times[0] >= 0.2
        assert times[1] >= 0.4
        assert times[2] >= 0.8

    def test_begins_again_with_the_next_callback(self, caplog: pytest.LogCaptureFixture) -> None:
        assert len(self.reported(caplog, 0.35, pauses=1)) == 2

    def test_says_nothing_of_short_ones(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.reported(caplog, 0.05, pauses=3) == []

    def test_is_off_at_zero(self) -> None:
        before = threading.active_count()
        watch = HangWatch(Run(), 0)  # type: ignore[arg-type]
        assert threading.active_count() == before
        watch.stop()

    def test_has_nothing_to_report_between_two_callbacks(self) -> None:
        assert callback_report(Run()) is None  # type: ignore[arg-type]


class Lines(Observer):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_line(self, stream: str, line: str) -> None:
        self.lines.append(line)


def test_a_tool_process_tells_on_stderr_and_in_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDGE_LOG_DIR", str(tmp_path))
    monkeypatch.setenv("KEDGE_HANG_AFTER", "0.2")
    observer = Lines()
    run_tool(f"{TOOLS}:TakesItsTime", {"Input": pa.table({"x": [1]})}, observer=observer)
    headline, place, line = observer.lines
    assert re.fullmatch(r"WARNING kedge\.service\.hang: TakesItsTime\.on_complete has run for 0\.[23] s", headline), (
        headline
    )
    assert "faulty_tools.py" in place
    assert line.strip() == "time.sleep(0.38)"
    assert "TakesItsTime.on_complete has run for" in (tmp_path / "TakesItsTime.log").read_text(encoding="utf-8")


class TestSettings:
    def test_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_HANG_AFTER", "2.5")
        monkeypatch.setenv("KEDGE_CONNECT_WITHIN", "7")
        monkeypatch.setenv("KEDGE_TOKEN", "secret")
        settings = ServiceSettings.from_environment()
        assert (settings.hang_after, settings.connect_within, settings.token) == (2.5, 7.0, "secret")
        assert ServiceSettings.from_environment().token is None, "what the tool starts does not inherit it"

    def test_that_are_no_numbers_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_HANG_AFTER", "soon")
        with pytest.raises(UsageError, match="KEDGE_HANG_AFTER='soon' is no number"):
            ServiceSettings.from_environment()
