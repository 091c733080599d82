"""What an engine takes and sends: every accepted Arrow type, the losses, and what is refused."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import types

from kedge.exceptions import UsageError
from kedge.sdk.conversions import TypeWarning
from kedge.sdk.engine_types import IncomingPlan, OutgoingPlan, as_table, from_engine, to_engine
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.schemas import create_schema, metadata_from_schema, set_metadata
from tests.strategies import foreign_tables, tables

D = Decimal
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def one(array: pa.Array) -> pa.Table:
    """A table of one column, ``a``."""
    return pa.table({"a": array})


def announce(kind: FieldType, size: int = 0, scale: int = 0) -> Metadata:
    """Metadata of one field, ``a``."""
    return Metadata([Field("a", kind, size, scale)])


def stored(column: pa.ChunkedArray) -> list[Any]:
    """The values; of dates and times the numbers that they are stored as, which hold what Python's own types do not."""
    if types.is_dictionary(column.type):
        return [None if value.value is None else value.value.as_py() for value in column]
    if types.is_timestamp(column.type) or types.is_date64(column.type) or types.is_time64(column.type):
        return [value for chunk in column.chunks for value in chunk.view(pa.int64()).to_pylist()]
    if types.is_temporal(column.type):
        return [value for chunk in column.chunks for value in chunk.view(pa.int32()).to_pylist()]
    return list(column.to_pylist())


def steps(arrow_type: pa.DataType) -> int:
    """How many steps of a type go into one of the engine's type for it."""
    if types.is_timestamp(arrow_type) or types.is_time(arrow_type):
        return UNITS[arrow_type.unit]
    return 86_400_000 if types.is_date64(arrow_type) else 1


