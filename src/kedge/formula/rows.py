"""Evaluation in Python, row by row, for what no set-based engine does: recurrences and loops.

Each entry point writes one loop for its expressions, compiles it once, and runs it over lists of values. A
recurrence of numbers takes about a tenth of a microsecond for each row.

* `evaluate` computes an expression for every row. * `compile_fold` is for Multi-Row Formula: rows see
others of their group, also values written before. * `compile_generator` is for Generate Rows: rows are made
while a condition holds.
"""

from __future__ import annotations

__all__ = [
    "Edges",
    "Fold",
    "Folded",
    "Generated",
    "Generator",
    "compile_fold",
    "compile_generator",
    "evaluate",
]

import ast
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kedge.formula.codegen import Names, Writer, Written, compiled, name
from kedge.formula.columns import Column, to_array, to_list
from kedge.formula.convert import convert
from kedge.formula.typed import FieldRef, Typed, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kedge.formula.convert import Conversion
    from kedge.formula.options import FormulaOptions
    from kedge.formula.types import DesignerType

    Columns = Mapping[str, Column]

Edges = Literal["Empty", "NULL", "Nearest"]
"""What a row beyond its group is: empty (0, "" or False), null, or the nearest row of the group."""

MOST_EXAMPLES: Final = 10
"""How many values that were lost are kept for the warnings."""

_SOURCE: Final = "source"


def references(*expressions: Typed) -> tuple[FieldRef, ...]:
    """Return the fields that expressions read, each field and offset once, in the order of reading."""
    found = {
        (node.name, node.offset): node for each in expressions for node in walk(each) if isinstance(node, FieldRef)
    }
    return tuple(found.values())


def evaluate(expression: Typed, columns: Columns, rows: int) -> pa.Array:
    """Return the values of an expression, one for each of ``rows`` rows of the columns, in its own type.

    The expression must not look at other rows.
    """
    refs = references(expression)
    names = Names()
    variables = {each.name: f"v{number}" for number, each in enumerate(refs)}
    nullable = {each.name: columns[each.name].null_count > 0 for each in refs}
    writer = Writer(names, lambda ref: Written(name(variables[ref.name]), nullable[ref.name]))
    head = ", ".join(variables.values())
    each_row = f"for {head}, in zip({head})" if refs else "for _ in range(rows)"
    source = f"def run({', '.join(['rows', *variables.values()])}):\n    return [VALUE {each_row}]\n"
    run = compiled(source, {"VALUE": writer.write(expression).code}, names)
    return to_array(run(rows, *(to_list(columns[each.name]) for each in refs)), expression.type)


class Folded(NamedTuple):
    """The new column of a fold; how many values were lost when they were stored, some of them, and why."""

    values: pa.Array
    problems: int
    examples: tuple[object, ...]
    told: str


@dataclass(frozen=True)
class Fold:
    """A compiled Multi-Row Formula; `compile_fold` makes it."""

    expression: Typed
    output: str
    kind: DesignerType
    created: bool
    edges: Edges
    conversion: Conversion

    def run(self, columns: Columns, rows: int, starts: Sequence[int] = (0,)) -> Folded:
        """Compute the column over ``rows`` rows; groups are neighbours, ``starts`` are their first rows.

        ``columns`` holds every field that the expression reads (the output field too, unless it is
        created), in the order in which the rows are to be seen.
        """
        bounds = list(pairwise([*starts, rows])) if rows else []
        inputs = [each for each in references(self.expression) if not self._is_written(each)]
        lists = [self._list(each, columns, bounds) for each in inputs]
        may_be_null = {each: _may_be_null(each, columns, self.edges) for each in inputs}
        before = None if self.created else to_list(columns[self.output])
        loop = _fold_loop(self, inputs, may_be_null)
        values, problems, examples = loop(bounds, before, *lists)
        return Folded(to_array(values, self.kind), problems, tuple(examples), self.conversion.told)

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

    def _list(self, ref: FieldRef, columns: Columns, bounds: Sequence[tuple[int, int]]) -> list[Any]:
        if self.created and ref.name == self.output:
            return [self.edge] * (bounds[-1][1] if bounds else 0)
        values = to_list(columns[ref.name])
        return _shifted(values, ref, bounds, self.edges) if ref.offset else values


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
    conversion = convert(FieldRef(_SOURCE, expression.type), kind, options)
    return Fold(expression, output, kind, created, edges, conversion)


def _empty(kind: DesignerType) -> object:
    if kind.is_numeric:
        return 0.0 if kind.name in ("Float", "Double") else 0
    return {True: "", False: None}[kind.is_string] if not kind.is_bool else False


