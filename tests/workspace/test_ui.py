"""The form of a tool's settings: its structure, always; what it does, in a real browser where there is one."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from kedge.cli.app import app
from kedge.exceptions import UsageError
from kedge.sdk.settings import read_settings, settings_to_config
from kedge.sdk.tool_config import config_from_xml, config_to_xml
from kedge.workspace.ui import write_schema, write_ui
from tests.sdk.settings.models import Everything, Rule, Upgraded
from tests.sdk.settings.tools import Quiet, Untyped
from tests.workspace.chromium import Chromium, browser


class Whole(Quiet):
    settings_class = Everything


class Versioned(Quiet):
    settings_class = Upgraded


class Elements(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def every(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ui(Whole, tmp_path_factory.mktemp("ui") / "Whole").page


class TestStructure:
    @pytest.fixture
    def elements(self, page: Path) -> Elements:
        return Elements(page)

    def test_every_field_has_a_label_of_its_own(self, elements: Elements) -> None:
        labels = Counter(label["for"] for label in elements.every("label"))
        fields = [field["id"] for field in elements.every("input", "select", "textarea")]
        assert labels == Counter(fields)

    def test_names_of_elements_are_unique(self, elements: Elements) -> None:
        ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
        assert [name for name, count in Counter(ids).items() if count > 1] == []

    def test_descriptions_and_errors_are_tied_to_their_fields(self, elements: Elements) -> None:
        ids = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
        described = [name for _, a in elements.found for name in a.get("aria-describedby", "").split()]
        assert described
        assert set(described) <= ids
        assert "rows below it go" in elements.texts

    def test_every_group_has_a_legend(self, elements: Elements) -> None:
        assert len(elements.every("fieldset")) == len(elements.every("legend"))

    def test_each_setting_has_its_place_in_order(self, elements: Elements) -> None:
        top = [
            (a["data-name"], a["data-kind"])
            for a in (a for _, a in elements.found)
            if a.get("id", "").count("-") == 1 and "data-kind" in a
        ]
        assert dict(top) == {
            **dict.fromkeys(("Threshold",), "number"),
            **dict.fromkeys(("mode", "level", "size", "truth"), "choice"),
            "strict": "flag",
            "since": "date",
            "at": "datetime",
            "daily": "time",
            "price": "decimal",
            "key": "secret",
            **dict.fromkeys(("every", "folder", "note", "remark", "either"), "text"),
            **dict.fromkeys(("Column", "numbers", "tags", "Rule"), "list"),
            **dict.fromkeys(("first", "label"), "group"),
            "tree": "group",
            "pair": "other",
            "shape": "other",
            "names": "other",
        }
        assert [name for name, _ in top][:3] == ["Threshold", "mode", "level"]

    def test_labels_are_the_authors_titles_or_names_in_words(self, tmp_path: Path) -> None:
        class Named(BaseModel):
            at_least: int = Field(default=1, alias="AtLeast")
            url: str = Field(default="", alias="URL")
            rows: int = Field(default=1, title="How many rows")

        class Tool(Quiet):
            settings_class = Named

        assert {"At least", "URL", "How many rows"} <= set(Elements(write_ui(Tool, tmp_path).page).texts)

    def test_nothing_is_fetched(self, page: Path, elements: Elements) -> None:
        assert not [a for _, a in elements.found if "src" in a or "href" in a]
        assert "http" not in page.read_text().replace("http://www.w3.org", "")

    def test_the_language_and_both_colour_schemes_are_named(self, elements: Elements) -> None:
        assert elements.every("html") == [{"lang": "en"}]
        assert {"name": "color-scheme", "content": "light dark"} in elements.every("meta")

    def test_texts_of_the_author_are_text(self, tmp_path: Path) -> None:
        class Sly(BaseModel):
            """<script>alert(1)</script>"""

            note: str = '"><script>alert(2)</script>'

        class Tool(Quiet):
            settings_class = Sly

        elements = Elements(write_ui(Tool, tmp_path).page)
        assert len(elements.every("script")) == 1


class TestFiles:
    def test_the_schema_is_beside_the_page(self, tmp_path: Path) -> None:
        files = write_ui(Whole, tmp_path / "ui" / "Whole")
        schema = json.loads(files.schema.read_text())
        assert list(schema["properties"])[:2] == ["Threshold", "mode"]
        write_schema(Whole, tmp_path / "only.json")
        assert (tmp_path / "only.json").read_bytes() == files.schema.read_bytes()

    def test_a_page_is_made_anew_and_one_of_other_makes_is_left(self, tmp_path: Path) -> None:
        page = write_ui(Whole, tmp_path).page
        page.write_text(page.read_text().replace("Threshold", "Limit"))
        assert "Threshold" in write_ui(Whole, tmp_path).page.read_text()
        page.write_text("<html></html>")
        with pytest.raises(UsageError, match=r"has index\.html already"):
            write_ui(Whole, tmp_path)
        assert page.read_text() == "<html></html>"
        write_ui(Whole, tmp_path, overwrite=True)
        assert "Threshold" in page.read_text()

    def test_a_tool_without_settings_has_no_form(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="Untyped declares no settings"):
            write_ui(Untyped, tmp_path)

    def test_the_command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        tools = Path(__file__).parents[1] / "sdk" / "settings" / "tools.py"
        result = CliRunner().invoke(app, ["new", "ui", f"{tools}:Typed"])
        assert result.exit_code == 0, result.output
        assert result.stdout == "ui/Typed/index.html is the form, ui/Typed/settings.schema.json the JSON Schema\n"
        result = CliRunner().invoke(app, ["new", "ui", f"{tools}:Untyped"])
        assert result.exit_code == 2
        assert "declares no settings" in result.stderr


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = browser()
    if os.name == "nt" or program is None:
        pytest.skip("no chromium on this machine (apt install chromium)")
    with Chromium(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def row(label: str) -> str:
    """The selector of a setting at the top of the form."""
    return f'#settings > [data-name="{label}"]'


class TestInABrowser:
    @pytest.fixture
    def opened(self, chromium: Chromium, page: Path) -> Chromium:
        chromium.open(page)
        return chromium

    def load(self, chromium: Chromium, xml: str) -> None:
        chromium.type_into("#xml", xml)

    def saved(self, chromium: Chromium) -> Any:
        """The settings that a tool reads from what the form has written."""
        return read_settings(Everything, config_from_xml(chromium.run("document.getElementById('xml').value")))

    def error(self, chromium: Chromium, label: str) -> str:
        return str(chromium.run(f"document.querySelector('{row(label)} .error').textContent"))

    def test_a_new_form_has_the_defaults(self, opened: Chromium) -> None:
        assert self.saved(opened) == Everything()
        assert opened.run("document.getElementById('summary').textContent") == ""

    def test_a_configuration_comes_back_as_it_was(self, opened: Chromium) -> None:
        before = Everything.model_validate(
            {
                "Threshold": 2.5,
                "mode": "mark",
                "level": 2,
                "size": 2,
                "truth": True,
                "strict": True,
                "since": "2026-02-03",
                "at": "2026-02-03T04:05:06",
                "daily": "04:05:06",
                "every": "PT90M",
                "price": "9.99",
                "key": " geheim",
                "folder": "a/b",
                "note": "two\nlines & <more>",
                "remark": "é 🐍",
                "Column": ["a", "", "c"],
                "numbers": [7],
                "pair": [1, "x"],
                "tags": ["b"],
                "Rule": [{"Column": "a", "Above": 3}, {"Column": "b"}],
                "first": {"Column": "f"},
                "shape": {"@kind": "square", "sides": [1, 2]},
                "label": {"@lang": "de", "#text": "Hallo"},
                "names": {"a": 1},
                "either": "seven",
                "tree": {"name": "t", "branch": [{"name": "u"}]},
            }
        )
        self.load(opened, config_to_xml(settings_to_config(before)))
        assert opened.run("document.getElementById('xml-error').textContent") == ""
        opened.run("document.querySelector('#settings').dispatchEvent(new Event('change'))")
        assert self.saved(opened) == before

    def test_what_is_typed_is_in_the_configuration(self, opened: Chromium) -> None:
        opened.type_into(f"{row('Threshold')} input", "7.5")
        opened.click(f"{row('strict')} input")
        opened.click(f"{row('Rule')} > .add")
        opened.send("Input.insertText", text="city")  # the focus is in the new group
        opened.click(f"{row('first')} .used")
        opened.type_into(f"{row('first')} textarea", "f")
        saved = self.saved(opened)
        assert (saved.threshold, saved.strict) == (7.5, True)
        assert (saved.rules, saved.first) == ([Rule(Column="city")], Rule(Column="f"))
        opened.click(f"{row('Rule')} .remove")
        assert self.saved(opened).rules == []

    def test_what_is_wrong_is_said_at_once_and_in_the_tools_words(self, opened: Chromium) -> None:
        opened.type_into(f"{row('Threshold')} input", "abc")
        opened.type_into(f"{row('price')} input", "1.125")
        assert self.error(opened, "Threshold") == "is 'abc'; allowed: number, at least 0"
        assert opened.run(f"document.querySelector('{row('Threshold')} input').getAttribute('aria-invalid')") == "true"
        assert opened.run("document.getElementById('summary').textContent") == "2 settings are wrong."
        assert "<Threshold>abc</Threshold>" in opened.run("document.getElementById('xml').value")
        opened.type_into(f"{row('Threshold')} input", "-1")
        assert "'-1'" in self.error(opened, "Threshold")
        opened.type_into(f"{row('Threshold')} input", "1e3")
        assert self.error(opened, "Threshold") == ""

    def test_a_wrong_value_of_a_file_is_shown_and_kept(self, opened: Chromium) -> None:
        wrong = "<since>soon</since><mode>keep</mode><strict>perhaps</strict><Unknown a='1'>x</Unknown>"
        self.load(opened, f"<Configuration>{wrong}</Configuration>")
        assert "'soon'" in self.error(opened, "since")
        assert "'keep'" in self.error(opened, "mode")
        assert "'perhaps'" in self.error(opened, "strict")
        opened.type_into(f"{row('note')} textarea", "n")
        config = config_from_xml(opened.run("document.getElementById('xml').value"))
        assert [config[name] for name in ("since", "mode", "strict", "note")] == ["soon", "keep", "perhaps", "n"]
        assert config["Unknown"] == {"@a": "1", "#text": "x"}

    def test_an_attribute_stays_one(self, opened: Chromium) -> None:
        self.load(opened, '<Configuration><strict value="False"/></Configuration>')
        opened.click(f"{row('strict')} input")
        assert '<strict value="True"/>' in opened.run("document.getElementById('xml').value")

    @pytest.mark.parametrize(
        ("xml", "problem"), [("<Configuration>", "This is no XML"), ("<Other/>", "The root element must be")]
    )
    def test_a_file_that_is_no_configuration(self, opened: Chromium, xml: str, problem: str) -> None:
        self.load(opened, xml)
        assert opened.run("document.getElementById('xml-error').textContent").startswith(problem)
        assert opened.run("document.getElementById('xml').value") == xml

    def test_a_list_that_cannot_be_written_is_told(self, opened: Chromium) -> None:
        opened.click(f"{row('numbers')} .remove")
        opened.click(f"{row('numbers')} .remove")
        assert "would read as its default" in self.error(opened, "numbers")

    def test_every_field_has_a_name_for_a_screen_reader(self, opened: Chromium) -> None:
        opened.click(f"{row('Rule')} > .add")
        nodes = opened.send("Accessibility.getFullAXTree")["nodes"]
        roles = ("textbox", "checkbox", "combobox", "button", "Date", "DateTime", "InputTime", "group")
        fields = [node for node in nodes if node.get("role", {}).get("value") in roles and not node["ignored"]]
        assert len(fields) > 25
        assert [node for node in fields if not node.get("name", {}).get("value")] == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_stands_out_in_both_colour_schemes(self, opened: Chromium, scheme: str) -> None:
        opened.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        style = "(e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor])"
        for selector in ("label", ".hint", "button"):
            text, ground = opened.run(f"{style}(document.querySelector('{selector}'))")
            assert contrast(text, ground) >= 4.5, (selector, text, ground)


class TestUnderDesigner:
    """What Designer's HTML GUI does, played by a script that is there before the page."""

    engine = """
        window.said = [];
        window.Alteryx = { JsEvent: (text) => window.said.push(JSON.parse(text)) };
    """

    @pytest.fixture
    def opened(self, chromium: Chromium, tmp_path: Path) -> Chromium:
        chromium.open(write_ui(Versioned, tmp_path).page, self.engine)
        return chromium

    def configured(self, chromium: Chromium, config: object) -> Any:
        given = json.dumps({"Configuration": {"Configuration": config}})
        chromium.run(f"window.said.length = 0; Alteryx.Gui.SetConfiguration({given}); Alteryx.Gui.GetConfiguration()")
        told = chromium.run("window.said")
        assert [each["Event"] for each in told] == ["SetConfiguration", "GetConfiguration"]
        return told[1]["Configuration"]["Configuration"]

    def test_the_configuration_is_taken_and_given_back(self, opened: Chromium) -> None:
        assert opened.run("document.getElementById('stand-alone').hidden")
        assert self.configured(opened, None) == {"SettingsVersion": "3", "Threshold": "3.0"}
        config = {"SettingsVersion": "3", "Threshold": "0.5"}
        assert self.configured(opened, config) == config
        opened.type_into("input", "0.75")
        opened.run("window.said.length = 0; Alteryx.Gui.GetConfiguration()")
        assert opened.run("window.said[0].Configuration.Configuration.Threshold") == "0.75"

    def test_one_of_an_older_version_is_left_to_the_tool(self, opened: Chromium) -> None:
        assert self.configured(opened, {"Limit": "50"}) == {"Limit": "50"}
        assert "is of version 1 of the settings" in opened.run("document.getElementById('notice').textContent")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2)."""

    def luminance(colour: str) -> float:
        channels = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
