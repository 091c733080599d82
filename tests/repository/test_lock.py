"""The lock pins what pyproject.toml asks for, for every Python that it allows, and names no package index."""

import re

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

tomllib = pytest.importorskip("tomllib", reason="in the standard library from Python 3.11 on")

LOCK = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
PINNED = [Requirement(line) for line in re.findall(r"^([a-z].*?) \\$", LOCK, flags=re.MULTILINE)]


def wanted() -> list[Requirement]:
    """Every dependency, of every extra, and of the development group."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), document["dependency-groups"]["dev"]]
    return [Requirement(text) for group in groups for text in group]


class TestLock:
    @pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
    @pytest.mark.parametrize("requirement", wanted(), ids=str)
    def test_each_requirement_is_pinned_once_to_a_version_that_it_allows(
        self, requirement: Requirement, python: str
    ) -> None:
        environment = {"python_version": python, "python_full_version": f"{python}.9"}
        pins = [
            str(pin.specifier).removeprefix("==")
            for pin in PINNED
            if pin.name == requirement.name and (pin.marker is None or pin.marker.evaluate(environment))
        ]
        assert len(pins) == 1
        assert pins[0] in requirement.specifier

    def test_it_names_no_index_and_no_place_of_one_machine(self) -> None:
        assert not re.findall(r"://|--index|--find-links|@ ", LOCK)

    def test_each_pin_has_hashes(self) -> None:
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", LOCK)[1:])
