"""The list of all checks, in the order in which they are run."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError
from kedge.testing.checks.conduct import announced_schema, message_order, monotone_progress, repeatable, update_only
from kedge.testing.checks.endurance import exception_safety, leaves_nothing, slow_reader
from kedge.testing.checks.inputs import (
    batch_splits,
    column_order,
    null_columns,
    optional_anchors,
    plain_run,
    texts,
    zero_rows,
)
from kedge.testing.checks.memory import memory_slope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kedge.testing.checks.check import Check

__all__ = ["CHECKS", "select_checks"]

CHECKS: tuple[Check, ...] = (
    plain_run,
    repeatable,
    update_only,
    announced_schema,
    batch_splits,
    zero_rows,
    optional_anchors,
    null_columns,
    texts,
    column_order,
    message_order,
    monotone_progress,
    leaves_nothing,
    slow_reader,
    exception_safety,
    memory_slope,
)


def select_checks(only: Sequence[str] = (), skip: Sequence[str] = ()) -> list[Check]:
    """The checks that are named by ``only``, all if none is, without those of ``skip``. Raises UsageError."""
    names = [check.name for check in CHECKS]
    for name in [*only, *skip]:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"there is no check {name!r}: there are {', '.join(names)}{hint}")
    return [check for check in CHECKS if (not only or check.name in only) and check.name not in skip]
