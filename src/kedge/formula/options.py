"""What Designer's documentation leaves open, or what differs between its versions, as named settings."""

from __future__ import annotations

__all__ = ["FormulaOptions"]

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FormulaOptions:
    """The settings of the expression language; the defaults are what the sources support best.

    ``ignore_case``: whether ``= != < > <= >= IN`` and ``Switch`` compare strings without case. Sources
    contradict each other.

    ``number_of_true``: the number that True becomes when a Bool is calculated with or stored as a number;
    -1 is recomputed from a real file. In comparisons with a number a Bool stands for 1 and 0.

    ``round_to_integer``: whether a number with a fraction that is stored in an integer field is rounded
    (half away from zero); otherwise the fraction is cut off.

    ``date_stays_date``: whether ``DateTimeAdd`` of a Date by days, months or years is a Date; otherwise a
    DateTime.

    ``dot_matches_newline``, ``anchors_match_lines``: whether ``.`` in a regular expression matches a line
    end, and whether ``^`` and ``$`` match at line ends inside of the text: the defaults of Boost, the
    library behind it.

    ``numbers_to_text``: whether a formula may store a number in a string field, or a string in a number
    field, without ``ToString`` or ``ToNumber``; Designer refuses it.

    ``started``: the local time at which the run started: what ``DateTimeNow``, ``DateTimeToday`` and
    ``DateTimeStart`` return all through the run.

    ``zone``: the IANA name of the local time zone of ``DateTimeToUTC`` and ``DateTimeToLocal``; empty for the
    zone of the machine.
    """

    ignore_case: bool = False
    number_of_true: int = -1
    round_to_integer: bool = True
    date_stays_date: bool = True
    dot_matches_newline: bool = True
    anchors_match_lines: bool = True
    numbers_to_text: bool = False
    started: dt.datetime = field(default_factory=dt.datetime.now)
    zone: str = ""
