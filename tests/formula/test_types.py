from __future__ import annotations

import pyarrow as pa
import pytest

from kedge.exceptions import UsageError
from kedge.formula.types import (
    BLOB,
    BOOL,
    BYTE,
    DATE,
    DATETIME,
    DOUBLE,
    FLOAT,
    INT16,
    INT32,
    INT64,
    SPATIAL,
    TIME,
    TYPE_NAMES,
    V_STRING,
    V_WSTRING,
    DesignerType,
    common_type,
    v_string,
    v_wstring,
)


class TestParse:
    """A type is read from the attributes of a workflow file."""

    def test_a_string_keeps_its_size(self) -> None:
        assert DesignerType.from_xml({"type": "V_String", "size": "254"}) == DesignerType("V_String", 254)

    def test_a_fixed_decimal_takes_its_scale_from_either_attribute(self) -> None:
        combined = DesignerType.parse("FixedDecimal", "13.9")
        assert combined == DesignerType("FixedDecimal", 13, 9)
        assert DesignerType.from_xml({"type": "FixedDecimal", "size": "6", "scale": "1"}) == DesignerType(
            "FixedDecimal", 6, 1
        )

    def test_sizes_that_mean_nothing_are_dropped(self) -> None:
        assert DesignerType.parse("Double", "255") == DOUBLE
        assert DesignerType.parse("Int16", "1073741823", "2") == INT16

    def test_defaults_fill_in_what_is_not_said(self) -> None:
        assert DesignerType("V_WString").size == 1073741823
        assert DesignerType("V_String").size == 2147483647
        assert DesignerType("FixedDecimal").size_text == "19.6"
        assert DesignerType("FixedDecimal", 50).scale == 0

    @pytest.mark.parametrize(
        ("name", "size"),
        [
            *[
                ("Bool", 1),
                ("Byte", 1),
                ("Int16", 2),
                ("Int32", 4),
                ("Int64", 8),
                ("Float", 4),
                ("Double", 8),
            ],
            *[("Date", 10), ("Time", 8), ("DateTime", 19)],
        ],
    )
    def test_formula_fields_show_the_fixed_sizes(self, name: str, size: int) -> None:
        assert DesignerType(name).size_text == str(size)

    def test_the_name_is_matched_without_case(self) -> None:
        assert DesignerType.parse("v_wstring", "20") == v_wstring(20)

    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"type": "Text"}, "no field type 'Text'"),
            ({"type": "String", "size": "wide"}, "'wide'"),
            ({"size": "4"}, "without a type"),
            ({"type": "FixedDecimal", "size": "4.6"}, "6 digits"),
            ({"type": "String", "size": "-4"}, "below zero"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, attributes: dict[str, str], said: str) -> None:
        with pytest.raises(UsageError, match=said):
            DesignerType.from_xml(attributes)

    @pytest.mark.parametrize("name", TYPE_NAMES)
    def test_a_written_type_reads_back_equal(self, name: str) -> None:
        assert DesignerType.from_xml(DesignerType(name).to_xml()) == DesignerType(name)


class TestCounterparts:
    """Every type has one column type in DuckDB and one in Arrow."""

    @pytest.mark.parametrize(
        ("kind", "sql", "arrow"),
        [
            (BOOL, "BOOLEAN", pa.bool_()),
            (BYTE, "UTINYINT", pa.uint8()),
            (INT16, "SMALLINT", pa.int16()),
            (INT32, "INT", pa.int32()),
            (INT64, "BIGINT", pa.int64()),
            (DesignerType("FixedDecimal", 19, 6), "DECIMAL(19, 6)", pa.decimal128(19, 6)),
            (DesignerType("FixedDecimal", 50, 6), "DECIMAL(38, 6)", pa.decimal128(38, 6)),
            (FLOAT, "REAL", pa.float32()),
            (DOUBLE, "DOUBLE", pa.float64()),
            (V_STRING, "TEXT", pa.string()),
            (DATE, "DATE", pa.date32()),
            (TIME, "TIME", pa.time64("us")),
            (DATETIME, "TIMESTAMP", pa.timestamp("us")),
            (BLOB, "BLOB", pa.binary()),
            (SPATIAL, "TEXT", pa.string()),
        ],
    )
    def test_the_counterparts(self, kind: DesignerType, sql: str, arrow: pa.DataType) -> None:
        assert kind.sql.sql("duckdb") == sql
        assert kind.arrow == arrow


class TestCommonType:
    """Two types meet in the narrowest that holds both."""

    @pytest.mark.parametrize(
        ("left", "right", "both"),
        [
            (BYTE, INT64, INT64),
            (BOOL, INT16, INT16),
            (INT32, FLOAT, DOUBLE),
            (INT16, FLOAT, FLOAT),
            (DesignerType("FixedDecimal", 6, 1), DOUBLE, DOUBLE),
            (
                DesignerType("FixedDecimal", 6, 1),
                DesignerType("FixedDecimal", 5, 4),
                DesignerType("FixedDecimal", 9, 4),
            ),
            (INT32, DesignerType("FixedDecimal", 6, 1), DesignerType("FixedDecimal", 11, 1)),
            (DATE, DATETIME, DATETIME),
            (DATE, TIME, v_string(10)),
            (INT64, v_string(4), v_string(20)),
            (DesignerType("String", 4), DesignerType("WString", 2), DesignerType("WString", 4)),
            (DesignerType("String", 4), v_wstring(9), v_wstring(9)),
            (V_STRING, v_wstring(2), V_WSTRING),
            (BLOB, INT16, None),
            (BLOB, BLOB, BLOB),
        ],
    )
    def test_the_common_type(self, left: DesignerType, right: DesignerType, both: DesignerType | None) -> None:
        assert common_type(left, right) == both
        assert common_type(right, left) == both
