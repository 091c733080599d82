"""The batches of one anchor, one after the other."""

import pyarrow as pa
import pytest
from hypothesis import given

from kedge.exceptions import UsageError
from kedge.sdk.batch_converter import BatchConverter
from kedge.sdk.conversions import TypeWarning
from kedge.sdk.engine_types import IncomingPlan, OutgoingPlan, to_engine
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.schemas import metadata_from_schema
from tests.strategies import foreign_tables

FRACTION = "lost the fraction of a second"


def moments(*milliseconds: int) -> pa.Table:
    """A table of one timestamp column, ``a``."""
    return pa.table({"a": pa.array(milliseconds, pa.timestamp("ms"))})


class TestBatchConverter:
    """Plans are made when the schema changes; the first batch fixes the fields."""

    @given(table=foreign_tables())
    def test_a_batch_is_what_it_would_be_alone(self, table: pa.Table) -> None:
        converter = BatchConverter(OutgoingPlan)
        assert converter.convert(table) == to_engine(table)
        assert converter.metadata == metadata_from_schema(table.schema)

    @given(table=foreign_tables())
    def test_every_batch_has_the_schema_of_the_first(self, table: pa.Table) -> None:
        converter = BatchConverter(IncomingPlan)
        parts = [converter.convert(batch).table for batch in table.to_batches(max_chunksize=2)]
        assert all(part.schema.equals(parts[0].schema, check_metadata=True) for part in parts)
        assert pa.concat_tables(parts or [table]).num_rows == table.num_rows

    def test_conforming_batches_are_handed_on(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        first, second = pa.table({"a": [1]}), pa.table({"a": [2]})
        assert converter.convert(first).table is first
        assert converter.convert(second).table is second

    def test_nothing_is_known_before_the_first_batch(self) -> None:
        assert BatchConverter(OutgoingPlan).metadata is None

    def test_the_announcement_decides_from_the_start(self) -> None:
        announced = Metadata([Field("a", FieldType.int16)])
        converter = BatchConverter(OutgoingPlan, announced)
        assert converter.metadata == announced
        assert converter.convert(pa.table({"a": [1]})).table.schema.types == [pa.int16()]

    def test_a_later_batch_is_brought_into_the_types_of_the_first(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        converter.convert(pa.table({"a": [1]}))
        for column in (pa.array([1], pa.int32()), pa.array([2.0]), pa.nulls(1)):
            assert converter.convert(pa.table({"a": column})).table.schema.types == [pa.int64()]

    @pytest.mark.parametrize(
        ("batch", "message"),
        [
            (pa.table({"b": [1]}), "'a' is missing, 'b' was not announced"),
            (pa.table({"a": ["x"]}), "column 'a' has the Arrow type string.*announced field is int64"),
            (pa.table({"a": [0.5]}), r"column 'a', row 0: 0.5 \(double\) does not fit int64"),
        ],
    )
    def test_a_later_batch_that_does_not_go_with_the_first_is_an_error(self, batch: pa.Table, message: str) -> None:
        converter = BatchConverter(OutgoingPlan)
        converter.convert(pa.table({"a": [1]}))
        with pytest.raises(UsageError, match=message):
            converter.convert(batch)
        assert converter.convert(pa.table({"a": [3]})).table.to_pydict() == {"a": [3]}

    def test_record_batches_and_tables_may_alternate(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        table = pa.table({"a": pa.array([1, 2], pa.int8())})
        assert converter.convert(table).table.equals(converter.convert(table.to_batches()[0]).table)

    def test_what_is_no_batch_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="a pyarrow Table or RecordBatch, and this is a builtins"):
            BatchConverter(OutgoingPlan).convert({"a": [1]})


class TestWarnings:
    """A warning is told once, and again with its total at the end when there is more to tell."""

    def test_rows_count_from_the_first_batch(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        assert converter.convert(moments(0, 1_000)).warnings == ()
        assert converter.convert(moments(1_000, 1)).warnings == (TypeWarning("a", FRACTION, 1, 3),)

    def test_a_warning_is_told_once(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        told = [converter.convert(moments(1, 2)).warnings for _ in range(3)]
        assert told == [(TypeWarning("a", FRACTION, 2, 0),), (), ()]
        assert converter.closing_warnings() == (TypeWarning("a", FRACTION, 6, 0),)

    def test_what_was_told_in_full_is_not_told_again(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        converter.convert(moments(1, 2))
        converter.convert(moments(1_000))
        assert converter.closing_warnings() == ()

    def test_a_time_zone_is_told_once_for_all_batches(self) -> None:
        converter = BatchConverter(OutgoingPlan)
        table = pa.table({"a": pa.array([0], pa.timestamp("s", "Europe/Berlin"))})
        assert [len(converter.convert(table).warnings) for _ in range(3)] == [1, 0, 0]
        assert converter.closing_warnings() == ()
