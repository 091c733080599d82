"""Dates and times from the texts in which American users write them."""

from __future__ import annotations

__all__ = ["to_date", "to_datetime", "to_time"]

from datetime import date, datetime, time


def to_date(text: str) -> date:
    """Return the date that ``"MM/DD/YYYY"`` describes; raises ``ValueError`` for any other text."""
    return _parsed(text, "%m/%d/%Y", "MM/DD/YYYY").date()


def to_time(text: str) -> time:
    """Return the time that ``"HH:MM:SS"`` describes (24 hours); raises ``ValueError`` for any other text."""
    return _parsed(text, "%H:%M:%S", "HH:MM:SS").time()


def to_datetime(text: str) -> datetime:
    """Return the moment that ``"MM/DD/YYYY HH:MM:SS"`` describes; raises ``ValueError`` for other text."""
    return _parsed(text, "%m/%d/%Y %H:%M:%S", "MM/DD/YYYY HH:MM:SS")


def _parsed(text: str, pattern: str, shown: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)
    except ValueError as error:
        why = "" if "does not match format" in str(error) else f": {error}"
        raise ValueError(f"{text!r} does not have the form {shown}{why}") from None
