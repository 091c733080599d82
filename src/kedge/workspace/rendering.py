"""The templates of scaffolds, filled in by jinja2."""

from __future__ import annotations

__all__ = ["render_template"]

from functools import cache
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from jinja2 import Environment


def render_template(name: str, **values: Any) -> bytes:
    """Return a template of ``kedge.workspace.templates``, filled in, as UTF-8 text.

    Raises UsageError where jinja2 is not installed.
    """
    return _environment().get_template(f"{name}.j2").render(**values).encode()


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    except ImportError:
        raise UsageError("scaffolds need jinja2, which is not installed: pip install 'kedge[workshop]'") from None
    # What is made is source code, and pages, whose parts that are no HTML are taken as they are.
    return Environment(
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        loader=PackageLoader("kedge.workspace"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
