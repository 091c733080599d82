"""Options that the files beside this one leave out, one row each: tool, configuration, input, expected table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kedge.exceptions import WorkflowError
from kedge.tools.settings import Settings
from tests.tools.flows import data, run_one

if TYPE_CHECKING:
    from tests.tools.flows import Cell, Outcome, Table

BASE = "AlteryxBasePluginsGui."
Rows = list[tuple["Cell", ...]]


def run(tool: str, xml: str, table: Table, **options: object) -> Outcome:
    plugin = "AlteryxSpatialPluginsGui.Summarize.Summarize" if tool == "Summarize" else f"{BASE}{tool}.{tool}"
    return run_one(plugin, f"<Configuration>{xml}</Configuration>", {"Input": table}, **options)  # type: ignore[arg-type]


class TestSummarize:
    """Every action on texts with nulls and empties, and on numbers."""

    TEXTS = data("s V_WString(9)", ("Zoë",), ("",), (None,), ("zz",), ("Zoë",))
    NUMBERS = data("s Double", (1.5,), (None,), (4,), (2.5,), (4,))

    def one(self, table: Table, action: str, extra: str = "") -> tuple[Cell, str]:
        xml = f"<SummarizeField field='s' action='{action}' rename='r'>{extra}</SummarizeField>"
        done = run("Summarize", f"<SummarizeFields>{xml}</SummarizeFields>", table)
        return done.rows()[0][0], done.types()[0]

    @pytest.mark.parametrize(
        ("action", "value", "type_"),
        [
            ("Count", 5, "Int64"),
            ("CountNull", 1, "Int64"),
            ("CountNonNull", 4, "Int64"),
            ("CountBlank", 2, "Int64"),
            ("CountNonBlank", 3, "Int64"),
            ("CountDistinct", 4, "Int64"),
            ("CountDistinctNonNull", 3, "Int64"),
            ("Min", "", "V_WString(9)"),
            ("Max", "zz", "V_WString(9)"),
            ("Mode", "Zoë", "V_WString(9)"),
            ("First", "Zoë", "V_WString(9)"),
            ("Last", "Zoë", "V_WString(9)"),
            ("Longest", "Zoë", "V_WString(9)"),
            ("Shortest", "", "V_WString(9)"),
            ("Concat", "Zoë,,zz,Zoë", "V_WString(1073741823)"),
        ],
    )
    def test_of_texts(self, action: str, value: Cell, type_: str) -> None:
        assert self.one(self.TEXTS, action) == (value, type_)

    @pytest.mark.parametrize(
        ("action", "value"),
        [
            ("Sum", 12.0),
            ("Avg", 3.0),
            ("Median", 3.25),
            ("StdDev", 1.5**0.5),
            ("Variance", 1.5),
            ("Percentile", 2.25),
            ("Mode", 4.0),
            ("Shortest", 4.0),
            ("Longest", 1.5),
            ("CountBlank", 1),
        ],
    )
    def test_of_numbers(self, action: str, value: float) -> None:
        extra = "<Percentile value='25'/>" if action == "Percentile" else ""
        found, type_ = self.one(self.NUMBERS, action, extra)
        assert found == pytest.approx(value)
        assert type_ == ("Int64" if action == "CountBlank" else "Double")

    @pytest.mark.parametrize("action", ["Sum", "Avg", "Median", "StdDev"])
    def test_dates_are_not_added_up(self, action: str) -> None:
        with pytest.raises(WorkflowError, match=rf"Field\[1\]/@field: {action} needs numbers, the field is Date"):
            self.one(data("s Date", ("2024-01-01",)), action)

    def test_a_percentile_that_is_none_is_refused(self) -> None:
        with pytest.raises(WorkflowError, match=r"Percentile: 101 is not between 0 and 100"):
            self.one(self.NUMBERS, "Percentile", "<Percentile value='101'/>")


class TestCrossTab:
    """Headers, methods and sizes."""

    TABLE = data(
        "g V_String(3), h V_String(9), v V_String(9)",
        ("a", "x", "hello"),
        ("a", "x", "world"),
        ("b", "", "1"),
        ("b", "y", ""),
        (None, "x 2", None),
        ("b", "x10", "q"),
    )

    def cross(self, methods: str, size: int = 2048, **options: object) -> Outcome:
        xml = (
            '<GroupFields orderChanged="False"><Field field="g"/></GroupFields><HeaderField field="h"/><DataField field="v"/>'
            f'<Methods>{methods}<FieldSize value="{size}"/></Methods>'
        )
        return run("CrossTab", xml, self.TABLE, check=False, **options)

    def test_an_empty_header_has_a_name_and_numbers_sort_as_numbers(self) -> None:
        done = self.cross(r'<Method method="Concat"/><Separator>\n</Separator>')
        assert done.names() == ["g", "_Empty_", "x", "x_2", "x10", "y"]
        assert done.rows() == [
            (None, None, None, None, None, None),
            ("a", None, "hello\nworld", None, None, None),
            ("b", "1", None, None, "q", ""),
        ]

    def test_what_is_longer_than_the_field_size_is_cut_and_told(self) -> None:
        done = self.cross('<Method method="Concat"/>', size=6)
        assert done.rows()[1][2] == "hello,"
        assert done.texts == ["x: hello,world is cut to 6 characters"]

    def test_several_methods_carry_their_names_and_missing_cells_are_null(self) -> None:
        done = self.cross('<Method method="Last"/><Method method="Count"/>')
        assert done.names()[1:3] == ["Last__Empty_", "Last_x"]
        assert done.names()[6:8] == ["Count__Empty_", "Count_x"]
        assert [row[6:8] for row in done.rows()] == [(None, None), (None, 2), (1, None)]

    def test_a_text_that_is_no_number_is_told_once(self) -> None:
        done = self.cross('<Method method="Sum"/>')
        assert done.rows()[2][1] == 1.0
        assert sorted(done.texts) == [f"v: {text} does not convert to Double" for text in ("hello", "q", "world")]


class TestTextToColumns:
    """Every flag, in columns and rows."""

    TEXTS = data("s V_WString(40)", ("a,,b",), ("",), (None,), ("(x,y),[p,q],'m,n'",), (",żle,",))

    def split(self, count: int, flags: int, extra: str = "Last", root: str = "R") -> Outcome:
        xml = (
            f"<Field>s</Field><ErrorHandling>{extra}</ErrorHandling><RootName>{root}</RootName>"
            f'<Delimeters value=","/><NumFields value="{count}"/><Flags value="{flags}"/>'
        )
        return run("TextToColumns", xml, self.TEXTS)

    @pytest.mark.parametrize(
        ("flags", "enclosed"),
        [
            (0, ("(x", "y)", "[p,q],'m,n'")),
            (1, ("(x", "y)", "[p,q],'m,n'")),
            (2, ("(x", "y)", "[p,q],'m,n'")),
            (4, ("(x,y)", "[p", "q],'m,n'")),
            (2 | 4 | 8, ("(x,y)", "[p,q]", "'m,n'")),
        ],
    )
    def test_what_encloses_delimiters(self, flags: int, enclosed: tuple[str, ...]) -> None:
        done = self.split(3, flags)
        assert [row[1:] for row in done.rows()] == [
            ("a", "", "b"),
            ("", None, None),
            (None, None, None),
            enclosed,
            ("", "żle", ""),
        ]

    def test_empty_parts_are_skipped_also_before_the_rest(self) -> None:
        done = self.split(2, 16)
        assert [row[1:] for row in done.rows()] == [
            ("a", "b"),
            (None, None),
            (None, None),
            ("(x", "y),[p,q],'m,n'"),
            ("żle", None),
        ]

    def test_empty_parts_are_skipped_in_rows(self) -> None:
        assert [row[0] for row in self.split(1, 16, root="").rows()] == [
            "a", "b", None, "(x", "y)", "[p", "q]", "'m", "n'", "żle",
        ]  # fmt: skip

    @pytest.mark.parametrize(("extra", "told"), [("Ignore", 0), ("Warn", 2)])
    def test_parts_too_many_are_left_out(self, extra: str, told: int) -> None:
        done = self.split(2, 0, extra)
        assert done.rows()[0] == ("a,,b", "a", "")
        assert len([text for text in done.texts if "more than 2 parts" in text]) == told + (told > 0)


class TestRegEx:
    """What the methods do beside the plain case."""

    TEXTS = data("s V_WString(20)", ("Ab 2024-01-02",), ("",), (None,), ("żółw 2024-13-02 ab",))

    def match(self, pattern: str, method: str, case: str = "True", **options: str) -> Outcome:
        chosen = {"replace": "", "copy": "True", "rows": "False", "extra": "Warn", "told": "False", **options}
        xml = (
            f'<Field>s</Field><RegExExpression value="{pattern}"/><CaseInsensitve value="{case}"/><Method>{method}</Method>'
            f'<Replace expression="{chosen["replace"]}"><CopyUnmatched value="{chosen["copy"]}"/></Replace>'
            f'<ParseSimple><SplitToRows value="{chosen["rows"]}"/><RootName>P</RootName><NumFields value="2"/>'
            f'<ErrorHandling>{chosen["extra"]}</ErrorHandling></ParseSimple><ParseComplex><Field field="A" type="V_WString"'
            ' size="3"/><Field field="B" type="Date" size="10"/></ParseComplex>'
            f'<Match><Field>m</Field><ErrorUnmatched value="{chosen["told"]}"/></Match>'
        )
        return run("RegEx", xml, self.TEXTS)

    def test_groups_are_converted_and_what_is_lost_is_told(self) -> None:
        done = self.match(r"(\w+) ([-\d]+)", "ParseComplex")
        assert [tuple(map(str, row[1:])) for row in done.rows()] == [
            ("Ab", "2024-01-02"),
            ("None", "None"),
            ("None", "None"),
            ("żół", "None"),
        ]
        assert done.texts == ["A: żółw is cut to 3 characters", "B: 2024-13-02 does not convert to Date"]

    @pytest.mark.parametrize(
        ("pattern", "options", "texts"),
        [
            (r"(\d+)", {"replace": "$1", "copy": "False"}, ["20240102", "", None, "20241302"]),
            ("(ab)", {"replace": r"\U$1"}, ["AB 2024-01-02", "", None, "żółw 2024-13-02 AB"]),
            (r"(\d)\d*-", {"replace": "$1/"}, ["Ab 2/0/02", "", None, "żółw 2/1/02 ab"]),
            (r"(.)\\1|nothing", {"replace": "x"}, ["Ab 2024-01-02", "", None, "żółw 2024-13-02 ab"]),
        ],
    )
    def test_replacing(self, pattern: str, options: dict[str, str], texts: list[Cell]) -> None:
        assert [row[0] for row in self.match(pattern, "Replace", **options).rows()] == texts

    def test_case_counts_where_it_is_to(self) -> None:
        assert [row[1] for row in self.match("ab.*", "Match", case="False").rows()] == [False, False, False, False]
        assert [row[1] for row in self.match("ab.*", "Match").rows()] == [True, False, False, False]

    def test_each_value_with_parts_too_many_is_told_once(self) -> None:
        done = self.match(r"\d", "ParseSimple")
        assert [row[1:] for row in done.rows()] == [("2", "0"), (None, None), (None, None), ("2", "0")]
        assert len(done.texts) == 2
        assert self.match(r"\d", "ParseSimple", extra="Ignore").texts == []
        with pytest.raises(WorkflowError, match=r"RegEx \(4\): s: more than 2 parts: Ab"):
            self.match(r"\d", "ParseSimple", extra="Error")

    def test_what_does_not_match_is_told_where_it_is_to(self) -> None:
        assert self.match(r"\w+ [-\d]+", "Match", told="True").texts[-1] == "s: żółw 2024-13-02 ab does not match"


class TestDateTime:
    """Text that is written otherwise than the pattern."""

    @pytest.mark.parametrize(
        ("pattern", "text", "found"),
        [
            ("dd-Mon.-yy", "5-March-2021", "2021-03-05"),
            ("dd-Mon.-yy", "05 mar 21", "2021-03-05"),
            ("dd-Mon.-yy", "32-Mar.-21", "None"),
            ("yyyy-MM-dd", "2024-2-9", "2024-02-09"),
            ("yyyy-MM-dd", "24-02-09", "2024-02-09"),
            ("yyyy-MM-dd", "2024/02/09", "2024-02-09"),
            ("yyyyMMdd", "20240229", "2024-02-29"),
            ("MM/dd/yyyy HH:mm:ss", "1/2/1999 3:04", "1999-01-02 03:04:00"),
            ("MM/dd/yyyy HH:mm:ss", "12/31/1999", "None"),
            ("HH:mm:ss", "9:05", "09:05:00"),
            ("day, dd Month, yyyy", "Thu, 29 Feb, 2024", "2024-02-29"),
        ],
    )
    def test_is_read_with_other_separators_fewer_digits_and_no_seconds(
        self, pattern: str, text: str, found: str
    ) -> None:
        xml = (
            '<IsFrom value="False"/><InputFieldName>t</InputFieldName><Language>English</Language>'
            f"<Format>{pattern}</Format><OutputFieldName>New</OutputFieldName>"
        )
        done = run("DateTime", xml, data("t V_String(40)", (text,), ("",), (None,)))
        assert [str(row[1]) for row in done.rows()] == [found, "None", "None"]
        assert done.texts == ([f"t: {text} is not written as {pattern}"] if found == "None" else [])


class TestFilter:
    """Simple conditions on every type."""

    TABLE = data(
        "d DateTime, b Bool, t V_WString(9), n Double",
        ("2024-01-01 10:00:00", "True", 'a"b', 1),
        ("2024-01-02 00:00:00", "False", "it's", None),
        (None, None, None, None),
        ("2023-12-31 23:59:59", "True", "", -2),
    )

    def filter(self, field: str, operator: str, operand: str = "", **operands: str) -> list[int]:
        chosen = {"IgnoreTimeInDateTime": "True", "DateType": "fixed", "Operand": operand, **operands}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in chosen.items())
        xml = (
            f"<Mode>Simple</Mode><Simple><Operator>{operator}</Operator><Field>{field}</Field>"
            f"<Operands>{inner}</Operands></Simple>"
        )
        done = run("Filter", xml, self.TABLE, anchors=("True", "False"))
        assert len(done.rows("True")) + len(done.rows("False")) == 4
        return [self.TABLE[1].index(found) for found in self.TABLE[1] if self.same(found) in done.rows("True")]

    def same(self, row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        import datetime

        day = None if row[0] is None else datetime.datetime.fromisoformat(row[0])
        return (day, {"True": True, "False": False, None: None}[row[1]], *row[2:])

    @pytest.mark.parametrize(
        ("field", "operator", "operand", "kept"),
        [
            ("b", "IsTrue", "", [0, 3]),
            ("b", "IsFalse", "", [1, 2]),
            ("b", "=", "True", [0, 3]),
            ("t", "=", 'a"b', [0]),
            ("t", "=", "", [3]),
            ("t", "!=", "", [0, 1, 2]),
            ("t", "&gt;", "b", [1]),
            ("t", "Contains", "T'", [1]),
            ("t", "DoesNotContain", "T'", [0, 2, 3]),
            ("t", "IsEmpty", "", [2, 3]),
            ("t", "IsNotEmpty", "", [0, 1]),
            ("t", "IsNull", "", [2]),
            ("n", "=", "1.0", [0]),
            ("n", "!=", "1", [1, 2, 3]),
            ("n", "&lt;=", "1", [0, 3]),
            ("d", "=", "2024-01-01", [0]),
            ("d", "&gt;", "2024-01-01", [1]),
            ("d", "&lt;", "2024-01-01 05:00:00", [3]),
            ("d", "IsNotNull", "", [0, 1, 3]),
        ],
    )
    def test_operators(self, field: str, operator: str, operand: str, kept: list[int]) -> None:
        assert self.filter(field, operator, operand) == kept

    def test_times_may_count_and_ranges_include_their_ends(self) -> None:
        assert self.filter("d", "&gt;=", "2024-01-01 10:00:01", IgnoreTimeInDateTime="False") == [1]
        assert self.filter("d", "DateRange", StartDate="2024-01-01", EndDate="2024-01-02") == [0, 1]

    @pytest.mark.parametrize(
        ("field", "operator", "operands", "message"),
        [
            ("n", "&lt;", {"Operand": "x"}, "Operands/Operand: 'x' is not a number"),
            ("d", "=", {"Operand": "31.12.2024"}, "Operands/Operand: '31.12.2024' is not written as 2024-12-31"),
            ("d", "=", {"DateType": "nextweek"}, "DateType: 'nextweek' is not known"),
            ("d", "DateRange", {}, "a range of dates needs DateType fixed, StartDate and EndDate"),
            ("t", "Resembles", {}, "Simple/Operator: 'Resembles' is not known"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(
        self, field: str, operator: str, operands: dict[str, str], message: str
    ) -> None:
        with pytest.raises(WorkflowError, match=message):
            self.filter(field, operator, **operands)


class TestSelect:
    """Types, sizes and names."""

    def select(self, fields: str, table: Table, comma: bool = False) -> Outcome:
        xml = f"<OrderChanged value='False'/><CommaDecimal value='{comma}'/><SelectFields>{fields}</SelectFields>"
        return run("AlteryxSelect", xml, table)

    def test_a_comma_may_be_the_decimal_point_both_ways(self) -> None:
        fields = "<SelectField field='a' selected='True' type='Double'/><SelectField field='b' selected='True' type='V_String' size='9'/>"
        table = data("a V_String(20), b Double", ("1.234,5", 1234.5), ("n.a.", None))
        done = self.select(fields, table, comma=True)
        assert done.rows() == [(1234.5, "1234,5"), (None, None)]
        assert done.texts == ["a: n.a. does not convert to Double"]

    def test_duplicate_names_are_numbered(self) -> None:
        fields = (
            "<SelectField field='A' selected='True' rename='b'/><SelectField field='c' selected='True' rename='B'/>"
        )
        done = self.select(fields, data("a Int32, b Int32, c Int32", (1, 2, 3)))
        assert done.names() == ["b", "b2", "B3"]

    def test_what_does_not_fit_is_null_or_cut_and_told(self) -> None:
        fields = "".join(
            f"<SelectField field='{name}' selected='True' type='{type_}' size='1'/>"
            for name, type_ in (("e", "Byte"), ("f", "String"), ("d", "Int16"))
        )
        done = self.select(fields, data("d Bool, e Int32, f V_WString(9)", ("True", 300, "żó"), (None, 7, "")))
        assert done.rows() == [(-1, None, "ż"), (None, 7, "")]
        assert sorted(done.texts) == ["e: 300 does not convert to Byte", "f: żó is cut to 1 characters"]

    def test_nothing_selected_is_refused(self) -> None:
        with pytest.raises(WorkflowError, match="no field is selected; select at least one"):
            self.select("<SelectField field='*Unknown' selected='False'/>", data("a Int32", (1,)))


class TestOthers:
    """Single rows of further tools."""

    def test_record_ids_that_do_not_fit_are_null_and_told(self) -> None:
        xml = "<FieldName>No</FieldName><StartValue>255</StartValue><FieldType>Byte</FieldType><FieldSize>1</FieldSize>"
        done = run("RecordID", f"{xml}<Position>0</Position>", data("a Int32", (1,), (2,)))
        assert done.rows() == [(255, 1), (None, 2)]
        assert done.texts == ["No: 256 does not convert to Byte"]

    def test_auto_field_takes_empty_texts_for_nothing(self) -> None:
        table = data(
            "a V_String(9), b V_String(12), c V_String(9), d V_String(9)",
            ("1.5", "2024-01-02", "", "x"),
            ("", "", None, ""),
        )
        xml = "<Fields><Field field='*Unknown' selected='True'/></Fields>"
        done = run("AutoField", xml, table, check=False)
        assert done.types() == ["Double", "Date", "String(1)", "String(1)"]
        assert done.rows()[1] == (None, None, None, "")
        assert done.texts == []

    def test_dynamic_select_refuses_a_type_that_does_not_exist_and_an_empty_choice(self) -> None:
        table = data("a Int32", (1,))
        with pytest.raises(WorkflowError, match="FieldTypes: there is no field type 'Int3'"):
            run("DynamicSelect", "<Mode>FieldTypes</Mode><FieldTypes>Int3</FieldTypes>", table)
        with pytest.raises(WorkflowError, match="FieldTypes: no field is selected"):
            run("DynamicSelect", "<Mode>FieldTypes</Mode><FieldTypes>Date</FieldTypes>", table)

    def test_a_name_that_would_be_empty_is_refused(self) -> None:
        xml = "<RenameMode>Remove</RenameMode><Fields><Field name='*Unknown'/></Fields><AddPrefixSuffix><Type>Prefix</Type><Text>A</Text></AddPrefixSuffix>"
        with pytest.raises(WorkflowError, match="field 2 has no name"):
            run_one(
                f"{BASE}DynamicRename.DynamicRename",
                f"<Configuration>{xml}</Configuration>",
                {"Targets": data("Ab Int32, A Int32", (1, 2))},
            )

    @pytest.mark.parametrize(("mode", "told", "rows"), [("Allow", 0, 25), ("Warn", 1, 25), ("Error", 1, 0)])
    def test_join_multiple_heeds_cartesian_joins(self, mode: str, told: int, rows: int) -> None:
        keys = "".join(f"<JoinInfo connection='#{n}'><Field field='k'/></JoinInfo>" for n in (1, 2))
        xml = f"<Configuration><JoinFields>{keys}</JoinFields><CartesianMode>{mode}</CartesianMode></Configuration>"
        five = data("k Int32, v Int32", *((1, number) for number in range(5)))
        plugin = f"{BASE}JoinMultiple.JoinMultiple"
        done = run_one(plugin, xml, {"Input": [five, five]}, ok=mode != "Error")
        assert len([text for text in done.texts if "a key joins several records with several, to 25" in text]) == told
        if rows:
            assert len(done.rows()) == rows
        many = data("k Int32, w Int32", *((1, number) for number in range(20)))
        assert len(run_one(plugin, xml, {"Input": [data("k Int32", (1,)), many]}).rows()) == 20

    def test_union_by_hand_goes_by_columns(self) -> None:
        def info(name: str, **columns: int) -> str:
            fields = "".join(f"<Field name='{field}' column='{place}'/>" for field, place in columns.items())
            return f"<MetaInfo name='{name}'><RecordInfo>{fields}</RecordInfo></MetaInfo>"

        xml = f"<Configuration><Mode>ManualDelayed</Mode><MultiMetaInfo>{info('#1', a=1, b=0)}{info('#2', b=0, c=2)}</MultiMetaInfo></Configuration>"
        tables = [data("a Int32, b V_String(3)", (1, "x")), data("b V_WString(9), c Date", ("ż", None))]
        done = run_one(f"{BASE}Union.Union", xml, {"Input": tables})
        assert done.names() == ["b", "a", "c"]
        assert done.rows() == [("x", 1, None), ("ż", None, None)]

    @pytest.mark.parametrize(
        ("xml", "message"),
        [
            (
                "<Mode>ByPos</Mode><ByPos_ErrorMode>Error</ByPos_ErrorMode>",
                "ByPos_ErrorMode: there is no field 2 in #2",
            ),
            ("<Mode>ByName</Mode><ByName_OutputMode>Subset</ByName_OutputMode>", "no field in common"),
        ],
    )
    def test_a_union_that_does_not_fit_is_refused(self, xml: str, message: str) -> None:
        tables = [data("a Int32, b Int32", (1, 2)), data("c Int32", (3,))]
        with pytest.raises(WorkflowError, match=message):
            run_one(f"{BASE}Union.Union", f"<Configuration>{xml}</Configuration>", {"Input": tables})

    def test_null_keys_match_where_the_setting_says_so(self) -> None:
        keys = "".join(f"<JoinInfo connection='{side}'><Field field='k'/></JoinInfo>" for side in ("Left", "Right"))
        table = data("k V_String(3)", (None,), ("",), ("A",))
        other = data("k V_WString(9)", ("a",), (None,), ("",))
        for match, pairs in ((False, [("", "")]), (True, [(None, None), ("", "")])):
            done = run_one(
                f"{BASE}Join.Join",
                f"<Configuration>{keys}</Configuration>",
                {"Left": table, "Right": other},
                anchors=("Join",),
                settings=Settings(null_keys_match=match),
            )
            assert done.rows("Join") == pairs

    def test_a_replacement_longer_than_the_field_is_cut_and_told(self) -> None:
        xml = (
            "<Configuration><FieldFind>t</FieldFind><FieldSearch>s</FieldSearch><ReplaceFoundField>r</ReplaceFoundField>"
            "<FindMode>FindAny</FindMode><ReplaceMode>Replace</ReplaceMode><ReplaceMultipleFound value='True'/></Configuration>"
        )
        tables = {
            "Targets": data("t V_String(3)", ("aaa",), ("b",)),
            "Source": data("s V_String(3), r V_String(3)", ("a", "$1")),
        }
        done = run_one(f"{BASE}FindReplace.FindReplace", xml, tables)
        assert done.rows() == [("$1$",), ("b",)]
        assert done.texts == ["t: $1$1$1 is cut to 3 characters"]
