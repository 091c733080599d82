"""What tests of the wire share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from kedge.wire.shared_memory import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder for the segments of one run."""
    monkeypatch.setenv("KEDGE_SHARED_MEMORY", str(tmp_path))
    made = make_folder()
    assert made is not None
    yield made
    shutil.rmtree(made, ignore_errors=True)