def _may_be_null(ref: FieldRef, columns: Columns, edges: Edges) -> bool:
    if ref.name not in columns or columns[ref.name].null_count:
        return True
    return ref.offset != 0 and (edges == "NULL" or (edges == "Empty" and _empty(ref.type) is None))


def _shifted(values: list[Any], ref: FieldRef, bounds: Sequence[tuple[int, int]], edges: Edges) -> list[Any]:
    """Return, for each row, the value ``offset`` rows on within its group."""
    shifted: list[Any] = []
    for start, end in bounds:
        span = min(abs(ref.offset), end - start)
        first, last = (values[start], values[end - 1]) if edges == "Nearest" else (_edge(ref, edges),) * 2
        if ref.offset < 0:
            shifted += [first] * span
            shifted += values[start : end - span]
        else:
            shifted += values[start + span : end]
            shifted += [last] * span
    return shifted


def _edge(ref: FieldRef, edges: Edges) -> object:
    return None if edges == "NULL" else _empty(ref.type)


class _Stored(NamedTuple):
    """The value in the type of its field, made of the variable ``source``, and the test for a problem."""

    value: Written
    problem: ast.expr | None


def _stored(conversion: Conversion, names: Names, nullable: bool) -> _Stored:
    writer = Writer(names, lambda _: Written(name(_SOURCE), nullable))
    problem = None if conversion.problem is None else writer.write(conversion.problem).code
    return _Stored(writer.write(conversion.value), problem)


def _fold_loop(fold: Fold, inputs: Sequence[FieldRef], may_be_null: Mapping[FieldRef, bool]) -> Callable[..., Any]:
    """Compile the loop. Values written before count as never null if the loop shows that they never are."""
    variables = {each: f"v{number}" for number, each in enumerate(inputs)}
    for written_null in (False, True):
        names = Names()
        field = _reader(variables, may_be_null, written_null)
        value = Writer(names, field).write(fold.expression)
        stored = _stored(fold.conversion, names, value.nullable)
        if not stored.value.nullable and fold.starts_certain:
            break
    places = {"VALUE": value.code, "STORED": stored.value.code, "EDGE": names.bind(fold.edge)}
    if stored.problem:
        places["PROBLEM"] = stored.problem
    return compiled(_fold_source(fold, list(variables.values()), stored.problem is not None), places, names)


def _reader(
    variables: Mapping[FieldRef, str], may_be_null: Mapping[FieldRef, bool], written_null: bool
) -> Callable[[FieldRef], Written]:
    def read(ref: FieldRef) -> Written:
        if ref in variables:
            return Written(name(variables[ref]), may_be_null[ref])
        return Written(name(f"p{-ref.offset}"), written_null)

    return read


_PROBLEM: Final = (
    "            if PROBLEM:",
    "                problems += 1",
    f"                if problems <= {MOST_EXAMPLES}:",
    "                    examples.append(source)",
)


_NEAREST: Final = """\
            if first:
                {} = value
                first = False"""


def _fold_source(fold: Fold, variables: Sequence[str], checked: bool) -> str:
    """Return the loop: ``p1`` is the value written for the row before, ``p2`` that before it, and so on."""
    written = [f"p{number + 1}" for number in range(fold.depth)]
    lists = [f"{each}s" for each in variables]
    sliced = ", ".join(f"{each}[start:end]" for each in lists)
    rows = f"for {', '.join(variables)}, in zip({sliced})" if variables else "for _ in range(end - start)"
    edge = "before[start]" if fold.edges == "Nearest" and not fold.created else "EDGE"
    nearest = fold.edges == "Nearest" and fold.depth > 1
    return "\n".join(
        [
            f"def run({', '.join(['bounds', 'before', *lists])}):",
            "    values, examples, problems = [], [], 0",
            "    append = values.append",
            "    for start, end in bounds:",
            *([f"        {' = '.join(written)} = {edge}"] if written else []),
            *(["        first = True"] if nearest else []),
            f"        {rows}:",
            f"            {_SOURCE} = VALUE",
            "            value = STORED",
            *(_PROBLEM if checked else ()),
            "            append(value)",
            *(f"            {later} = {sooner}" for sooner, later in reversed(list(pairwise(written)))),
            *(["            p1 = value"] if written else []),
            *(_NEAREST.format(" = ".join(written)).splitlines() if nearest else ()),
            "    return values, problems, examples",
        ]
    )


class Generated(NamedTuple):
    """A piece of what a generator makes: for each new row the input row it comes from, and the new value."""

    rows: pa.Array
    values: pa.Array
    problems: int
    examples: tuple[object, ...]


