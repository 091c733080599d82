"""Frames of V1 tools: what they hold for each field type, and the way back."""

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings

from kedge.compat.v1.frames import frame_from_table, table_from_frame
from kedge.compat.v1.packets import RecordPacket
from kedge.exceptions import UsageError
from kedge.sdk.engine_types import to_engine
from kedge.sdk.fields import FieldType, Metadata
from kedge.sdk.schemas import metadata_from_schema, schema_from_metadata
from tests.strategies import tables

SAMPLES: dict[FieldType, Any] = {
    FieldType.bool: True,
    FieldType.byte: 200,
    FieldType.int16: -3,
    FieldType.int32: 70_000,
    FieldType.int64: 2**62 + 1,
    FieldType.fixeddecimal: Decimal("123456789012.345678"),
    FieldType.float: 0.5,
    FieldType.double: 0.1,
    FieldType.string: "text",
    FieldType.wstring: "tëxt",
    FieldType.v_string: "",
    FieldType.v_wstring: "🙂",
    FieldType.date: date(1400, 1, 31),
    FieldType.time: time(23, 59, 59),
    FieldType.datetime: datetime(9999, 12, 31, 1, 2, 3),
    FieldType.blob: b"\x00\xff",
    FieldType.spatialobj: "POINT (1 2)",
}

DTYPES = {
    FieldType.bool: "boolean",
    FieldType.byte: "UInt8",
    FieldType.int16: "Int16",
    FieldType.int32: "Int32",
    FieldType.int64: "Int64",
    FieldType.float: "float32",
    FieldType.double: "float64",
    FieldType.datetime: "datetime64[s]",
    **dict.fromkeys((FieldType.fixeddecimal, FieldType.date, FieldType.time, FieldType.blob), "object"),
}


def fields(*kinds: FieldType, **sizes: Any) -> Metadata:
    metadata = Metadata()
    for kind in kinds:
        metadata.add_field(kind.name, kind, **sizes)
    return metadata


def written(frame: pd.DataFrame, metadata: Metadata) -> pa.Table:
    """What an anchor that was opened with ``metadata`` sends for a frame."""
    return to_engine(RecordPacket.from_dataframe(metadata, frame).to_table(metadata), metadata).table


def column(kind: FieldType, values: object, **sizes: Any) -> list[object]:
    """What comes of one column of values."""
    (only,) = written(pd.DataFrame({kind.name: values}), fields(kind, **sizes)).columns
    result: list[object] = only.to_pylist()
    return result


class TestReading:
    @pytest.mark.parametrize("kind", FieldType)
    def test_a_value_and_a_missing_one(self, kind: FieldType) -> None:
        metadata = fields(kind)
        table = pa.Table.from_pylist([{kind.name: SAMPLES[kind]}, {kind.name: None}], schema_from_metadata(metadata))
        series = frame_from_table(table)[kind.name]
        assert series[0] == SAMPLES[kind]
        assert list(series.isna()) == [False, True]
        if kind in DTYPES:
            assert str(series.dtype) == DTYPES[kind]

    def test_integers_beside_missing_ones_stay_exact(self) -> None:
        frame = frame_from_table(pa.table({"a": [2**63 - 1, None]}))
        assert frame["a"][0] == 2**63 - 1
        assert frame["a"][1] is pd.NA


class TestThereAndBack:
    @given(tables())
    @settings(max_examples=60)
    def test_a_frame_that_was_read_is_written_as_it_came(self, table: pa.Table) -> None:
        assume(not any(math.isnan(v) for c in table.columns for v in c.to_pylist() if isinstance(v, float)))
        metadata = metadata_from_schema(table.schema)
        back = written(frame_from_table(table), metadata)
        assert back.equals(table)

    def test_nan_is_a_missing_value(self) -> None:
        assert column(FieldType.double, [1.5, float("nan")]) == [1.5, None]


class TestWriting:
    def test_the_metadata_has_the_order_and_the_index_is_left_out(self) -> None:
        frame = pd.DataFrame({"b": [1], "a": [2]}, index=["x"])
        metadata = Metadata()
        metadata.add_field("a", FieldType.int64)
        metadata.add_field("b", FieldType.int64)
        assert written(frame, metadata).to_pydict() == {"a": [2], "b": [1]}

    @pytest.mark.parametrize(
        ("kind", "values", "expected"),
        [
            (FieldType.int32, [1.0, None], [1, None]),
            (FieldType.int64, pd.array([1, pd.NA], dtype="object"), [1, None]),
            (FieldType.double, [1, 2], [1.0, 2.0]),
            (FieldType.bool, [True, None], [True, None]),
            (FieldType.date, ["2024-02-29", None], [date(2024, 2, 29), None]),
            (FieldType.date, pd.to_datetime(["2024-02-29"]), [date(2024, 2, 29)]),
            (FieldType.time, ["01:02:03"], [time(1, 2, 3)]),
            (FieldType.datetime, ["2024-02-29 01:02:03"], [datetime(2024, 2, 29, 1, 2, 3)]),
            (FieldType.datetime, pd.to_datetime(["2024-02-29T01:02:03"]), [datetime(2024, 2, 29, 1, 2, 3)]),
            (FieldType.v_wstring, pd.Categorical(["a", None]), ["a", None]),
            (FieldType.v_wstring, [None, None], [None, None]),
            (FieldType.blob, [b"x", bytearray(b"y")], [b"x", b"y"]),
            (FieldType.int16, [], []),
        ],
    )
    def test_what_tools_put_into_frames(self, kind: FieldType, values: object, expected: list[object]) -> None:
        assert column(kind, values) == expected

    def test_decimals_of_any_size(self) -> None:
        digits = Decimal("12345678901234567890123456789.12")
        assert column(FieldType.fixeddecimal, [digits, None], size=31, scale=2) == [digits, None]

    @pytest.mark.parametrize(
        ("kind", "values", "message"),
        [
            (FieldType.int16, [1, 70_000], r"column 'int16', row 1: 70000 \(int64\) does not fit int16"),
            (FieldType.int64, [1.0, 1.5], r"column 'int64', row 1: 1\.5 \(double\) does not fit int64"),
            (FieldType.int64, ["1", "x"], r"column 'int64', row 0: '1' \(str\) does not fit int64"),
            (FieldType.int64, [1, "x"], r"column 'int64', row 1: 'x' \(str\) does not fit int64"),
            (FieldType.v_wstring, ["a", 2], r"column 'v_wstring', row 1: 2 \(int\) does not fit v_wstring"),
            (FieldType.v_wstring, [None, {"a": 1}], r"column 'v_wstring', row 1: \{'a': 1\} \(dict\) does not fit"),
            (FieldType.bool, [1, 0], r"column 'bool', row 0: .*1.* does not fit bool"),
            (FieldType.date, ["2024-02-30"], r"row 0: '2024-02-30' \(str\) does not fit date: day is out of range"),
            (FieldType.datetime, [None, "soon"], r"column 'datetime', row 1: 'soon' \(str\) does not fit datetime"),
            (FieldType.blob, ["text"], r"column 'blob', row 0: 'text' \(str\) does not fit blob"),
            (FieldType.v_wstring, [object()], r"column 'v_wstring', row 0: <object object"),
            (FieldType.int64, [2**70], r"column 'int64', row 0: 1180591620717411303424 .*does not fit int64"),
        ],
    )
    def test_a_value_that_does_not_fit(self, kind: FieldType, values: list[object], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            column(kind, values)

    def test_a_long_value_is_shown_in_part(self) -> None:
        with pytest.raises(UsageError) as caught:
            column(FieldType.int64, ["x" * 1000])
        assert len(str(caught.value)) < 400


class TestColumns:
    @pytest.mark.parametrize(
        ("names", "problem"),
        [
            (["a"], "'b' is missing"),
            (["a", "b", "c"], "'c' is not in the metadata"),
            (["a", "a", "b"], "'a' is there more than once"),
            ([], "'a' is missing, 'b' is missing"),
        ],
    )
    def test_others_than_those_of_the_metadata(self, names: list[str], problem: str) -> None:
        metadata = Metadata()
        metadata.add_field("a", FieldType.int64)
        metadata.add_field("b", FieldType.int64)
        frame = pd.DataFrame([[1] * len(names)], columns=names)
        with pytest.raises(UsageError, match=f"does not have the columns of the metadata: {problem}"):
            RecordPacket.from_dataframe(metadata, frame)

    def test_none_at_all(self) -> None:
        assert table_from_frame(Metadata(), pd.DataFrame()).num_columns == 0
