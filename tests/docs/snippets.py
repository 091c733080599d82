"""The fenced blocks of a Markdown page, run in order in one folder, as a reader would run them.

Any block with ``title="people.csv"`` is a file, written into the folder. What the others mean, by language:

console
    Lines that begin with ``$ `` are commands, ``> `` continues one, and what follows is its output, stdout
    and stderr together, where ``...`` stands for anything. Where no output is shown, none is compared. The
    commands of a block run in one shell; each must succeed, unless the next one is ``echo $?``.
bash, python
    A program of its own, which must succeed. An ``output`` block after it holds what it prints.
those of `SHOWN`
    Nothing is run. Of the languages above neither where ``<!-- not run: reason -->`` comes before the block.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
RUN = ("console", "bash", "python")
SHOWN = ("text", "xml", "json", "toml", "yaml", "protobuf", "makefile")
TIMEOUT = 60  # seconds for one block
MARK = "--- end of command, status"


class SnippetError(AssertionError):
    """Raised when a page cannot be read, or does not do what it shows; says where."""


class Snippet(NamedTuple):
    """One block: `where` is page:line, `language` is ``file`` for a block with a title."""

    where: str
    language: str
    text: str
    title: str = ""
    output: str = ""


class Command(NamedTuple):
    """One command of a console block and the output that the page shows for it."""

    text: str
    output: str


def read(page: Path) -> list[Snippet]:
    """The blocks of a page that do something, in order, each with the output shown for it."""
    snippets: list[Snippet] = []
    for where, language, token, comment in _fences(page):
        title = re.search(r'\btitle="([^"]+)"', token.info)
        if title:
            snippets.append(Snippet(where, "file", token.content, title=title[1]))
        elif language == "output":
            if not snippets or snippets[-1].language not in ("bash", "python"):
                raise SnippetError(f"{where}: output without a bash or python block before it")
            snippets[-1] = snippets[-1]._replace(output=token.content)
        elif language in RUN:
            if not re.fullmatch(r"<!-- not run: .+ -->", comment):
                snippets.append(Snippet(where, language, token.content))
        elif language not in SHOWN:
            raise SnippetError(f"{where}: language {language!r} is none of {', '.join((*RUN, 'output', *SHOWN))}")
    return snippets


def _fences(page: Path) -> Iterator[tuple[str, str, Token, str]]:
    """Each fence as (page:line, language, token, the HTML comment right before it)."""
    comment = ""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{token.map[0] + 1}" if token.map else page.name
        if token.type == "fence":
            yield where, token.info.partition(" ")[0], token, comment
        elif token.type == "code_block" and "```" in token.content:
            raise SnippetError(f"{where}: a fence inside an indented block is not seen; indent it less")
        comment = token.content.strip() if token.type == "html_block" else ""


def commands(snippet: Snippet) -> list[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    for line in snippet.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], ""))
        elif not found:
            raise SnippetError(f"{snippet.where}: a console block begins with a command, '$ ...'")
        elif line.startswith("> ") and not found[-1].output:
            found[-1] = Command(f"{found[-1].text}\n{line[2:]}", "")
        else:
            found[-1] = Command(found[-1].text, f"{found[-1].output}{line}\n")
    return found


def run(page: Path, folder: Path) -> None:
    """Do what the page says, in `folder`, where ``examples`` is the repository's.

    Raises:
        SnippetError: at the first block that fails or prints something else than the page shows.
    """
    (folder / "examples").symlink_to(ROOT / "examples")
    for snippet in read(page):
        if snippet.language == "file":
            (folder / snippet.title).write_text(snippet.text, encoding="utf-8")
        elif snippet.language == "console":
            _run_console(snippet, folder)
        else:
            program = [sys.executable, "-"] if snippet.language == "python" else ["bash", "-eu", "-o", "pipefail"]
            ended = _execute(program, snippet.text, folder)
            _expect_success(snippet.where, snippet.language, ended.returncode, ended.stdout)
            _expect_output(snippet.where, snippet.output, ended.stdout)


def _run_console(snippet: Snippet, folder: Path) -> None:
    wanted = commands(snippet)
    after_each = f"status=$?; printf '\\n{MARK} %d\\n' $status; (exit $status)"
    script = "".join(f"{command.text}\n{after_each}\n" for command in wanted)
    printed = _execute(["bash"], script, folder).stdout
    ended = re.findall(rf"(.*?)\n{MARK} (\d+)\n", printed, flags=re.DOTALL)
    if len(ended) < len(wanted):
        raise SnippetError(f"{snippet.where}: the shell ended in `{wanted[len(ended)].text}`:\n{printed}")
    following = [*(command.text for command in wanted[1:]), ""]
    for command, then, (output, status) in zip(wanted, following, ended, strict=True):
        if then != "echo $?":
            _expect_success(snippet.where, command.text, int(status), output)
        _expect_output(f"{snippet.where}: `{command.text}`", command.output, output)


def _execute(program: list[str], text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `program` with `text` as its input; stdout and stderr come together."""
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        # What a page installs and remembers for its reader is the page's own; what it only caches serves them all.
        **{f"XDG_{kind}_HOME": str(folder / ".home" / kind.lower()) for kind in ("DATA", "STATE")},
        "XDG_CACHE_HOME": str(folder.parent / "pages-cache"),
    }
    return subprocess.run(
        program,
        input=text,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )


def _expect_success(where: str, what: str, status: int, output: str) -> None:
    if status:
        raise SnippetError(f"{where}: `{what}` ended with status {status}:\n{output}")


def _expect_output(where: str, shown: str, printed: str) -> None:
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS
    example = doctest.Example("", _stripped(shown))
    if shown and not checker.check_output(example.want, _stripped(printed), flags):
        raise SnippetError(f"{where}\n{checker.output_difference(example, _stripped(printed), flags)}")


def _stripped(text: str) -> str:
    """Without blanks at the ends of lines, and without empty lines at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"
