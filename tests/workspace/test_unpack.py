"""A package is unpacked whole, or refused with the member named, and nothing lands outside of its folder."""

import io
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kedge.exceptions import UsageError
from kedge.workspace.unpack import LIMITS, Limits, storable_name, unpack

CONFIG = b"<AlteryxJavaScriptPlugin/>"


def package(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of two members of one name
        for name, content in (("Config.xml", CONFIG), *members):
            archive.writestr(name, content)
    return data.getvalue()


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "into"
    folder.mkdir(parents=True)
    return folder


def refused(data: bytes, into: Path, *texts: str, limits: Limits = LIMITS) -> None:
    """The package is refused with these words, and no file is anywhere."""
    file = into.parents[1] / "bad.yxi"
    file.write_bytes(data)
    with pytest.raises(UsageError) as error:
        unpack(file, into, limits)
    for text in (str(file), *texts):
        assert text in str(error.value)
    assert [path for path in into.parent.rglob("*") if path != into] == []


class TestGoodPackages:
    def test_every_file_is_unpacked_as_it_was(self, into: Path) -> None:
        file = into.parent / "good.yxi"
        file.write_bytes(package(("Clean_1_0/main.pyz", b"x" * 100_000), ("Clean_1_0/ui/", b""), ("ä/ü.txt", b"")))
        assert [str(path) for path in unpack(file, into)] == ["Config.xml", "Clean_1_0/main.pyz", "ä/ü.txt"]
        assert (into / "Clean_1_0" / "main.pyz").read_bytes() == b"x" * 100_000
        assert (into / "Clean_1_0" / "ui").is_dir()

    def test_separators_of_windows_are_separators(self, into: Path) -> None:
        file = into.parent / "good.yxi"
        file.write_bytes(package(("Clean\\icon.png", b"png")))
        unpack(file, into)
        assert (into / "Clean" / "icon.png").read_bytes() == b"png"


class TestHostilePackages:
    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("../evil.txt", "leads out of the package by '..'"),
            ("a/../../evil.txt", "leads out of the package"),
            ("a\\..\\..\\evil.txt", "leads out of the package"),
            ("/etc/evil", "has an absolute path"),
            ("\\\\server\\share\\evil", "has an absolute path"),
            ("C:\\evil.txt", "has an absolute path"),
            ("c:evil.txt", "has an absolute path"),
            ("a/nul.txt", "not every system can store ('nul.txt')"),
            ("a/COM1", "not every system can store"),
            ("a/name.", "not every system can store"),
            ("a/what?.txt", "not every system can store"),
            ("a/main.pyz:hidden", "not every system can store"),
            ("x" * 300, "not every system can store"),
            ("a/\x07bell", "cannot be shown"),
        ],
    )
    def test_a_name_that_leads_elsewhere_is_refused(self, into: Path, name: str, says: str) -> None:
        refused(package((name, b"evil")), into, says, "nothing was unpacked")

    def test_a_symbolic_link_is_refused(self, into: Path) -> None:
        link = with_mode("Clean/link", stat.S_IFLNK | 0o777)
        refused(package((link, b"/etc/passwd"), ("Clean/link/x", b"")), into, "'Clean/link' is a symbolic link")

    def test_a_special_file_is_refused(self, into: Path) -> None:
        refused(package((with_mode("pipe", stat.S_IFIFO | 0o666), b"")), into, "'pipe' is no regular file")

    @pytest.mark.parametrize("other", ["clean/MAIN.PYZ", "Clean/main.pyz", "Clean\\main.pyz", "./Clean//main.pyz"])
    def test_two_members_that_are_one_file_are_refused(self, into: Path, other: str) -> None:
        refused(package(("Clean/main.pyz", b"1"), (other, b"2")), into, "'Clean/main.pyz'", "are one file")

    def test_names_that_differ_in_how_unicode_is_written_are_one(self, into: Path) -> None:
        refused(package(("\u00e9.txt", b"1"), ("e\u0301.txt", b"2")), into, "are one file")

    def test_a_file_that_is_the_folder_of_another_is_refused(self, into: Path) -> None:
        refused(package(("a", b"1"), ("A/b", b"2")), into, "the member 'a' is a folder of 'A/b'")

    def test_more_members_than_any_package_needs_are_refused(self, into: Path) -> None:
        members = [(f"{number}", b"") for number in range(20)]
        refused(package(*members), into, "21 members", limits=Limits(members=20))

    def test_an_encrypted_member_is_refused(self, into: Path) -> None:
        data = bytearray(package(("secret", b"x")))
        place = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
        data[place + 8] |= 1
        refused(bytes(data), into, "'secret' is encrypted")

    def test_a_method_that_nobody_uses_for_packages_is_refused(self, into: Path) -> None:
        refused(package(("x", b"x" * 100), method=zipfile.ZIP_BZIP2), into, "packed by the method 12")


