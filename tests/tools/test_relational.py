"""The tools that select, order and combine records: small workflows in real XML, expected tables worked out by hand."""

from __future__ import annotations

import pytest

from kedge.exceptions import WorkflowError
from kedge.tools.settings import Settings
from tests.tools.flows import data, run_one

BASE = "AlteryxBasePluginsGui."
PEOPLE = data(
    "Id Int32, Name V_String(10), Pay Double", (3, "ann", 1.5), (1, "Bob", None), (2, None, 2.25), (3, "ann", 7)
)
NOBODY = data("Id Int32, Name V_String(10), Pay Double")


class TestSelect:
    """AlteryxSelect."""

    def select(self, *fields: str, changed: bool = False) -> str:
        order = f'<OrderChanged value="{changed}"/><CommaDecimal value="False"/>'
        return f"<Configuration>{order}<SelectFields>{''.join(fields)}</SelectFields></Configuration>"

    def test_drops_renames_and_keeps_the_input_order(self) -> None:
        xml = self.select(
            '<SelectField field="Pay" selected="True" rename="Wage"/>',
            '<SelectField field="Id" selected="False"/>',
            '<SelectField field="*Unknown" selected="True"/>',
        )
        done = run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": PEOPLE})
        assert done.names() == ["Name", "Wage"]
        assert done.rows() == [("ann", 1.5), ("Bob", None), (None, 2.25), ("ann", 7.0)]

    def test_a_changed_order_puts_unknown_fields_where_unknown_stands(self) -> None:
        xml = self.select(
            '<SelectField field="Pay" selected="True"/>',
            '<SelectField field="*Unknown" selected="True"/>',
            '<SelectField field="Id" selected="True"/>',
            changed=True,
        )
        done = run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": PEOPLE})
        assert done.names() == ["Pay", "Name", "Id"]

    def test_unknown_fields_go_where_unknown_is_not_selected(self) -> None:
        xml = self.select(
            '<SelectField field="Id" selected="True"/>', '<SelectField field="*Unknown" selected="False"/>'
        )
        assert run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": PEOPLE}).names() == ["Id"]

    def test_a_stale_field_is_ignored_with_a_warning(self) -> None:
        xml = self.select(
            '<SelectField field="Gone" selected="True"/>', '<SelectField field="*Unknown" selected="True"/>'
        )
        done = run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": PEOPLE})
        assert done.names() == ["Id", "Name", "Pay"]
        assert "the field 'Gone' is not in the input and is ignored" in done.texts

    @pytest.mark.parametrize(
        ("text", "whole", "fraction"),
        [
            ("2.5", 3, 2.5),
            ("-2.5", -3, -2.5),
            (" 12 ", 12, 12.0),
            ("007", 7, 7.0),
            ("+5", 5, 5.0),
            ("1e3", 1000, 1000.0),
            ("12abc", 12, 12.0),
            ("1_000", 1, 1.0),
            ("0x1F", 0, 0.0),
            ("inf", None, None),
            ("abc", None, None),
            ("99999999999", None, 99999999999.0),
            (None, None, None),
        ],
    )
    def test_text_becomes_the_number_that_it_starts_with(
        self, text: str | None, whole: int | None, fraction: float | None
    ) -> None:
        xml = self.select(
            '<SelectField field="A" selected="True" type="Int32"/><SelectField field="B" selected="True" type="Double"/>'
        )
        table = data("A V_String(20), B V_String(20)", (text, text))
        assert run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": table}).rows() == [(whole, fraction)]

    def test_ten_conversions_are_told_and_the_rest_counted(self) -> None:
        xml = self.select('<SelectField field="A" selected="True" type="Int32"/>')
        table = data("A V_String(20)", *((f"x{number}",) for number in range(13)))
        done = run_one(f"{BASE}AlteryxSelect.AlteryxSelect", xml, {"Input": table})
        assert sum("does not convert to Int32" in text for text in done.texts) == 10
        assert "3 more conversion messages; 13 in all" in done.texts

    def test_long_text_is_cut_and_told(self) -> None:
        xml = self.select('<SelectField field="Name" selected="True" size="2"/>')
        done = run_one(
            f"{BASE}AlteryxSelect.AlteryxSelect",
            xml,
            {"Input": data("Name V_String(10)", ("zażółć",), ("ab",), (None,))},
        )
        assert done.rows() == [("za",), ("ab",), (None,)]
        assert done.types() == ["V_String(2)"]
        assert "Name: zażółć is cut to 2 characters" in done.texts

    def test_numbers_and_dates_become_text(self) -> None:
        fields = "".join(f'<SelectField field="{name}" selected="True" type="V_String" size="30"/>' for name in "abcd")
        table = data(
            "a Double, b Bool, c Date, d FixedDecimal(9.2)",
            (1.0, "True", "2024-02-29", 2.5),
            (1e20, "False", None, None),
        )
        done = run_one(f"{BASE}AlteryxSelect.AlteryxSelect", self.select(fields), {"Input": table})
        assert done.rows() == [("1", "True", "2024-02-29", "2.50"), ("1" + 20 * "0", "False", None, None)]

    def test_an_unknown_option_names_its_path(self) -> None:
        with pytest.raises(WorkflowError, match=r"AlteryxSelect \(3, .*Configuration/Colour: this option is not known"):
            run_one(f"{BASE}AlteryxSelect.AlteryxSelect", "<Configuration><Colour/></Configuration>", {"Input": PEOPLE})


