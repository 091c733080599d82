"""A package, built once for all tests: packing pyarrow takes its seconds."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kedge.workspace.build import BuildReport, build_yxi
from kedge.workspace.project import Workspace
from tests.workspace.packages import numbers_workspace


class Built(NamedTuple):
    """A workspace, its package, and the cache that builds of the same requirements find it in."""

    workspace: Workspace
    report: BuildReport
    cache: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("built")
    workspace = numbers_workspace(folder / "numbers")
    cache = folder / "cache"
    yield Built(workspace, build_yxi(workspace, from_environment=True, cache=cache), cache)
    shutil.rmtree(folder)  # packages are large, and pytest keeps the folders of three sessions
