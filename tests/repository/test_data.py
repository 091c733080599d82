"""The example data are what their README says."""

import pyarrow.csv
import pytest

from tests.conftest import ROOT

DATA = ROOT / "examples" / "data"


def read(name: str) -> pyarrow.Table:
    return pyarrow.csv.read_csv(DATA / f"{name}.csv")


class TestData:
    @pytest.mark.parametrize(
        ("name", "rows"), [("flights", 51_955), ("weather", 4_236), ("planes", 3_322), ("airlines", 16)]
    )
    def test_the_readme_gives_the_number_of_rows(self, name: str, rows: int) -> None:
        assert read(name).num_rows == rows
        assert f"| `{name}.csv` | {rows:,} |" in (DATA / "README.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("name", "keys", "without"),
        [("weather", ["origin", "time_hour"], 81), ("planes", ["tailnum"], 8_813), ("airlines", ["carrier"], 0)],
    )
    def test_the_tables_join(self, name: str, keys: list[str], without: int) -> None:
        other = read(name).select(keys)
        assert other.group_by(keys).aggregate([]).num_rows == other.num_rows, "the keys are unique"
        assert read("flights").join(other, keys=keys, join_type="left anti").num_rows == without

    @pytest.mark.parametrize("name", ["flights", "weather", "planes", "airlines"])
    def test_a_missing_value_is_an_empty_cell(self, name: str) -> None:
        assert ",NA," not in (DATA / f"{name}.csv").read_text(encoding="utf-8")
