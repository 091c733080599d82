"""Functions of money and time. Cash that is paid is negative, cash that comes in is positive.

Rates are fractions for one period (0.05 is five percent). A result that does not exist, or that the search
for a rate does not find, is null.
"""

from __future__ import annotations

__all__ = ["FUNCTIONS", "HELPERS"]

from dataclasses import replace
from itertools import pairwise
from math import isfinite, log
from typing import TYPE_CHECKING, Any, Final

from kedge.formula.coerce import coerce
from kedge.formula.typed import Example, Function, Kind, Services, Typed, apply, takes
from kedge.formula.types import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_YEAR: Final = 365.0
_STEPS: Final = 200
_CLOSE: Final = 1e-15
_LEAST_RATE: Final = -0.999999
_LARGEST_RATE: Final = 1e6


def _finite(compute: Callable[..., float | None]) -> Callable[..., float | None]:
    def safe(*arguments: Any) -> float | None:
        try:
            value = compute(*arguments)
        except (ArithmeticError, ValueError):
            return None
        if value is None or isinstance(value, complex):
            return None
        return float(value) if isfinite(value) else None

    return safe


def _root(worth: Callable[[float], float]) -> float | None:
    """Return a rate at which ``worth`` is 0, by halving an interval that holds it; None for none."""
    low, high = _bracket(worth)
    if low is None or high is None:
        return None
    below = worth(low) < 0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if (worth(middle) < 0) == below:
            low = middle
        else:
            high = middle
        if high - low <= _CLOSE * max(1.0, abs(high)):
            break
    return (low + high) / 2


def _bracket(worth: Callable[[float], float]) -> tuple[float | None, float | None]:
    """Look for a change of sign outwards from a rate of 0."""
    edges = [0.0, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 1e4, _LARGEST_RATE]
    downwards = [0.0, -0.01, -0.05, -0.1, -0.2, -0.5, -0.9, -0.99, -0.9999, _LEAST_RATE]
    for grid in (edges, downwards):
        for near, far in pairwise(grid):
            first, second = worth(near), worth(far)
            if first == 0:
                return near, near
            if (first < 0) != (second < 0):
                return min(near, far), max(near, far)
    return None, None


def _growth(rate: float, periods: float) -> float:
    return float((1 + rate) ** periods)


def _series(rate: float, periods: float, at_start: float) -> float:
    """Return what payments of 1 grow to."""
    if rate == 0:
        return periods
    return (1 + rate * (1 if at_start else 0)) * (_growth(rate, periods) - 1) / rate


def _future(rate: float, periods: float, payment: float, present: float, at_start: float) -> float:
    return -(present * _growth(rate, periods) + payment * _series(rate, periods, at_start))


def _present(rate: float, periods: float, payment: float, future: float, at_start: float) -> float:
    return -(future + payment * _series(rate, periods, at_start)) / _growth(rate, periods)


def _payment(rate: float, periods: float, present: float, future: float, at_start: float) -> float:
    return -(present * _growth(rate, periods) + future) / _series(rate, periods, at_start)


def _periods(rate: float, payment: float, present: float, future: float, at_start: float) -> float:
    if rate == 0:
        return -(present + future) / payment
    paid = payment * (1 + rate * (1 if at_start else 0)) / rate
    return log((paid - future) / (paid + present)) / log(1 + rate)


def _rate(periods: float, payment: float, present: float, future: float, at_start: float) -> float | None:
    return _root(lambda rate: future - _future(rate, periods, payment, present, at_start))


def _net(rate: float, flows: Sequence[float]) -> float:
    return sum(flow / _growth(rate, number) for number, flow in enumerate(flows))


def _internal_rate(*flows: float) -> float | None:
    return _root(lambda rate: _net(rate, flows))


def _modified_rate(finance: float, reinvest: float, *flows: float) -> float | None:
    last = len(flows) - 1
    gained = sum(max(flow, 0.0) * _growth(reinvest, last - number) for number, flow in enumerate(flows))
    paid = -sum(min(flow, 0.0) / _growth(finance, number) for number, flow in enumerate(flows))
    return float((gained / paid) ** (1 / last) - 1)


