"""Icons of tools: a coloured tile with a notch for each anchor, drawn here so that no picture has to be shipped."""

from __future__ import annotations

__all__ = ["draw_icon"]

import colorsys
import math
import struct
import zlib

SIZE = 96
"""Pixels of a side."""

_CORNER, _DISC, _NOTCH = 18.0, 17.0, 8.0
_MARGIN = 4.0


def draw_icon(name: str, inputs: int, outputs: int) -> bytes:
    """Return a PNG picture: notches on the left for inputs, on the right for outputs; the name decides the colour."""
    hue = zlib.crc32(name.encode()) % 360 / 360
    colour = bytes(round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.42, 0.55))
    holes = [
        (SIZE / 2, SIZE / 2, _DISC),
        *((_MARGIN, height, _NOTCH) for height in _heights(inputs)),
        *((SIZE - _MARGIN, height, _NOTCH) for height in _heights(outputs)),
    ]
    rows = (_row(y + 0.5, colour, holes) for y in range(SIZE))
    return _png(b"".join(b"\0" + row for row in rows))


def _heights(count: int) -> list[float]:
    return [SIZE * (n + 1) / (count + 1) for n in range(count)]


def _row(y: float, colour: bytes, holes: list[tuple[float, float, float]]) -> bytes:
    return b"".join(colour + bytes((round(255 * _cover(x + 0.5, y, holes)),)) for x in range(SIZE))


def _cover(x: float, y: float, holes: list[tuple[float, float, float]]) -> float:
    """How much of a pixel the tile covers, by its distance from the edge."""
    across, along = (max(abs(place - SIZE / 2) - (SIZE / 2 - _MARGIN - _CORNER), 0.0) for place in (x, y))
    inside = _CORNER - math.hypot(across, along)
    for centre_x, centre_y, radius in holes:
        inside = min(inside, math.hypot(x - centre_x, y - centre_y) - radius)
    return min(max(inside + 0.5, 0.0), 1.0)


def _png(rows: bytes) -> bytes:
    """Pixels of red, green, blue and opacity, each row after a filter byte, as a PNG file (ISO/IEC 15948)."""
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
