from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import UsageError
from kedge.formula import FormulaOptions, bind, compile_fold, compile_generator, evaluate
from kedge.formula.columns import to_list
from kedge.formula.types import BLOB, BOOL, BYTE, DATE, DOUBLE, INT32, INT64, DesignerType, v_string

if TYPE_CHECKING:
    from kedge.formula.folding import Edges, Folded

OPTIONS = FormulaOptions()
FIELDS: dict[str, DesignerType] = {
    "x": DOUBLE,
    "n": INT32,
    "s": v_string(10),
    "day": DATE,
    "new": DOUBLE,
    "text": v_string(4),
    "count": INT32,
    "flag": BOOL,
}


def fold(
    text: str,
    output: str,
    *,
    edges: Edges = "Empty",
    starts: tuple[int, ...] = (0,),
    kind: DesignerType | None = None,
    piece: int = 3,
    **columns: list[Any],
) -> Folded:
    kind = kind or FIELDS[output]
    arrays = {name: pa.array(values, FIELDS[name].arrow) for name, values in columns.items()}
    rows = len(next(iter(columns.values()))) if columns else 4
    compiled = compile_fold(
        bind(text, {**FIELDS, output: kind}, rows=True),
        output,
        kind,
        created=output not in columns,
        edges=edges,
        options=OPTIONS,
    )
    return compiled.run(arrays, rows, starts, piece)


def values(folded: Folded) -> list[Any]:
    return list(folded.values.to_pylist())


