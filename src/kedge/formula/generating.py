"""Generate Rows in Python: for each input row, new rows are made while a condition holds."""

from __future__ import annotations

__all__ = ["Generated", "Generator", "compile_generator"]

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kedge.formula.codegen import Names, Writer, Written, compiled, name
from kedge.formula.columns import to_array, to_list
from kedge.formula.convert import convert
from kedge.formula.rows import MOST_EXAMPLES, SOURCE, references, stored
from kedge.formula.typed import FieldRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kedge.formula.convert import Conversion
    from kedge.formula.options import FormulaOptions
    from kedge.formula.rows import Columns
    from kedge.formula.typed import Typed
    from kedge.formula.types import DesignerType


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
    conversions = tuple(convert(FieldRef(SOURCE, each.type), kind, options) for each in (initial, step))
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
            stored(conversion, names, code.nullable)
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
