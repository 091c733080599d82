"""The runner of snippets does what its convention says, and notices a page that is wrong."""

import os
from pathlib import Path

import pytest

from tests.docs.snippets import Command, Snippet, SnippetError, commands, read, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pages are written for a POSIX shell")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


class TestRead:
    def test_blocks_are_found_in_order_with_their_lines_titles_and_outputs(self, page: Path) -> None:
        page.write_text(
            '# Page\n\n```csv title="people.csv"\nname\nAda\n```\n\n'
            "* in a list\n\n  ```python\n  print(1)\n  ```\n\n```output\n1\n```\n\n```text\nonly shown\n```\n"
        )
        assert read(page) == [
            Snippet("page.md:3", "file", "name\nAda\n", title="people.csv"),
            Snippet("page.md:10", "python", "print(1)\n", output="1\n"),
        ]

    def test_a_block_marked_with_a_reason_is_not_run(self, page: Path) -> None:
        page.write_text("<!-- not run: it never ends -->\n```bash\nyes\n```\n\n```bash\ntrue\n```\n")
        assert [snippet.text for snippet in read(page)] == ["true\n"]

    def test_a_mark_without_a_reason_is_no_mark(self, page: Path) -> None:
        page.write_text("<!-- not run: -->\n```bash\ntrue\n```\n")
        assert [snippet.text for snippet in read(page)] == ["true\n"]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("```sh\ntrue\n```\n", "page.md:1: language 'sh' is none of console, bash"),
            ("```\ntrue\n```\n", "page.md:1: language '' is none of"),
            ("```output\n1\n```\n", "page.md:1: output without"),
            ("!!! note\n\n    ```bash\n    true\n    ```\n", "page.md:3: a fence inside an indented block"),
        ],
    )
    def test_nothing_is_passed_over_in_silence(self, page: Path, text: str, says: str) -> None:
        page.write_text(text)
        with pytest.raises(SnippetError, match=says):
            read(page)


class TestCommands:
    def test_a_command_has_its_continuation_and_its_output(self) -> None:
        block = Snippet("page.md:1", "console", "$ cat <<END\n> one\n> END\none\n$ true\n$ echo two\ntwo\n\n> 3\n")
        assert commands(block) == [
            Command("cat <<END\none\nEND", "one\n"),
            Command("true", ""),
            Command("echo two", "two\n\n> 3\n"),
        ]

    def test_output_before_any_command_is_an_error(self) -> None:
        with pytest.raises(SnippetError, match=r"page.md:1: a console block begins with a command"):
            commands(Snippet("page.md:1", "console", "one\n"))


class TestRun:
    def test_a_page_that_is_right(self, page: Path, folder: Path) -> None:
        """Files, scripts and commands share the folder, and commands of a block their shell."""
        page.write_text(
            '```text title="people.csv"\nname\nAda\n```\n\n'
            '```python\nprint(open("people.csv").read())\n```\n\n```output\nname\nAda\n```\n\n'
            "```bash\nmkdir sub\necho 1 2 3 4\n```\n\n```output\n1 ... 4\n```\n\n"
            "```console\n$ cd sub\n$ pwd\n.../work/sub\n$ ls ..\n...\npeople.csv\nsub\n"
            "$ echo seen >&2; (exit 3)\nseen\n$ echo $?\n3\n$ echo not shown\n```\n"
        )
        run(page, folder)
        assert (folder / "people.csv").read_text() == "name\nAda\n"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("```console\n$ echo one\ntwo\n```\n", r"(?s)page.md:1: `echo one`.*Expected:.*two.*Got:.*one"),
            ("```console\n$ (exit 3)\n```\n", r"page.md:1: `\(exit 3\)` ended with status 3"),
            ("```console\n$ (exit 3)\n$ true\n```\n", r"page.md:1: `\(exit 3\)` ended with status 3"),
            ("```console\n$ exit 0\n```\n", r"page.md:1: the shell ended in `exit 0`"),
            ("```bash\nfalse\ntrue\n```\n", r"page.md:1: `bash` ended with status 1"),
            ("```python\n1 / 0\n```\n", r"(?s)page.md:1: `python` ended with status 1.*ZeroDivisionError"),
            ("```python\nprint(1)\n```\n\n```output\n2\n```\n", r"(?s)page.md:1\nExpected:.*2.*Got:.*1"),
        ],
    )
    def test_a_page_that_is_wrong(self, page: Path, folder: Path, text: str, says: str) -> None:
        page.write_text(text)
        with pytest.raises(SnippetError, match=says):
            run(page, folder)

    def test_commands_are_those_of_this_environment(self, page: Path, folder: Path) -> None:
        page.write_text("```console\n$ python -c 'import pytest'\n$ pytest --version\npytest ...\n```\n")
        run(page, folder)
