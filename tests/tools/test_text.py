"""The tools that take text apart, find, replace, cleanse and parse it."""

from __future__ import annotations

from typing import ClassVar

import pytest

from kedge.exceptions import WorkflowError
from kedge.tools.settings import Settings
from tests.tools.flows import Table, data, run_one

BASE = "AlteryxBasePluginsGui."


def to_columns(delimiters: str, count: int, root: str = "R", extra: str = "Last", flags: int = 0) -> str:
    return (
        f"<Configuration><Field>S</Field><ErrorHandling>{extra}</ErrorHandling><RootName>{root}</RootName>"
        f'<Delimeters value="{delimiters}"/><NumFields value="{count}"/><Flags value="{flags}"/></Configuration>'
    )


class TestTextToColumns:
    """TextToColumns."""

    TABLE = data("K Int32, S V_String(30)", (1, "a,b;c"), (2, None), (3, 'x,"p,q",z,w'))

    def run(self, xml: str) -> list[tuple[object, ...]]:
        return run_one(f"{BASE}TextToColumns.TextToColumns", xml, {"Input": self.TABLE}).rows()

    def test_the_rest_goes_into_the_last_column(self) -> None:
        assert self.run(to_columns(",;", 2)) == [
            (1, "a,b;c", "a", "b;c"),
            (2, None, None, None),
            (3, 'x,"p,q",z,w', "x", '"p,q",z,w'),
        ]

    def test_delimiters_in_quotes_do_not_count_with_the_flag(self) -> None:
        rows = self.run(to_columns(",", 3, extra="Ignore", flags=1))
        assert rows[2][2:] == ("x", '"p,q"', "z")

    def test_too_many_parts_may_be_told_or_be_an_error(self) -> None:
        done = run_one(f"{BASE}TextToColumns.TextToColumns", to_columns(",", 2, extra="Warn"), {"Input": self.TABLE})
        assert any("more than 2 parts" in text for text in done.texts)
        with pytest.raises(WorkflowError, match="S: more than 2 parts"):
            self.run(to_columns(",", 2, extra="Error"))

    def test_a_blank_root_name_makes_numbers(self) -> None:
        done = run_one(f"{BASE}TextToColumns.TextToColumns", to_columns(",", 2, root="\n "), {"Input": self.TABLE})
        assert done.names() == ["K", "S", "1", "2"]

    def test_one_column_without_root_name_makes_rows_in_order(self) -> None:
        assert self.run(to_columns(",", 1, root="")) == [
            (1, "a"),
            (1, "b;c"),
            (2, None),
            (3, "x"),
            (3, '"p'),
            (3, 'q"'),
            (3, "z"),
            (3, "w"),
        ]

    def test_escapes_stand_for_blanks(self) -> None:
        table = data("S V_String(9)", ("a b\tc",))
        done = run_one(f"{BASE}TextToColumns.TextToColumns", to_columns(r"\s\t", 3), {"Input": table})
        assert done.rows() == [("a b\tc", "a", "b", "c")]

    def test_numbers_are_refused(self) -> None:
        with pytest.raises(WorkflowError, match="'S' is Int32, only text can be split"):
            run_one(f"{BASE}TextToColumns.TextToColumns", to_columns(",", 2), {"Input": data("S Int32", (1,))})


def regex(pattern: str, method: str, rows: bool = False) -> str:
    return (
        f'<Configuration><Field>t</Field><RegExExpression value="{pattern}"/><CaseInsensitve value="True"/>'
        f'<Method>{method}</Method><Replace expression="$2-${{1}}"><CopyUnmatched value="True"/></Replace>'
        f'<ParseSimple><SplitToRows value="{rows}"/><RootName>t</RootName><NumFields value="2"/>'
        "<ErrorHandling>Warn</ErrorHandling></ParseSimple>"
        '<ParseComplex><Field field="g1" type="V_String" size="20"/><Field field="g2" type="Int32" size="4"/></ParseComplex>'
        '<Match><Field>m</Field><ErrorUnmatched value="False"/></Match></Configuration>'
    )


