"""Generate Rows in Python: for each input row, new rows are made while a condition holds."""

from __future__ import annotations

__all__ = ["Generated", "Generator", "compile_generator"]

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.formula.codegen import Names, Writer, Written, compiled, name
from kedge.formula.columns import to_array, to_list
from kedge.formula.convert import convert
from kedge.formula.ranges import narrowest
from kedge.formula.rows import SOURCE, counted, references, stored
from kedge.formula.typed import FieldRef

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

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
        import pyarrow.compute as pc  # takes longer to load than most workflows to plan

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
    conversions = tuple(convert(FieldRef(SOURCE, narrowest(each)), kind, options) for each in (initial, step))
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
        "REPEAT": names.bind(repeat),
    }
    problems = {"FIRST_PROBLEM": first.problem, "NEXT_PROBLEM": next_one.problem}
    tested = {key: code for key, code in problems.items() if code is not None}
    return compiled(_generator_source(list(variables.values()), tested), {**places, **tested}, names)


def _new_value_reader(
    variables: Mapping[FieldRef, str], nullable: Mapping[FieldRef, bool], value_null: bool
) -> Callable[[FieldRef], Written]:
    def read(ref: FieldRef) -> Written:
        if ref in variables:
            return Written(name(variables[ref]), nullable[ref])
        return Written(name("value"), value_null)

    return read


def _generator_source(variables: Sequence[str], tested: Container[str]) -> str:
    """Return the loop; it hands a piece over when it is full, with the rows that the values come from.

    What is left of a piece bounds the inner loop, so that nothing is counted row by row. ``tested`` are the names of
    the tests for values that were lost.
    """
    lists = [f"{each}s" for each in variables]
    each_row = (
        f"row, ({', '.join(variables)},) in enumerate(zip({', '.join(lists)}))" if lists else "row in range(rows)"
    )
    return "\n".join(
        [
            f"def run({', '.join(['rows', 'piece', *lists])}):",
            "    values, owners, ends, examples, problems = [], [], [], [], 0",
            "    append = values.append",
            f"    for {each_row}:",
            f"        {SOURCE} = INITIAL",
            "        value = FIRST",
            *(counted("FIRST_PROBLEM", 8) if "FIRST_PROBLEM" in tested else ()),
            "        while True:",
            "            for _ in REPEAT(None, piece - len(values)):",
            "                if not CONDITION:",
            "                    break",
            "                append(value)",
            f"                {SOURCE} = STEP",
            "                value = NEXT",
            *(counted("NEXT_PROBLEM", 16) if "NEXT_PROBLEM" in tested else ()),
            "            else:",
            "                yield values, [*owners, row], [*ends, piece], problems, examples",
            "                values, owners, ends, examples, problems = [], [], [], [], 0",
            "                append = values.append",
            "                continue",
            "            break",
            "        if len(values) != (ends[-1] if ends else 0):",
            "            owners.append(row)",
            "            ends.append(len(values))",
            "    yield values, owners, ends, problems, examples",
        ]
    )
