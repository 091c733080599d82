"""From configurations to settings and back."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, computed_field

from kedge.exceptions import SettingsError, UsageError
from kedge.sdk.settings import read_settings, setting_rows, settings_schema, settings_to_config, settings_version
from kedge.sdk.tool_config import config_from_xml, config_to_xml
from tests.sdk.settings.models import (
    Circle,
    Everything,
    Guarded,
    Labelled,
    Lenient,
    Level,
    Mode,
    Rule,
    Square,
    Tree,
    Upgraded,
    limit_became_threshold,
)


def read(inner: str, model: type[BaseModel] = Everything) -> Any:
    return read_settings(model, config_from_xml(f"<Configuration>{inner}</Configuration>"))


def problems(inner: str, model: type[BaseModel] = Everything) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(inner, model)
    return caught.value.problems


class TestReading:
    def test_what_is_missing_has_its_default(self) -> None:
        assert read("") == Everything()

    @pytest.mark.parametrize(
        ("inner", "field", "value"),
        [
            ("<Threshold>2.5</Threshold>", "threshold", 2.5),
            ('<Threshold value="2.5"/>', "threshold", 2.5),
            ("<strict>True</strict>", "strict", True),
            ("<strict>False</strict>", "strict", False),
            ('<strict value="True"/>', "strict", True),
            ("<strict>true</strict>", "strict", True),
            ("<mode>mark</mode>", "mode", Mode.MARK),
            ("<level>2</level>", "level", Level.HIGH),
            ("<size>2</size>", "size", 2),
            ("<truth>True</truth>", "truth", True),
            ("<truth>auto</truth>", "truth", "auto"),
            ("<since>2026-02-03</since>", "since", date(2026, 2, 3)),
            ("<since/>", "since", None),
            ('<since value=""/>', "since", None),
            ("<at>2026-02-03T04:05:06</at>", "at", datetime(2026, 2, 3, 4, 5, 6)),
            ("<daily>04:05:06</daily>", "daily", time(4, 5, 6)),
            ("<every>PT90M</every>", "every", timedelta(minutes=90)),
            ("<price>1234.50</price>", "price", Decimal("1234.50")),
            ("<key> geheim</key>", "key", SecretStr(" geheim")),
            ("<key/>", "key", SecretStr("")),
            ("<folder>a/b</folder>", "folder", Path("a/b")),
            ("<note> two  words </note>", "note", " two  words "),
            ("<note/>", "note", ""),
            ("<remark/>", "remark", None),
            ("<Column>a</Column>", "columns", ["a"]),
            ("<Column>a</Column><Column/>", "columns", ["a", ""]),
            ("<Column/>", "columns", []),
            ("<numbers>7</numbers>", "numbers", (7,)),
            ("<pair>7</pair><pair>x</pair>", "pair", (7, "x")),
            ("<tags>b</tags><tags>a</tags>", "tags", {"a", "b"}),
            ("<Rule><Column>a</Column><Above>3</Above></Rule>", "rules", [Rule(Column="a", Above=3)]),
            ("<first><Column>a</Column></first>", "first", Rule(Column="a")),
            ('<shape kind="circle"><radius>2</radius></shape>', "shape", Circle(radius=2)),
            ('<shape kind="square"><sides>2</sides></shape>', "shape", Square(sides=[2])),
            ('<label lang="de">Hallo</label>', "label", Labelled.model_validate({"@lang": "de", "#text": "Hallo"})),
            ("<label>Hello</label>", "label", Labelled.model_validate({"#text": "Hello"})),
            ("<names><a>1</a><b>2</b></names>", "names", {"a": 1, "b": 2}),
            ("<either>7</either>", "either", 7),
            ("<either>seven</either>", "either", "seven"),
            (
                "<tree><name>a</name><branch><name>b</name></branch></tree>",
                "tree",
                Tree(name="a", branch=[Tree(name="b")]),
            ),
        ],
    )
    def test_an_element_is_a_value(self, inner: str, field: str, value: object) -> None:
        assert getattr(read(inner), field) == value

    def test_a_model_may_say_what_is_done_with_unknown_elements(self) -> None:
        assert read("<Other>1</Other><Wanted>3</Wanted>", Lenient).wanted == 3
        assert read("<wanted>3</wanted>", Lenient).wanted == 3

    def test_a_model_may_keep_unknown_elements(self) -> None:
        class Open(BaseModel):
            model_config = ConfigDict(extra="allow")

        assert read("<Other>1</Other>", Open).model_extra == {"Other": "1"}

    def test_the_given_configuration_stays_as_it_is(self) -> None:
        config = {"Limit": "7"}
        read_settings(Upgraded, config)
        assert config == {"Limit": "7"}


class TestProblems:
    @pytest.mark.parametrize(
        ("inner", "problem"),
        [
            ("<Threshold>abc</Threshold>", "Configuration/Threshold is 'abc'; allowed: number, at least 0"),
            ("<Threshold>-1</Threshold>", "Configuration/Threshold is '-1'; allowed: number, at least 0"),
            ("<Threshold/>", "Configuration/Threshold is empty; allowed: number, at least 0"),
            (
                "<Threshold>1</Threshold><Threshold>2</Threshold>",
                "Configuration/Threshold is there 2 times; allowed: number, at least 0",
            ),
            (
                '<Threshold unit="m">1</Threshold>',
                "Configuration/Threshold is an element with @unit, #text; allowed: number, at least 0",
            ),
            ("<mode>keep</mode>", "Configuration/mode is 'keep'; allowed: 'drop' or 'mark'"),
            ("<size>7</size>", "Configuration/size is '7'; allowed: '1' or '2'"),
            ("<strict>perhaps</strict>", "Configuration/strict is 'perhaps'; allowed: True or False"),
            ("<since>soon</since>", "Configuration/since is 'soon'; allowed: date (2026-12-31) or nothing"),
            (
                "<price>1.125</price>",
                "Configuration/price is '1.125'; allowed: decimal number, at most 2 decimal places, at most 6 digits",
            ),
            ("<numbers>1</numbers><numbers>x</numbers>", "Configuration/numbers[2] is 'x'; allowed: whole number"),
            ("<names><a>x</a></names>", "Configuration/names/a is 'x'; allowed: whole number"),
            ("<Rule><Above>1</Above></Rule>", "Configuration/Rule[1]/Column is missing; allowed: text"),
            (
                "<Rule><Column>a</Column><Above>-1</Above></Rule>",
                "Configuration/Rule[1]/Above is '-1'; allowed: whole number, at least 0 or nothing",
            ),
            ("<first>text</first>", "Configuration/first is 'text'; allowed: group, Column and Above or nothing"),
            (
                "<Rule><Column>a</Column><Colunm>b</Colunm></Rule>",
                "Configuration/Rule[1]/Colunm: there is no such setting; did you mean Column?",
            ),
            (
                "<tree><name>a</name><branch><name>b</name></branch><branch><branch><name>c</name></branch></branch></tree>",
                "Configuration/tree/branch[2]/name is missing; allowed: text",
            ),
        ],
    )
    def test_each_names_path_value_and_what_is_allowed(self, inner: str, problem: str) -> None:
        assert problems(inner) == (problem,)

    def test_all_come_at_once(self) -> None:
        found = problems("<Threshold>abc</Threshold><Rule/><Rule/><Tresh>1</Tresh><numbers>x</numbers>")
        assert [text.split()[0].strip(":") for text in found] == [
            "Configuration/Tresh",
            "Configuration/Threshold",
            "Configuration/numbers[1]",
            "Configuration/Rule[1]/Column",
            "Configuration/Rule[2]/Column",
        ]

    def test_one_that_is_of_no_kind(self) -> None:
        (problem,) = problems('<shape kind="line"><radius>x</radius></shape>')[:1]
        assert problem.startswith("Configuration/shape")

    def test_words_of_the_author(self) -> None:
        assert problems("<code>long</code>", Guarded) == ("Configuration/code is 'long': a code has two characters",)
        assert problems("<low>11</low>", Guarded) == ("Configuration: low must not be above high",)

    def test_secrets_are_not_shown(self) -> None:
        class Locked(BaseModel):
            key: SecretStr = Field(min_length=50)
            keys: dict[str, SecretStr] = {}

        found = problems("<key>geheim</key><keys><a><b>geheim</b></a></keys>", Locked)
        assert "geheim" not in str(found)
        assert found[0].startswith("Configuration/key is a secret; allowed: secret, at least 50 characters")

    def test_a_long_value_is_shown_in_part(self) -> None:
        (problem,) = problems(f"<Threshold>{'x' * 1000}</Threshold>")
        assert len(problem) < 150

    def test_the_error_has_a_line_for_each(self) -> None:
        one = SettingsError(("Configuration/A is missing",))
        assert str(one) == "the configuration does not fit the tool's settings: Configuration/A is missing"
        two = SettingsError(("first", "second"))
        assert str(two) == "the configuration does not fit the tool's settings:\n  first\n  second"


class TestUpgrades:
    @pytest.mark.parametrize(
        ("inner", "threshold"),
        [
            ("<Limit>50</Limit>", 0.5),
            ("<SettingsVersion>1</SettingsVersion><Limit>50</Limit>", 0.5),
            ("<SettingsVersion>2</SettingsVersion><Threshold>50</Threshold>", 0.5),
            ("<SettingsVersion>3</SettingsVersion><Threshold>0.5</Threshold>", 0.5),
            ("<SettingsVersion>3</SettingsVersion>", 3.0),
            ("", 3.0),
        ],
    )
    def test_each_step_from_the_version_on(self, inner: str, threshold: float) -> None:
        assert read(inner, Upgraded).threshold == threshold

    def test_the_version_is_that_of_the_steps(self) -> None:
        assert settings_version(Upgraded) == 3
        assert settings_version(Everything) == 1

    @pytest.mark.parametrize("version", ["0", "x", "", "1.5", "-1"])
    def test_a_version_that_is_none(self, version: str) -> None:
        (problem,) = problems(f"<SettingsVersion>{version}</SettingsVersion>", Upgraded)
        assert problem.startswith("Configuration/SettingsVersion is ")
        assert problem.endswith("allowed: whole number, 1 to 3")

    def test_a_newer_version(self) -> None:
        (problem,) = problems("<SettingsVersion>4</SettingsVersion>", Upgraded)
        assert "written by a newer version of the tool" in problem

    def test_an_upgrade_that_returns_nothing_is_its_authors_error(self) -> None:
        class Wrong(BaseModel):
            upgrades: ClassVar[tuple[Any, ...]] = (lambda config: config.clear(),)

        with pytest.raises(TypeError, match=r"Wrong from version 1.*must return the dict"):
            read("", Wrong)

    def test_problems_after_an_upgrade_have_the_new_names(self) -> None:
        class Renamed(BaseModel):
            upgrades: ClassVar[tuple[Any, ...]] = (limit_became_threshold,)
            threshold: int = Field(default=0, alias="Threshold")

        assert problems("<Limit>x</Limit>", Renamed) == ("Configuration/Threshold is 'x'; allowed: whole number",)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"))
RULES = st.builds(Rule, Column=TEXTS, Above=st.none() | st.integers(0, 10**20))


@st.composite
def everything(draw: st.DrawFn) -> Everything:
    return Everything(
        Threshold=draw(st.floats(0, allow_nan=False, allow_infinity=False)),
        mode=draw(st.sampled_from(Mode)),
        level=draw(st.sampled_from(Level)),
        strict=draw(st.booleans()),
        truth=draw(st.sampled_from([True, "auto"])),
        since=draw(st.none() | st.dates()),
        at=draw(st.none() | st.datetimes()),
        daily=draw(st.times()),
        price=draw(st.decimals(-9999, 9999, places=2)),
        key=SecretStr(draw(TEXTS)),
        note=draw(TEXTS),
        remark=draw(st.none() | TEXTS.filter(bool)),
        Column=draw(st.lists(TEXTS).filter(lambda texts: texts != [""])),
        Rule=draw(st.lists(RULES, max_size=3)),
        first=draw(st.none() | RULES),
        shape=draw(st.none() | st.builds(Circle, radius=st.floats(0, 100))),
        names=draw(st.dictionaries(st.sampled_from(["a", "b", "Länge"]), st.integers())),
    )


class TestWriting:
    @settings(max_examples=60)
    @given(everything())
    def test_what_is_written_reads_as_the_same(self, model: Everything) -> None:
        xml = config_to_xml(settings_to_config(model))
        assert read_settings(Everything, config_from_xml(xml)) == model

    def test_every_setting_is_written_as_designer_writes_it(self) -> None:
        config = settings_to_config(Everything(strict=True, Column=["a", "b"], key=SecretStr("geheim")))
        chosen = {
            name: config.get(name, "nowhere") for name in ("strict", "Column", "key", "mode", "price", "since", "Rule")
        }
        assert chosen == {
            "strict": "True",
            "Column": ["a", "b"],
            "key": "geheim",
            "mode": "drop",
            "price": "1.10",
            "since": None,
            "Rule": "nowhere",
        }

    def test_the_version_is_first(self) -> None:
        assert list(settings_to_config(Upgraded()).items()) == [("SettingsVersion", "3"), ("Threshold", "3.0")]

    def test_an_attribute_stays_one(self) -> None:
        before = {"strict": {"@value": "False"}, "Threshold": "3", "first": {"Column": {"@value": "a"}}}
        config = settings_to_config(Everything(strict=True, first=Rule(Column="b")), before)
        assert config["strict"] == {"@value": "True"}
        assert config["Threshold"] == "3.0"
        assert config["first"]["Column"] == {"@value": "b"}

    @pytest.mark.parametrize(
        ("model", "problem"),
        [
            (Everything(remark=""), "Configuration/remark cannot be written as XML"),
            (Everything(Column=[""]), "Configuration/Column cannot be written as XML"),
            (Everything(numbers=()), "Configuration/numbers cannot be written as XML"),
            (Everything(either="7"), None),
            (Everything(note="\x00"), "XML cannot hold the character"),
        ],
    )
    def test_what_would_read_differently_is_refused(self, model: Everything, problem: str | None) -> None:
        if problem is None:
            settings_to_config(model)
        else:
            with pytest.raises(UsageError, match=problem):
                settings_to_config(model)

    def test_what_is_computed_is_not_written(self) -> None:
        class Area(BaseModel):
            side: int = 2

            @computed_field
            def area(self) -> int:
                return self.side**2

        assert settings_to_config(Area(side=3)) == {"side": "3"}

    def test_no_value_is_shown_where_a_group_has_a_secret(self) -> None:
        class Login(BaseModel):
            key: SecretStr | None = None

        class Locked(BaseModel):
            login: Login = Login()

        with pytest.raises(UsageError, match="login/key cannot be written as XML: a value would be read as a value"):
            settings_to_config(Locked(login=Login(key=SecretStr(""))))

    def test_a_type_without_a_schema_is_told_in_pydantics_words(self) -> None:
        class Odd(BaseModel):
            call: Callable[[], int] | None = None

        (problem,) = problems("<call>x</call>", Odd)
        assert problem == "Configuration/call is a secret: Input should be callable"

    def test_a_model_that_was_not_validated(self) -> None:
        with pytest.raises(UsageError, match=r"Configuration/Threshold is '-1.0'"):
            settings_to_config(Everything().model_copy(update={"threshold": -1}))


class TestSchema:
    def test_has_elements_under_their_names(self) -> None:
        schema = settings_schema(Upgraded)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["x-settings-version"] == 3
        assert schema["properties"]["Threshold"]["default"] == 3.0

    def test_a_decimal_is_a_number(self) -> None:
        assert settings_schema(Everything)["properties"]["price"] == {
            "default": "1.10",
            "format": "decimal",
            "title": "Price",
            "type": "number",
            "x-decimal-places": 2,
            "x-digits": 6,
        }

    def test_rows_are_for_people(self) -> None:
        rows = {row.path: row[1:] for row in setting_rows(Everything)}
        assert rows["Threshold"] == ("number", "3.0", "at least 0", "rows below it go")
        assert rows["mode"] == ("choice", "drop", "'drop' or 'mark'", "")
        assert rows["strict"] == ("True or False", "False", "", "")
        assert rows["key"] == ("secret", "secret", "", "")
        assert rows["Column"] == ("list of text", "nothing", "", "")
        assert rows["Rule[]/Column"] == ("text", "required", "", "")
        assert rows["first/Above"] == ("whole number or nothing", "nothing", "at least 0", "")
        assert rows["tree/branch"] == ("list of group", "nothing", "each name and branch", "")
        assert "tree/branch[]/name" not in rows  # a group that holds itself is told of once
