"""A file appears when it is whole, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kedge.exceptions import UsageError
from kedge.host.atomic_file import AtomicFile


@pytest.fixture(params=["nameless", "partial"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path in an empty directory, with and without support for files that have no name."""
    if request.param == "partial":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return tmp_path / "out.csv"


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


class TestCommit:
    """After ``commit`` the file is there, whole."""

    def test_it_has_what_was_written(self, path: Path) -> None:
        file = AtomicFile(path)
        file.stream.write(b"content")
        assert "out.csv" not in names(path)
        file.commit()
        assert path.read_bytes() == b"content"
        assert names(path) == ["out.csv"]

    def test_it_replaces_an_older_file_and_keeps_its_permissions(self, path: Path) -> None:
        path.write_text("old")
        path.chmod(0o640)
        file = AtomicFile(path)
        file.stream.write(b"new")
        assert path.read_text() == "old"
        file.commit()
        assert path.read_text() == "new"
        assert path.stat().st_mode & 0o777 == 0o640

    def test_it_has_ordinary_permissions(self, path: Path) -> None:
        ordinary = path.with_name("ordinary")
        ordinary.touch()
        AtomicFile(path).commit()
        assert path.stat().st_mode == ordinary.stat().st_mode

    def test_it_may_be_closed_by_its_writer_before(self, path: Path) -> None:
        file = AtomicFile(path)
        file.stream.write(b"content")
        file.stream.close()
        file.commit()
        assert path.read_bytes() == b"content"

    def test_a_link_keeps_pointing_to_it(self, path: Path) -> None:
        target = path.with_name("target.csv")
        target.write_text("old")
        path.symlink_to(target)
        file = AtomicFile(path)
        file.stream.write(b"new")
        file.commit()
        assert path.is_symlink()
        assert target.read_text() == "new"


class TestDiscard:
    """After ``discard`` nothing has changed."""

    def test_no_file_is_left(self, path: Path) -> None:
        file = AtomicFile(path)
        file.stream.write(b"content")
        file.discard()
        file.discard()
        assert names(path) == []

    def test_an_older_file_stays(self, path: Path) -> None:
        path.write_text("old")
        file = AtomicFile(path)
        file.stream.write(b"new")
        file.discard()
        assert path.read_text() == "old"
        assert names(path) == ["out.csv"]

    def test_after_commit_it_does_nothing(self, path: Path) -> None:
        file = AtomicFile(path)
        file.commit()
        file.discard()
        assert names(path) == ["out.csv"]

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no nameless files")
    def test_a_killed_process_leaves_nothing(self, tmp_path: Path) -> None:
        code = (
            "import os, pathlib, sys; from kedge.host.atomic_file import AtomicFile;"
            "file = AtomicFile(pathlib.Path(sys.argv[1])); file.stream.write(b'content'); file.stream.flush();"
            "os.kill(os.getpid(), 9)"
        )
        ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out.csv")], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert list(tmp_path.iterdir()) == []


class TestWrongPaths:
    """A path that cannot be written is refused before anything is written."""

    def test_a_missing_directory(self, path: Path) -> None:
        with pytest.raises(UsageError, match=r"out\.csv cannot be written: there is no directory .*nowhere"):
            AtomicFile(path.parent / "nowhere" / "out.csv")

    def test_a_directory(self, path: Path) -> None:
        with pytest.raises(UsageError, match="is a directory; name a file in it"):
            AtomicFile(path.parent)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe(self, path: Path) -> None:
        os.mkfifo(path)
        with pytest.raises(UsageError, match=r"out\.csv is no regular file"):
            AtomicFile(path)

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows write everywhere")
    def test_a_read_only_file_and_directory(self, path: Path) -> None:
        path.touch(0o400)
        with pytest.raises(UsageError, match=r"out\.csv is read-only"):
            AtomicFile(path)
        path.parent.chmod(0o500)
        with pytest.raises(UsageError, match=r"new\.csv cannot be written: Permission denied"):
            AtomicFile(path.with_name("new.csv"))

    @pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
    def test_a_full_disk_is_an_error_at_commit_and_leaves_nothing(self, path: Path) -> None:
        file = AtomicFile(path)
        file.stream.close()
        file.stream = Path("/dev/full").open("wb")  # noqa: SIM115 - closed by commit
        file.stream.write(b"content")
        with pytest.raises(UsageError, match=r"out\.csv cannot be written: No space left on device"):
            file.commit()
        assert names(path) == []