class TestFold:
    """A row sees other rows of its group, and what was written before."""

    def test_a_running_total(self) -> None:
        assert values(fold("[Row-1:new] + [x]", "new", x=[1.0, 2.0, 3.5])) == [1.0, 3.0, 6.5]

    def test_number_and_null_is_null(self) -> None:
        assert values(fold("[Row-1:new] + [x]", "new", x=[1.0, None, 3.5])) == [1.0, None, None]

    def test_groups_start_anew(self) -> None:
        folded = fold("[Row-1:new] + [x]", "new", x=[1.0, 2.0, 3.0, 4.0, 5.0], starts=(0, 2, 4))
        assert values(folded) == [1.0, 3.0, 3.0, 7.0, 5.0]

    @pytest.mark.parametrize(
        ("edges", "before", "after"),
        [
            ("Empty", [0, 1, 2], [2, 3, 0]),
            ("NULL", [None, 1, 2], [2, 3, None]),
            ("Nearest", [1, 1, 2], [2, 3, 3]),
        ],
    )
    def test_rows_beyond_the_group(self, edges: Edges, before: list[Any], after: list[Any]) -> None:
        assert values(fold("[Row-1:n]", "count", edges=edges, n=[1, 2, 3])) == before
        assert values(fold("[Row+1:n]", "count", edges=edges, n=[1, 2, 3])) == after

    def test_rows_far_beyond_a_short_group(self) -> None:
        five = [1, 2, 3, 4, 5]
        assert values(fold("[Row-3:n]", "count", starts=(0, 2), n=five)) == [0, 0, 0, 0, 0]
        assert values(fold("[Row+2:n]", "count", starts=(0, 2), edges="Nearest", n=five)) == [
            2,
            2,
            5,
            5,
            5,
        ]
        assert values(fold("[Row-2:n]", "count", starts=(0, 2), edges="Nearest", n=five)) == [
            1,
            1,
            3,
            3,
            3,
        ]

    def test_empty_is_what_the_type_calls_so(self) -> None:
        assert values(fold("'<' + [Row-1:s]", "text", s=["a", "b"])) == ["<", "<a"]
        assert values(fold("[Row-1:day]", "d", kind=DATE, day=[dt.date(2020, 1, 1)])) == [None]
        assert values(fold("IIF([Row-1:flag], 1, 2)", "count", flag=[True, None])) == [2, 1]

    def test_an_updated_field_shows_old_values_ahead_and_new_ones_behind(self) -> None:
        folded = fold("[Row-1:x] + [x] + [Row+1:x]", "x", x=[1.0, 10.0, 100.0])
        assert values(folded) == [11.0, 121.0, 221.0]

    def test_the_row_before_the_first_is_nearest_to_the_old_value(self) -> None:
        assert values(fold("[Row-1:x] + 1", "x", edges="Nearest", x=[5.0, 10.0])) == [6.0, 7.0]
        assert values(fold("[Row-1:new] + 1", "new", edges="Nearest", n=[5, 10])) == [1.0, 2.0]

    def test_two_rows_back(self) -> None:
        assert values(fold("IIF([n] < 3, 1, [Row-1:count] + [Row-2:count])", "count", n=[1, 2, 3, 4, 5])) == [
            *[1, 1, 2, 3, 5]
        ]
        assert values(fold("[Row-2:x] + 1", "x", edges="Nearest", x=[5.0, 10.0, 20.0])) == [6.0, 7.0, 7.0]

    def test_a_created_field_is_empty_in_its_own_row(self) -> None:
        assert values(fold("[new] + [Row+1:new] + 1", "new", n=[1, 2])) == [1.0, 1.0]

    def test_a_count_within_runs(self) -> None:
        text = "IF [s] = [Row-1:s] THEN [Row-1:count] + 1 ELSE 1 ENDIF"
        assert values(fold(text, "count", edges="NULL", s=["a", "a", "b", None, None, "a"])) == [
            1,
            2,
            1,
            1,
            2,
            1,
        ]

    def test_the_written_value_is_the_stored_one(self) -> None:
        folded = fold("[Row-1:text] + [s]", "text", s=["ab", "cd", "ef"])
        assert values(folded) == ["ab", "abcd", "abcd"]
        assert (folded.problems, folded.examples) == (1, ("abcdef",))
        assert folded.told == "were cut to 4 characters"

    def test_what_does_not_fit_is_null_and_counted(self) -> None:
        folded = fold("[n] * 100", "small", kind=BYTE, n=[1, 2, 3, None])
        assert values(folded) == [100, 200, None, None]
        assert (folded.problems, folded.examples) == (1, (300,))

    def test_only_ten_examples_are_kept(self) -> None:
        folded = fold("[n] + 256", "small", kind=BYTE, n=list(range(50)))
        assert folded.problems == 50
        assert len(folded.examples) == 10

    def test_no_rows(self) -> None:
        assert values(fold("[Row-1:new] + [x]", "new", x=[])) == []

    def test_no_columns_at_all(self) -> None:
        assert values(fold("[Row-1:count] + 1", "count")) == [1, 2, 3, 4]

    def test_an_impossible_type_is_refused(self) -> None:
        with pytest.raises(UsageError, match="Blob"):
            compile_fold(bind("[raw]", {"raw": BLOB}), "new", DOUBLE, created=True, edges="Empty", options=OPTIONS)

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=12),
        st.sets(st.integers(1, 11), max_size=4),
        st.sampled_from(["Empty", "NULL"]),
    )
    def test_against_a_plain_loop(self, numbers: list[int | None], cuts: set[int], edges: Edges) -> None:
        starts = (0, *sorted(cut for cut in cuts if cut < len(numbers)))
        expected: list[int | None] = []
        previous = other = 0 if edges == "Empty" else None
        for place, number in enumerate(numbers):
            if place in starts:
                previous = other = 0 if edges == "Empty" else None
            total = None if previous is None or number is None else previous * 2 + number
            fallback = 1 if other is None else other
            value = fallback if total is None else total
            expected.append(value)
            previous, other = value, number
        text = "Coalesce([Row-1:new] * 2 + [n], IIF(IsNull([Row-1:n]), 1, [Row-1:n]))"
        for piece in (1, 2, 5, 100):
            folded = fold(text, "new", kind=INT64, edges=edges, starts=starts, piece=piece, n=numbers)
            assert values(folded) == expected

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.integers(0, 99), min_size=1, max_size=9),
        st.sets(st.integers(1, 8), max_size=4),
        st.integers(-4, 4),
        st.sampled_from(["Empty", "NULL", "Nearest"]),
        st.integers(1, 9),
    )
    def test_rows_around_against_a_plain_look_up(
        self, numbers: list[int], cuts: set[int], offset: int, edges: Edges, piece: int
    ) -> None:
        starts = (0, *sorted(cut for cut in cuts if cut < len(numbers)))
        expected: list[int | None] = []
        for start, end in pairwise([*starts, len(numbers)]):
            for place in range(start, end):
                there = place + offset
                near = numbers[min(max(there, start), end - 1)]
                beyond = {"Empty": 0, "NULL": None, "Nearest": near}[edges]
                expected.append(numbers[there] if start <= there < end else beyond)
        folded = fold(f"[Row{offset:+d}:n]", "count", edges=edges, starts=starts, piece=piece, n=numbers)
        assert values(folded) == expected


