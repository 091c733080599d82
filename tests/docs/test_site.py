"""The pages are whole without a network, and the links of the files beside them lead somewhere."""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.docs.snippets import ROOT

BESIDE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/data/README.md"]


class TestSite:
    def test_nothing_is_fetched_from_elsewhere(self, tmp_path: Path) -> None:
        config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path))
        build(config)
        pages = list(tmp_path.rglob("*.html"))
        assert len(pages) > 10
        fetched = r"""<(?:link|script|img|iframe)[^>]*(?:src|href)=["'](?:https?:)?//[^"']*"""
        assert [re.findall(fetched, page.read_text(encoding="utf-8")) for page in pages] == [[]] * len(pages)


class TestLinks:
    @pytest.mark.parametrize("name", BESIDE)
    def test_each_link_to_a_file_leads_to_one(self, name: str) -> None:
        """mkdocs looks after those of the pages itself."""
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
        assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []
