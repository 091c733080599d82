"""Differences between tables, in words."""

import datetime as dt
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge import FieldType, UsageError, create_schema
from kedge.testing import assert_tables_equal

TABLE = pa.table({"name": ["Ada", "Edsger", None], "price": [1.5, float("nan"), 3.0]})


def difference(actual: object, expected: object, **options: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_tables_equal(actual, expected, **options)  # type: ignore[arg-type]
    return str(caught.value)


class TestEqualTables:
    def test_null_equals_null_and_nan_equals_nan(self) -> None:
        assert_tables_equal(TABLE, pa.table(TABLE.to_pydict()))

    def test_chunks_do_not_count(self) -> None:
        assert_tables_equal(pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]), TABLE)

    def test_a_dict_takes_the_types_of_the_other(self) -> None:
        table = pa.table({"day": pa.array([dt.date(2020, 1, 1)], pa.date32()), "n": pa.array([1], pa.int16())})
        assert_tables_equal(table, {"day": [dt.date(2020, 1, 1)], "n": [1]})
        assert_tables_equal({"day": [dt.date(2020, 1, 1)], "n": [1]}, table)

    def test_a_dict_whose_values_do_not_fit_is_an_error_that_names_the_column(self) -> None:
        with pytest.raises(UsageError, match="column 'price' do not go into its type double"):
            assert_tables_equal(TABLE, {"name": ["Ada"], "price": ["much"]})

    def test_columns_in_another_order_where_that_is_allowed(self) -> None:
        assert_tables_equal(TABLE.select(["price", "name"]), TABLE, ignore_column_order=True)

    @given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.floats()), max_size=30), st.randoms())
    def test_rows_in_any_order(self, rows: list[tuple[int, float | None]], order: random.Random) -> None:
        shuffled = order.sample(rows, len(rows))
        schema = pa.schema([("n", pa.int64()), ("x", pa.float64())])
        tables = [pa.table([[r[0] for r in each], [r[1] for r in each]], schema=schema) for each in (rows, shuffled)]
        assert_tables_equal(*tables, ignore_row_order=True)
        assert_tables_equal(*tables, ignore_row_order=True, atol=0.1)


class TestDifferences:
    def test_name_the_column_the_row_and_both_values(self) -> None:
        expected = {"name": ["Ada", "Grace", "Alan"], "price": [1.5, 2.0, 3.0]}
        assert difference(TABLE, expected) == (
            "the tables differ (actual, expected):\n"
            "  column 'name', row 1: 'Edsger', expected 'Grace'\n"
            "  column 'name', row 2: null, expected 'Alan'\n"
            "  column 'price', row 1: nan, expected 2.0"
        )

    def test_show_rows_that_one_side_has_alone(self) -> None:
        text = difference(TABLE, TABLE.slice(0, 2))
        assert "3 rows, expected 2" in text
        assert "only actual has the row name=null, price=3.0" in text

    def test_are_ten_at_most(self) -> None:
        text = difference({"n": list(range(30))}, pa.table({"n": list(range(1, 31))}))
        assert text.count("\n") == 11
        assert "and 20 more differences" in text

    def test_cut_long_values(self) -> None:
        assert "… (5,000 long)" in difference(pa.table({"s": ["a" * 5000]}), {"s": ["b"]})

    def test_tell_missing_and_surplus_columns(self) -> None:
        text = difference(TABLE, TABLE.rename_columns(["name", "cost"]))
        assert "column 'cost' is missing; there are 'name', 'price'" in text
        assert "column 'price' is not expected" in text

    def test_tell_types(self) -> None:
        narrow = pa.table({"n": pa.array([1], pa.int16())})
        assert "column 'n' is int16, expected int64" in difference(narrow, pa.table({"n": [1]}))
        assert_tables_equal(narrow, pa.table({"n": [1]}), check_types=False)

    def test_tell_the_order_of_columns(self) -> None:
        assert "the columns are in the order 'price', 'name'" in difference(TABLE.select(["price", "name"]), TABLE)

    def test_tell_metadata_where_asked(self) -> None:
        left = create_schema({"s": {"type": FieldType.v_string, "size": 10}}).empty_table()
        right = create_schema({"s": {"type": FieldType.v_string, "size": 20}}).empty_table()
        assert_tables_equal(left, right)
        assert "'ayx.size': '10'" in difference(left, right, check_metadata=True)

    def test_tell_rows_without_a_counterpart(self) -> None:
        actual, expected = pa.table({"n": [1, 2, 2]}), pa.table({"n": [2, 1, 3]})
        assert "column 'n', in the row n=3: 2, expected 3" in difference(actual, expected, ignore_row_order=True)
        text = difference(actual, pa.table({"n": [2, 1]}), ignore_row_order=True)
        assert "3 rows, expected 2\n  not expected: the row n=2" in text


class TestTolerance:
    def test_is_relative_to_the_expected_value_or_absolute(self) -> None:
        actual, expected = pa.table({"x": [100.0, 0.0]}), {"x": [101.0, 0.001]}
        assert_tables_equal(actual, expected, rtol=0.01, atol=0.001)
        assert "row 1" in difference(actual, expected, rtol=0.01)
        assert "row 0: 100.0, expected 101.0" in difference(actual, expected, atol=0.001)

    def test_holds_for_rows_in_any_order(self) -> None:
        actual = pa.table({"k": ["a", "b", "c"], "x": [1.0, 2.0, 9.0]})
        near = {"k": ["c", "b", "a"], "x": [9.01, 2.01, 1.01]}
        assert_tables_equal(actual, near, ignore_row_order=True, atol=0.02)
        far = difference(actual, {"k": ["c", "b", "a"], "x": [9.01, 3.0, 1.01]}, ignore_row_order=True, atol=0.02)
        assert far.splitlines()[1:] == ["  column 'x', in the row k='b', x=3.0: 2.0, expected 3.0"]
