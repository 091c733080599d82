"""Evaluation in Python, row by row: an expression over columns, and what the compiled loops share.

`folding` is for Multi-Row Formula, `generating` for Generate Rows. Each writes one loop for its
expressions, compiles it once, and runs it over lists of values; a recurrence of numbers takes about a tenth
of a microsecond for each row.
"""

from __future__ import annotations

__all__ = ["MOST_EXAMPLES", "SOURCE", "Columns", "Stored", "counted", "evaluate", "references", "stored"]

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from kedge.formula.codegen import Names, Writer, Written, compiled, name
from kedge.formula.columns import Column, to_array, to_list
from kedge.formula.typed import FieldRef, Typed, walk

if TYPE_CHECKING:
    import ast

    import pyarrow as pa

    from kedge.formula.convert import Conversion

Columns: TypeAlias = Mapping[str, Column]

MOST_EXAMPLES: Final = 10
"""How many values that were lost are kept for the warnings."""

SOURCE: Final = "source"
"""The variable, and the field of the conversion, that holds a value before it is stored."""


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


class Stored(NamedTuple):
    """The value in the type of its field, made of the variable `SOURCE`, and the test for a problem."""

    value: Written
    problem: ast.expr | None


def stored(conversion: Conversion, names: Names, nullable: bool) -> Stored:
    """Return the code of a conversion whose source may be null or not."""
    writer = Writer(names, lambda _: Written(name(SOURCE), nullable))
    problem = None if conversion.problem is None else writer.write(conversion.problem).code
    return Stored(writer.write(conversion.value), problem)


def counted(problem: str, indent: int) -> list[str]:
    """Return the lines of a loop that count a value that was lost, and keep it if it is one of the first.

    ``problem`` is the name that stands for the test; ``indent`` is the depth of the lines in blanks.
    """
    lines = [
        f"if {problem}:",
        "    problems += 1",
        f"    if problems <= {MOST_EXAMPLES}:",
        f"        examples.append({SOURCE})",
    ]
    return [" " * indent + line for line in lines]
