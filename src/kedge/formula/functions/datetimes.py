"""Functions of dates and times. A text that is no date gives null."""

from __future__ import annotations

__all__ = ["ADD_DATE", "ADD_MOMENT", "FUNCTIONS"]

import datetime as dt
from calendar import monthrange
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlglot import exp

from kedge.formula import dateformat, sql
from kedge.formula.coerce import coerce
from kedge.formula.functions.family import UNKNOWN, engine, known, udf_name
from kedge.formula.typed import Apply, Example, Function, Kind, Literal, Services, Typed, apply, takes
from kedge.formula.types import DATE, DATETIME, INT32, INT64, V_WSTRING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SECOND: Final = 1_000_000
_UNITS: Final = {
    "seconds": _SECOND,
    "minutes": 60 * _SECOND,
    "hours": 3600 * _SECOND,
    "days": 86400 * _SECOND,
}
"""Microseconds of the units of fixed length."""

_MONTHS: Final = {"months": 1, "quarters": 3, "years": 12}
_WORDS: Final = ("years", "quarters", "months", "days", "hours", "minutes", "seconds")
_LEAST_LETTERS: Final = {"minutes": 2}
_TRIMS: Final = ("firstofmonth", "lastofmonth", "year", "month", "day", "hour", "minute")


def unit_of(word: str) -> str | None:
    """Return the unit that a word means: one of seconds to years, or the start of one; ``m`` is a month."""
    start = word.strip().lower()
    for unit in _WORDS:
        if start and unit.startswith(start) and len(start) >= _LEAST_LETTERS.get(unit, 1):
            return unit
    return None


def _unit_check(index: int) -> Callable[[Sequence[Typed]], tuple[int, str] | None]:
    def check(arguments: Sequence[Typed]) -> tuple[int, str] | None:
        unit = arguments[index]
        if isinstance(unit, Literal) and isinstance(unit.value, str) and not unit_of(unit.value):
            return index, f"there is no unit {unit.value!r}; the units are {', '.join(_WORDS)}"
        return None

    return check


def _format_check(*, reading: bool) -> Callable[[Sequence[Typed]], tuple[int, str] | None]:
    def check(arguments: Sequence[Typed]) -> tuple[int, str] | None:
        form, language = arguments[1:3]
        if isinstance(language, Literal) and str(language.value).lower() not in ("english", "none"):
            return 2, f"dates can be read and written in English, not in {language.value}"
        if isinstance(form, Literal) and isinstance(form.value, str):
            problem = dateformat.problem_with(form.value, reading=reading)
            return problem and (1, problem)  # type: ignore[return-value]
        return None

    return check


def _literal_unit(call: Apply, index: int) -> str | None:
    word = known(call, index)
    return unit_of(word) if isinstance(word, str) else None


def _add(when: dt.datetime, count: int, word: str) -> dt.datetime | None:
    unit = unit_of(word)
    try:
        if unit in _MONTHS:
            return _add_months(when, count * _MONTHS[unit])
        return when + dt.timedelta(microseconds=count * _UNITS[unit]) if unit else None
    except (OverflowError, ValueError):
        return None


def _add_months(when: dt.datetime, count: int) -> dt.datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + count, 12)
    return when.replace(year=year, month=month + 1, day=min(when.day, monthrange(year, month + 1)[1]))


def _interval_sql(call: Apply, count: exp.Expr) -> exp.Expr | None:
    unit = _literal_unit(call, 2)
    if unit in _MONTHS:
        months = sql.binary(exp.Mul, count, sql.integer(_MONTHS[unit])) if _MONTHS[unit] > 1 else count
        return sql.call("to_months", sql.try_cast(months, INT32) if known(call, 1) is UNKNOWN else months)
    if unit == "days":
        return sql.call("to_days", sql.try_cast(count, INT32) if known(call, 1) is UNKNOWN else count)
    return sql.call(f"to_{unit}", count) if unit else None


def _add_sql(call: Apply, when: exp.Expr, count: exp.Expr, _: exp.Expr) -> exp.Expr | None:
    interval = _interval_sql(call, count)
    return interval and sql.binary(exp.Add, when, interval)


def _add_date(day: dt.date, count: int, word: str) -> dt.date | None:
    moment = _add(dt.datetime(day.year, day.month, day.day), count, word)
    return moment and moment.date()


