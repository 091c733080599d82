"""The protobuf wire format, read field by field without copying.

Source: the "Encoding" page of the protobuf documentation. Refused is what protobuf's own runtime (upb)
refuses: tags and lengths of more than five bytes, lengths from 2 GiB, numbers of more than ten bytes, field
number 0, wire types 6 and 7, groups that are not closed or lie too deep, and anything that passes the end.
Releases of upb differ in two points, where this takes the stricter side: overlong lengths, and field number 0
inside an unknown group.
"""

from __future__ import annotations

__all__ = ["LENGTH_DELIMITED", "VARINT", "MalformedFieldError", "read_fields"]

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
START_GROUP = 3
END_GROUP = 4
FIXED32 = 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_NUMBER = 2**29 - 1
_MAX_VALUE = 2**64 - 1
_MAX_LENGTH = 2**31 - 1
_DEEPEST = 100


class MalformedFieldError(ValueError):
    """The bytes are no protobuf message. ``position`` is the byte at which reading stopped."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position


def read_fields(message: bytes, start: int, end: int, depth: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """Yield ``(field number, wire type, a, b)`` for every field in ``message[start:end]``, groups left out.

    ``b`` is the position behind the field. For a varint ``a`` is its value as an unsigned 64-bit number; for
    every other wire type ``message[a:b]`` is the field's content. ``depth`` is the number of messages around
    this one. Raises MalformedFieldError.
    """
    position = start
    while position < end:
        number, wire_type, position = _read_tag(message, position, end)
        if wire_type == START_GROUP:
            position = _skip_group(message, position, end, number, depth)
        else:
            value, position = _read_value(message, position, end, number, wire_type)
            yield number, wire_type, value, position


def _read_tag(message: bytes, position: int, end: int) -> tuple[int, int, int]:
    """The field number, the wire type and the position behind the tag."""
    tag = message[position]
    if 8 <= tag < 0x80:
        return tag >> 3, tag & 7, position + 1
    tag, behind = _read_varint(message, position, end, 5)
    if not 0 < tag >> 3 <= _MAX_NUMBER:
        raise MalformedFieldError(position, f"{tag >> 3} is no field number")
    return tag >> 3, tag & 7, behind


def _read_varint(message: bytes, position: int, end: int, longest: int) -> tuple[int, int]:
    """The number at ``position``, which has at most ``longest`` bytes, and the position behind it."""
    if position < end and message[position] < 0x80:
        return message[position], position + 1
    value = 0
    for count, byte in enumerate(message[position : min(position + longest, end)]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, position + count + 1
    if position + longest > end:
        raise MalformedFieldError(position, "the message ends inside a number")
    raise MalformedFieldError(position, f"a number has more than {longest} bytes")


def _read_value(message: bytes, position: int, end: int, number: int, wire_type: int) -> tuple[int, int]:
    """``(a, b)`` as ``read_fields`` yields them."""
    if wire_type == VARINT:
        value, behind = _read_varint(message, position, end, 10)
        return value & _MAX_VALUE, behind
    if wire_type == LENGTH_DELIMITED:
        length, position = _read_varint(message, position, end, 5)
    elif wire_type in _FIXED_SIZES:
        length = _FIXED_SIZES[wire_type]
    else:
        reason = "closes a group that is not open" if wire_type == END_GROUP else f"has wire type {wire_type}"
        raise MalformedFieldError(position, f"field {number} {reason}")
    if length > _MAX_LENGTH or position + length > end:
        reason = f"field {number} is {length} bytes long, but {end - position} are left"
        raise MalformedFieldError(position, reason)
    return position, position + length


def _skip_group(message: bytes, position: int, end: int, number: int, depth: int) -> int:
    """The position behind the group that field ``number`` opened just before ``position``."""
    groups = [number]
    while groups:
        if depth + len(groups) > _DEEPEST:
            raise MalformedFieldError(position, f"groups are nested more than {_DEEPEST} deep")
        if position >= end:
            raise MalformedFieldError(position, f"the group of field {groups[-1]} is not closed")
        number, wire_type, behind = _read_tag(message, position, end)
        if wire_type == START_GROUP:
            groups.append(number)
        elif wire_type == END_GROUP:
            if groups.pop() != number:
                raise MalformedFieldError(position, f"field {number} closes a group that is not open")
        else:
            _, behind = _read_value(message, behind, end, number, wire_type)
        position = behind
    return position
