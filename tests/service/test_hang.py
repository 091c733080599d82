"""A callback that takes long is in the log, with its place, again and again as the time doubles."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from kedge import UsageError, run_tool
from kedge.host.collector import Observer
from kedge.service.hang import HangWatch, callback_report
from kedge.service.settings import ServiceSettings
from kedge.tool_run import CurrentCall
from tests.faults.processes import TOOLS, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_pause = HangWatch._pause


class Run:
    """What the watch asks a run; the call has run for as long as the test says."""

    tool_name = "Slow"

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.asked = 0

    def current_call(self) -> CurrentCall | None:
        self.asked += 1
        return None if self.seconds is None else CurrentCall("on_complete", self.seconds)

    def wait_until_seen(self) -> None:
        """The watch asks twice in each turn."""
        before = self.asked
        assert wait_until(lambda: self.asked > before + 3, 10)


class TestWatch:
    def reported(self, caplog: pytest.LogCaptureFixture, seen: Sequence[float | None]) -> list[str]:
        """For how long a call had run, each time that the watch told of it, where it sees one run for so long."""
        run: Any = Run()
        with caplog.at_level(logging.WARNING, "kedge.service.hang"):
            watch = HangWatch(run, 1.0)
            for run.seconds in seen:
                run.wait_until_seen()
            watch.stop()
        times = (re.search(r"Slow.on_complete has run for ([\d.]+) s", r.getMessage()) for r in caplog.records)
        return [match[1] for match in times if match]

    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(HangWatch, "_pause", lambda *_: _pause(*_) / 50)

    def test_tells_once_and_then_at_doubling_times(self, caplog: pytest.LogCaptureFixture) -> None:
        seen = [0.5, 1.0, 1.1, 1.9, 2.0, 2.1, 3.9, 4.3, 7.9]
        assert self.reported(caplog, seen) == ["1.0", "2.0", "4.3"]

    def test_begins_again_with_the_next_callback(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.reported(caplog, [1.1, 2.2, None, 0.1, 0.9, 1.2, 0.2, 1.3]) == ["1.1", "2.2", "1.2", "1.3"]

    def test_says_nothing_of_short_ones(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.reported(caplog, [0.5, 0.9, None, 0.4, 0.99, 0.0, 0.9]) == []

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
    headline, place, line = observer.lines[:3]
    assert re.fullmatch(r"WARNING kedge\.service\.hang: TakesItsTime\.on_complete has run for [\d.]+ s", headline)
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