def sort(*fields: tuple[str, str], locale: str = "1033") -> str:
    inner = "".join(f'<Field field="{name}" order="{order}"/>' for name, order in fields)
    return f'<Configuration><SortInfo locale="{locale}">{inner}</SortInfo></Configuration>'


class TestSort:
    """Sort."""

    def test_is_stable_and_puts_nulls_first(self) -> None:
        done = run_one(f"{BASE}Sort.Sort", sort(("Name", "Ascending")), {"Input": PEOPLE})
        assert done.rows() == [(2, None, 2.25), (3, "ann", 1.5), (3, "ann", 7.0), (1, "Bob", None)]

    def test_puts_nulls_last_in_descending_order(self) -> None:
        done = run_one(f"{BASE}Sort.Sort", sort(("Pay", "Descending")), {"Input": PEOPLE})
        assert [row[2] for row in done.rows()] == [7.0, 2.25, 1.5, None]

    def test_the_place_of_nulls_is_a_setting(self) -> None:
        done = run_one(
            f"{BASE}Sort.Sort", sort(("Pay", "Ascending")), {"Input": PEOPLE}, settings=Settings(nulls_first=False)
        )
        assert [row[2] for row in done.rows()] == [1.5, 2.25, 7.0, None]

    @pytest.mark.parametrize(
        ("locale", "expected"),
        [("0", ["B", "a", "a10", "a9", "b"]), ("1033", ["a", "a9", "a10", "b", "B"])],
    )
    def test_a_dictionary_ignores_case_and_counts_digits(self, locale: str, expected: list[str]) -> None:
        table = data("t V_String(5)", ("b",), ("a10",), ("B",), ("a",), ("a9",))
        done = run_one(f"{BASE}Sort.Sort", sort(("t", "Ascending"), locale=locale), {"Input": table})
        assert [row[0] for row in done.rows()] == expected

    def test_no_rows_stay_no_rows(self) -> None:
        assert run_one(f"{BASE}Sort.Sort", sort(("Id", "Ascending")), {"Input": NOBODY}).rows() == []

    def test_a_missing_field_names_path_and_fields(self) -> None:
        with pytest.raises(
            WorkflowError, match=r"Field\[1\]/@field: there is no field 'Gone'; there are Id, Name, Pay"
        ):
            run_one(f"{BASE}Sort.Sort", sort(("Gone", "Ascending")), {"Input": PEOPLE})


