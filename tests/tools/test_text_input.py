"""TextInput: columns typed by their cells, in the classic engine and under AMP."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from kedge.exceptions import WorkflowError
from tests.tools.flows import run_one

PLUGIN = "AlteryxBasePluginsGui.TextInput.TextInput"


def config(*cells: str, names: str = "<Field name='a'/>") -> str:
    rows = "".join(f"<r>{cell}</r>" for cell in cells)
    return f"<Configuration><NumRows value='{len(cells)}'/><Fields>{names}</Fields><Data>{rows}</Data></Configuration>"


def typed(*cells: str | None) -> str:
    return config(*("<c />" if cell is None else f"<c>{escape(cell)}</c>" for cell in cells))


class TestTypes:
    """What a column of such cells is."""

    @pytest.mark.parametrize(
        ("cells", "classic", "amp"),
        [
            (("0", "255"), "Byte", "Int32"),
            (("-1", "7", None), "Int16", "Int32"),
            (("256",), "Int16", "Int32"),
            (("40000",), "Int32", "Int32"),
            (("3000000000",), "Int64", "Int64"),
            (("99999999999999999999",), "Double", "Double"),
            (("1.5", "2"), "Double", "Double"),
            (("2024-02-29", None), "Date", "Date"),
            (("2024-02-29 10:00:00",), "DateTime", "DateTime"),
            (("2023-02-29",), "String(10)", "V_String(10)"),
            (("007", "1"), "String(3)", "V_String(3)"),
            (("ab", "c"), "String(2)", "V_String(2)"),
            (("ab", "żó"), "V_WString(2)", "V_WString(2)"),
            (("é",), "String(1)", "V_String(1)"),
            ((None, None), "String(1)", "V_String(1)"),
        ],
    )
    def test_go_by_the_cells(self, cells: tuple[str | None, ...], classic: str, amp: str) -> None:
        assert run_one(PLUGIN, typed(*cells)).types() == [classic]
        assert run_one(PLUGIN, typed(*cells), amp=True).types() == [amp]


class TestCells:
    """What stands in a cell."""

    def test_blanks_count_and_an_empty_cell_is_null(self) -> None:
        cells = ("<c> x </c>", "<c></c>", "<c />", "<c><![CDATA[<a> & b]]></c>", "<c xml:space='preserve'>  </c>")
        assert [row[0] for row in run_one(PLUGIN, config(*cells)).rows()] == [" x ", None, None, "<a> & b", "  "]

    def test_a_short_row_is_filled_with_nulls_and_a_long_one_refused(self) -> None:
        names = "<Field name='a'/><Field name='b'/>"
        done = run_one(PLUGIN, config("<c>1</c>", "<c>2</c><c>x</c>", names=names))
        assert done.rows() == [(1, None), (2, "x")]
        with pytest.raises(WorkflowError, match=r"Data/r\[1\]: 2 cells for 1 fields"):
            run_one(PLUGIN, config("<c>1</c><c>2</c>"))

    def test_no_rows_keep_the_fields(self) -> None:
        done = run_one(PLUGIN, config())
        assert (done.names(), done.rows()) == (["a"], [])
