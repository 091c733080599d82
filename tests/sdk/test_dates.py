"""Dates and times read from text."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.sdk.dates import to_date, to_datetime, to_time

MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


@given(moment=MOMENTS)
def test_each_form_gives_the_moment_back(moment: datetime) -> None:
    assert to_date(moment.strftime("%m/%d/%Y")) == moment.date()
    assert to_time(moment.strftime("%H:%M:%S")) == moment.time()
    assert to_datetime(moment.strftime("%m/%d/%Y %H:%M:%S")) == moment


def test_the_types_are_pythons_own() -> None:
    assert type(to_date("02/29/2020")) is date
    assert to_time("23:59:01") == time(23, 59, 1)
    assert to_datetime("12/31/1999 00:00:00") == datetime(1999, 12, 31)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2020-01-31", r"'2020-01-31' does not have the form MM/DD/YYYY$"),
        ("31/01/2020", r"'31/01/2020' does not have the form MM/DD/YYYY$"),
        ("02/30/2020", r"'02/30/2020' does not have the form MM/DD/YYYY: day is out of range for month"),
        ("01/01/2020 10:00:00", r"does not have the form MM/DD/YYYY: unconverted data remains"),
        ("", r"'' does not have the form MM/DD/YYYY$"),
    ],
)
def test_a_text_that_is_no_date_is_named_with_the_form(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_date(text)


def test_a_text_that_is_no_time_is_named_with_the_form() -> None:
    with pytest.raises(ValueError, match=r"'25:00:00' does not have the form HH:MM:SS$"):
        to_time("25:00:00")
    with pytest.raises(ValueError, match=r"'01/01/2020' does not have the form MM/DD/YYYY HH:MM:SS$"):
        to_datetime("01/01/2020")
