"""The example tool with two inputs and three outputs, on the example data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import kedge

if TYPE_CHECKING:
    from kedge import ToolResult

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TOOL = f"{EXAMPLES / 'late_flights.py'}:LateFlights"
FILES = {"Flights": str(EXAMPLES / "data" / "flights.csv"), "Weather": str(EXAMPLES / "data" / "weather.csv")}
HOURS = pa.array(["2013-01-01 10", "2013-01-01 11"]).cast(pa.timestamp("s"))
FLIGHTS = pa.table(
    {
        "flight": range(6),
        "origin": ["EWR", "JFK", "EWR", "EWR", "EWR", "LGA"],
        "time_hour": HOURS.take(pa.array([0, 0, 1, 0, 0, 0])),
        "dep_delay": [45, 45, 30, 29, None, None],
        "arr_delay": [0, 99, 99, 99, 99, 99],
    }
)
WEATHER = pa.table(
    {"origin": ["EWR", "EWR"], "time_hour": HOURS, "flight": [0, 0], "visib": [10.0, 0.5], "temp": [39.0, None]}
)


def run(flights: object = FLIGHTS, weather: object = WEATHER, /, **config: Any) -> ToolResult:
    return kedge.run_tool(TOOL, {"Flights": flights, "Weather": weather}, config=config, in_process=True)


def texts(result: ToolResult) -> list[str]:
    return [message.text for message in result.messages]


@pytest.fixture(scope="module")
def result() -> ToolResult:
    """A run on the example data, in a process of its own."""
    return kedge.run_tool(TOOL, FILES, config={"Minutes": "60"}).raise_for_status()


class TestOnTheExampleData:
    """What the tool finds is what SQL finds."""

    @pytest.mark.parametrize(("anchor", "condition"), [("Late", "dep_delay >= 60"), ("OnTime", "dep_delay < 60")])
    def test_flights_with_weather(self, result: ToolResult, anchor: str, condition: str) -> None:
        columns = "flight, f.origin, dep_delay, temp, wind_gust"
        with duckdb.connect() as connection:
            expected = connection.sql(
                f"SELECT {columns} FROM '{FILES['Flights']}' f JOIN '{FILES['Weather']}' w "
                f"ON f.origin = w.origin AND f.time_hour = w.time_hour WHERE {condition} ORDER BY ALL"
            ).fetchall()
            output = result.outputs[anchor]
            found = connection.from_arrow(output).select(columns.replace("f.", "")).order("ALL").fetchall()
        assert found == expected
        assert len(expected) > 3000

    def test_every_flight_goes_to_one_output(self, result: ToolResult) -> None:
        assert {anchor: table.num_rows for anchor, table in result.outputs.items()} == {
            "Late": 3537,
            "OnTime": 46555,
            "Rejects": 1863,
        }
        assert sum(table.num_rows for table in result.outputs.values()) == 51_955

    def test_the_order_stays(self, result: ToolResult) -> None:
        # In the file the flights of one day are in the order of their departure.
        first = result.outputs["OnTime"].slice(0, 500)
        assert first["dep_time"].to_pylist() == sorted(first["dep_time"].to_pylist())

    def test_it_says_what_it_did(self, result: ToolResult) -> None:
        assert texts(result) == [
            "3,537 of 51,955 flights were late by 60 minutes or more",
            "1,863 flights have no delay or no weather; see Rejects",
        ]


class TestOutputs:
    """Each flight goes where the configuration says."""

    def test_the_default_is_30_minutes_of_departure_delay(self) -> None:
        outputs = run().outputs
        assert outputs["Late"].select(["flight", "dep_delay", "visib", "temp"]).to_pylist() == [
            {"flight": 0, "dep_delay": 45, "visib": 10.0, "temp": 39.0},
            {"flight": 2, "dep_delay": 30, "visib": 0.5, "temp": None},
        ]
        assert outputs["OnTime"]["flight"].to_pylist() == [3]
        assert outputs["Rejects"].select(["flight", "reason"]).to_pylist() == [
            {"flight": 1, "reason": "no weather"},
            {"flight": 4, "reason": "no dep_delay"},
            {"flight": 5, "reason": "no dep_delay"},
        ]

    def test_another_delay_and_chosen_columns(self) -> None:
        late = run(Delay="arr_delay", Minutes="99", Weather="temp").outputs["Late"]
        assert late.column_names == [*FLIGHTS.column_names, "temp"]
        assert late["flight"].to_pylist() == [2, 3, 4]

    def test_the_weather_may_come_first(self) -> None:
        result = kedge.run_tool(TOOL, {"Weather": WEATHER, "Flights": FLIGHTS}, in_process=True)
        assert result.outputs["Late"].equals(run().outputs["Late"])

    def test_without_weather_every_flight_is_rejected(self) -> None:
        outputs = run(FLIGHTS, WEATHER.slice(0, 0)).outputs
        assert [outputs[anchor].num_rows for anchor in ("Late", "OnTime", "Rejects")] == [0, 0, 6]

    def test_without_flights_there_is_nothing_but_columns(self) -> None:
        outputs = run(FLIGHTS.slice(0, 0)).outputs
        assert outputs["Late"].column_names == [*FLIGHTS.column_names, "visib", "temp"]
        assert outputs["Rejects"].column_names == [*FLIGHTS.column_names, "reason"]

    def test_the_columns_are_announced_before_the_run(self) -> None:
        result = kedge.run_tool(TOOL, {"Flights": FLIGHTS, "Weather": WEATHER}, in_process=True, update_only=True)
        assert [field.name for field in result.metadata["OnTime"]] == [*FLIGHTS.column_names, "visib", "temp"]

    def test_repeated_weather_counts_once_and_is_reported(self) -> None:
        result = run(FLIGHTS, pa.concat_tables([WEATHER, WEATHER]))
        assert result.outputs["Late"].equals(run().outputs["Late"])
        assert "2 rows of Weather repeat an airport and hour; the first of each counts" in texts(result)


class TestWrongConfiguration:
    """What is wrong is said to the user, without a traceback."""

    @pytest.mark.parametrize(
        ("config", "error"),
        [
            ({"Minutes": "an hour"}, "Minutes must be a whole number, but is 'an hour'"),
            ({"Delay": "delay"}, "Delay must be dep_delay or arr_delay, but is 'delay'"),
            ({"Weather": "temp, rain"}, "Weather has no column 'rain'; it has origin, time_hour, flight, visib, temp"),
            ({"Weather": "flight"}, "'flight' is a column of Flights already; choose other columns of Weather"),
        ],
    )
    def test_in_a_value(self, config: dict[str, str], error: str) -> None:
        assert run(**config).errors == (error,)

    def test_in_the_columns(self) -> None:
        errors = run(FLIGHTS.drop_columns(["dep_delay"])).errors
        assert errors == ("Flights has no column 'dep_delay'; it has flight, origin, time_hour, arr_delay",)

    def test_in_the_connections(self) -> None:
        result = kedge.run_tool(TOOL, {}, in_process=True, update_only=True)
        assert result.errors == ("connect one table to Flights",)