class TestSample:
    """Sample."""

    @pytest.mark.parametrize(
        ("mode", "count", "grouped", "expected"),
        [
            ("First", 2, False, [1, 2]),
            ("First", 1, True, [1, 2]),
            ("Last", 2, False, [5, 6]),
            ("Last", 1, True, [5, 6]),
            ("Skip", 4, False, [5, 6]),
            ("Skip", 1, True, [3, 4, 5, 6]),
            ("Sample", 3, False, [1, 4]),
            ("NPercent", 50, False, [1, 2, 3]),
            ("First", 0, False, []),
        ],
    )
    def test_modes(self, mode: str, count: int, grouped: bool, expected: list[int]) -> None:
        group = '<Field name="g"/>' if grouped else ""
        xml = f'<Configuration><Mode>{mode}</Mode><N>{count}</N><GroupFields orderChanged="False">{group}</GroupFields></Configuration>'
        table = data("g V_String(3), n Int32", ("a", 1), (None, 2), ("a", 3), (None, 4), ("a", 5), (None, 6))
        done = run_one(f"{BASE}Sample.Sample", xml, {"Input": table})
        assert [row[1] for row in done.rows()] == expected

    def test_random_is_the_same_in_two_runs(self) -> None:
        xml = "<Configuration><Mode>Random</Mode><N>3</N><GroupFields/></Configuration>"
        table = data("n Int32", *((number,) for number in range(60)))
        first, second = (run_one(f"{BASE}Sample.Sample", xml, {"Input": table}).rows() for _ in range(2))
        assert first == second
        assert 5 < len(first) < 40


class TestRecordId:
    """RecordID."""

    @pytest.mark.parametrize(
        ("type_", "place", "names", "first"),
        [("Int32", 0, ["No", "Id", "Name", "Pay"], 10), ("String", 1, ["Id", "Name", "Pay", "No"], "000010")],
    )
    def test_numbers_in_order(self, type_: str, place: int, names: list[str], first: object) -> None:
        xml = (
            f"<Configuration><FieldName>No</FieldName><StartValue>10</StartValue><FieldType>{type_}</FieldType>"
            f"<FieldSize>6</FieldSize><Position>{place}</Position></Configuration>"
        )
        done = run_one(f"{BASE}RecordID.RecordID", xml, {"Input": PEOPLE})
        assert done.names() == names
        assert done.table()["No"][0].as_py() == first
        assert len(set(done.table()["No"].to_pylist())) == 4

    def test_a_taken_name_is_refused(self) -> None:
        with pytest.raises(WorkflowError, match="has a field 'Id' already"):
            run_one(
                f"{BASE}RecordID.RecordID",
                "<Configuration><FieldName>Id</FieldName></Configuration>",
                {"Input": PEOPLE},
            )


class TestUnique:
    """Unique."""

    def test_the_first_of_each_key_and_the_others(self) -> None:
        xml = '<Configuration><UniqueFields><Field field="Id"/><Field field="Name"/></UniqueFields></Configuration>'
        table = data(
            "Id Int32, Name V_String(9), n Int32",
            (1, "a", 1),
            (1, "A", 2),
            (None, None, 3),
            (1, "a", 4),
            (None, None, 5),
        )
        done = run_one(f"{BASE}Unique.Unique", xml, {"Input": table}, anchors=("Unique", "Duplicates"))
        assert [row[2] for row in done.rows("Unique")] == [1, 2, 3]
        assert [row[2] for row in done.rows("Duplicates")] == [4, 5]


