"""The batches of one anchor or connection, brought in turn into the form that an engine knows."""

from __future__ import annotations

__all__ = ["BatchConverter"]

from typing import TYPE_CHECKING

from kedge.sdk.engine_types import Conversion, OutgoingPlan, as_table

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.conversions import TypeWarning
    from kedge.sdk.fields import Metadata


class BatchConverter:
    """Converts the batches of one anchor or one connection, in turn, and makes the plan when it must.

    The first batch fixes the fields where nothing was announced; a later batch that does not go with them is
    an error. A warning is returned once, with the batch that first gives cause for it; rows count from the
    first batch on.
    """

    def __init__(self, plan_class: type[OutgoingPlan], announced: Metadata | None = None) -> None:
        self._plan_class = plan_class
        self._announced = announced
        self._plan: OutgoingPlan | None = None
        self._rows = 0
        self._totals: dict[tuple[str, str], TypeWarning] = {}
        self._told: dict[tuple[str, str], int] = {}

    @property
    def metadata(self) -> Metadata | None:
        """The fields: the announced ones, or else those of the first batch; None before it."""
        return self._announced

    def convert(self, batch: pa.Table | pa.RecordBatch) -> Conversion:
        """Return the batch in the engine's form, with the warnings that are new; free when nothing is to do.

        Raises ``UsageError`` as the plan does, and for an object that is no batch.
        """
        table = as_table(batch)
        if self._plan is None or not self._plan.source.equals(table.schema, check_metadata=True):
            self._plan = self._plan_class(table.schema, self._announced)
            self._announced = self._plan.metadata
        conversion = self._plan.apply(table)
        if conversion.warnings:
            conversion = Conversion(conversion.table, self._fresh(conversion.warnings))
        self._rows += table.num_rows
        return conversion

    def closing_warnings(self) -> tuple[TypeWarning, ...]:
        """Return, with their totals, the warnings for which later batches gave more cause than was told."""
        return tuple(total for key, total in self._totals.items() if total.values > self._told[key])

    def _fresh(self, warnings: tuple[TypeWarning, ...]) -> tuple[TypeWarning, ...]:
        fresh: list[TypeWarning] = []
        for warning in warnings:
            key = warning.column, warning.what
            if total := self._totals.get(key):
                self._totals[key] = total._replace(values=total.values + warning.values)
                continue
            self._totals[key] = warning._replace(first_row=self._rows + warning.first_row)
            self._told[key] = warning.values
            fresh.append(self._totals[key])
        return tuple(fresh)
