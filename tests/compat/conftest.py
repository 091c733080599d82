"""The other SDK's names, for the length of a test."""

import sys
from collections.abc import Iterator

import pytest

from kedge.compat.alias import AliasFinder, install
from kedge.compat.names import ROOTS


@pytest.fixture(autouse=True)
def aliased() -> Iterator[None]:
    """Install the alias, and take it and its modules away again."""
    install()
    yield
    forget_alias()


def forget_alias() -> None:
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)]
    for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
        del sys.modules[name]