class TestUnion:
    """Union."""

    OTHER = data("Name V_WString(20), Age Byte", ("żak", 7), (None, None))

    def test_by_name_widens_types_and_fills_with_nulls(self) -> None:
        done = run_one(
            f"{BASE}Union.Union", "<Configuration><Mode>ByName</Mode></Configuration>", {"Input": [PEOPLE, self.OTHER]}
        )
        assert done.names() == ["Id", "Name", "Pay", "Age"]
        assert done.types() == ["Int32", "V_WString(20)", "Double", "Byte"]
        assert done.rows()[-2:] == [(None, "żak", None, 7), (None, None, None, None)]
        assert "the field 'Age' is missing in #1" in done.texts

    def test_a_subset_keeps_common_fields_alone(self) -> None:
        xml = "<Configuration><ByName_ErrorMode>Ignore</ByName_ErrorMode><ByName_OutputMode>Subset</ByName_OutputMode><Mode>ByName</Mode></Configuration>"
        done = run_one(f"{BASE}Union.Union", xml, {"Input": [PEOPLE, self.OTHER]})
        assert done.names() == ["Name"]
        assert done.texts == []

    def test_a_missing_field_may_be_an_error(self) -> None:
        xml = "<Configuration><ByName_ErrorMode>Error</ByName_ErrorMode><Mode>ByName</Mode></Configuration>"
        with pytest.raises(WorkflowError, match="the field 'Id' is missing in #2"):
            run_one(f"{BASE}Union.Union", xml, {"Input": [PEOPLE, self.OTHER]})

    def test_by_position_takes_the_names_of_the_first(self) -> None:
        numbers = data("x Int64, y V_String(3)", (9, "z"))
        done = run_one(
            f"{BASE}Union.Union", "<Configuration><Mode>ByPos</Mode></Configuration>", {"Input": [PEOPLE, numbers]}
        )
        assert done.names() == ["Id", "Name", "Pay"]
        assert done.types()[0] == "Int64"
        assert done.rows()[-1] == (9, "z", None)

    def test_the_set_output_order_wins_over_the_connection_names(self) -> None:
        xml = (
            '<Configuration><Mode>ByName</Mode><SetOutputOrder value="True"/><OutputOrder><Connection>#2</Connection>'
            "<Connection>#1</Connection></OutputOrder></Configuration>"
        )
        done = run_one(f"{BASE}Union.Union", xml, {"Input": [PEOPLE, self.OTHER]})
        assert done.names() == ["Name", "Age", "Id", "Pay"]
        assert done.rows()[0] == ("żak", 7, None, None)

    def test_manual_takes_the_listed_fields_by_place(self) -> None:
        def info(name: str, *fields: str) -> str:
            inner = "".join(f'<Field name="{field}"/>' for field in fields)
            return f'<MetaInfo name="{name}"><RecordInfo>{inner}</RecordInfo></MetaInfo>'

        listed = info("#1", "Id", "Name") + info("#2", "Age", "Name")
        xml = f"<Configuration><Mode>ManualDelayed</Mode><MultiMetaInfo>{listed}</MultiMetaInfo></Configuration>"
        done = run_one(f"{BASE}Union.Union", xml, {"Input": [PEOPLE, self.OTHER]})
        assert done.names() == ["Id", "Name"]
        assert done.rows()[-2] == (7, "żak")


def join(left: str, right: str, *fields: str, by_position: bool = False) -> str:
    select = f"<SelectConfiguration><Configuration outputConnection='Join'><SelectFields>{''.join(fields)}</SelectFields></Configuration></SelectConfiguration>"
    return (
        f'<Configuration joinByRecordPos="{by_position}"><JoinInfo connection="Left"><Field field="{left}"/></JoinInfo>'
        f'<JoinInfo connection="Right"><Field field="{right}"/></JoinInfo>{select if fields else ""}</Configuration>'
    )


