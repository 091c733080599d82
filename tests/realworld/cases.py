"""The real-world tools of this folder: what each is given, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from kedge.sdk.fields import FieldType, Metadata
from kedge.sdk.schemas import schema_from_metadata

__all__ = ["FOLDER", "V1_CASES", "V2_CASES", "Case", "all_types"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One run of a tool. ``columns`` are the columns of each output, ``messages`` the texts of its messages."""

    file: str
    tool: str
    inputs: dict[str, Any] = field(default_factory=dict)
    config: str | None = None
    outputs: tuple[str, ...] = ("Output",)
    columns: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def target(self) -> str:
        """The tool as ``kedge.run_tool`` takes it."""
        return f"{FOLDER / self.file}:{self.tool}"

    def __str__(self) -> str:
        return self.file.removesuffix(".py")


def configuration(inner: str) -> str:
    return f"<Configuration>{inner}</Configuration>"


def all_types() -> pa.Table:
    """Two rows of every field type, the second of nulls, each field with a source and a description."""
    samples: dict[FieldType, Any] = {
        FieldType.bool: True,
        FieldType.byte: 255,
        FieldType.int16: -(2**15),
        FieldType.int32: 2**31 - 1,
        FieldType.int64: 2**63 - 1,
        FieldType.fixeddecimal: Decimal("-1234567890123.123456"),
        FieldType.float: 0.25,
        FieldType.double: 0.1,
        FieldType.string: "plain",
        FieldType.wstring: "wïde",
        FieldType.v_string: "",
        FieldType.v_wstring: "🚀 long",
        FieldType.date: date(2024, 2, 29),
        FieldType.time: time(23, 59, 59),
        FieldType.datetime: datetime(1400, 1, 1, 0, 0, 1),
        FieldType.blob: b"\x00\x01",
        FieldType.spatialobj: "POINT (8.5 47.4)",
    }
    metadata = Metadata()
    for kind in FieldType:
        source = "WKT" if kind is FieldType.spatialobj else f"file of {kind.name}"
        metadata.add_field(kind.name, kind, source=source, description=f"a {kind.name}")
    rows = [{kind.name: value for kind, value in samples.items()}, {kind.name: None for kind in samples}]
    return pa.Table.from_pylist(rows, schema=schema_from_metadata(metadata))


PRICES = pa.table({"Item": pa.array([2**62, None, 3], pa.int64()), "Price": [10.0, None, 2.5]})
GROUPS = pa.table({"Group": ["a", "b", "a"], "Value": pa.array([1, None, 3], pa.int64())})
VALUES = pa.table({"Value": pa.array([1, 2], pa.int64())})

V1_CASES = [
    Case(
        "v1/price_with_tax.py",
        "PriceWithTax",
        {"Input": PRICES},
        configuration("<Rate>50</Rate>"),
        columns={"Output": {"Item": [2**62, None, 3], "Price": [10.0, None, 2.5], "Gross": [15.0, None, 3.75]}},
        messages=["Price with tax, at 50.0 per cent", "Done"],
    ),
    Case(
        "v1/optional_seed.py",
        "OptionalSeed",
        {"Input": [VALUES]},
        columns={"Output": {"Value": [1, 2]}},
    ),
    Case(
        "v1/optional_seed.py",
        "OptionalSeed",
        {"Input": []},
        configuration("<Seed>7</Seed>"),
        columns={"Output": {"Seed": [7]}},
    ),
    Case(
        "v1/sorted_union.py",
        "SortedUnion",
        {"Input": [VALUES, pa.table({"Value": pa.array([0, 5, None], pa.int64())})]},
        configuration("<SortBy>Value</SortBy>"),
        columns={"Output": {"Value": [0, 1, 2, 5, None]}},
        messages=["packet from Input #1", "packet from Input #2"],
    ),
    Case(
        "v1/calendar_source.py",
        "CalendarSource",
        config=configuration("<Year>2024</Year><Month>2</Month>"),
        outputs=("Days",),
        columns={
            "Days": {
                "Day": [date(2024, 2, day) for day in range(1, 30)],
                "Name": [f"{date(2024, 2, day):%A}" for day in range(1, 30)],
                "Week": [date(2024, 2, day).isocalendar()[1] for day in range(1, 30)],
            }
        },
    ),
    Case(
        "v1/threshold_split.py",
        "ThresholdSplit",
        {"Input": PRICES},
        configuration("<Column>Price</Column><Threshold>5</Threshold>"),
        outputs=("Large", "Others"),
        columns={
            "Large": {"Item": [2**62], "Price": [10.0]},
            "Others": {"Item": [None, 3], "Price": [None, 2.5]},
        },
    ),
    Case(
        "v1/every_type.py",
        "EveryType",
        {"Input": all_types()},
        columns={"Output": all_types().to_pydict()},
        messages=["2 rows of 17 fields"],
    ),
]

