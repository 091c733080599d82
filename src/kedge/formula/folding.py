"""Multi-Row Formula in Python: rows see others of their group, also the values that were written before."""

from __future__ import annotations

__all__ = ["Edges", "Fold", "Folded", "compile_fold"]

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pyarrow as pa

from kedge.formula.codegen import Names, Writer, Written, compiled, name
from kedge.formula.columns import to_array, to_list
from kedge.formula.convert import convert
from kedge.formula.ranges import narrowest
from kedge.formula.rows import MOST_EXAMPLES, SOURCE, counted, references, stored
from kedge.formula.typed import FieldRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kedge.formula.convert import Conversion
    from kedge.formula.options import FormulaOptions
    from kedge.formula.rows import Columns
    from kedge.formula.typed import Typed
    from kedge.formula.types import DesignerType

Edges = Literal["Empty", "NULL", "Nearest"]
"""What a row beyond its group is: empty (0, "" or False), null, or the nearest row of the group."""

_PIECE: Final = 131072
"""How many rows are Python values at a time."""


class Folded(NamedTuple):
    """The new column of a fold; how many values were lost when they were stored, some of them, and why."""

    values: pa.ChunkedArray
    problems: int
    examples: tuple[object, ...]
    told: str


class _Piece(NamedTuple):
    """Rows ``first`` up to ``last``; the first rows of the groups that touch them, and their end."""

    first: int
    last: int
    starts: Sequence[int]

    def runs(self) -> list[tuple[int, int, bool]]:
        """Return, counted from ``first``, the rows of each group, and whether the group starts with them."""
        return [
            (max(start, self.first) - self.first, min(end, self.last) - self.first, start >= self.first)
            for start, end in pairwise(self.starts)
        ]


@dataclass(frozen=True)
class Fold:
    """A compiled Multi-Row Formula; `compile_fold` makes it."""

    expression: Typed
    output: str
    kind: DesignerType
    created: bool
    edges: Edges
    conversion: Conversion

    def run(self, columns: Columns, rows: int, starts: Sequence[int] = (0,), piece: int = _PIECE) -> Folded:
        """Compute the column over ``rows`` rows; groups are neighbours, ``starts`` are their first rows.

        ``columns`` holds every field that the expression reads (the output field too, unless it is
        created), in the order in which the rows are to be seen. Memory beyond that of the columns is for
        ``piece`` rows at a time.
        """
        inputs = [each for each in references(self.expression) if not self._is_written(each)]
        loop = _compiled_loop(self, inputs, {each: _may_be_null(each, columns, self.edges) for each in inputs})
        chunks: list[pa.Array] = []
        examples: list[object] = []
        state: object = None
        problems = 0
        for part in _pieces(rows, starts, piece):
            lists = [self._list(each, columns, part) for each in inputs]
            before = [] if self.created else to_list(columns[self.output][part.first : part.last])
            values, state, lost, shown = loop(part.runs(), before, state, *lists)
            chunks.append(to_array(values, self.kind))
            problems += lost
            examples += shown[: MOST_EXAMPLES - len(examples)]
        column = pa.chunked_array(chunks, self.kind.arrow)
        return Folded(column, problems, tuple(examples), self.conversion.told)

    @property
    def depth(self) -> int:
        """How many rows back the expression looks at values that it wrote."""
        written = [each for each in references(self.expression) if self._is_written(each)]
        return max((-each.offset for each in written), default=0)

    @property
    def edge(self) -> object:
        """What a value of the output field is before the first row of a group."""
        return None if self.edges == "NULL" else _empty(self.kind)

    @property
    def starts_certain(self) -> bool:
        """Whether the value before the first row of a group is surely not null."""
        return self.edge is not None and (self.created or self.edges == "Empty")

    def _is_written(self, ref: FieldRef) -> bool:
        return ref.name == self.output and ref.offset < 0

    def _list(self, ref: FieldRef, columns: Columns, part: _Piece) -> list[Any]:
        if self.created and ref.name == self.output:
            return [self.edge] * (part.last - part.first)
        return _shifted(columns, ref, part, self.edges)


def compile_fold(
    expression: Typed,
    output: str,
    kind: DesignerType,
    *,
    created: bool,
    edges: Edges,
    options: FormulaOptions,
) -> Fold:
    """Return the compiled form of an expression that was bound with ``rows=True``.

    ``[Row-1:output]`` is the value that was written for the row before, in the type ``kind`` of the field;
    later rows of the output field, and its current row, still have the values of before (nothing, when it
    is ``created``).

    Raises `UsageError` where the expression's type has no conversion to ``kind``.
    """
    conversion = convert(FieldRef(SOURCE, narrowest(expression)), kind, options)
    return Fold(expression, output, kind, created, edges, conversion)


def _pieces(rows: int, starts: Sequence[int], size: int) -> list[_Piece]:
    pieces = []
    for first in range(0, rows, size):
        last = min(first + size, rows)
        touching = starts[bisect_right(starts, first) - 1 : bisect_left(starts, last)]
        after = bisect_left(starts, last)
        end = starts[after] if after < len(starts) else rows
        pieces.append(_Piece(first, last, [*touching, end]))
    return pieces


