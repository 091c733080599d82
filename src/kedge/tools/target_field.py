"""The field that a tool fills: a new one of a type, or an existing one that keeps its own."""

from __future__ import annotations

__all__ = ["parse_target_field"]

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedge.formula.types import DesignerType
    from kedge.tools.options import Options


def parse_target_field(options: Options, default: str) -> tuple[str, DesignerType | None]:
    """Read name and type: the half for new fields or that for existing ones counts, by ``UpdateField``.

    The type of an existing field is ``None``; that of a new one is ``default`` where the options say nothing.
    """
    update = options.flag("UpdateField", False)
    existing, new = options.name("UpdateField_Name", ""), options.name("CreateField_Name", "")
    type_name, size = options.name("CreateField_Type", default), options.name("CreateField_Size", "")
    if not (existing if update else new):
        raise options.fault("UpdateField_Name" if update else "CreateField_Name", "name the field")
    if update:
        return existing, None
    return new, options.field_type("CreateField_Type", type_name, size)
