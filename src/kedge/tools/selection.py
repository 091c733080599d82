"""The ``SelectFields`` section that Select, the joins and AppendFields share: choose, rename, retype, order."""

from __future__ import annotations

__all__ = [
    "Candidate",
    "Chosen",
    "Selection",
    "choose",
    "parse_selection",
    "plain_candidates",
    "project",
]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.errors import near_names
from kedge.formula.types import DesignerType
from kedge.tools.contract import Context, column
from kedge.tools.conversion import Converter
from kedge.tools.schema import Field, Schema, distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kedge.tools.options import Options

UNKNOWN = "*Unknown"


@dataclass(frozen=True)
class Entry:
    """One ``SelectField``: empty ``rename``, ``type`` or ``size`` leave things as they are."""

    field: str
    selected: bool
    rename: str = ""
    type: str = ""
    size: str = ""
    input: str = ""
    description: str = ""


@dataclass(frozen=True)
class Selection:
    """All entries in their order; ``unknown`` says whether fields that are not listed are selected."""

    entries: tuple[Entry, ...] = ()
    unknown: bool = True
    order_changed: bool = False
    comma_decimal: bool = False


@dataclass(frozen=True)
class Candidate:
    """A field that may be selected: the names that entries may call it by, its default output name, its column."""

    field: Field
    keys: tuple[str, ...]
    name: str
    column: exp.Expr


@dataclass(frozen=True)
class Chosen:
    """A selected field: where it comes from, and what it is now."""

    candidate: Candidate
    field: Field


def parse_selection(options: Options) -> Selection:
    """Read ``OrderChanged``, ``CommaDecimal`` and ``SelectFields``."""
    entries: list[Entry] = []
    for item in options.listed("SelectFields", "SelectField"):
        item.ignore_attributes("oldName", "oldType", "forced")
        entry = Entry(
            item.attribute("field"),
            item.switch("selected", True),
            *(item.attribute(name, "") for name in ("rename", "type", "size", "input", "description")),
        )
        item.field_type("@type", entry.type or "V_String", entry.size)
        entries.append(entry)
    return Selection(
        tuple(entries),
        next((item.selected for item in entries if item.field == UNKNOWN), True),
        options.flag("OrderChanged", False),
        options.flag("CommaDecimal", False),
    )


def choose(selection: Selection, candidates: Sequence[Candidate], warn: Callable[[str], None]) -> list[Chosen]:
    """Return the selected fields in output order. Entries for fields that are not there are ignored with a warning."""
    by_key = {key.casefold(): item for item in candidates for key in item.keys}
    entries: dict[int, tuple[int, Entry]] = {}
    unknown_at = len(selection.entries)
    for number, entry in enumerate(selection.entries):
        if entry.field == UNKNOWN:
            unknown_at = number
            continue
        found = by_key.get(entry.field.casefold())
        if found is None:
            if entry.selected:
                names = [item.name for item in candidates]
                warn(f"the field {entry.field!r} is not in the input and is ignored{near_names(entry.field, names)}")
            continue
        entries.setdefault(id(found), (number, entry))
    ordered = list(candidates)
    if selection.order_changed:
        ordered.sort(key=lambda item: entries.get(id(item), (unknown_at,))[0])
    chosen = [
        _chosen(item, entries[id(item)][1] if id(item) in entries else Entry(UNKNOWN, selection.unknown))
        for item in ordered
    ]
    kept = [item for item in chosen if item is not None]
    fields = distinct(item.field for item in kept)
    return [Chosen(item.candidate, field) for item, field in zip(kept, fields, strict=True)]


def _chosen(candidate: Candidate, entry: Entry) -> Chosen | None:
    if not entry.selected:
        return None
    name = entry.rename or candidate.name
    type_ = candidate.field.type
    if entry.type or entry.size:
        type_ = _retyped(type_, entry)
    description = entry.description or candidate.field.description
    return Chosen(candidate, Field(name, type_, candidate.field.source, description))


def _retyped(type_: DesignerType, entry: Entry) -> DesignerType:
    if entry.type and entry.type != type_.name:
        return DesignerType.parse(entry.type, entry.size or None)
    return DesignerType.parse(type_.name, entry.size or type_.size_text)


def project(chosen: Sequence[Chosen], selection: Selection, context: Context) -> list[exp.Expr]:
    """Return the projections that make the selected fields."""
    converter = Converter(context.tool_id, selection.comma_decimal)
    return [
        exp.alias_(
            converter.convert(
                item.candidate.column.copy(), item.candidate.field.type, item.field.type, item.field.name
            ),
            item.field.name,
            quoted=True,
        )
        for item in chosen
    ]


def plain_candidates(schema: Schema) -> list[Candidate]:
    """Return the fields of one input as candidates under their own names."""
    return [Candidate(field, (field.name,), field.name, column(field.name)) for field in schema]
