"""Text and bytes beyond what one Arrow array with 32-bit offsets can hold."""

import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.exceptions import UsageError
from kedge.sdk import array_steps
from kedge.sdk.engine_types import to_engine
from tests.strategies import arrays

LARGE_TYPES = [pa.large_string(), pa.string_view(), pa.large_binary(), pa.binary_view(), pa.binary(3)]


class TestCutting:
    """An array with too many bytes becomes several, at the limit and not before."""

    @given(data=st.data(), arrow_type=st.sampled_from(LARGE_TYPES), size=st.integers(0, 12), limit=st.integers(80, 160))
    def test_no_value_is_lost_or_moved(
        self, data: st.DataObject, arrow_type: pa.DataType, size: int, limit: int
    ) -> None:
        array = data.draw(arrays(arrow_type, size))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(array_steps, "MAX_ARRAY_BYTES", limit)
            column = to_engine(pa.table({"a": array})).table.column("a")
        column.validate(full=True)
        assert column.to_pylist() == array.to_pylist()
        assert all(chunk_bytes(chunk) <= limit for chunk in column.chunks)
        pairs = zip(column.chunks, column.chunks[1:], strict=False)
        assert all(chunk_bytes(chunk) + first_bytes(following) > limit for chunk, following in pairs)

    def test_the_bytes_are_shared(self) -> None:
        array = pa.array(["skipped", "one", None, "two"], pa.large_string())
        (chunk,) = to_engine(pa.table({"a": array.slice(1)})).table.column("a").chunks
        assert chunk.buffers()[2].address == array.buffers()[2].address + len("skipped")
        assert chunk.to_pylist() == ["one", None, "two"]

    def test_a_dictionary_is_cut_when_it_is_written_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(array_steps, "MAX_ARRAY_BYTES", 20)
        array = pa.array(["ten bytes."] * 5 + [None]).dictionary_encode()
        column = to_engine(pa.table({"a": array})).table.column("a")
        assert [len(chunk) for chunk in column.chunks] == [2, 2, 2]
        assert column.to_pylist() == array.to_pylist()

    def test_one_value_that_is_too_large_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(array_steps, "MAX_ARRAY_BYTES", 25)
        array = pa.array(["short", "x" * 26], pa.large_string())
        with pytest.raises(
            UsageError, match=r"column 'a', row 1: a value of 26 bytes \(large_string\) does not fit v_wstr"
        ):
            to_engine(pa.table({"a": array}))

    @pytest.mark.skipif(sys.platform != "linux", reason="the test wants a file of 5 GiB that takes no room")
    def test_five_gigabytes_are_cut_and_not_copied(self, tmp_path: Path) -> None:
        path = tmp_path / "zeros"
        with path.open("wb") as file:
            file.truncate(5 * 2**30)
        offsets = pa.array([number * 2**29 for number in range(11)])
        with pa.memory_map(str(path)) as zeros:
            buffers = [None, offsets.buffers()[1], zeros.read_buffer()]
            array = pa.Array.from_buffers(pa.large_string(), 10, buffers)
            column = to_engine(pa.table({"a": array})).table.column("a")
            assert [len(chunk) for chunk in column.chunks] == [3, 3, 3, 1]
            assert column.nbytes >= 5 * 2**30
            del array, column, buffers


def chunk_bytes(chunk: pa.Array) -> int:
    """How many bytes the values of a chunk have."""
    return sum(len(as_bytes(value)) for value in chunk.to_pylist() if value is not None)


def first_bytes(chunk: pa.Array) -> int:
    """How many bytes the first value of a chunk has."""
    return chunk_bytes(chunk.slice(0, 1))


def as_bytes(value: str | bytes) -> bytes:
    """A value as it is stored."""
    return value.encode() if isinstance(value, str) else value