def with_sizes(data: bytes, name: bytes, size: int, packed: int | None = None) -> bytes:
    """The archive with other sizes of one member in its directory and before the member."""
    changed = bytearray(data)
    for magic, offset, name_offset in ((b"PK\x01\x02", 20, 46), (b"PK\x03\x04", 18, 30)):
        place = changed.index(name) - name_offset
        while changed[place : place + 4] != magic:
            place = changed.index(name, place + name_offset + 1) - name_offset
        old_packed = struct.unpack_from("<I", changed, place + offset)[0]
        struct.pack_into("<II", changed, place + offset, old_packed if packed is None else packed, size)
    return bytes(changed)


class TestSizes:
    def test_a_member_that_swells_is_refused(self, into: Path) -> None:
        refused(package(("zeros", bytes(20 << 20))), into, "'zeros' would swell from", "to 20,971,520 bytes")

    def test_a_member_larger_than_a_package_may_be_is_refused(self, into: Path) -> None:
        data = with_sizes(package(("big.bin", b"x" * 1000)), b"big.bin", 0xFFFFFFF0)
        refused(data, into, "'big.bin' would take 4,294,967,280 bytes", limits=Limits(total=1 << 30))

    def test_ten_gigabytes_in_one_member_are_refused(self, into: Path) -> None:
        info = zipfile.ZipInfo("huge.bin")
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr(info, b"")
            info.file_size = info.compress_size = 10 << 30  # only the directory says so
        refused(data.getvalue(), into, "'huge.bin' would take 10,737,418,240 bytes")

    def test_many_members_that_are_large_together_are_refused(self, into: Path) -> None:
        members = [(f"{number}", b"x" * 1000) for number in range(11)]
        refused(package(*members), into, "would take 11,026 bytes unpacked", limits=Limits(total=11_000))

    def test_a_member_that_says_less_than_it_holds_is_cut_off_there(self, into: Path) -> None:
        """Two hundred megabytes that say that they are a hundred bytes are never written."""
        file = into.parent / "lying.yxi"
        file.write_bytes(with_sizes(package(("lying", bytes(200 << 20))), b"lying", 100))
        with pytest.raises(UsageError, match="the member 'lying' is damaged: bad CRC-32"):
            unpack(file, into)
        assert (into / "lying").stat().st_size <= 100

    def test_a_member_that_says_more_than_it_holds_is_damaged(self, into: Path) -> None:
        file = into.parent / "short.yxi"
        file.write_bytes(with_sizes(package(("short", b"x" * 100)), b"short", 1000))
        with pytest.raises(UsageError, match="the member 'short' is damaged"):
            unpack(file, into)


class TestNoPackages:
    @pytest.mark.parametrize("data", [b"", b"PK", b"not a zip file at all", package()[:-10]])
    def test_what_is_no_zip_file_is_named(self, into: Path, data: bytes) -> None:
        refused(data, into, "is no .yxi package", "get it again")

    def test_a_file_that_is_not_there_is_named(self, into: Path) -> None:
        with pytest.raises(UsageError, match=r"none\.yxi cannot be used: No such file"):
            unpack(into / "none.yxi", into)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(place=st.integers(0, 400), value=st.integers(0, 255))
    @example(place=230, value=64)  # a version of the format that is not read
    def test_one_changed_byte_unpacks_or_is_refused(self, into: Path, place: int, value: int) -> None:
        """Whatever the byte, nothing else than the package's own errors comes out, and nothing lands elsewhere."""
        data = bytearray(package(("Clean/main.pyz", b"x" * 50), ("Clean/icon.png", b"y" * 50)))
        data[place % len(data)] = value
        file = into.parent / "changed.yxi"
        file.write_bytes(data)
        target = into / f"{place}-{value}"
        target.mkdir(exist_ok=True)
        try:
            for path in unpack(file, target):
                (target / path).unlink()
        except UsageError:
            pass
        assert sorted(path.name for path in into.parent.iterdir()) == ["changed.yxi", "into"]


class TestStorableName:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("My Tools", "My_Tools"),
            (" a. ", "a"),
            ("a/b\\c", "a_b_c"),
            ("..", "package_"),
            ("nul", "package_nul"),
            ("Größe 2", "Größe_2"),
        ],
    )
    def test_it_is_one_that_every_system_can_store(self, text: str, name: str) -> None:
        assert storable_name(text) == name