class TestEveryType:
    """Each Arrow type of the table, with its values."""

    @pytest.mark.parametrize(
        ("array", "expected", "values"),
        [
            (pa.array([-128, None], pa.int8()), pa.int16(), [-128, None]),
            (pa.array([65_535, None], pa.uint16()), pa.int32(), [65_535, None]),
            (pa.array([2**32 - 1, None], pa.uint32()), pa.int64(), [2**32 - 1, None]),
            (pa.array([2**64 - 1, None], pa.uint64()), pa.decimal256(20, 0), [D(2**64 - 1), None]),
            (pa.array([1.5, None], pa.float32()).cast(pa.float16()), pa.float32(), [1.5, None]),
            (pa.array([D("1.23"), None], pa.decimal128(5, 2)), pa.decimal256(5, 2), [D("1.23"), None]),
            (pa.array([D("12300"), None], pa.decimal128(5, -2)), pa.decimal256(7, 0), [D("12300"), None]),
            (pa.array(["é", None], pa.large_string()), pa.string(), ["é", None]),
            (pa.array(["a text of some length", None], pa.string_view()), pa.string(), ["a text of some length", None]),
            (pa.array(["x", None, "x"]).dictionary_encode(), pa.string(), ["x", None, "x"]),
            (pa.array([7, None, 7]).dictionary_encode(), pa.int64(), [7, None, 7]),
            (pa.DictionaryArray.from_arrays([0, 1, None], pa.array([None, "x"])), pa.string(), [None, "x", None]),
            (pa.DictionaryArray.from_arrays([0, None], pa.nulls(1)), pa.string(), [None, None]),
            (pa.array([date(1969, 12, 31), None], pa.date64()), pa.date32(), [date(1969, 12, 31), None]),
            (pa.array([time(1, 2, 3), None], pa.time64("ns")), pa.time32("s"), [time(1, 2, 3), None]),
            (pa.array([time(1, 2, 3), None], pa.time32("ms")), pa.time32("s"), [time(1, 2, 3), None]),
            (
                pa.array([datetime(1950, 1, 1), None], pa.timestamp("us")),
                pa.timestamp("s"),
                [datetime(1950, 1, 1), None],
            ),
            (pa.array([b"x", None], pa.large_binary()), pa.binary(), [b"x", None]),
            (pa.array([b"xy", None], pa.binary(2)), pa.binary(), [b"xy", None]),
            (pa.array([b"xyz", None], pa.binary_view()), pa.binary(), [b"xyz", None]),
            (pa.nulls(2), pa.string(), [None, None]),
        ],
        ids=lambda given: str(given.type) if isinstance(given, pa.Array) else "",
    )
    def test_is_converted_without_a_warning(self, array: pa.Array, expected: pa.DataType, values: list[Any]) -> None:
        table, warnings = to_engine(one(array))
        assert (table.schema.field("a").type, table.column("a").to_pylist(), warnings) == (expected, values, ())

    @pytest.mark.skipif(not hasattr(pa, "decimal32"), reason="this pyarrow has no small decimals")
    def test_small_decimals_are_decimals(self) -> None:
        for make in (pa.decimal32, pa.decimal64):
            table = to_engine(one(pa.array([D("1.2"), None], make(5, 1)))).table
            assert table.equals(one(pa.array([D("1.2"), None], pa.decimal256(5, 1))))
            whole = to_engine(one(pa.array([D("7.0"), None], make(5, 1))), announce(FieldType.int64)).table
            assert whole.equals(one(pa.array([7, None])))

    @given(table=foreign_tables())
    def test_every_value_arrives_and_every_loss_is_counted(self, table: pa.Table) -> None:
        converted, warnings = to_engine(table)
        converted.validate(full=True)
        assert converted.schema.types == [field.arrow_type() for field in metadata_from_schema(table.schema)]
        losses = {warning.column: (warning.values, warning.first_row) for warning in warnings if warning.values}
        for name, before, after in zip(table.column_names, table.columns, converted.columns, strict=True):
            values, factor = stored(before), steps(before.type)
            if factor > 1:
                short = [row for row, value in enumerate(values) if value is not None and value % factor]
                assert losses.pop(name, (0, 0)) == (len(short), min(short, default=0))
                values = [None if value is None else value // factor for value in values]
            arrived = after.to_pylist() if types.is_dictionary(before.type) else stored(after)
            assert arrived == values
        assert not losses

    @given(table=tables())
    def test_what_conforms_is_handed_on_as_it_is(self, table: pa.Table) -> None:
        assert to_engine(table) == (table, ())
        assert to_engine(table).table is table
        assert OutgoingPlan(table.schema, metadata_from_schema(table.schema)).apply(table).table is table

    @given(table=foreign_tables())
    def test_what_was_converted_for_a_tool_conforms_when_it_comes_back(self, table: pa.Table) -> None:
        sent = from_engine(table).table
        assert to_engine(sent).table is sent

    @given(table=foreign_tables())
    def test_what_a_tool_gets_has_metadata_on_every_field(self, table: pa.Table) -> None:
        plan = IncomingPlan(table.schema)
        sent = plan.apply(table).table
        assert sent.schema.equals(plan.schema, check_metadata=True)
        assert [column.metadata for column in sent.schema] == [field.as_arrow_metadata() for field in plan.metadata]
        assert sent.equals(to_engine(table).table)

    def test_a_table_without_rows_and_without_chunks_is_converted_too(self) -> None:
        table = one(pa.chunked_array([], pa.int8()))
        assert to_engine(table).table.schema.types == [pa.int16()]

    @pytest.mark.parametrize(
        ("arrow_type", "advice"),
        [(pa.list_(pa.int8()), "one row for each item"), (pa.duration("s"), "cast to int64")],
    )
    def test_what_no_engine_takes_is_an_error(self, arrow_type: pa.DataType, advice: str) -> None:
        for announced in (None, announce(FieldType.v_string)):
            with pytest.raises(
                UsageError, match=rf"column 'a' has the Arrow type .*, which no engine takes: .*{advice}"
            ):
                to_engine(one(pa.nulls(1, arrow_type)), announced)


class TestLosses:
    """Values are lost only where no engine can hold them, and then counted."""

    @pytest.mark.parametrize(
        ("array", "announced", "values", "message"),
        [
            (
                pa.array([0, 1_500, None, -1], pa.timestamp("ms")),
                None,
                [datetime(1970, 1, 1), datetime(1970, 1, 1, 0, 0, 1), None, datetime(1969, 12, 31, 23, 59, 59)],
                "column 'a': 2 values lost the fraction of a second, the first in row 1",
            ),
            (
                pa.array([1_999_999, 2_000_000], pa.time64("us")),
                None,
                [time(0, 0, 1), time(0, 0, 2)],
                "column 'a': 1 value lost the fraction of a second, the first in row 0",
            ),
            (
                pa.array([86_400_000, -1, 86_399_999]).view(pa.date64()),
                None,
                [date(1970, 1, 2), date(1969, 12, 31), date(1970, 1, 1)],
                "column 'a': 2 values lost the time of day, the first in row 1",
            ),
            (
                pa.array([86_399_999, 1_000]).view(pa.date64()),
                announce(FieldType.datetime),
                [datetime(1970, 1, 1, 23, 59, 59), datetime(1970, 1, 1, 0, 0, 1)],
                "column 'a': 1 value lost the fraction of a second, the first in row 0",
            ),
        ],
    )
    def test_are_counted(self, array: pa.Array, announced: Metadata | None, values: list[Any], message: str) -> None:
        table, (warning,) = to_engine(one(array), announced)
        assert table.column("a").to_pylist() == values
        assert str(warning) == message

    def test_are_counted_over_all_chunks(self) -> None:
        seconds = pa.array([1_000_000_000] * 3, pa.timestamp("ns"))
        fractions = pa.array([1, 1_000_000_000, 2], pa.timestamp("ns"))
        column = pa.chunked_array([seconds, fractions, fractions])
        assert to_engine(one(column)).warnings == (TypeWarning("a", "lost the fraction of a second", 4, 3),)

    def test_the_smallest_moment_keeps_its_second(self) -> None:
        column = pa.array([-(2**63) + 1], pa.timestamp("ns"))
        assert to_engine(one(column)).table.column("a")[0].as_py() == datetime(1677, 9, 21, 0, 12, 43)

    def test_unused_values_of_a_dictionary_lose_nothing(self) -> None:
        moments = pa.DictionaryArray.from_arrays([0, 0], pa.array([1_000, 1_500], pa.timestamp("ms")))
        assert to_engine(one(moments)).warnings == ()

    def test_large_counts_are_readable(self) -> None:
        assert (
            str(TypeWarning("a", "lost it", 12_345, 6_789))
            == "column 'a': 12,345 values lost it, the first in row 6,789"
        )

    def test_a_time_zone_becomes_utc_with_one_warning(self) -> None:
        moment = pa.array([datetime(2024, 7, 1, 12), None], pa.timestamp("us", "Europe/Berlin"))
        table, warnings = to_engine(one(pa.chunked_array([moment, moment])))
        assert table.column("a").to_pylist() == [datetime(2024, 7, 1, 12), None] * 2
        assert [str(warning) for warning in warnings] == [
            "column 'a' has the time zone Europe/Berlin: its times are converted to UTC"
        ]

    def test_a_zone_inside_of_a_dictionary_is_told_too(self) -> None:
        moments = pa.DictionaryArray.from_arrays([0], pa.array([0], pa.timestamp("s", "Asia/Kolkata")))
        assert [warning.what for warning in to_engine(one(moments)).warnings] == [
            "has the time zone Asia/Kolkata: its times are converted to UTC"
        ]


class TestAnnounced:
    """The announcement decides; every value must fit it."""

    @pytest.mark.parametrize(
        ("array", "announced"),
        [
            (pa.array([1, None, 255]), announce(FieldType.byte)),
            (pa.array([1.0, None, -32_768.0]), announce(FieldType.int16)),
            (pa.array([1, None], pa.uint64()), announce(FieldType.int32)),
            (pa.array([D("7.00"), None]), announce(FieldType.int64)),
            (pa.array([2**24, None]), announce(FieldType.float)),
            (pa.array([2**53, None]), announce(FieldType.double)),
            (pa.array([0.5, None, float("inf"), -0.0]), announce(FieldType.float)),
            (pa.array([9_999_999_999_999, None]), announce(FieldType.fixeddecimal, 19, 6)),
            (pa.array([D("1.50"), None]), announce(FieldType.fixeddecimal, 2, 1)),
            (pa.array([D("1.50"), None], pa.decimal128(38, 18)), announce(FieldType.fixeddecimal, 50, 20)),
            (pa.array(["POINT (1 2)", None], pa.large_string()), announce(FieldType.spatialobj)),
            (pa.array([date(2020, 1, 2), None]), announce(FieldType.datetime)),
            (pa.array([datetime(2020, 1, 2), None], pa.timestamp("ns")), announce(FieldType.date)),
            (pa.nulls(2), announce(FieldType.fixeddecimal, 5, 2)),
            (pa.nulls(2), announce(FieldType.blob)),
            (pa.nulls(2), announce(FieldType.bool)),
        ],
        ids=lambda given: str(given.type) if isinstance(given, pa.Array) else given.fields[0].type.name,
    )
    def test_values_that_fit_are_converted(self, array: pa.Array, announced: Metadata) -> None:
        table, warnings = to_engine(one(array), announced)
        assert table.schema.types == [announced.fields[0].arrow_type()]
        expected = [None if value is None else comparable(value) for value in array.to_pylist()]
        assert [None if value is None else comparable(value) for value in table.column("a").to_pylist()] == expected
        assert warnings == ()

    def test_nan_is_a_value_of_every_float(self) -> None:
        column = to_engine(one(pa.array([float("nan")])), announce(FieldType.float)).table.column("a")
        assert str(column[0].as_py()) == "nan"

    @pytest.mark.parametrize(
        ("array", "announced", "message"),
        [
            (pa.array([1, 256]), announce(FieldType.byte), r"row 1: 256 \(int64\) does not fit byte"),
            (pa.array([1, -1]), announce(FieldType.byte), r"row 1: -1 \(int64\) does not fit byte"),
            (pa.array([1.0, 1.5]), announce(FieldType.int16), r"row 1: 1.5 \(double\) does not fit int16"),
            (pa.array([float("nan")]), announce(FieldType.int16), r"row 0: nan \(double\) does not fit int16"),
            (pa.array([1.5], pa.float32()).cast(pa.float16()), announce(FieldType.int16), r"1.5 \(halffloat\)"),
            (pa.array([2**53 + 1]), announce(FieldType.double), r"9007199254740993 \(int64\) does not fit double"),
            (pa.array([0.5, 0.1]), announce(FieldType.float), r"row 1: 0.1 \(double\) does not fit float"),
            (pa.array([1e300]), announce(FieldType.float), r"1e\+300 \(double\) does not fit float"),
            (
                pa.array([10_000]),
                announce(FieldType.fixeddecimal, 5, 1),
                r"10000 \(int64\) does not fit fixeddecimal 5.1",
            ),
            (pa.array([D("1.25")]), announce(FieldType.fixeddecimal, 5, 1), r"1.25 .* does not fit fixeddecimal 5.1"),
            (pa.array([D("1.25")]), announce(FieldType.int64), r"1.25 \(decimal128\(3, 2\)\) does not fit int64"),
            (
                pa.array([0, 1], pa.timestamp("ns", "UTC")),
                announce(FieldType.date),
                r"row 1: 1970-01-01 00:00:00.000000001 \(timestamp\[ns, tz=UTC\]\) does not fit date",
            ),
            (
                pa.DictionaryArray.from_arrays([0, 1], pa.array([1, 300])),
                announce(FieldType.byte),
                r"row 1: 300 \(dictionary<values=int64.*does not fit byte",
            ),
        ],
    )
    def test_the_first_value_that_does_not_is_an_error(
        self, array: pa.Array, announced: Metadata, message: str
    ) -> None:
        with pytest.raises(UsageError, match=rf"column 'a', .*{message}.*: give the field a wider type"):
            to_engine(one(array), announced)

    def test_the_row_is_found_in_the_chunk_that_it_is_in(self) -> None:
        values = [0] * 5_000 + [70_000] + [0] * 500 + [80_000]
        column = pa.chunked_array([pa.array(values[:3_000]), pa.array(values[3_000:])])
        with pytest.raises(UsageError, match="column 'a', row 5,000: 70000"):
            to_engine(one(column), announce(FieldType.int16))

    @pytest.mark.parametrize(
        ("array", "kind"),
        [
            (pa.array(["1"]), FieldType.int64),
            (pa.array([1]), FieldType.v_string),
            (pa.array([1]), FieldType.bool),
            (pa.array([True]), FieldType.byte),
            (pa.array([D("1.5")]), FieldType.double),
            (pa.array([1.5]), FieldType.fixeddecimal),
            (pa.array(["x"]), FieldType.blob),
            (pa.array([b"x"]), FieldType.v_string),
            (pa.array([time(1, 2, 3)]), FieldType.datetime),
            (pa.array([datetime(2020, 1, 1)]), FieldType.time),
            (pa.array(["x"]).dictionary_encode(), FieldType.int64),
        ],
    )
    def test_another_kind_of_value_is_an_error_that_names_both_types(self, array: pa.Array, kind: FieldType) -> None:
        with pytest.raises(UsageError) as caught:
            to_engine(one(array), announce(kind))
        assert str(caught.value).startswith(f"column 'a' has the Arrow type {array.type}, which would be ")
        assert f"and the announced field is {kind.name}" in str(caught.value)
        assert f": cast the column to {Field('a', kind).arrow_type()}, or announce " in str(caught.value)

    def test_metadata_of_the_batch_counts_as_announced_when_nothing_else_is(self) -> None:
        table = set_metadata(one(pa.array([1], pa.int32())), {"a": FieldType.int64})
        assert to_engine(table).table.schema.types == [pa.int64()]

    def test_metadata_that_contradicts_the_announcement_is_replaced(self) -> None:
        table = set_metadata(one(pa.array(["x"])), {"a": {"type": 11, "size": 5, "my.note": "kept"}})
        sent = to_engine(table, announce(FieldType.v_wstring, 7)).table
        assert sent.schema.field("a").metadata == {
            **Field("a", FieldType.v_wstring, 7).as_arrow_metadata(),
            b"my.note": b"kept",
        }
        assert sent.column("a").chunk(0).buffers()[2].address == table.column("a").chunk(0).buffers()[2].address

    def test_a_column_that_needs_nothing_keeps_its_metadata_and_its_buffers(self) -> None:
        table = pa.table({"a": pa.array([1], pa.int8()), "b": ["x"]})
        sent = to_engine(table).table
        assert sent.schema.field("b").metadata is None
        assert sent.column("b").chunk(0).buffers()[2].address == table.column("b").chunk(0).buffers()[2].address

    def test_a_column_that_must_not_be_null_may_be_sent(self) -> None:
        schema = pa.schema([pa.field("a", pa.int64(), nullable=False)])
        table = pa.table([[1]], schema=schema)
        assert to_engine(table).table is table
        assert from_engine(table).table.schema.field("a").nullable

    def test_the_storage_of_an_unknown_extension_type_loses_its_name(self) -> None:
        notes = {"ARROW:extension:name": "some.type", "note": "x"}
        for storage in (pa.binary(2), pa.binary()):
            schema = pa.schema([pa.field("a", storage, metadata=notes)])
            sent = to_engine(pa.table([[b"xy"]], schema=schema)).table.schema.field("a")
            assert sent.type == pa.binary()
            assert b"ARROW:extension:name" not in sent.metadata
            assert sent.metadata[b"note"] == b"x"


class TestLayout:
    """A batch has the announced columns, in the announced order."""

    ANNOUNCED = Metadata([Field("a", FieldType.int64), Field("b", FieldType.int64)])

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["a"], "does not have the announced columns: 'b' is missing; write exactly the columns"),
            (["a", "b", "c"], "'c' was not announced"),
            (["a", "B"], "'b' is missing, 'B' was not announced"),
            (["b", "a"], "in another order, 'b', 'a' instead of 'a', 'b': .*table.select"),
            ([], "'a' is missing, 'b' is missing"),
            (["a", "b", "a"], "two columns are named 'a'.*rename one"),
        ],
    )
    def test_anything_else_is_an_error_that_names_the_columns(self, names: list[str], message: str) -> None:
        table = pa.table([pa.array([1])] * len(names), names=names)
        with pytest.raises(UsageError, match=message):
            to_engine(table, self.ANNOUNCED)

    def test_two_columns_of_one_name_are_an_error_without_an_announcement_too(self) -> None:
        with pytest.raises(UsageError, match="two columns are named 'a'"):
            from_engine(pa.table([[1], [2]], names=["a", "a"]))

    def test_an_announcement_of_two_columns_of_one_name_is_an_error(self) -> None:
        twice = Metadata([Field("a", FieldType.int64), Field("a", FieldType.int64)])
        with pytest.raises(UsageError, match="two columns are named 'a'"):
            to_engine(pa.table({"a": [1]}), twice)

    def test_the_announcement_is_the_plans_own(self) -> None:
        announced = announce(FieldType.int64)
        plan = OutgoingPlan(pa.schema([("a", pa.int8())]), announced)
        announced.add_field("b", FieldType.byte)
        assert len(plan.metadata) == 1

    def test_repr_says_what_is_converted(self) -> None:
        plan = OutgoingPlan(pa.schema([("a", pa.int8()), ("b", pa.int64())]))
        assert repr(plan) == "<OutgoingPlan of 2 columns, converts ['a']>"
        assert (
            repr(IncomingPlan(create_schema({"a": FieldType.byte}))) == "<IncomingPlan of 1 columns, converts nothing>"
        )