class TestRegEx:
    """RegEx."""

    TABLE = data("t V_String(30), n Int32", ("ab 12 CD 34", 1), (None, 2), ("none", 3), ("x 7", 4))

    @pytest.mark.parametrize(
        ("pattern", "method", "rows", "expected"),
        [
            (r"([a-z]+) (\d+)", "Replace", False, [("12-ab 34-CD", 1), (None, 2), ("none", 3), ("7-x", 4)]),
            (r"\d+", "ParseSimple", True, [("12", 1), ("34", 1), ("7", 4)]),
            (r"([a-z]+) \d+", "ParseSimple", True, [("ab", 1), ("CD", 1), ("x", 4)]),
            (
                r"\d+",
                "ParseSimple",
                False,
                [("ab 12 CD 34", 1, "12", "34"), (None, 2, None, None), ("none", 3, None, None), ("x 7", 4, "7", None)],
            ),
            (
                r"([a-z]+) (\d+)",
                "ParseComplex",
                False,
                [("ab 12 CD 34", 1, "ab", 12), (None, 2, None, None), ("none", 3, None, None), ("x 7", 4, "x", 7)],
            ),
            (
                r"([[:alpha:]]+) (\d+)",
                "Match",
                False,
                [("ab 12 CD 34", 1, False), (None, 2, False), ("none", 3, False), ("x 7", 4, True)],
            ),
            (r"(?=x)(\w) (\d)", "Replace", False, [("ab 12 CD 34", 1), (None, 2), ("none", 3), ("7-x", 4)]),
        ],
    )
    def test_methods(self, pattern: str, method: str, rows: bool, expected: list[tuple[object, ...]]) -> None:
        assert run_one(f"{BASE}RegEx.RegEx", regex(pattern, method, rows), {"Input": self.TABLE}).rows() == expected

    def test_a_wrong_pattern_names_its_path(self) -> None:
        with pytest.raises(WorkflowError, match="Configuration/RegExExpression: the regular expression cannot be read"):
            run_one(f"{BASE}RegEx.RegEx", regex("(", "Match"), {"Input": self.TABLE})


def find(mode: str, no_case: bool, whole: bool, action: str) -> str:
    return (
        "<Configuration><FieldFind>t</FieldFind><FieldSearch>s</FieldSearch><ReplaceFoundField>r</ReplaceFoundField>"
        f'<FindMode>{mode}</FindMode><NoCase value="{no_case}"/><MatchWholeWord value="{whole}"/>'
        f'<ReplaceMode>{action}</ReplaceMode><ReplaceMultipleFound value="True"/>'
        '<ReplaceAppendFields><Field field="r"/></ReplaceAppendFields></Configuration>'
    )


class TestFindReplace:
    """FindReplace."""

    INPUTS: ClassVar[dict[str, Table]] = {
        "Targets": data(
            "t V_String(20), n Int32", ("the cat sat", 1), ("Cat", 2), (None, 3), ("concat", 4), ("dog", 5)
        ),
        "Source": data(
            "s V_String(9), r V_String(9)", ("cat", "C1"), ("cat", "C2"), ("dog", "D"), (None, "N"), ("a", "A")
        ),
    }

    @pytest.mark.parametrize(
        ("mode", "no_case", "whole", "found"),
        [
            ("FindAny", True, False, ["C1", "C1", None, "C1", "D"]),
            ("FindAny", True, True, ["C1", "C1", None, None, "D"]),
            ("FindAny", False, False, ["C1", "A", None, "C1", "D"]),
            ("FindWhole", True, False, [None, "C1", None, None, "D"]),
            ("FindWhole", False, False, [None, None, None, None, "D"]),
            ("FindBegin", True, False, [None, "C1", None, None, "D"]),
        ],
    )
    def test_append_takes_the_first_that_fits(self, mode: str, no_case: bool, whole: bool, found: list[object]) -> None:
        done = run_one(f"{BASE}FindReplace.FindReplace", find(mode, no_case, whole, "Append"), self.INPUTS)
        assert [row[2] for row in done.rows()] == found

    def test_the_last_that_fits_is_a_setting(self) -> None:
        settings = Settings(find_replace_last=True)
        done = run_one(
            f"{BASE}FindReplace.FindReplace", find("FindWhole", True, False, "Append"), self.INPUTS, settings=settings
        )
        assert done.rows()[1] == ("Cat", 2, "C2")

    @pytest.mark.parametrize(
        ("mode", "no_case", "whole", "texts"),
        [
            ("FindAny", False, False, ["the C1 sAt", "CAt", None, "conC1", "D"]),
            ("FindAny", True, True, ["the C1 sat", "C1", None, "concat", "D"]),
            ("FindWhole", True, False, ["the cat sat", "C1", None, "concat", "D"]),
            ("FindBegin", False, False, ["the cat sat", "Cat", None, "concat", "D"]),
        ],
    )
    def test_replace(self, mode: str, no_case: bool, whole: bool, texts: list[object]) -> None:
        done = run_one(f"{BASE}FindReplace.FindReplace", find(mode, no_case, whole, "Replace"), self.INPUTS)
        assert [row[0] for row in done.rows()] == texts