def generate(
    initial: str, condition: str, step: str, kind: DesignerType, piece: int = 4, **columns: list[Any]
) -> tuple[list[int], list[Any], int]:
    fields = {**FIELDS, "v": kind}
    first, test, later = [bind(text, fields) for text in (initial, condition, step)]
    compiled = compile_generator(first, test, later, "v", kind, OPTIONS)
    arrays = {name: pa.array(each, FIELDS[name].arrow) for name, each in columns.items()}
    rows = len(next(iter(columns.values()))) if columns else 1
    pieces = list(compiled.run(arrays, rows, piece))
    assert all(len(each.rows) == len(each.values) <= piece for each in pieces)
    owners = [row for each in pieces for row in each.rows.to_pylist()]
    return (
        owners,
        [value for each in pieces for value in each.values.to_pylist()],
        sum(each.problems for each in pieces),
    )


class TestGenerator:
    """Rows are made for each input row while the condition holds."""

    def test_a_range_for_each_row(self) -> None:
        owners, numbers, _ = generate("[n]", "v <= [x]", "v + 1", INT32, n=[1, 5, 7], x=[3.0, 4.0, 8.0])
        assert owners == [0, 0, 0, 2, 2]
        assert numbers == [1, 2, 3, 7, 8]

    def test_no_affine_step(self) -> None:
        assert generate("1", "v < 100", "v * 2 + 1", INT64)[1] == [1, 3, 7, 15, 31, 63]

    def test_dates(self) -> None:
        _, days, _ = generate("ToDate('2020-02-28')", "v <= '2020-03-01'", "DateTimeAdd(v, 1, 'days')", DATE)
        assert days == [dt.date(2020, 2, 28), dt.date(2020, 2, 29), dt.date(2020, 3, 1)]

    def test_texts(self) -> None:
        assert generate("'a'", "Length(v) < 4", "v + 'b'", v_string(9))[1] == ["a", "ab", "abb"]

    def test_a_value_that_is_lost_ends_the_loop(self) -> None:
        owners, numbers, problems = generate("100", "v > 0", "v * 2", BYTE)
        assert (owners, numbers, problems) == ([0, 0], [100, 200], 1)

    def test_a_null_start_makes_no_rows(self) -> None:
        assert generate("[n]", "v < 3", "v + 1", INT32, n=[None, 1])[:2] == ([1, 1], [1, 2])

    def test_no_input_rows(self) -> None:
        assert generate("1", "v < 3", "v + 1", INT32, n=[]) == ([], [], 0)

    def test_pieces_that_end_with_a_row(self) -> None:
        owners, numbers, _ = generate("1", "v <= 4", "v + 1", INT32, piece=4, n=[0, 0])
        assert owners == [0] * 4 + [1] * 4
        assert numbers == [1, 2, 3, 4] * 2

    def test_a_loop_without_end_can_be_left(self) -> None:
        fields = {"v": INT32}
        compiled = compile_generator(bind("1", fields), bind("TRUE", fields), bind("v", fields), "v", INT32, OPTIONS)
        pieces = list(islice(compiled.run({}, 1, piece=10), 3))
        assert [len(each.values) for each in pieces] == [10, 10, 10]


class TestEvaluate:
    """An expression is computed for every row."""

    def test_values_of_several_columns(self) -> None:
        columns = {
            "x": pa.array([1.0, None]),
            "n": pa.chunked_array([pa.array([2], pa.int32()), pa.array([3], pa.int32())]),
        }
        assert evaluate(bind("[x] * [n] + 1", FIELDS), columns, 2).to_pylist() == [3.0, None]

    def test_an_expression_without_fields(self) -> None:
        assert evaluate(bind("'a' + 'b'", {}), {}, 3).to_pylist() == ["ab"] * 3

    def test_a_very_long_chain(self) -> None:
        chain = " + ".join(["[s]"] * 300)
        assert evaluate(bind(chain, FIELDS), {"s": pa.array(["a"])}, 1).to_pylist() == ["a" * 300]


class TestColumns:
    """Arrow columns become lists of the same values."""

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.one_of(st.none(), st.integers(0, 100)), max_size=20),
        st.sampled_from([pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]),
        st.integers(0, 5),
    )
    def test_numbers(self, numbers: list[int | None], kind: pa.DataType, offset: int) -> None:
        array = pa.array(numbers, kind)[offset:]
        assert to_list(array) == array.to_pylist()
        assert to_list(pa.chunked_array([array, array])) == array.to_pylist() * 2

    def test_texts_and_dates(self) -> None:
        assert to_list(pa.array(["a", None])) == ["a", None]
        assert to_list(pa.array([dt.date(2020, 1, 1)])) == [dt.date(2020, 1, 1)]
