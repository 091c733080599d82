"""Numbers of records: what follows from what, and what a statement has to count while it runs."""

from __future__ import annotations

__all__ = ["NOTHING", "Count", "Counting", "Counts"]

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kedge.workflow.relations import Relation

ONCE = frozenset({"kedge_note", "random", "uuid"})
"""Functions that a record must meet once only: twice they say something else, or the same thing twice."""


@dataclass(eq=False)
class Count:
    """A number of records, shared by all anchors that have the same; ``rows`` is ``None`` until somebody counted.

    ``rule`` says the number from those ``of`` others, as soon as they are known.
    """

    rows: int | None = None
    of: tuple[Count, ...] = ()
    rule: Callable[[], int] | None = None


@dataclass(frozen=True)
class Counting:
    """What a statement counts beside its work: the numbers to report by relation name.

    ``fenced`` are the relations that the engine must compute once and keep meanwhile, since they are read twice.
    ``beside`` are relations that only their number is wanted of.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    fenced: frozenset[str] = frozenset()
    beside: tuple[Relation, ...] = ()


NOTHING = Counting()


class Counts:
    """All that is known of the numbers of a run. Not for several threads at once."""

    def __init__(self) -> None:
        self._numbered: list[Count] = []
        self._shares: dict[Count, list[tuple[Count, ...]]] = defaultdict(list)

    def share(self, whole: Count, parts: Iterable[Count]) -> None:
        """Note that each record of ``whole`` is in one of the ``parts`` and in one only."""
        items = (whole, *parts)
        for item in items:
            self._shares[item].append(items)

    def take(self, found: Mapping[int, int]) -> None:
        """Take what statements counted, by the numbers of a ``Counting``."""
        for number, rows in found.items():
            self._numbered[number].rows = rows

    def settle(self) -> None:
        """Work out every number that follows from others."""
        waiting = list(self._shares)
        while waiting:
            count = waiting.pop()
            if self.value(count) is None:
                continue
            for items in self._shares[count]:
                unknown = [item for item in items if self.value(item) is None]
                if len(unknown) == 1:
                    whole, *parts = ((0 if item is unknown[0] else self.value(item) or 0) for item in items)
                    unknown[0].rows = sum(parts) if unknown[0] is items[0] else whole - sum(parts)
                    waiting.append(unknown[0])

    def value(self, count: Count) -> int | None:
        """Return a number where it is known."""
        if count.rows is None and count.rule and all(self.value(other) is not None for other in count.of):
            count.rows = count.rule()
        return count.rows

    def counting(self, relation: Relation, told: bool, every: bool) -> Counting:
        """Say what a statement over a relation has to count, so that afterwards every number in it is known.

        ``told`` says that the number of the relation itself becomes known anyway, ``every`` that no cost is too high.
        """
        known = {relation.count} if told else set[Count]()
        numbers: dict[str, int] = {}
        fenced: set[str] = set()
        beside: list[Relation] = []
        chain = relation.chain()
        for item in chain:
            if not (self._follows(item.count, known) or item is relation):
                if every or not item.grows or not _counts_again(item):
                    fenced.add(item.name)
                else:
                    fenced |= {parent.name for parent in item.parents if parent.query is not None}
                numbers[item.name] = self._number(item.count, known)
            for other in item.beside:
                if not self._follows(other.count, known) and _counts_again(other):
                    fenced |= {parent.name for parent in other.parents if parent.query is not None}
                    numbers[other.name] = self._number(other.count, known)
                    beside.append(other)
        return Counting(numbers, frozenset(fenced), tuple(beside)) if numbers else NOTHING

    def _number(self, count: Count, known: set[Count]) -> int:
        self._numbered.append(count)
        self._learn(count, known)
        return len(self._numbered) - 1

    def _learn(self, count: Count, known: set[Count]) -> None:
        known.add(count)
        for items in self._shares.get(count, ()):
            unknown = [item for item in items if not self._follows(item, known)]
            if len(unknown) == 1:
                self._learn(unknown[0], known)

    def _follows(self, count: Count, known: set[Count]) -> bool:
        if count.rows is not None or count in known:
            return True
        return count.rule is not None and all(self._follows(other, known) for other in count.of)


def _counts_again(relation: Relation) -> bool:
    """Whether counting the records of a relation once more, from the same parents, gives the same and says nothing."""
    assert relation.query is not None
    return not any(call.name in ONCE for call in relation.query.find_all(exp.Anonymous))