V2_CASES = [
    Case(
        "v2/optional_lookup.py",
        "OptionalLookup",
        {"Input": pa.table({"Key": [1, 2]}), "Lookup": pa.table({"Key": [2], "Name": ["two"]})},
        columns={"Output": {"Key": [1, 2], "Name": ["?", "two"]}},
        messages=["Input complete, lookup there", "Lookup complete, lookup there"],
    ),
    Case(
        "v2/optional_lookup.py",
        "OptionalLookup",
        {"Input": pa.table({"Key": [1]}), "Lookup": []},
        columns={"Output": {"Key": [1], "Name": ["?"]}},
        messages=["Input complete, lookup not connected"],
    ),
    Case(
        "v2/numbered_union.py",
        "NumberedUnion",
        {"Input": [VALUES, VALUES]},
        columns={"Output": {"Value": [1, 2, 1, 2], "Source": [1, 1, 2, 2]}},
        messages=["0 connections open"],
    ),
    Case(
        "v2/router.py",
        "Router",
        {"Input": pa.table({"Group": ["a", "b", "c", None]})},
        configuration(
            '<Rules><Rule anchor="A" column="Group">a</Rule><Rule anchor="Z" column="Group">z</Rule></Rules>'
        ),
        outputs=("A", "Z", "Rest"),
        columns={"A": {"Group": ["a"]}, "Z": {"Group": []}, "Rest": {"Group": ["b", "c"]}},
    ),
    Case(
        "v2/nested_configuration.py",
        "NestedConfiguration",
        config=configuration('<A> x </A><B/><C k="1">t</C><D><E>1</E><E>2</E></D>'),
        columns={
            "Output": {
                "Path": ["/A", "/B", "/C/@k", "/C/#text", "/D/E[0]", "/D/E[1]"],
                "Value": [" x ", None, "1", "t", "1", "2"],
            }
        },
        messages=["configuration has {'seen': 'yes'}"],
    ),
    Case(
        "v2/nested_configuration.py",
        "NestedConfiguration",
        columns={"Output": {"Path": [], "Value": []}},
        messages=["configuration has {'seen': 'yes'}"],
    ),
    Case(
        "v2/big_decimals.py",
        "BigDecimals",
        {"Input": pa.table({"Amount": ["12345678901234567890123.4567", None, "0.0001"]})},
        columns={
            "Output": {"Total": [Decimal("12345678901234567890123.4568")], "Text": ["12345678901234567890123.4568"]}
        },
    ),
    Case(
        "v2/every_type.py",
        "EveryType",
        {"Input": all_types()},
        columns={"Output": all_types().to_pydict()},
    ),
    Case(
        "v2/pandas_inside.py",
        "PandasInside",
        {"Input": GROUPS},
        columns={"Output": {"count": [2, 0], "sum": [4.0, 0.0], "Group": ["a", "b"]}},
        messages=["1 frames"],
    ),
    Case(
        "v2/polars_inside.py",
        "PolarsInside",
        {"Input": GROUPS},
        columns={
            "Output": {
                "Group": ["a", "a", "b"],
                "Value": [1, 3, None],
                "Rank": [1, 2, None],
                "Upper": ["A", "A", "B"],
            }
        },
    ),
    Case(
        "v2/slow_finish.py",
        "SlowFinish",
        {"Input": VALUES},
        columns={
            "Output": {
                "Round": [number for number in range(1, 21) for _ in range(2)],
                "Value": [number * value for number in range(1, 21) for value in (1, 2)],
            }
        },
        messages=["update_progress(250) is outside 0.0 to 1.0 (or 100 per cent) and was clamped"],
    ),
]
