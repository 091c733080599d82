"""Functions that choose among values, and tests for null: they are written as plain conditions."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

from typing import Final

from kedge.formula.typed import Example, Function, Literal, Nulls, Services, Typed, takes
from kedge.formula.types import V_WSTRING


def _iif(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    condition, when_true, when_false = arguments
    return services.choose([(condition, when_true)], when_false, span)


def _switch(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    value, default, *rest = arguments
    cases = zip(rest[::2], rest[1::2], strict=False)
    return services.choose([(services.equal(value, case), result) for case, result in cases], default, span)


FUNCTIONS: Final = (
    Function(
        name="IIF",
        parameters=takes("condition test, same when_true, same when_false"),
        result=V_WSTRING,
        expand=_iif,
        nulls=Nulls.OWN,
        summary="`when_true` where `test` holds, else `when_false`; a null test does not hold.",
        examples=(
            Example("IIF(1 > 2, 'a', 'b')", "b"),
            Example("IIF(TRUE, 1, 2.5)", 1.0),
            Example("IIF(NULL(), 1, 2)", 2),
            Example("IIF(NULL() < 1, 'yes', NULL())", None),
        ),
    ),
    Function(
        name="Switch",
        parameters=takes("any value, any default, any cases_and_results..."),
        result=V_WSTRING,
        expand=_switch,
        nulls=Nulls.OWN,
        summary="The result of the first case that equals `value` (null equals null), else `default`.",
        examples=(
            Example("Switch(2, 'other', 1, 'one', 2, 'two')", "two"),
            Example("Switch('x', 0, 'a', 1, 'b', 2)", 0),
            Example("Switch(NULL(), 'other', 1, 'one', NULL(), 'none')", "none"),
        ),
    ),
    Function(
        name="Null",
        parameters=(),
        result=V_WSTRING,
        expand=lambda _services, _arguments, span: Literal(None, V_WSTRING, span, untyped=True),
        nulls=Nulls.OWN,
        summary="The null value; it takes the type that its place needs.",
        examples=(Example("NULL()", None), Example("NULL() = NULL()", True), Example("NULL() = 1", False)),
    ),
)
