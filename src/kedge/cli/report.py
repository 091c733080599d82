"""The JSON document of ``--report``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import kedge
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.host.results import ToolResult

__all__ = ["peak_memory", "require_folder", "tool_report", "write_report"]


def tool_report(tool: str, result: ToolResult | None, error: BaseException | None) -> dict[str, Any]:
    """What a run gave, or why it gave nothing. Bytes as Arrow counts them, times in seconds, memory in bytes."""
    report: dict[str, Any] = {
        "kedge": kedge.__version__,
        "tool": tool,
        "status": "failed" if error is not None else "ok" if result is not None and result.ok else "error",
    }
    if error is not None:
        report["error"] = _described(error)
    if result is not None:
        statistics = result.statistics
        report |= {
            "incoming": {name: figures._asdict() for name, figures in statistics.incoming.items()},
            "outgoing": {name: figures._asdict() for name, figures in statistics.outgoing.items()},
            "messages": [{"kind": m.kind.name.lower(), "text": m.text} for m in result.messages],
            "seconds": round(statistics.seconds, 6),
            "transport": None if statistics.transport is None else statistics.transport.as_json(),
            "tool_process": statistics.tool,
        }
    return report | {"peak_memory": peak_memory()}


def require_folder(path: Path) -> None:
    """Raise UsageError where the document could not be written for want of its folder; to be asked before the run."""
    if not path.parent.is_dir():
        raise UsageError(f"the report {path} cannot be written: there is no directory {path.parent}")


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write the document. Raises UsageError naming the file where it cannot be written."""
    try:
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the report {path} cannot be written: {error.strerror}") from error


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, KeyboardInterrupt):
        return {"type": "Interrupted", "text": str(error) or "interrupted"}
    described = {"type": type(error).__name__, "text": str(error)}
    details = {name: getattr(error, name) for name in ("cause", "stderr_tail", "stack") if getattr(error, name, None)}
    return {**described, **details}


def peak_memory() -> dict[str, int] | None:
    """The most memory that this process and the largest of its children held; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"host": own, "tool": children}
