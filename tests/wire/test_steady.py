"""The short way says the same as the long one."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kedge.exceptions import ProtocolError
from kedge.wire.assembler import ChunkAssembler
from kedge.wire.ipc import BatchEncoder
from kedge.wire.records import Direction, Records, decode_incoming, encode_incoming
from kedge.wire.steady import SteadyDecoder, SteadyEncoder, SteadyReader

TABLES = [
    pa.table({"n": [1, 2, 3]}),
    pa.table({"n": [4, 5, 6]}),
    pa.table({"n": [7]}),
    pa.table({"t": ["a", None, "ccc"]}),
    pa.table({"n": [8, 9, 10]}),
    pa.table({"n": pa.array([], pa.int64())}),
    pa.table({"d": pa.array(["x", "y", "x"]).dictionary_encode()}),
    pa.table({"l": [[1], [2, 3]]}),
    pa.concat_tables([pa.table({"n": [1]}), pa.table({"n": [2]})]),
    pa.table({"n": range(100_000)}),
    pa.table({"n": [1, 2, 3]}).replace_schema_metadata({"k": "v"}),
]


@pytest.mark.parametrize("align", [False, True])
class TestSteadyEncoder:
    def test_writes_the_bytes_of_the_general_encoder(self, align: bool) -> None:
        steady = SteadyEncoder(Direction.OUTGOING, "Output", "", align=align)
        general = BatchEncoder(Direction.OUTGOING, "Output", "", align=align)
        for table in [*TABLES, *TABLES]:
            assert list(steady.encode(table)) == list(general.encode(table))


@pytest.mark.parametrize("align", [False, True])
class TestSteadyReader:
    def test_reads_every_batch_as_it_was(self, align: bool) -> None:
        encoder = SteadyEncoder(Direction.INCOMING, "Input", "#1", align=align)
        decoder, reader = SteadyDecoder(Direction.INCOMING), SteadyReader(ChunkAssembler(trusted=True))
        for table in [*TABLES, *TABLES]:
            for message in encoder.encode(table):
                records = decoder.decode(message)
                assert isinstance(records, Records)
                read = reader.add(records)
            assert read is not None
            assert read.equals(table, check_metadata=True)


class TestSteadyDecoder:
    def test_reads_what_is_as_long_but_not_the_same(self) -> None:
        decoder = SteadyDecoder(Direction.INCOMING)
        table = pa.table({"n": [1, 2, 3]})
        for anchor, connection in (("Left", "#1"), ("Left", "#2"), ("Righ", "#1"), ("Left", "#1")):
            (message,) = BatchEncoder(Direction.INCOMING, anchor, connection).encode(table)
            assert decoder.decode(message) == decode_incoming(message)

    def test_keeps_a_view_of_the_message(self) -> None:
        decoder = SteadyDecoder(Direction.INCOMING)
        (message,) = BatchEncoder(Direction.INCOMING, "Input", "#1").encode(pa.table({"n": list(range(1000))}))
        for _ in range(2):
            records = decoder.decode(message)
            assert isinstance(records, Records)
            assert records.data.obj is message

    def test_copies_what_is_tiny(self) -> None:
        decoder = SteadyDecoder(Direction.INCOMING)
        message = encode_incoming(Records("Input", "#1", b"data", True))
        for _ in range(2):
            records = decoder.decode(message)
            assert isinstance(records, Records)
            assert (records.anchor, bytes(records.data), records.end_of_chunk) == ("Input", b"data", True)
        assert isinstance(records, Records)
        assert type(records.data) is bytes

    def test_goes_on_with_a_batch_that_is_half_received(self) -> None:
        reader = SteadyReader(ChunkAssembler(trusted=True))
        (whole,) = BatchEncoder(Direction.INCOMING, "Input", "#1").encode(pa.table({"n": [1]}))
        records = decode_incoming(whole)
        assert isinstance(records, Records)
        assert reader.add(records) is not None
        assert reader.add(records._replace(end_of_chunk=False)) is None
        with pytest.raises(ProtocolError, match="2 chunks"):
            reader.add(records)
