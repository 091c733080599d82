"""Options that a terminal is asked for, and a pipe is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Question", "complete"]


class Question(NamedTuple):
    """An option: what it is asked as, its default (None where one must be given), and what may be answered.

    ``check`` raises UsageError for a wrong answer; a terminal is then asked again.
    """

    text: str
    default: str | None = None
    choices: Sequence[str] = ()
    check: Callable[[str], object] | None = None


def complete(
    command: str, given: Mapping[str, str | None], questions: Mapping[str, Question], *, ask: bool
) -> dict[str, str]:
    """Return an answer to every question: what was given, what a terminal answers, or the default.

    Without ``ask``, or where stdin is no terminal, nothing is asked. Raises UsageError that lists the options of
    ``command`` where one that must be given is missing.
    """
    if ask and sys.stdin.isatty():
        return {name: given[name] or _asked(question) for name, question in questions.items()}
    missing = [name for name, question in questions.items() if not given[name] and question.default is None]
    if missing:
        raise UsageError(f"{command} lacks {' and '.join(missing)}; its options:\n{_options(questions)}")
    return {name: given[name] or question.default or "" for name, question in questions.items()}


def _asked(question: Question) -> str:
    import typer

    text = f"{question.text} ({', '.join(question.choices)})" if question.choices else question.text
    while True:
        answer = str(typer.prompt(text, default=question.default, err=True)).strip()
        try:
            if question.check is not None:
                question.check(answer)
        except UsageError as error:
            print(error, file=sys.stderr)
        else:
            return answer


def _options(questions: Mapping[str, Question]) -> str:
    width = max(map(len, questions))
    lines = []
    for name, question in questions.items():
        default = "required" if question.default is None else f"[{question.default}]" if question.default else ""
        lines.append(f"  {name:{width}}  {question.text} {default}".rstrip())
        lines += [f"  {'':{width}}    {choice}" for choice in question.choices]
    return "\n".join(lines)
