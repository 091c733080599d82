"""The page of the benchmarks."""

from __future__ import annotations

import time
from xml.etree import ElementTree as ET

from kedge.bench.measure import Figure, in_flight, round_trips, sustained
from kedge.bench.report import report_page


class Loopback:
    """An echo that is nothing else."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.most = 0

    def send(self, item: bytes) -> None:
        self.items.append(item)
        self.most = max(self.most, len(self.items))

    def receive(self) -> bytes:
        return self.items.pop(0)


class TestMeasures:
    def test_keep_a_window_in_flight_and_empty_it(self) -> None:
        echo = Loopback()
        assert in_flight(echo, b"x", 40, 8) > 0
        assert (echo.most, echo.items) == (8, [])

    def test_go_on_for_so_long_and_count_all(self) -> None:
        echo = Loopback()
        begun = time.perf_counter()
        assert sustained(echo, b"x", 0.01, 8) > 0
        assert time.perf_counter() - begun >= 0.01
        assert (echo.most, echo.items) == (8, [])

    def test_take_one_at_a_time_for_round_trips(self) -> None:
        echo = Loopback()
        assert round_trips(echo, b"x", 5) > 0
        assert echo.most == 1

    def test_a_figure_is_the_median_of_the_ratios_of_its_pairs(self) -> None:
        figure = Figure("speed", "MiB/s", "peer", ">= 2")
        for ours, theirs in ((10, 1), (40, 10), (3, 1)):
            figure.add(ours, theirs)
        assert figure.as_json()["ratio"] == 4
        assert figure.as_json()["peer_value"] == 1


class TestReport:
    def page(self) -> str:
        figure = Figure("speed", "MiB/s", "a peer", ">= 2")
        figure.add(30.0, 10.0)
        document = {
            "benchmark": "transport",
            "machine": {"python": "3.11"},
            "rounds": 1,
            "figures": [figure.as_json()],
            "throughput": {"65536": {"ours": 100.0, "theirs": 10.0}, "1048576": {"ours": 1000.0, "theirs": 100.0}},
        }
        return report_page([document])

    def test_names_figure_peer_ratio_and_target(self) -> None:
        assert "| speed | 30 MiB/s | a peer: 10 MiB/s | 3 x | >= 2 |" in self.page()

    def test_lists_throughput_by_size(self) -> None:
        assert "| 64 KiB | 100 | 10 |" in self.page()
        assert "| 1 MiB | 1000 | 100 |" in self.page()

    def test_draws_a_line_for_each_way(self) -> None:
        (drawing,) = (line for line in self.page().splitlines() if line.startswith("<svg"))
        svg = ET.fromstring(drawing)
        lines = svg.findall("{http://www.w3.org/2000/svg}polyline")
        tops = [float(line.attrib["points"].split()[-1].split(",")[1]) for line in lines]
        assert len(tops) == 2
        assert tops[0] < tops[1]