@dataclass(frozen=True)
class Generator:
    """A compiled Generate Rows; `compile_generator` makes it."""

    initial: Typed
    condition: Typed
    step: Typed
    output: str
    kind: DesignerType
    conversions: tuple[Conversion, Conversion]

    @property
    def told(self) -> str:
        """What is wrong with the values that were lost."""
        return self.conversions[0].told or self.conversions[1].told

    def run(self, columns: Columns, rows: int, piece: int = 65536) -> Iterator[Generated]:
        """Yield new rows in order, in pieces of at most ``piece``.

        There is no end where the condition never fails.
        ``columns`` holds every input field that the expressions read; ``rows`` counts the input rows.
        """
        refs = references(self.initial, self.condition, self.step)
        inputs = [each for each in refs if each.name != self.output]
        nullable = {each: columns[each.name].null_count > 0 for each in inputs}
        loop = _generator_loop(self, inputs, nullable)
        lists = [to_list(columns[each.name]) for each in inputs]
        for values, owners, ends, problems, examples in loop(rows, piece, *lists):
            runs = pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), pa.array(owners, pa.int64()))
            yield Generated(pc.run_end_decode(runs), to_array(values, self.kind), problems, tuple(examples))


def compile_generator(
    initial: Typed,
    condition: Typed,
    step: Typed,
    output: str,
    kind: DesignerType,
    options: FormulaOptions,
) -> Generator:
    """Return the compiled form of the three expressions of Generate Rows.

    In ``condition`` and ``step`` the field ``output`` is the value of the new row; ``initial`` must not
    read it. The values are stored in the type ``kind``. Raises `UsageError` where there is no conversion to
    it.
    """
    conversions = tuple(convert(FieldRef(_SOURCE, each.type), kind, options) for each in (initial, step))
    return Generator(initial, condition, step, output, kind, (conversions[0], conversions[1]))


def _generator_loop(
    generator: Generator, inputs: Sequence[FieldRef], nullable: Mapping[FieldRef, bool]
) -> Callable[..., Any]:
    variables = {each: f"v{number}" for number, each in enumerate(inputs)}
    for value_null in (False, True):
        names = Names()
        read = _new_value_reader(variables, nullable, value_null)
        writer = Writer(names, read)
        codes = [writer.write(each) for each in (generator.initial, generator.condition, generator.step)]
        first, next_one = [
            _stored(conversion, names, code.nullable)
            for conversion, code in zip(generator.conversions, (codes[0], codes[2]), strict=True)
        ]
        if not (first.value.nullable or next_one.value.nullable):
            break
    places = {
        "INITIAL": codes[0].code,
        "CONDITION": codes[1].code,
        "STEP": codes[2].code,
        "FIRST": first.value.code,
        "NEXT": next_one.value.code,
        "FIRST_PROBLEM": first.problem or ast.Constant(False),
        "NEXT_PROBLEM": next_one.problem or ast.Constant(False),
    }
    return compiled(_generator_source(list(variables.values())), places, names)


def _new_value_reader(
    variables: Mapping[FieldRef, str], nullable: Mapping[FieldRef, bool], value_null: bool
) -> Callable[[FieldRef], Written]:
    def read(ref: FieldRef) -> Written:
        if ref in variables:
            return Written(name(variables[ref]), nullable[ref])
        return Written(name("value"), value_null)

    return read


def _generator_source(variables: Sequence[str]) -> str:
    """Return the loop; it hands a piece over when it is full, with the rows that the values come from."""
    lists = [f"{each}s" for each in variables]
    head = f"for {', '.join(variables)}, in zip({', '.join(lists)})" if lists else "for _ in range(rows)"
    return _GENERATOR.format(arguments=", ".join(["rows", "piece", *lists]), head=head)


_GENERATOR: Final = f"""
def run({{arguments}}):
    values, owners, ends, examples, problems, count, row = [], [], [], [], 0, 0, -1
    append = values.append
    {{head}}:
        row += 1
        source = INITIAL
        value = FIRST
        if FIRST_PROBLEM:
            problems += 1
            if problems <= {MOST_EXAMPLES}:
                examples.append(source)
        while CONDITION:
            append(value)
            count += 1
            if count == piece:
                owners.append(row)
                ends.append(count)
                yield values, owners, ends, problems, examples
                values, owners, ends, examples, problems, count = [], [], [], [], 0, 0
                append = values.append
            source = STEP
            value = NEXT
            if NEXT_PROBLEM:
                problems += 1
                if problems <= {MOST_EXAMPLES}:
                    examples.append(source)
        if count and (not ends or ends[-1] != count):
            owners.append(row)
            ends.append(count)
    yield values, owners, ends, problems, examples
"""
