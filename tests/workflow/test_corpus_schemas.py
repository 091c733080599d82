"""Schemas that Designer computed itself, held against ours.

A file's ``MetaInfo`` says the schema of an anchor. Names that come from records (CrossTab, DynamicRename, a file that is
not here) and AutoField's types are taken from the file, so there only the rest compares: the list says which. Where it can be computed from the file alone (with the declared
schemas of tools that read what is not here), it must be equal, or stand in ``corpus_schemas.txt`` with the reason. The
list is made again with ``KEDGE_RENEW=1``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.workflow.checking import declared_schemas
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from kedge.tools.schema import Field, Schema

LIST = Path(__file__).with_name("corpus_schemas.txt")


GIVEN = {"CrossTab": "names", "DynamicRename": "names", "DbFileInput": "names", "AutoField": "types"}


def compare(name: str, declared: Schema, computed: Schema) -> tuple[int, int, list[str]]:
    """Return how many fields compare, how many are equal, and the differences."""
    lines: list[str] = []
    pairs = zip(declared, computed, strict=False)
    equal = sum(_same(left, right, name, lines) for left, right in pairs)
    if len(declared) != len(computed):
        lines.append(f"  {name}: {len(declared)} fields declared, {len(computed)} computed")
    return max(len(declared), len(computed)), equal, lines


def _same(left: Field, right: Field, name: str, lines: list[str]) -> bool:
    if (left.name, left.type) == (right.name, right.type):
        return True
    lines.append(f"  {name}: {left.name} {left.type} declared, {right.name} {right.type} computed")
    return False


def report(folder: Path) -> tuple[str, float]:
    """Return the list, and the share of comparable fields that are equal."""
    lines: list[str] = []
    total = same = 0
    for path in sorted(folder.glob("*.yxmd")):
        flow = Workflow.load(path)
        checked = flow.check()
        refused = {problem.tool_id for problem in checked.problems}
        lines.append(path.name)
        lines.extend(f"  not run: {problem.name} ({problem.tool_id}), {problem.plugin}" for problem in checked.problems)
        for node, enabled in flow.document.walk():
            for anchor, declared in declared_schemas(node).items():
                name = f"{node.name} ({node.tool_id}) {anchor}"
                computed = checked.schemas.get((node.tool_id, anchor))
                if not enabled or node.tool_id in refused or computed is None:
                    lines.append(
                        f"  {name}: {len(declared)} fields, taken as declared: the tool or its input cannot run here"
                    )
                    continue
                count, equal, differences = compare(name, declared, computed)
                total, same = total + count, same + equal
                given = GIVEN.get(node.plugin.rsplit(".", 1)[-1])
                lines.append(
                    f"  {name}: {equal} of {count} fields equal" + (f" ({given} as declared)" if given else "")
                )
                lines.extend(differences)
    share = same / total if total else 0.0
    return f"{same} of {total} comparable fields are equal\n" + "\n".join(lines) + "\n", share


class TestCorpus:
    """Every file of the corpus."""

    def test_computed_schemas_equal_the_declared_ones_or_are_listed(self, corpus: Path) -> None:
        text, share = report(corpus / "packt")
        if os.environ.get("KEDGE_RENEW"):
            LIST.write_text(text, encoding="utf-8")
        assert text == LIST.read_text(encoding="utf-8")
        assert share >= 0.95