class TestJoin:
    """Join."""

    CITIES = data("Id Double, City V_String(9)", (3, "Rom"), (3, "Oslo"), (9, "Bonn"), (None, "Nil"))
    ANCHORS = ("Left", "Join", "Right")

    def test_every_record_goes_somewhere(self) -> None:
        done = run_one(
            f"{BASE}Join.Join", join("Id", "Id"), {"Left": PEOPLE, "Right": self.CITIES}, anchors=self.ANCHORS
        )
        assert done.names("Join") == ["Id", "Name", "Pay", "Right_Id", "City"]
        assert [row[2::2] for row in done.rows("Join")] == [(1.5, "Rom"), (1.5, "Oslo"), (7.0, "Rom"), (7.0, "Oslo")]
        assert done.rows("Left") == [(1, "Bob", None), (2, None, 2.25)]
        assert done.rows("Right") == [(9.0, "Bonn"), (None, "Nil")]

    def test_pairs_are_ordered_by_key_in_the_classic_engine_and_by_left_under_amp(self) -> None:
        left, right = data("k Int32", (2,), (1,)), data("k Int32, v Int32", (1, 10), (2, 20))
        orders = [
            [
                row[0]
                for row in run_one(
                    f"{BASE}Join.Join", join("k", "k"), {"Left": left, "Right": right}, anchors=("Join",), amp=amp
                ).rows("Join")
            ]
            for amp in (False, True)
        ]
        assert orders == [[1, 2], [2, 1]]

    def test_null_keys_match_where_the_setting_says_so(self) -> None:
        table = data("k Int32", (None,))
        counts = [
            len(
                run_one(
                    f"{BASE}Join.Join",
                    join("k", "k"),
                    {"Left": table, "Right": table},
                    anchors=("Join",),
                    settings=settings,
                ).rows("Join")
            )
            for settings in (Settings(), Settings(null_keys_match=True))
        ]
        assert counts == [0, 1]

    def test_text_keys_are_compared_with_case(self) -> None:
        left, right = data("k V_String(3)", ("a",), ("A",)), data("k V_WString(9)", ("a",))
        done = run_one(f"{BASE}Join.Join", join("k", "k"), {"Left": left, "Right": right}, anchors=self.ANCHORS)
        assert (done.rows("Join"), done.rows("Left")) == ([("a", "a")], [("A",)])

    def test_a_right_field_may_take_the_name_of_a_left_one_that_goes(self) -> None:
        fields = (
            '<SelectField field="Left_Name" selected="False" input="Left_"/>',
            '<SelectField field="Right_City" selected="True" rename="Name" input="Right_"/>',
            '<SelectField field="Right_Id" selected="False" input="Right_"/>',
            '<SelectField field="*Unknown" selected="True"/>',
        )
        done = run_one(
            f"{BASE}Join.Join", join("Id", "Id", *fields), {"Left": PEOPLE, "Right": self.CITIES}, anchors=("Join",)
        )
        assert done.names("Join") == ["Id", "Pay", "Name"]

    def test_by_position_zips(self) -> None:
        short = data("v Int32", (1,), (2,))
        done = run_one(
            f"{BASE}Join.Join",
            join("Id", "v", by_position=True),
            {"Left": PEOPLE, "Right": short},
            anchors=self.ANCHORS,
        )
        assert [row[-1] for row in done.rows("Join")] == [1, 2]
        assert [row[0] for row in done.rows("Left")] == [2, 3]
        assert done.rows("Right") == []

    def test_text_and_number_do_not_compare(self) -> None:
        with pytest.raises(
            WorkflowError, match="'Name' is V_String\\(10\\) and 'Id' is Double, which cannot be compared"
        ):
            run_one(f"{BASE}Join.Join", join("Name", "Id"), {"Left": PEOPLE, "Right": self.CITIES}, anchors=("Join",))


