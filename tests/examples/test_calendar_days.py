"""The example tool without inputs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import kedge

TOOL = f"{Path(__file__).resolve().parents[2] / 'examples' / 'calendar_days.py'}:CalendarDays"


def run(**config: str) -> kedge.ToolResult:
    return kedge.run_tool(TOOL, config={name.title(): value for name, value in config.items()}, in_process=True)


def test_a_row_for_each_day() -> None:
    assert run(**{"from": "2012-12-29", "to": "2013-01-01"}).outputs["Days"].to_pylist() == [
        {"day": dt.date(2012, 12, 29), "weekday": "Saturday", "week": "2012-W52", "is_weekend": True},
        {"day": dt.date(2012, 12, 30), "weekday": "Sunday", "week": "2012-W52", "is_weekend": True},
        {"day": dt.date(2012, 12, 31), "weekday": "Monday", "week": "2013-W01", "is_weekend": False},
        {"day": dt.date(2013, 1, 1), "weekday": "Tuesday", "week": "2013-W01", "is_weekend": False},
    ]


def test_more_days_than_one_batch_holds() -> None:
    days = run(**{"from": "1900-01-01", "to": "1999-12-31"}).outputs["Days"]["day"].to_pylist()
    assert len(days) == 36524
    assert days == sorted(set(days))


def test_the_last_day_that_there_is() -> None:
    assert run(**{"from": "9999-12-31", "to": "9999-12-31"}).outputs["Days"].num_rows == 1


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({}, "say in the configuration which day From is, such as 2013-01-31"),
        ({"from": "31.1.2013", "to": "2013-12-31"}, "From must be a day such as 2013-01-31, but is '31.1.2013'"),
        ({"from": "2013-02-01", "to": "2013-01-31"}, "To (2013-01-31) must not be before From (2013-02-01)"),
    ],
)
def test_wrong_configuration(config: dict[str, str], error: str) -> None:
    assert run(**config).errors == (error,)
