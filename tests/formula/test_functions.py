from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kedge.formula.functions.registry import FAMILIES, FUNCTIONS, find
from kedge.formula.nodes import Boolean, Call, Node, Number, Text
from kedge.formula.parser import parse
from kedge.formula.typed import Example, Function, Nulls
from kedge.formula.types import BOOL, DOUBLE, INT32, DesignerType, v_wstring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.formula.conftest import Evaluators

EXAMPLES = [
    pytest.param(example, id=f"{number}-{example.expression}")
    for number, example in enumerate(each for function in FUNCTIONS.values() for each in function.examples)
]
"""Every example of the table of functions."""


class TestTheTable:
    """The table is whole: names, families, summaries, examples."""

    def test_no_two_functions_have_one_name(self) -> None:
        assert len(FUNCTIONS) == sum(len(family) for family in FAMILIES.values())

    def test_it_holds_the_functions_that_workflows_use(self) -> None:
        missing = [name for name in USED.split() if find(name) is None]
        assert not missing

    @pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
    def test_every_function_says_what_it_does_and_shows_it(self, function: Function) -> None:
        assert function.summary.endswith(".")
        assert function.examples
        assert function.python or function.expand


USED = (
    "ToString IsNull Contains ToNumber IIF Left Null Substring Length Mod Switch Replace RegEx_Replace "
    "DateTimeFormat IsEmpty Regex_Match Right Trim StartsWith PadLeft GetWord REGEX_CountMatches "
    "DateTimeAdd DateTimeParse ReplaceChar Abs Floor ToDate CharToInt CharFromInt BinToInt DateTimeDiff "
    "FindString FindNth GetPart EndsWith TrimLeft TrimRight TitleCase ReverseString CountWords "
    "StripQuotes Uppercase MD5_ASCII DecomposeUnicodeForMatch UuidCreate Round CEIL POW EXP LOG LOG10 "
    "SQRT RAND RandInt SmartRound HexToNumber IntToBin IntToHex BinaryAnd BinaryOr BinaryXOr BinaryNot "
    "ShiftLeft ShiftRight ToInteger ToDateTime ConvertFromCodePage DateTimeTrim DateTimeFirstOfMonth "
    "DateTimeLastOfMonth DateTimeNow DateTimeToday DateTimeStart FinancePMT FinanceFV FinanceCAGR "
    "Message ReadRegistryString EscapeXMLMetacharacters GetVal Coalesce RangeMedian TOPNIDX SoundEx Min "
    "Max Average Median MinIDX "
)


class TestExamples:
    """Every example of the table holds in every evaluator."""

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_in_duckdb(self, example: Example, evaluators: Evaluators, same: Callable[..., bool]) -> None:
        assert same(evaluators.sql(example.expression)[0], example.value)

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_in_user_defined_functions(
        self, example: Example, evaluators: Evaluators, same: Callable[..., bool]
    ) -> None:
        assert same(evaluators.sql(example.expression, udfs=True)[0], example.value)

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_in_the_interpreter(self, example: Example, evaluators: Evaluators, same: Callable[..., bool]) -> None:
        assert same(evaluators.python(example.expression)[0], example.value)

    @pytest.mark.parametrize("example", EXAMPLES)
    def test_with_fields_instead_of_literals(
        self, example: Example, evaluators: Evaluators, same: Callable[..., bool]
    ) -> None:
        """A Date stays a Date only where the unit is known when the expression is typed."""
        text, fields, rows = with_fields(example.expression)
        if fields and not example.expression.startswith("DateTimeAdd(ToDate"):
            assert same(evaluators.sql(text, fields, rows)[0], example.value)
            assert same(evaluators.python(text, fields, rows)[0], example.value)


def with_fields(text: str) -> tuple[str, dict[str, DesignerType], dict[str, list[Any]]]:
    """Put a field of one row in the place of every literal argument of the outermost call."""
    call = parse(text)
    if not isinstance(call, Call):
        return text, {}, {}
    fields: dict[str, DesignerType] = {}
    rows: dict[str, list[Any]] = {}
    for argument in reversed(call.arguments):
        name = f"f{len(fields)}"
        kind = kind_of(argument)
        if kind is not None and isinstance(argument, Boolean | Text | Number):
            fields[name], rows[name] = kind, [argument.value]
            text = f"{text[: argument.span.start]}[{name}]{text[argument.span.end :]}"
    return text, fields, rows


def kind_of(argument: Node) -> DesignerType | None:
    if isinstance(argument, Boolean):
        return BOOL
    if isinstance(argument, Text):
        return v_wstring(max(len(argument.value), 1))
    if isinstance(argument, Number):
        return INT32 if isinstance(argument.value, int) and argument.value < 2**31 else DOUBLE
    return None


class TestNulls:
    """What a function makes of nulls is what the table says."""

    @pytest.mark.parametrize(
        "function",
        [each for each in FUNCTIONS.values() if each.python and each.least and each.nulls is not Nulls.OWN],
        ids=lambda function: function.name,
    )
    def test_nulls_give_what_the_table_says(self, function: Function, evaluators: Evaluators) -> None:
        call = f"{function.name}({', '.join(['NULL()'] * function.least)})"
        expected = False if function.nulls is Nulls.FALSE else None
        assert evaluators.sql(call) == [expected]
        assert evaluators.sql(call, udfs=True) == [expected]
        assert evaluators.python(call) == [expected]
