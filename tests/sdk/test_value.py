"""Values: to everybody a dataclass, and cheaper to load."""

from __future__ import annotations

import dataclasses

import pytest

from kedge.sdk.value import value


@value
class Size:
    """Two numbers."""

    rows: int
    columns: int = 1


@value
class Span:
    """Two numbers as well."""

    rows: int
    columns: int = 1


@value
class Nothing:
    """No field at all."""


class TestValue:
    def test_is_equal_where_all_fields_are(self) -> None:
        assert Size(3) == Size(3, 1)
        assert Size(3) != Size(3, 2)
        assert Nothing() == Nothing()

    def test_is_not_equal_to_another_class_with_the_same_fields(self) -> None:
        others: list[object] = [Span(3), (3, 1)]
        assert Size(3) not in others

    def test_is_hashable(self) -> None:
        assert {Size(3), Size(3, 1), Span(3), Nothing(), Nothing()} == {Size(3), Span(3), Nothing()}

    def test_says_what_it_is(self) -> None:
        assert repr(Size(3, 4)) == "Size(rows=3, columns=4)"

    def test_is_a_dataclass_to_the_library(self) -> None:
        assert dataclasses.asdict(Size(3)) == {"rows": 3, "columns": 1}
        assert dataclasses.replace(Size(3), columns=5) == Size(3, 5)

    def test_takes_no_field_that_it_does_not_have(self) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
            Size(3, depth=2)  # type: ignore[call-arg]