class TestJoinMultiple:
    """JoinMultiple."""

    A = data("k Int32, a V_String(3)", (1, "a1"), (2, "a2"))
    B = data("k Int32, b V_String(3)", (2, "b2"), (3, "b3"))
    C = data("k Int32, c V_String(3)", (3, "c3"))

    def config(self, by_position: bool, inner: bool) -> str:
        infos = "".join(f'<JoinInfo connection="#{n}"><Field field="k"/></JoinInfo>' for n in (1, 2, 3))
        return (
            f'<Configuration><JoinByRecPos value="{by_position}"/><OutputJoinOnly value="{inner}"/>'
            f"<JoinFields>{infos}</JoinFields></Configuration>"
        )

    def run(self, by_position: bool, inner: bool) -> list[tuple[object, ...]]:
        return run_one(
            f"{BASE}JoinMultiple.JoinMultiple", self.config(by_position, inner), {"Input": [self.A, self.B, self.C]}
        ).rows()

    def test_is_a_full_outer_join(self) -> None:
        assert self.run(False, False) == [
            (1, "a1", None, None, None, None),
            (2, "a2", 2, "b2", None, None),
            (None, None, 3, "b3", 3, "c3"),
        ]

    def test_or_an_inner_one(self) -> None:
        assert self.run(False, True) == []

    def test_by_position_fills_with_nulls(self) -> None:
        assert self.run(True, False) == [(1, "a1", 2, "b2", 3, "c3"), (2, "a2", 3, "b3", None, None)]

    def test_colliding_names_carry_their_input(self) -> None:
        done = run_one(
            f"{BASE}JoinMultiple.JoinMultiple", self.config(True, False), {"Input": [self.A, self.B, self.C]}
        )
        assert done.names() == ["k", "a", "Input_#2_k", "b", "Input_#3_k", "c"]


class TestAppendFields:
    """AppendFields."""

    def test_every_target_with_every_source(self) -> None:
        source = data("Id Int32, z V_String(2)", (8, "x"), (9, None))
        done = run_one(
            f"{BASE}AppendFields.AppendFields",
            "<Configuration/>",
            {"Targets": data("Id Int32", (1,), (2,)), "Source": source},
        )
        assert done.names() == ["Id", "Source_Id", "z"]
        assert done.rows() == [(1, 8, "x"), (1, 9, None), (2, 8, "x"), (2, 9, None)]

    @pytest.mark.parametrize(("mode", "ok"), [("Error", False), ("Warn", True), ("Allow", True)])
    def test_more_than_sixteen_sources(self, mode: str, ok: bool) -> None:
        source = data("v Int32", *((number,) for number in range(17)))
        xml = f"<Configuration><CartesianMode>{mode}</CartesianMode></Configuration>"
        done = run_one(
            f"{BASE}AppendFields.AppendFields", xml, {"Targets": data("t Int32", (1,)), "Source": source}, ok=ok
        )
        assert done.report.ok is ok
        assert any("more than 16 records" in text for text in done.texts) is (mode != "Allow")


class TestPassing:
    """Tools that change no record."""

    def test_block_until_done_has_three_outputs(self) -> None:
        anchors = ("Output", "Output2", "Output3")
        done = run_one(f"{BASE}BlockUntilDone.BlockUntilDone", "<Configuration/>", {"Input": PEOPLE}, anchors=anchors)
        assert done.rows("Output") == done.rows("Output2") == done.rows("Output3")
        assert len(done.rows()) == 4

    @pytest.mark.parametrize(("table", "count"), [(PEOPLE, 4), (NOBODY, 0)])
    def test_count_records_counts_none_as_well(self, table: object, count: int) -> None:
        done = run_one("", "<Configuration/>", {"Input8": table}, macro="CountRecords.yxmc", anchors=("Output9",))  # type: ignore[dict-item]
        assert done.rows("Output9") == [(count,)]

    @pytest.mark.parametrize(
        ("ranges", "expected"), [("2+", [2, 3, 4]), ("-2", [1, 2]), ("2-3", [2, 3]), ("1,4", [1, 4])]
    )
    def test_select_records_takes_ranges(self, ranges: str, expected: list[int]) -> None:
        table = data("n Int32", (1,), (2,), (3,), (4,))
        xml = f'<Configuration><Value name="Ranges">{ranges}</Value></Configuration>'
        done = run_one("", xml, {"Input": table}, macro=r"tools\SelectRecords.yxmc")
        assert [row[0] for row in done.rows()] == expected
