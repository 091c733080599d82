"""Every page does what it shows."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.skipif(os.name == "nt", reason="the pages are written for a POSIX shell")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path)
    shutil.rmtree(tmp_path)  # packages are large, and pytest keeps the folders of three sessions


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path_factory.getbasetemp() / "pages-cache", ignore_errors=True)