def _dated(pairs: Sequence[Any]) -> list[tuple[float, float]]:
    """Return years since the first date, and the cash, of amounts and dates in turn."""
    amounts, dates = pairs[::2], pairs[1::2]
    return [((when - dates[0]).days / _YEAR, amount) for amount, when in zip(amounts, dates, strict=True)]


def _net_dated(rate: float, *pairs: Any) -> float:
    return sum(amount / _growth(rate, years) for years, amount in _dated(pairs))


def _internal_rate_dated(*pairs: Any) -> float | None:
    flows = _dated(pairs)
    return _root(lambda rate: sum(amount / _growth(rate, years) for years, amount in flows))


def _modified_rate_dated(finance: float, reinvest: float, *pairs: Any) -> float | None:
    flows = _dated(pairs)
    span = max(years for years, _ in flows)
    gained = sum(max(amount, 0.0) * _growth(reinvest, span - years) for years, amount in flows)
    paid = -sum(min(amount, 0.0) / _growth(finance, years) for years, amount in flows)
    return float((gained / paid) ** (1 / span) - 1)


def _schedule(principal: float, *rates: float) -> float:
    for rate in rates:
        principal *= 1 + rate
    return principal


def _finance(name: str, signature: str, python: Callable[..., Any], summary: str, *examples: Example) -> Function:
    return Function(
        name=f"Finance{name}",
        parameters=takes(signature),
        result=DOUBLE,
        python=_finite(python),
        partial=True,
        summary=summary,
        examples=examples,
    )


