"""Measure the record codec against protobuf's runtime, for ``docs/decisions/0010-record-codec.md``.

    python scripts/measure_record_codec.py

Each line is one way to do a job: the median time in microseconds, and the ratio to protobuf's way. The ways
of a job take turns, so that a busy machine slows all of them down alike.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.wire.assembler import ChunkAssembler
from kedge.wire.ipc import BatchEncoder
from kedge.wire.records import Direction, Incoming, Records, decode_incoming, encode_incoming
from kedge.wire.sdk_v2_pb2 import RecordTransferIn

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = {"8 KiB": 3000, "1 MiB": 500}
SIZES = {"8 KiB": 8 * 1024, "1 MiB": 1024 * 1024}


def main() -> None:
    """Print every figure."""
    print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}")
    for name, size in SIZES.items():
        measure_messages(name, bytes(size))
        measure_batches(f"{name} of numbers", name, numbers(size))
        measure_batches(f"{name} of mixed columns", name, mixed(size))


def measure_messages(name: str, data: bytes) -> None:
    """The message alone, its data given as bytes."""
    records = Records("Input", "#1", data, end_of_chunk=True)
    message = encode_incoming(records)
    compare(
        f"{name}: bytes to message",
        ROUNDS[name],
        {"protobuf": lambda: protobuf_encode(data), "kedge": lambda: encode_incoming(records)},
    )
    compare(
        f"{name}: message to bytes",
        ROUNDS[name],
        {"protobuf": lambda: protobuf_decode(message), "kedge": lambda: decode_incoming(message)},
    )


def measure_batches(title: str, name: str, table: pa.Table) -> None:
    """The whole way from a table to a message, and back."""
    encoder = BatchEncoder(Direction.INCOMING, "Input", "#1")
    (message,) = encoder.encode(table)
    (aligned,) = BatchEncoder(Direction.INCOMING, "Input", "#1", align=True).encode(table)
    checked, trusted = ChunkAssembler(), ChunkAssembler(trusted=True)
    compare(
        f"{title}: table to message",
        ROUNDS[name],
        {
            "protobuf": lambda: protobuf_encode(arrow_stream(table).to_pybytes()),
            "kedge, stream written whole": lambda: b"".join((b"head", arrow_stream(table))),
            "kedge, preallocated": lambda: preallocated(table),
            "kedge": lambda: list(encoder.encode(table)),
        },
    )
    compare(
        f"{title}: message to table",
        ROUNDS[name],
        {
            "protobuf": lambda: pa.ipc.open_stream(protobuf_decode(message)).read_all(),
            "kedge, checked": lambda: checked.add(received(message)),
            "kedge, trusted": lambda: trusted.add(received(message)),
            "kedge, checked, aligned": lambda: checked.add(received(aligned)),
            "kedge, trusted, aligned": lambda: trusted.add(received(aligned)),
        },
    )


def compare(job: str, rounds: int, ways: dict[str, Callable[[], object]]) -> None:
    """Run the ways in turn and print them."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            times[way].append(time.perf_counter() - start)
    medians = {way: statistics.median(values) * 1e6 for way, values in times.items()}
    print(job)
    for way, median in medians.items():
        print(f"    {way:30}{median:10.1f} us{medians['protobuf'] / median:8.2f} x")


def numbers(size: int) -> pa.Table:
    """Eight columns of doubles, ``size`` bytes in all."""
    return pa.table({f"c{i}": pa.array([float(j) for j in range(size // 64)]) for i in range(8)})


def mixed(size: int) -> pa.Table:
    """Numbers, texts and flags, about ``size`` bytes in all."""
    rows = range(size // 36)
    texts = [f"row number {i}" for i in rows]
    flags = [i % 2 == 0 for i in rows]
    return pa.table({"id": list(rows), "name": texts, "x": [i / 7 for i in rows], "flag": flags})


def protobuf_encode(data: bytes) -> bytes:
    """A message by protobuf's runtime."""
    message = RecordTransferIn()
    records = message.incoming_records
    records.anchor_name, records.connection_name, records.end_of_chunk = "Input", "#1", True
    records.data = data
    return message.SerializeToString()


def protobuf_decode(message: bytes) -> bytes:
    """The data of a message by protobuf's runtime."""
    records = RecordTransferIn.FromString(message).incoming_records
    _ = records.anchor_name, records.connection_name, records.end_of_chunk
    return records.data


def arrow_stream(table: pa.Table) -> Any:
    """The stream as Arrow's writer makes it in a buffer that grows."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def preallocated(table: pa.Table) -> Any:
    """The stream written into one buffer of the right size, and turned into bytes."""
    size = table.schema.serialize().size + 8
    size += sum(pa.ipc.get_record_batch_size(batch) for batch in table.to_batches())
    buffer = pa.allocate_buffer(4 + size)
    sink = pa.FixedSizeBufferWriter(buffer)
    sink.write(b"head")
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return buffer.to_pybytes()


def received(message: bytes) -> Records:
    """A decoded message that holds records."""
    records: Incoming | None = decode_incoming(message)
    assert isinstance(records, Records)
    return records


if __name__ == "__main__":
    main()
