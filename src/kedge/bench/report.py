"""``kedge bench report``: measured figures as a page."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["report_page"]

_INTRODUCTION = """# Benchmarks

What `kedge bench` measured on one machine. A figure is a ratio against a named peer that was measured in turn with it,
in the same run; it is the median of the pairs. Absolute figures say more about the machine than about Kedge. So does
the load: with more processes than cores, those that hand records from thread to thread wait the longest.

The tool passes through what it gets; both processes run on this machine. `kedge bench --gib 16 --runs 1000` measures
all of it, in about half an hour; `kedge bench transport` and the others measure a part. This page is made by
`kedge bench report` from what they printed.
"""
_COLORS = ("#0b7285", "#74b816", "#e8590c", "#862e9c", "#868e96", "#c2255c")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _RIGHT = 720, 360, 60, 40, 170


def report_page(documents: Iterable[Mapping[str, Any]]) -> str:
    """The page, in Markdown, of documents that the benchmarks made, also of such that hold several."""
    parts = [_INTRODUCTION]
    for document in chain.from_iterable(each.get("documents", (each,)) for each in documents):
        parts.append(
            f"## {document['benchmark'].capitalize()}\n\n{_machine(document)}\n\n{_figures(document['figures'])}"
        )
        if throughput := document.get("throughput"):
            parts.append(_throughput(throughput))
    return "\n".join(parts)


def _machine(document: Mapping[str, Any]) -> str:
    described = ", ".join(f"{name} {value}" for name, value in document["machine"].items())
    return f"{document['rounds']} rounds; {described}."


def _figures(figures: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            figure["name"],
            f"{figure['kedge']:g} {figure['unit']}",
            _peer(figure),
            f"{figure['ratio']:g} x" if "ratio" in figure else "",
            figure["target"],
        )
        for figure in figures
    ]
    return _table(("what", "Kedge", "peer", "ratio", "target"), rows)


def _peer(figure: Mapping[str, Any]) -> str:
    value = f": {figure['peer_value']:g} {figure['unit']}" if "peer_value" in figure else ""
    return f"{figure.get('peer', '')}{value}"


def _throughput(throughput: Mapping[str, Mapping[str, float]]) -> str:
    sizes = list(throughput)
    names = list(throughput[sizes[0]])
    rows = [(_size(int(size)), *(f"{throughput[size][name]:g}" for name in names)) for size in sizes]
    heading = "### Throughput by the size of a batch\n\nIn MiB per second that go there and come back."
    return f"{heading}\n\n{_plot(throughput)}\n\n{_table(('batch', *names), rows)}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _size(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def _plot(throughput: Mapping[str, Mapping[str, float]]) -> str:
    """The same as a drawing, both axes logarithmic; one line of SVG, which Markdown takes as it is."""
    sizes = [int(size) for size in throughput]
    names = list(throughput[str(sizes[0])])
    values = [value for by_way in throughput.values() for value in by_way.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(size: int) -> float:
        span = math.log2(sizes[-1] / sizes[0]) or 1.0
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log2(size / sizes[0]) / span

    def y(value: float) -> float:
        return 10 + (_HEIGHT - _BOTTOM - 10) * (high - math.log10(value)) / ((high - low) or 1)

    marks = [_text(x(size), _HEIGHT - 15, _size(size), "middle") for size in sizes]
    for power in range(low, high + 1):
        level = y(10.0**power)
        marks.append(f'<path d="M{_LEFT} {level:.0f}H{_WIDTH - _RIGHT}" stroke="currentColor" opacity="0.2"/>')
        marks.append(_text(_LEFT - 8, level + 4, f"{10**power:g}", "end"))
    for name, color in zip(names, _COLORS[: len(names)], strict=True):
        points = " ".join(f"{x(size):.0f},{y(throughput[str(size)][name]):.0f}" for size in sizes)
        marks.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        marks.append(_text(_WIDTH - _RIGHT + 8, y(throughput[str(sizes[-1])][name]) + 4, name, "start", color))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="throughput by the size of a batch">{"".join(marks)}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str, color: str = "currentColor") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="12" text-anchor="{anchor}" fill="{color}">{text}</text>'
