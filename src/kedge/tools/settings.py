"""The questions that Designer's public documents leave open, as named settings with a documented default each."""

from __future__ import annotations

__all__ = ["Settings"]

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a run answers what is not established.

    * ``null_keys_match``: whether null join keys equal each other.
    * ``nulls_first``: whether nulls sort before every value in ascending order (last in descending).
    * ``empty_csv_cell_is_null``: whether an empty cell of a delimited file is null in place of an empty text.
    * ``summarize_empty_gives_row``: whether Summarize without groups yields one row for no input.
    * ``find_replace_last``: whether the last of several matching source rows wins in FindReplace, not the first.
    * ``strings_ignore_case``: whether ``=``, ``<`` and the like ignore case in expressions.
    * ``allow_run_command``: whether RunCommand tools may start programs.
    """

    null_keys_match: bool = False
    nulls_first: bool = True
    empty_csv_cell_is_null: bool = False
    summarize_empty_gives_row: bool = False
    find_replace_last: bool = False
    strings_ignore_case: bool = False
    allow_run_command: bool = False
