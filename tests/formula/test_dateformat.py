from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.formula.dateformat import engine_format, problem_with, read, write
from kedge.formula.types import DATETIME, v_string

if TYPE_CHECKING:
    from tests.formula.conftest import Evaluators

MOMENT = dt.datetime(2020, 5, 7, 13, 4, 5)


class TestWriting:
    """Every sign is written as documented."""

    @pytest.mark.parametrize(
        ("form", "text"),
        [
            ("%a %A", "Thu Thursday"),
            ("%b %B %h", "May May May"),
            ("%C %y %Y", "20 20 2020"),
            ("%d|%e|%j", "07| 7|128"),
            ("%H %I %k|%l", "13 01 13| 1"),
            ("%m/%M", "05/04"),
            ("%p %P %S", "PM pm 05"),
            ("%U %W %u %w", "18 18 4 4"),
            ("%D %T %R", "05/07/20 13:04:05 13:04"),
            ("%r", "01:04:05 PM"),
            ("%n%t%%", "\n\t%"),
            ("100% sure", "100% sure"),
        ],
    )
    def test_signs(self, form: str, text: str) -> None:
        assert write(MOMENT, form) == text

    signs = st.lists(st.sampled_from(["%a", "%A", "%b", "%B", "%d", "%H", "%I", "%j", "%m", "%M", "%p", "%S"]))
    more = st.lists(st.sampled_from(["%U", "%W", "%u", "%w", "%y", "%Y", "%%", "%D", "%T", "-", " of "]), min_size=1)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.tuples(signs, more).map(lambda both: " ".join(both[0] + both[1])),
        st.lists(st.datetimes(dt.datetime(1400, 1, 1), dt.datetime(9999, 1, 1)), min_size=1, max_size=9),
    )
    def test_as_the_engine_writes(self, evaluators: Evaluators, form: str, moments: list[dt.datetime]) -> None:
        fields, rows = {"t": DATETIME}, {"t": moments}
        text = f"DateTimeFormat([t], '{form}')"
        assert "KEDGE" not in text
        assert evaluators.sql(text, fields, rows) == evaluators.python(text, fields, rows)


class TestReading:
    """Texts are read with some leniency, and never as another date."""

    @pytest.mark.parametrize(
        ("text", "form", "moment"),
        [
            ("2020-05-07 13:04:05", "%Y-%m-%d %H:%M:%S", MOMENT),
            ("7/5/2020", "%d/%m/%Y", dt.datetime(2020, 5, 7)),
            ("  07 / 05 / 2020 ", "%d/%m/%Y", dt.datetime(2020, 5, 7)),
            ("April 03, 2013", "%B %d, %y", dt.datetime(2013, 4, 3)),
            ("3 sept 13", "%d %b %y", dt.datetime(2013, 9, 3)),
            ("3 Apr. 1970", "%d %B %Y", dt.datetime(1970, 4, 3)),
            ("Thursday, 7 MAY 2020", "%A, %d %B %Y", dt.datetime(2020, 5, 7)),
            ("20200507", "%Y%m%d", dt.datetime(2020, 5, 7)),
            ("200507", "%y%m%d", dt.datetime(2020, 5, 7)),
            ("1:04:05 p.m.", "%I:%M:%S %p", dt.datetime(1900, 1, 1, 13, 4, 5)),
            ("12:00 am", "%I:%M %p", dt.datetime(1900, 1, 1)),
            ("12:00 pm", "%I:%M %p", dt.datetime(1900, 1, 1, 12)),
            ("2020 128", "%Y %j", dt.datetime(2020, 5, 7)),
            ("05/07/20 13:04:05", "%D %T", MOMENT),
            ("68", "%y", dt.datetime(2068, 1, 1)),
            ("69", "%y", dt.datetime(1969, 1, 1)),
            ("2020-05-07x", "%Y-%m-%d", None),
            ("2020-13-07", "%Y-%m-%d", None),
            ("2021-02-29", "%Y-%m-%d", None),
            ("2021 366", "%Y %j", None),
            ("13:00 pm", "%I:%M %p", None),
            ("7 Mayo 2020", "%d %B %Y", None),
            ("", "%Y", None),
        ],
    )
    def test_text(self, text: str, form: str, moment: dt.datetime | None) -> None:
        assert read(text, form) == moment

    def test_a_format_that_cannot_be_read_reads_nothing(self) -> None:
        assert read("1", "%U") is None

    forms = st.sampled_from(["%Y-%m-%d", "%d/%m/%y", "%d %b %Y", "%B %d, %Y %H:%M", "%Y%m%d", "%m-%d-%Y %H:%M:%S"])
    digits = st.text("0123456789/-: ,MayJun", max_size=12)

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        forms,
        st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2060, 1, 1)), max_size=5),
        st.lists(digits, min_size=1, max_size=5),
    )
    def test_as_the_engine_reads(
        self, evaluators: Evaluators, form: str, moments: list[dt.datetime], others: list[str]
    ) -> None:
        texts = [write(each, form) for each in moments] + others
        fields, rows = {"s": v_string(30)}, {"s": texts}
        text = f"DateTimeParse([s], '{form}')"
        assert evaluators.sql(text, fields, rows) == evaluators.python(text, fields, rows)


class TestFormats:
    """A format is checked, and handed to the engine where the engine does the same."""

    def test_unknown_signs_are_named(self) -> None:
        assert "%Q" in str(problem_with("%Y %Q", reading=False))
        assert "%U" in str(problem_with("%U", reading=True))
        assert problem_with("%U %D", reading=False) is None

    def test_the_engine_gets_what_it_writes_alike(self) -> None:
        assert engine_format("%D %T", reading=False) == "%m/%d/%y %H:%M:%S"
        assert engine_format("%e", reading=False) is None
        assert engine_format("%p", reading=True) is None