def _add_date_sql(call: Apply, day: exp.Expr, count: exp.Expr, unit: exp.Expr) -> exp.Expr | None:
    moment = _add_sql(call, day, count, unit)
    return moment and sql.cast(moment, DATE)


ADD_MOMENT: Final = Function(
    name="add to DateTime",
    parameters=takes("moment when, integer count, text unit"),
    result=DATETIME,
    python=_add,
    sql=_add_sql,
    partial=True,
)
ADD_DATE: Final = Function(
    name="add to Date",
    parameters=takes("date day, integer count, text unit"),
    result=DATE,
    python=_add_date,
    sql=_add_date_sql,
    partial=True,
)


def _added(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    when, count, word = arguments
    text = word.value if isinstance(word, Literal) else ""
    whole_days = unit_of(str(text)) in ("days", *_MONTHS)
    if when.type == DATE and whole_days and services.options.date_stays_date:
        return apply(ADD_DATE, when, count, word, span=span)
    moment = coerce(when, Kind.MOMENT, services.options)
    if moment is None:
        raise services.refuse(f"{when.type.name} cannot be read as a date; use ToDateTime", when.span)
    return apply(ADD_MOMENT, moment, count, word, span=span)


def _truncated(number: int, unit: int) -> int:
    return number // unit if number >= 0 else -(-number // unit)


def _difference(later: dt.datetime, earlier: dt.datetime, word: str) -> int | None:
    unit = unit_of(word)
    if unit in _MONTHS:
        return _truncated(_months_between(later, earlier), _MONTHS[unit])
    if unit is None:
        return None
    return _truncated((later - earlier) // dt.timedelta(microseconds=1), _UNITS[unit])


def _months_between(later: dt.datetime, earlier: dt.datetime) -> int:
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    rest = (later.day, later.time()), (earlier.day, earlier.time())
    if months > 0 and rest[0] < rest[1]:
        return months - 1
    return months + 1 if months < 0 and rest[0] > rest[1] else months


def _month_number(when: exp.Expr) -> exp.Expr:
    year = sql.binary(exp.Mul, sql.call("year", when), sql.integer(12))
    return sql.binary(exp.Add, year, sql.call("month", when))


def _into_month(when: exp.Expr) -> exp.Expr:
    start = sql.call("date_trunc", sql.text("month"), when)
    return sql.binary(exp.Sub, sql.call("epoch_us", when), sql.call("epoch_us", start))


def _months_sql(later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
    months = sql.binary(exp.Sub, _month_number(later), _month_number(earlier))
    rest = _into_month(later), _into_month(earlier)
    positive = sql.binary(exp.GT, months, sql.integer(0))
    negative = sql.binary(exp.LT, months, sql.integer(0))
    return sql.case(
        [
            (
                sql.binary(exp.And, positive, sql.binary(exp.LT, *rest)),
                sql.binary(exp.Sub, months, sql.integer(1)),
            ),
            (
                sql.binary(exp.And, negative, sql.binary(exp.GT, *rest)),
                sql.binary(exp.Add, months, sql.integer(1)),
            ),
        ],
        months,
    )


def _difference_sql(call: Apply, later: exp.Expr, earlier: exp.Expr, _: exp.Expr) -> exp.Expr | None:
    unit = _literal_unit(call, 2)
    if unit is None:
        return None
    if unit in _MONTHS:
        months = _months_sql(later, earlier)
        return sql.binary(exp.IntDiv, months, sql.integer(_MONTHS[unit])) if _MONTHS[unit] > 1 else months
    micros = sql.binary(exp.Sub, sql.call("epoch_us", later), sql.call("epoch_us", earlier))
    return sql.binary(exp.IntDiv, micros, sql.integer(_UNITS[unit]))


def _write_sql(call: Apply, when: exp.Expr, *_: exp.Expr) -> exp.Expr | None:
    form = known(call, 1)
    written = dateformat.engine_format(form, reading=False) if isinstance(form, str) else None
    return None if written is None else sql.call("strftime", when, sql.text(written))


def _read_sql(call: Apply, text: exp.Expr, form: exp.Expr, language: exp.Expr) -> exp.Expr | None:
    """DuckDB reads what is written as the format says; the rest is for the lenient UDF."""
    known_form = known(call, 1)
    strict = dateformat.engine_format(known_form, reading=True) if isinstance(known_form, str) else None
    if strict is None:
        return None
    lenient = sql.call(udf_name(call.function), text, form, language)
    return sql.coalesce(sql.call("try_strptime", text, sql.text(strict)), lenient)


def _trim(when: dt.datetime, word: str) -> dt.datetime | None:
    part = word.strip().lower()
    day = when.replace(hour=0, minute=0, second=0, microsecond=0)
    match part:
        case "firstofmonth" | "month":
            return day.replace(day=1)
        case "lastofmonth":
            last = monthrange(when.year, when.month)[1]
            return day.replace(day=last, hour=23, minute=59, second=59)
        case "year":
            return day.replace(month=1, day=1)
        case "day":
            return day
        case "hour":
            return when.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return when.replace(second=0, microsecond=0)
    return None


def _trim_check(arguments: Sequence[Typed]) -> tuple[int, str] | None:
    part = arguments[1]
    if not isinstance(part, Literal) or part.value is None:
        return None
    if str(part.value).strip().lower() not in _TRIMS:
        return 1, f"a date cannot be trimmed to {part.value!r}, only to {', '.join(_TRIMS)}"
    return None


def _trim_sql(call: Apply, when: exp.Expr, _: exp.Expr) -> exp.Expr | None:
    part = str(known(call, 1)).strip().lower()
    if part not in _TRIMS:
        return None
    if part == "lastofmonth":
        start = sql.call("date_trunc", sql.text("month"), when)
        after = sql.binary(exp.Add, start, sql.call("to_months", sql.integer(1)))
        return sql.binary(exp.Sub, after, sql.call("to_seconds", sql.integer(1)))
    return sql.call("date_trunc", sql.text("month" if part == "firstofmonth" else part), when)


def _zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name else None


def _to_utc(when: dt.datetime, zone: str) -> dt.datetime | None:
    try:
        local = when.replace(tzinfo=_zone(zone)) if zone else when.astimezone()
        return local.astimezone(dt.timezone.utc).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return None


def _to_local(when: dt.datetime, zone: str) -> dt.datetime | None:
    try:
        return when.replace(tzinfo=dt.timezone.utc).astimezone(_zone(zone)).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return None


def _at_start(make: Callable[[dt.datetime], object], kind: Any) -> Callable[..., Typed]:
    return lambda services, _, span: Literal(make(services.options.started), kind, span)


def _precise(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    digits = arguments[0].value if isinstance(arguments[0], Literal) else None
    if not isinstance(digits, int) or not 0 <= digits <= 18:
        problem = "DateTimeNowPrecise takes a number of digits from 0 to 18"
        raise services.refuse(problem, arguments[0].span)
    unit = 10 ** max(6 - digits, 0)
    started = services.options.started
    return Literal(started.replace(microsecond=started.microsecond // unit * unit), DATETIME, span)


def _part(name: str, function: str, compute: Callable[[dt.datetime], int], value: int, summary: str) -> Function:
    return Function(
        name=name,
        parameters=takes("moment when"),
        result=INT64,
        python=compute,
        sql=engine(function),
        summary=summary,
        examples=(
            Example(f"{name}('2020-05-17 13:24:35')", value),
            Example(f"{name}('no date')", None),
            Example(f"{name}(NULL())", None),
        ),
    )


FUNCTIONS: Final = (
    Function(
        name="DateTimeAdd",
        parameters=takes("any when, integer count, text unit"),
        result=DATETIME,
        expand=_added,
        check=_unit_check(2),
        summary="The date `count` units later; a day that the month lacks becomes its last day.",
        note="That days, months and years added to a Date give a Date is the setting `date_stays_date`.",
        examples=(
            Example("DateTimeAdd('2020-01-31', 1, 'month')", dt.datetime(2020, 2, 29)),
            Example("DateTimeAdd('2020-02-29', -1, 'years')", dt.datetime(2019, 2, 28)),
            Example("DateTimeAdd(ToDate('2020-01-31'), 1, 'day')", dt.date(2020, 2, 1)),
            Example("DateTimeAdd(ToDate('2020-01-31'), 90, 'min')", dt.datetime(2020, 1, 31, 1, 30)),
            Example("DateTimeAdd('2020-01-01 10:00:00', 1.9, 'hours')", dt.datetime(2020, 1, 1, 11)),
            Example("DateTimeAdd('x', 1, 'd')", None),
            Example("DateTimeAdd('2020-01-01', NULL(), 'd')", None),
        ),
    ),
    Function(
        name="DateTimeDiff",
        parameters=takes("moment later, moment earlier, text unit"),
        result=INT64,
        python=_difference,
        sql=_difference_sql,
        check=_unit_check(2),
        partial=True,
        summary="How many whole units lie between the dates; negative when `later` is before `earlier`.",
        note="A month is full when the day and time of the earlier date are reached.",
        examples=(
            Example("DateTimeDiff('2020-03-01', '2020-02-01', 'days')", 29),
            Example("DateTimeDiff('2020-01-01 00:00:00', '2020-01-01 23:59:59', 'hours')", -23),
            Example("DateTimeDiff('2020-03-14', '2020-02-15', 'months')", 0),
            Example("DateTimeDiff('2020-02-15', '2020-04-16', 'months')", -2),
            Example("DateTimeDiff('2021-02-28', '2020-02-29', 'years')", 0),
            Example("DateTimeDiff('2024-02-29', '2020-02-29', 'years')", 4),
            Example("DateTimeDiff(NULL(), '2020-02-29', 'years')", None),
        ),
    ),
    Function(
        name="DateTimeFormat",
        parameters=takes("moment when, text form, text language='English'"),
        result=V_WSTRING,
        python=lambda when, form, _language: dateformat.write(when, form),
        sql=_write_sql,
        check=_format_check(reading=False),
        summary="The date as text, by a format such as `%d %B %Y`.",
        examples=(
            Example("DateTimeFormat('2020-05-07 13:04:05', '%A %d %b %Y, %H:%M')", "Thursday 07 May 2020, 13:04"),
            Example("DateTimeFormat('2020-05-07 13:04:05', '%I:%M %p %y %j')", "01:04 PM 20 128"),
            Example("DateTimeFormat('2020-05-07', '%e/%m %D %%')", " 7/05 05/07/20 %"),
            Example("DateTimeFormat('2020-05-07', '%U %W %w %u')", "18 18 4 4"),
            Example("DateTimeFormat('x', '%Y')", None),
            Example("DateTimeFormat(NULL(), '%Y')", None),
        ),
    ),
    Function(
        name="DateTimeParse",
        parameters=takes("text s, text form, text language='English'"),
        result=DATETIME,
        python=lambda text, form, _language: dateformat.read(text, form),
        sql=_read_sql,
        check=_format_check(reading=True),
        partial=True,
        summary="The date that a text writes in a format; white space and leading zeros do not matter.",
        note="Years of two digits are 1969 to 2068.",
        examples=(
            Example("DateTimeParse('07/05/2020', '%d/%m/%Y')", dt.datetime(2020, 5, 7)),
            Example("DateTimeParse('April 03, 2013', '%B %d, %y')", dt.datetime(2013, 4, 3)),
            Example("DateTimeParse('7 May 20', '%d %b %y')", dt.datetime(2020, 5, 7)),
            Example("DateTimeParse('20200507T130405', '%Y%m%dT%H%M%S')", dt.datetime(2020, 5, 7, 13, 4, 5)),
            Example("DateTimeParse('1:04 pm', '%I:%M %p')", dt.datetime(1900, 1, 1, 13, 4)),
            Example("DateTimeParse('Thu 2020-05-07', '%a %Y-%m-%d')", dt.datetime(2020, 5, 7)),
            Example("DateTimeParse('2020-128', '%Y-%j')", dt.datetime(2020, 5, 7)),
            Example("DateTimeParse('2020-02-30', '%Y-%m-%d')", None),
            Example("DateTimeParse('x', '%Y-%m-%d')", None),
            Example("DateTimeParse(NULL(), '%Y-%m-%d')", None),
        ),
    ),
    Function(
        name="DateTimeTrim",
        parameters=takes("moment when, text part"),
        result=DATETIME,
        python=_trim,
        sql=_trim_sql,
        check=_trim_check,
        partial=True,
        summary="The start of the year, month, day, hour or minute of the date, or the end of its month.",
        examples=(
            Example("DateTimeTrim('2020-05-07 13:04:05', 'month')", dt.datetime(2020, 5, 1)),
            Example("DateTimeTrim('2020-05-07 13:04:05', 'firstofmonth')", dt.datetime(2020, 5, 1)),
            Example("DateTimeTrim('2020-02-07', 'lastofmonth')", dt.datetime(2020, 2, 29, 23, 59, 59)),
            Example("DateTimeTrim('2020-05-07 13:04:05', 'hour')", dt.datetime(2020, 5, 7, 13)),
            Example("DateTimeTrim('2020-05-07 13:04:05', 'year')", dt.datetime(2020, 1, 1)),
            Example("DateTimeTrim('2020-05-07 13:04:05', 'minute')", dt.datetime(2020, 5, 7, 13, 4)),
            Example("DateTimeTrim('2020-05-07 13:04:05', 'day')", dt.datetime(2020, 5, 7)),
            Example("DateTimeTrim(NULL(), 'day')", None),
        ),
    ),
    _part("DateTimeYear", "year", lambda when: when.year, 2020, "The year."),
    _part("DateTimeQuarter", "quarter", lambda when: (when.month + 2) // 3, 2, "The quarter, 1 to 4."),
    _part("DateTimeMonth", "month", lambda when: when.month, 5, "The month, 1 to 12."),
    _part("DateTimeDay", "day", lambda when: when.day, 17, "The day of the month."),
    _part("DateTimeHour", "hour", lambda when: when.hour, 13, "The hour, 0 to 23."),
    _part("DateTimeMinutes", "minute", lambda when: when.minute, 24, "The minute, 0 to 59."),
    _part("DateTimeSeconds", "second", lambda when: when.second, 35, "The second, 0 to 59."),
    Function(
        name="DateTimeNow",
        parameters=(),
        result=DATETIME,
        expand=_at_start(lambda started: started.replace(microsecond=0), DATETIME),
        summary="The moment at which the run started, to the second.",
        examples=(Example("DateTimeNow() = DateTimeStart()", True),),
    ),
    Function(
        name="DateTimeNowPrecise",
        parameters=takes("integer digits"),
        result=DATETIME,
        expand=_precise,
        summary="The moment at which the run started, with up to six digits after the second.",
        examples=(Example("DateTimeNowPrecise(0) = DateTimeNow()", True),),
    ),
    Function(
        name="DateTimeStart",
        parameters=(),
        result=DATETIME,
        expand=_at_start(lambda started: started.replace(microsecond=0), DATETIME),
        summary="The moment at which the run started, to the second.",
        examples=(Example("DateTimeStart() >= DateTimeToday()", True),),
    ),
    Function(
        name="DateTimeToday",
        parameters=(),
        result=DATE,
        expand=_at_start(dt.datetime.date, DATE),
        summary="The day on which the run started.",
        note="A Date; whether its text shows midnight is not documented.",
        examples=(Example("DateTimeToday() = ToDate(DateTimeNow())", True),),
    ),
    Function(
        name="DateTimeFirstOfMonth",
        parameters=(),
        result=DATETIME,
        expand=_at_start(lambda started: _trim(started, "firstofmonth"), DATETIME),
        summary="The first moment of the month in which the run started.",
        examples=(Example("DateTimeFirstOfMonth() = DateTimeTrim(DateTimeNow(), 'month')", True),),
    ),
    Function(
        name="DateTimeLastOfMonth",
        parameters=(),
        result=DATETIME,
        expand=_at_start(lambda started: _trim(started, "lastofmonth"), DATETIME),
        summary="The last second of the month in which the run started.",
        examples=(Example("DateTimeLastOfMonth() = DateTimeTrim(DateTimeNow(), 'lastofmonth')", True),),
    ),
    Function(
        name="DateTimeToUTC",
        parameters=takes("moment when, @zone"),
        result=DATETIME,
        python=_to_utc,
        partial=True,
        summary="A local time as UTC.",
        examples=(Example("DateTimeToLocal(DateTimeToUTC('2020-05-07 12:00:00')) = '2020-05-07 12:00:00'", True),),
    ),
    Function(
        name="DateTimeToLocal",
        parameters=takes("moment when, @zone"),
        result=DATETIME,
        python=_to_local,
        partial=True,
        summary="A UTC time as local time.",
        examples=(Example("DateTimeToLocal(NULL())", None),),
    ),
)