class TestPandas:
    """Tables that came from pandas."""

    FILTERED = pd.DataFrame({"a": [2, 3]}, index=[5, 1])

    def test_an_index_column_is_a_column(self) -> None:
        table, warnings = to_engine(pa.Table.from_pandas(self.FILTERED))
        assert table.to_pydict() == {"a": [2, 3], "__index_level_0__": [5, 1]}
        assert warnings == ()

    def test_an_index_column_that_nobody_announced_is_left_out_with_a_warning(self) -> None:
        table, warnings = to_engine(pa.Table.from_pandas(self.FILTERED), announce(FieldType.int64))
        assert table.to_pydict() == {"a": [2, 3]}
        assert [str(warning) for warning in warnings] == [
            "column '__index_level_0__' is a pandas index that was not announced, and is left out "
            "(make it with preserve_index=False)"
        ]

    def test_an_index_with_a_name_is_no_exception(self) -> None:
        table = pa.Table.from_pandas(self.FILTERED.rename_axis("row"))
        with pytest.raises(UsageError, match="'row' was not announced"):
            to_engine(table, announce(FieldType.int64))

    def test_what_pandas_writes_into_the_schema_is_dropped_and_nothing_else(self) -> None:
        table = pa.Table.from_pandas(pd.DataFrame({"a": [1]}), preserve_index=False)
        table = table.replace_schema_metadata({**table.schema.metadata, b"who": b"me"})
        for sent in (to_engine(table).table, from_engine(table).table):
            assert sent.schema.metadata == {b"who": b"me"}
            assert sent.column("a").chunk(0).buffers()[1].address == table.column("a").chunk(0).buffers()[1].address


class TestAsTable:
    """Batches are Tables or RecordBatches."""

    def test_a_record_batch_is_shared(self) -> None:
        batch = pa.record_batch({"a": [1]})
        assert as_table(batch).column("a").chunk(0).buffers()[1].address == batch.column("a").buffers()[1].address
        assert to_engine(batch).table.equals(pa.table({"a": [1]}))

    @pytest.mark.parametrize("batch", [pd.DataFrame({"a": [1]}), {"a": [1]}, None])
    def test_anything_else_is_an_error_that_says_how_to_convert_it(self, batch: object) -> None:
        with pytest.raises(UsageError, match=rf"this is a .*{type(batch).__name__}: convert it.*pyarrow.table\(data\)"):
            to_engine(batch)
        with pytest.raises(UsageError, match="preserve_index=False"):
            from_engine(batch)


def comparable(value: Any) -> Any:
    """Dates as the moments of their midnights, decimals as numbers."""
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value
