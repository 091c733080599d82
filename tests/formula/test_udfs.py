from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import duckdb
import pytest

from kedge.formula import FormulaOptions, bind, register_udfs, to_sql
from kedge.formula.functions.registry import FUNCTIONS
from kedge.formula.reference import function_reference
from kedge.formula.udfs import has_udf, udfs

if TYPE_CHECKING:
    from kedge.formula.typed import Function


class TestRegister:
    """A connection gets every function that SQL alone cannot serve."""

    def test_a_cursor_of_the_connection_has_them_too(self) -> None:
        with duckdb.connect() as connection:
            register_udfs(connection)
            assert connection.cursor().sql("SELECT kedge_get_part('a,b', ',', 1)").fetchall() == [("b",)]

    def test_names_are_unique_and_of_kedge(self) -> None:
        names = [udf.name for udf in udfs()]
        assert len(set(names)) == len(names)
        assert all(name.startswith("kedge_") for name in names)

    @pytest.mark.parametrize(
        "function", [each for each in FUNCTIONS.values() if each.python], ids=lambda function: function.name
    )
    def test_every_function_runs_in_duckdb_one_way_or_the_other(self, function: Function) -> None:
        assert function.sql or has_udf(function)

    def test_nulls_within_a_column(self) -> None:
        with duckdb.connect() as connection:
            register_udfs(connection)
            rows = "FROM (VALUES ('a,b'), (NULL), ('c')) AS t(s)"
            assert connection.sql(f"SELECT kedge_get_part(s, ',', 0) {rows}").fetchall() == [
                ("a",),
                (None,),
                ("c",),
            ]
            assert connection.sql(f"SELECT kedge_is_lower_case(s) {rows}").fetchall() == [
                (False,),
                (False,),
                (True,),
            ]

    def test_no_rows(self) -> None:
        with duckdb.connect() as connection:
            register_udfs(connection)
            assert connection.sql("SELECT kedge_title_case(s) FROM (VALUES ('a')) t(s) WHERE s = 'b'").fetchall() == []


class TestZones:
    """Local times follow the zone of the settings."""

    @pytest.mark.skipif("Europe/Madrid" not in available_timezones(), reason="no time zone data here")
    def test_a_named_zone(self) -> None:
        options = FormulaOptions(zone="Europe/Madrid")
        with duckdb.connect() as connection:
            register_udfs(connection)
            to_utc = to_sql(bind("DateTimeToUTC('2024-07-01 12:00:00')", {}, options=options)).sql("duckdb")
            to_local = to_sql(bind("DateTimeToLocal('2024-01-01 12:00:00')", {}, options=options)).sql("duckdb")
            assert connection.sql(f"SELECT {to_utc}").fetchall() == [(dt.datetime(2024, 7, 1, 10),)]
            assert connection.sql(f"SELECT {to_local}").fetchall() == [(dt.datetime(2024, 1, 1, 13),)]


class TestReference:
    """The reference has a row for each function, and says what is assumed."""

    def test_every_function_has_a_row(self) -> None:
        rows = [line for line in function_reference().splitlines() if line.startswith("| `")]
        assert len(rows) == len(FUNCTIONS)
        assert all(len(row.split(" | ")) == 5 for row in rows)

    def test_a_row(self) -> None:
        left = next(line for line in function_reference().splitlines() if line.startswith("| `Left("))
        assert left == (
            "| `Left(s, count)` | The first `count` characters; all of them when `count` is negative. "
            "| null when an argument is null | `Left('Kedge', 2)` is `Ke` "
            "| What a negative count gives is a claim, not documented. |"
        )
