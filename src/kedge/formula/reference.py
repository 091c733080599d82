"""The reference of all functions as Markdown, from the table that typing and the tests use."""

from __future__ import annotations

__all__ = ["function_reference"]

from typing import TYPE_CHECKING

from kedge.formula.functions.registry import FAMILIES
from kedge.formula.typed import REQUIRED, Nulls

if TYPE_CHECKING:
    from kedge.formula.typed import Example, Function, Parameter

_HEAD = "| Function | What it gives | Nulls | Example | Not established |\n| --- | --- | --- | --- | --- |"


def function_reference() -> str:
    """Return one table for each family, with a row for each function.

    The last column names what is an assumption because the public documentation says nothing of it.
    """
    return "\n\n".join(
        "\n".join([f"## {name.capitalize()}", "", _HEAD, *map(_row, family)]) for name, family in FAMILIES.items()
    )


def _row(function: Function) -> str:
    nulls = "" if function.nulls is Nulls.OWN else function.nulls.value
    cells = [
        f"`{_signature(function)}`",
        function.summary,
        nulls,
        _example(function.examples[0]),
        function.note,
    ]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _signature(function: Function) -> str:
    written = [_parameter(each) for each in function.parameters if not each.option]
    return f"{function.name}({', '.join(written)})"


def _parameter(parameter: Parameter) -> str:
    if parameter.repeated:
        return f"{parameter.name}…"
    return parameter.name if parameter.default is REQUIRED else f"[{parameter.name}]"


def _example(example: Example) -> str:
    value = "Null" if example.value is None else str(example.value)
    return f"`{example.expression}` is `{value}`"