def _dated_finance(
    name: str, rates: str, python: Callable[..., Any], summary: str, *examples: Example
) -> tuple[Function, Function]:
    """Return a function of amounts and dates in turn, and the helper that gets them converted."""
    before = len(takes(rates))
    helper = _finance(f"{name} of converted", f"{rates}{', ' * bool(rates)}any pairs...", python, summary)

    def expand(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
        pairs = arguments[before:]
        if len(pairs) < 4 or len(pairs) % 2:
            raise services.refuse(f"Finance{name} takes amounts and dates in turn, two of each at least", span)
        converted = [
            _converted(services, each, Kind.MOMENT if number % 2 else Kind.DOUBLE) for number, each in enumerate(pairs)
        ]
        return apply(helper, *arguments[:before], *converted, span=span)

    return replace(helper, name=f"Finance{name}", python=None, expand=expand, examples=examples), helper


def _converted(services: Services, value: Typed, kind: Kind) -> Typed:
    changed = coerce(value, kind, services.options)
    if changed is None:
        wanted = "a date" if kind is Kind.MOMENT else "an amount"
        raise services.refuse(f"{value.type.name} stands where {wanted} is needed", value.span)
    return changed


_IRR, IRR_HELPER = _dated_finance(
    "XIRR",
    "",
    _internal_rate_dated,
    "The yearly rate at which amounts at dates are worth 0 in all.",
    Example("FinanceXIRR(-100, '2021-01-01', 110, '2022-01-01')", 0.1),
    Example("FinanceXIRR(-100, '2021-01-01', NULL(), '2022-01-01')", None),
)
_MIRR, MIRR_HELPER = _dated_finance(
    "MXIRR",
    "double finance_rate, double reinvest_rate",
    _modified_rate_dated,
    "The modified yearly rate of amounts at dates.",
    Example("FinanceMXIRR(0.05, 0.05, -100, '2021-01-01', 110, '2022-01-01')", 0.1),
)
_NPV, NPV_HELPER = _dated_finance(
    "XNPV",
    "double rate",
    _net_dated,
    "What amounts at dates are worth at the first date, at a yearly rate.",
    Example("FinanceXNPV(0.1, -100, '2021-01-01', 110, '2022-01-01')", 0.0),
)
HELPERS: Final = (IRR_HELPER, MIRR_HELPER, NPV_HELPER)

_LATER: Final = "double future=0.0, condition at_start=False"

FUNCTIONS: Final = (
    _finance(
        "CAGR",
        "double begin, double end, double years",
        lambda begin, end, years: (end / begin) ** (1 / years) - 1,
        "The yearly rate at which `begin` grows to `end`.",
        Example("FinanceCAGR(100, 121, 2)", 0.1),
        Example("FinanceCAGR(0, 121, 2)", None),
        Example("FinanceCAGR(NULL(), 121, 2)", None),
    ),
    _finance(
        "EffectiveRate",
        "double nominal, double per_year",
        lambda nominal, per_year: (1 + nominal / per_year) ** per_year - 1,
        "The yearly rate with interest on interest of a nominal rate that is paid several times a year.",
        Example("FinanceEffectiveRate(0.12, 12)", 0.12682503013196977),
    ),
    _finance(
        "NominalRate",
        "double effective, double per_year",
        lambda effective, per_year: ((1 + effective) ** (1 / per_year) - 1) * per_year,
        "The nominal rate of a yearly rate with interest on interest.",
        Example("FinanceNominalRate(0.12682503013196977, 12)", 0.12),
    ),
    _finance(
        "FV",
        "double rate, double periods, double payment, double present=0.0, condition at_start=False",
        _future,
        "What `present` and regular payments grow to.",
        Example("FinanceFV(0.05, 2, -100)", 205.0),
        Example("FinanceFV(0, 3, -100, -50)", 350.0),
        Example("FinanceFV(0.05, 2, -100, 0, 1)", 215.25),
    ),
    _finance(
        "FVSchedule",
        "double principal, double rates...",
        _schedule,
        "What a sum grows to at rates that differ from period to period.",
        Example("FinanceFVSchedule(100, 0.1, 0.2)", 132.0),
    ),
    _finance(
        "PV",
        f"double rate, double periods, double payment, {_LATER}",
        _present,
        "What regular payments and a last sum are worth today.",
        Example("FinancePV(0.05, 2, -105)", 195.23809523809524),
        Example("FinancePV(0.1, 1, 0, -110)", 100.0),
    ),
    _finance(
        "PMT",
        f"double rate, double periods, double present, {_LATER}",
        _payment,
        "The regular payment that pays off a loan.",
        Example("FinancePMT(0.1, 2, 210)", -121.0),
        Example("FinancePMT(0, 4, 100)", -25.0),
        Example("FinancePMT(0.1, 0, 210)", None),
    ),
    _finance(
        "NPER",
        f"double rate, double payment, double present, {_LATER}",
        _periods,
        "The number of regular payments that pay off a loan.",
        Example("FinanceNPER(0.1, -121, 210)", 2.0),
        Example("FinanceNPER(0, -25, 100)", 4.0),
    ),
    _finance(
        "Rate",
        f"double periods, double payment, double present, {_LATER}",
        _rate,
        "The rate of a loan that regular payments pay off.",
        Example("FinanceRate(2, -121, 210)", 0.1),
        Example("FinanceRate(2, 121, 210)", None),
    ),
    _finance(
        "IRR",
        "double flows...",
        _internal_rate,
        "The rate at which amounts of equal distance in time are worth 0 in all.",
        Example("FinanceIRR(-100, 60, 60)", 0.13066238629180746),
        Example("FinanceIRR(100, 60)", None),
    ),
    _finance(
        "MIRR",
        "double finance_rate, double reinvest_rate, double flows...",
        _modified_rate,
        "The modified rate of amounts: what is paid costs one rate, what comes in earns another.",
        Example("FinanceMIRR(0.1, 0.12, -120000, 39000, 30000, 21000, 37000, 46000)", 0.126094130365),
    ),
    _finance(
        "NPV",
        "double rate, double flows...",
        lambda rate, *flows: _net(rate, (0.0, *flows)),
        "What amounts are worth one period before the first of them.",
        Example("FinanceNPV(0.1, 110, 121)", 200.0),
    ),
    _IRR,
    _MIRR,
    _NPV,
)
