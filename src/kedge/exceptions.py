"""Every error that Kedge raises, sorted by who has to act on it.

``KedgeError`` is the root. Tool code knows ``WorkflowRuntimeError``, ``AnchorNotFoundException``, ``DcmEError`` and
``DcmEException`` from the SDK's public interface; the rest is for whoever runs tools.
"""

from __future__ import annotations

__all__ = [
    "AnchorNotFoundException",
    "DcmEError",
    "DcmEException",
    "EngineGone",
    "FormulaError",
    "KedgeError",
    "ProtocolError",
    "SettingsError",
    "ToolCrashed",
    "ToolError",
    "ToolStartError",
    "ToolTimeout",
    "UsageError",
    "WorkflowError",
    "WorkflowRuntimeError",
]


class KedgeError(Exception):
    """The root of all errors raised by Kedge."""


class UsageError(KedgeError):
    """The caller asked for something that cannot be: a bad file, an unknown anchor, a wrong configuration."""


class SettingsError(UsageError):
    """A configuration does not fit the settings that the tool declares.

    ``problems`` are all that is wrong with it, each with its XML path, the value and what is allowed.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        head = "the configuration does not fit the tool's settings:"
        super().__init__(f"{head} {problems[0]}" if len(problems) == 1 else "\n  ".join([head, *problems]))
        self.problems = problems


class ToolError(KedgeError):
    """The tool reported an error or raised an exception; its author has to act.

    ``messages`` are the error texts in the order in which they came, tracebacks included.
    """

    def __init__(self, text: str, messages: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.messages = messages


class _ProcessError(KedgeError):
    """What went wrong with a tool process: a ``headline``, and the last lines that the process wrote to stderr."""

    def __init__(self, headline: str, stderr_tail: tuple[str, ...] = ()) -> None:
        super().__init__(headline)
        self.headline = headline
        self.stderr_tail = stderr_tail

    def __str__(self) -> str:
        if not self.stderr_tail:
            return self.headline
        return "\n".join(
            [f"{self.headline}\nthe last lines of its stderr:", *(f"  {line}" for line in self.stderr_tail)]
        )


class ToolStartError(_ProcessError):
    """A tool could not be loaded, or its process ended or fell silent before it served.

    ``stderr_tail`` holds the last lines that the process wrote to stderr; empty when no process was started.
    """


class ToolCrashed(_ProcessError):
    """A tool process ended in the middle of a run.

    ``cause`` is the exit code or the signal in words, ``stderr_tail`` the last lines that the process wrote to stderr,
    ``stack`` the Python stack at the fault, as far as the process could still write one (empty otherwise).
    """

    def __init__(
        self, headline: str, cause: str, stderr_tail: tuple[str, ...] = (), stack: tuple[str, ...] = ()
    ) -> None:
        super().__init__(headline, stderr_tail)
        self.cause = cause
        self.stack = stack


class ToolTimeout(KedgeError):
    """A run took longer than it was given. ``stack`` says in which callback the tool was, and where; empty in none."""

    def __init__(self, headline: str, stack: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join([headline, *stack]))
        self.stack = stack


class ProtocolError(KedgeError):
    """The peer broke the two-stream protocol."""


class EngineGone(KedgeError):
    """The engine went away while the tool still needed it."""


class WorkflowError(KedgeError):
    """A workflow cannot be read, planned or run. ``tool_id`` and ``tool_name`` say where, when one tool is to blame."""

    def __init__(self, text: str, tool_id: int | None = None, tool_name: str | None = None) -> None:
        super().__init__(text)
        self.tool_id = tool_id
        self.tool_name = tool_name


class FormulaError(WorkflowError):
    """An expression cannot be read, or does not fit the fields that it is used on.

    ``problem`` says what is wrong and what to do, ``expression`` is the whole text, ``line`` and ``column``
    count from 1. The error's text shows the line with a caret below the place.
    """

    def __init__(self, problem: str, expression: str, line: int, column: int, tool_id: int | None = None) -> None:
        source = expression.split("\n")[line - 1]
        caret = " " * (column - 1) + "^"
        super().__init__(f"{problem} (line {line}, column {column})\n    {source}\n    {caret}", tool_id)
        self.problem = problem
        self.expression = expression
        self.line = line
        self.column = column


class WorkflowRuntimeError(KedgeError):
    """Raised by a tool to end the run with a message to its user; shown without a traceback."""


class AnchorNotFoundException(KedgeError):
    """A tool asked for an anchor that its configuration does not have."""


class DcmEError(KedgeError):
    """An error that the connection manager answered with: ``message``, ``error_code`` and perhaps ``detail``."""

    def __init__(self, message: str, error_code: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.detail = detail


class DcmEException(KedgeError):
    """A call to the connection manager failed; ``dcm_error`` says how."""

    def __init__(self, msg: str, error: DcmEError) -> None:
        super().__init__(msg)
        self.dcm_error = error