class TestDataCleansing:
    """Data Cleansing, as a macro and with named elements."""

    NAMES: ClassVar[dict[str, str]] = {
        "135": "RemoveNullRows",
        "84": "ReplaceNullsWithBlanks",
        "117": "ReplaceNullsWithZeros",
        "15": "TrimWhitespace",
        "109": "RemoveTabsLineBreaksDupWhitespace",
        "122": "RemoveAllWhitespace",
        "53": "RemoveLetters",
        "58": "RemoveNumbers",
        "70": "RemovePunctuation",
    }
    TABLE = data("t V_String(30), n Int32", ("  a,\tB  1 ", None), (None, None))

    def run(self, *switches: str, case: str = "", macro: bool = True) -> list[tuple[object, ...]]:
        if macro:
            values = "".join(f'<Value name="Check Box ({switch})">True</Value>' for switch in switches)
            values += f'<Value name="Check Box (77)">{bool(case)}</Value><Value name="Drop Down (81)">{case or "upper"}</Value>'
            xml = f'<Configuration>{values}<Value name="List Box (11)">"t","n"</Value></Configuration>'
            return run_one("", xml, {"Input2": self.TABLE}, macro="Cleanse.yxmc").rows()
        values = "".join(f'<{self.NAMES[switch]} value="True"/>' for switch in switches)
        return run_one(
            f"{BASE}DataCleansing.DataCleansing", f"<Configuration>{values}</Configuration>", {"Input": self.TABLE}
        ).rows()

    @pytest.mark.parametrize(
        ("switch", "expected"),
        [
            ("135", [("  a,\tB  1 ", None)]),
            ("84", [("  a,\tB  1 ", None), ("", None)]),
            ("117", [("  a,\tB  1 ", 0), (None, 0)]),
            ("15", [("a,\tB  1", None), (None, None)]),
            ("109", [(" a, B 1 ", None), (None, None)]),
            ("122", [("a,B1", None), (None, None)]),
            ("53", [("  ,\t  1 ", None), (None, None)]),
            ("58", [("  a,\tB   ", None), (None, None)]),
            ("70", [("  a\tB  1 ", None), (None, None)]),
        ],
    )
    def test_each_switch_in_both_forms(self, switch: str, expected: list[tuple[object, ...]]) -> None:
        assert self.run(switch) == expected
        assert self.run(switch, macro=False) == expected

    @pytest.mark.parametrize(
        ("case", "text"), [("upper", "  A,\tB  1 "), ("lower", "  a,\tb  1 "), ("title", "  A,\tB  1 ")]
    )
    def test_letter_case(self, case: str, text: str) -> None:
        assert self.run(case=case)[0][0] == text

    def test_null_columns_go(self) -> None:
        xml = '<Configuration><Value name="Check Box (136)">True</Value></Configuration>'
        done = run_one("", xml, {"Input2": self.TABLE}, macro="Cleanse.yxmc", check=False)
        assert done.names() == ["t"]


class TestDateTime:
    """DateTime."""

    def config(self, to_text: bool, field: str, pattern: str) -> str:
        return (
            f'<Configuration><IsFrom value="{to_text}"/><InputFieldName>{field}</InputFieldName><Language>English</Language>'
            f"<Format>{pattern}</Format><OutputFieldName>New</OutputFieldName></Configuration>"
        )

    @pytest.mark.parametrize(
        ("pattern", "text", "type_", "expected"),
        [
            ("yyyy-MM-dd", "2024-02-29", "Date", "2024-02-29"),
            ("dd-Mon.-yy", "05-Mar.-21", "Date", "2021-03-05"),
            ("MM/dd/yyyy HH:mm:ss", "12/31/1999 23:59:58", "DateTime", "1999-12-31 23:59:58"),
        ],
    )
    def test_text_to_date(self, pattern: str, text: str, type_: str, expected: str) -> None:
        done = run_one(
            f"{BASE}DateTime.DateTime",
            self.config(False, "t", pattern),
            {"Input": data("t V_String(30)", (text,), (None,))},
        )
        assert done.types()[-1] == type_
        assert [str(row[1]) for row in done.rows()] == [expected, "None"]

    def test_date_to_text(self) -> None:
        done = run_one(
            f"{BASE}DateTime.DateTime",
            self.config(True, "d", "day, dd Month yyyy"),
            {"Input": data("d Date", ("2024-02-29",), (None,))},
        )
        assert [row[1] for row in done.rows()] == ["Thursday, 29 February 2024", None]

    def test_a_number_is_refused(self) -> None:
        with pytest.raises(WorkflowError, match="'n' is Int32, text is needed"):
            run_one(f"{BASE}DateTime.DateTime", self.config(False, "n", "yyyy"), {"Input": data("n Int32", (1,))})
