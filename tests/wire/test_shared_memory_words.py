"""Shared memory: where its folder lies, and the words that stand for batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.exceptions import ProtocolError
from kedge.wire.shared_memory import (
    SUPPORTED,
    Place,
    is_descriptor,
    is_private,
    make_folder,
    pack_descriptor,
    unpack_descriptor,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="needs files that can be removed while they are mapped")


class TestPlaceOfTheFolder:
    def test_can_be_chosen(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("KEDGE_SHARED_MEMORY", str(tmp_path))
        made = make_folder()
        assert made is not None
        assert made.parent == tmp_path
        assert is_private(made)

    @pytest.mark.parametrize("place", ["", "absent"])
    def test_that_is_none_makes_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
        monkeypatch.setenv("KEDGE_SHARED_MEMORY", place and str(tmp_path / place))
        assert make_folder() is None


class TestDescriptor:
    def test_holds_places(self) -> None:
        places = [Place(1, 64, 2**40), Place(2, 64, 8)]
        assert list(unpack_descriptor(pack_descriptor(places))) == places

    def test_is_no_arrow_stream_and_no_arrow_stream_is_one(self) -> None:
        assert is_descriptor(memoryview(pack_descriptor([Place(1, 64, 8)])))
        assert not is_descriptor(memoryview(pa.schema([("number", pa.int64())]).serialize()))
        assert not is_descriptor(memoryview(b""))

    @pytest.mark.parametrize("cut", [10, 11, 33])
    def test_that_is_cut_off_is_refused(self, cut: int) -> None:
        with pytest.raises(ProtocolError, match="whole number"):
            unpack_descriptor(pack_descriptor([Place(1, 64, 8)])[:cut])
