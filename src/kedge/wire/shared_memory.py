"""Shared memory for the batches of one run: the folder, its files, and the words that stand for a batch.

Each direction has a pool of **segments**, files that its writer makes in the run's folder and that both ends map once.
The first byte of a segment says who has it: the writer sets it before it sends a **descriptor** in place of a batch,
the reader clears it when nothing refers to the batch any more, so no message is needed to hand a segment back. A
batch that is sent on unchanged, from where it came, is not written again: its descriptor names the segment in which it
lies, and the second byte says that the end which wrote it is reading it. A
segment that the writer has given up is marked as retired, and its file is gone; the reader lets go of its mapping.

A descriptor is ``KEDGE-SHM`` and a NUL byte, then for each batch the number of its segment, the offset and the length
of its Arrow IPC stream there, in bytes, as three little-endian 64-bit numbers. No Arrow stream begins like that.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
import sys
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pyarrow as pa

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import MOST_PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BODY",
    "FREE",
    "RETIRED",
    "SENT_BACK",
    "SUPPORTED",
    "TAKEN",
    "TO_ENGINE",
    "TO_TOOL",
    "Memory",
    "Place",
    "is_descriptor",
    "is_private",
    "make_folder",
    "make_segment",
    "map_segment",
    "pack_descriptor",
    "segment_name",
    "unpack_descriptor",
]

SUPPORTED = sys.platform != "win32"
"""Whether a mapped file can be removed, which all of this rests upon."""

FREE, TAKEN, RETIRED = 0, 1, 2
"""What the first byte of a segment says; the second, of the same values, is about a batch that was sent back."""

SENT_BACK = 1 << 63
"""In the number of a segment: it is one of the reader's own, with a batch that the reader had written before."""

TO_TOOL, TO_ENGINE = "in", "out"
"""How the files of the two directions begin."""

BODY = 64
"""Where batches begin, in bytes from the start of a segment."""

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_MARK = b"KEDGE-SHM\x00"
_PLACE = struct.Struct("<QQQ")


Memory: TypeAlias = "ctypes.Array[ctypes.c_ubyte]"
"""A mapped segment, byte for byte; it stays mapped as long as anything refers to it, and holds no descriptor."""


class Place(NamedTuple):
    """Where the stream of one batch lies: the number of the segment, and offset and length in bytes."""

    segment: int
    offset: int
    length: int


def pack_descriptor(places: list[Place]) -> bytes:
    """The bytes that travel in place of batches."""
    if len(places) == 1:
        return _MARK + _PLACE.pack(*places[0])
    return b"".join((_MARK, *starmap(_PLACE.pack, places)))


def unpack_descriptor(data: bytes) -> Iterator[Place]:
    """The places of a descriptor. Raises ProtocolError where it is cut off, or has more than any writer's."""
    body = data[len(_MARK) :]
    if len(body) > MOST_PLACES * _PLACE.size:
        count = len(body) // _PLACE.size
        raise ProtocolError(f"a message says that {count} batches lie in shared memory, the limit is {MOST_PLACES}")
    if not body or len(body) % _PLACE.size:
        raise ProtocolError(
            f"{len(data)} bytes came as a descriptor of shared memory, which is no whole number of places"
        )
    return map(Place._make, _PLACE.iter_unpack(body))


def is_descriptor(data: bytes | memoryview) -> bool:
    """Whether data that came in place of a batch stands for batches in shared memory."""
    return bytes(data[: len(_MARK)]) == _MARK


def segment_name(prefix: str, number: int) -> str:
    """The file of a segment."""
    return f"{prefix}-{number}"


def make_folder() -> Path | None:
    """A new folder for a run's segments, of mode 0700; None where none can be made.

    It lies in ``KEDGE_SHARED_MEMORY`` where that is set (empty: nowhere), else in memory where the system has a
    place for that (``/dev/shm``), else among the temporary files. Its name holds the id of this process. What is
    mapped stays readable when the folder is removed.
    """
    import tempfile  # only hosts make folders

    chosen = os.environ.get("KEDGE_SHARED_MEMORY")
    memory = "/dev/shm"  # noqa: S108 - mkdtemp makes a name that nobody can foresee, for this user alone
    for place in (memory, tempfile.gettempdir()) if chosen is None else (chosen,) if chosen else ():
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=f"kedge-shm-{os.getpid()}-", dir=place))
    return None


def is_private(folder: Path) -> bool:
    """Whether a folder is one, not a link to one, belongs to this user, and lets nobody else in."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def map_segment(path: Path) -> Memory:
    """Map the segment that is there.

    Raises OSError also for a link, another user's file, and one that is no plain file or too short.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is no plain file of this user")
        if found.st_size < BODY:
            raise OSError(f"{path} has {found.st_size} bytes, and a segment at least {BODY}")
        with pa.memory_map(str(path), "r+") as file:
            return _memory_of(file, found.st_size)
    finally:
        os.close(descriptor)


def make_segment(path: Path, size: int) -> tuple[Memory, pa.MemoryMappedFile]:
    """Make a segment of ``size`` bytes, and map it; the file is open, which takes a descriptor.

    All of its memory is set aside now, so that a full disk is an OSError here, and not a fault when the memory is
    written. Raises OSError also where the file is there.
    """
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _set_aside(descriptor, size)
        file = pa.memory_map(str(path), "r+")
        os.set_inheritable(file.fileno(), False)  # or programs that are started would hold the memory
        return _memory_of(file, size), file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _memory_of(file: pa.MemoryMappedFile, size: int) -> Memory:
    """What Arrow has mapped, which lives on when the file is closed.

    Python's own mappings keep a descriptor each, before version 3.13.
    """
    region = file.read_buffer(size)
    memory: Memory = (ctypes.c_ubyte * region.size).from_address(region.address)
    memory.region = region  # type: ignore[attr-defined]  # freed after all finalizers, which may write here
    return memory


def _set_aside(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(1 << 20)
    for start in range(0, size, len(zeros)):
        os.write(descriptor, zeros[: size - start])