def _empty(kind: DesignerType) -> object:
    if kind.is_numeric:
        return {"Float": 0.0, "Double": 0.0, "FixedDecimal": Decimal(0)}.get(kind.name, 0)
    return "" if kind.is_string else False if kind.is_bool else None


def _may_be_null(ref: FieldRef, columns: Columns, edges: Edges) -> bool:
    if ref.name not in columns or columns[ref.name].null_count:
        return True
    return ref.offset != 0 and (edges == "NULL" or (edges == "Empty" and _empty(ref.type) is None))


def _shifted(columns: Columns, ref: FieldRef, part: _Piece, edges: Edges) -> list[Any]:
    """Return, for each row of a piece, the value ``offset`` rows on within its group."""
    column, offset = columns[ref.name], ref.offset
    first, last = max(part.first + offset, 0), max(part.last + offset, 0)
    values = to_list(column[first:last])
    missing = part.last - part.first - len(values)
    values = [None] * missing + values if offset < 0 else values + [None] * missing
    for start, end in pairwise(part.starts) if offset else ():
        beyond = range(start, min(start - offset, end)) if offset < 0 else range(max(end - offset, start), end)
        nearest = start if offset < 0 else end - 1
        rows = range(max(beyond.start, part.first), min(beyond.stop, part.last))
        if rows:
            edge = _edge(ref, edges) if edges != "Nearest" else column[nearest].as_py()
            values[rows.start - part.first : rows.stop - part.first] = [edge] * len(rows)
    return values


def _edge(ref: FieldRef, edges: Edges) -> object:
    return None if edges == "NULL" else _empty(ref.type)


def _compiled_loop(fold: Fold, inputs: Sequence[FieldRef], may_be_null: Mapping[FieldRef, bool]) -> Callable[..., Any]:
    """Compile the loop. Values written before count as never null if the loop shows that they never are."""
    variables = {each: f"v{number}" for number, each in enumerate(inputs)}
    for written_null in (False, True):
        names = Names()
        field = _reader(variables, may_be_null, written_null)
        value = Writer(names, field).write(fold.expression)
        code = stored(fold.conversion, names, value.nullable)
        if not code.value.nullable and fold.starts_certain:
            break
    places = {"VALUE": value.code, "STORED": code.value.code, "EDGE": names.bind(fold.edge)}
    if code.problem:
        places["PROBLEM"] = code.problem
    return compiled(_loop_source(fold, list(variables.values()), code.problem is not None), places, names)


def _reader(
    variables: Mapping[FieldRef, str], may_be_null: Mapping[FieldRef, bool], written_null: bool
) -> Callable[[FieldRef], Written]:
    def read(ref: FieldRef) -> Written:
        if ref in variables:
            return Written(name(variables[ref]), may_be_null[ref])
        return Written(name(f"p{-ref.offset}"), written_null)

    return read


def _loop_source(fold: Fold, variables: Sequence[str], checked: bool) -> str:
    """Return the loop over the rows of a piece; ``state`` goes from one piece to the next.

    ``p1`` is the value written for the row before, ``p2`` that before it, and so on; ``first`` says that no
    row of the group is written yet.
    """
    written = [f"p{number + 1}" for number in range(max(fold.depth, 1))]
    lists = [f"{each}s" for each in variables]
    sliced = ", ".join(f"{each}[start:end]" for each in lists)
    return "\n".join(
        [
            f"def run({', '.join(['bounds', 'before', 'state', *lists])}):",
            "    values, examples, problems = [], [], 0",
            "    append = values.append",
            f"    {', '.join(written)}, first = state or {(*[None] * len(written), True)}",
            "    for start, end, anew in bounds:",
            "        if anew:",
            f"            {' = '.join(written)} = {_edge_source(fold)}",
            "            first = True",
            f"        for {', '.join(variables)}, in zip({sliced}):"
            if variables
            else "        for _ in range(end - start):",
            f"            {SOURCE} = VALUE",
            "            value = STORED",
            *(counted("PROBLEM", 12) if checked else ()),
            "            append(value)",
            *_handed_on(fold, written),
            f"    return values, ({', '.join(written)}, first), problems, examples",
        ]
    )


def _edge_source(fold: Fold) -> str:
    return "before[start]" if fold.edges == "Nearest" and not fold.created else "EDGE"


def _handed_on(fold: Fold, written: Sequence[str]) -> list[str]:
    """Return what hands the written value on; to all places after the first row, if that is the nearest."""
    if not fold.depth:
        return []
    moves = [f"            {later} = {sooner}" for sooner, later in reversed(list(pairwise(written)))]
    lines = [*moves, "            p1 = value"]
    if fold.edges == "Nearest" and fold.depth > 1:
        lines += ["            if first:", f"                {' = '.join(written)} = value"]
        lines += ["                first = False"]
    return lines
