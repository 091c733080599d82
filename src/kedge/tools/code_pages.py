"""Windows code page numbers, as workflow files name encodings, and Python's names for them."""

from __future__ import annotations

__all__ = ["encoding_of"]

import codecs

from kedge.exceptions import WorkflowError

NAMES = {
    65001: "utf-8",
    28591: "latin-1",
    1200: "utf-16-le",
    1201: "utf-16-be",
    12000: "utf-32-le",
    12001: "utf-32-be",
    20127: "ascii",
    932: "cp932",
    936: "gb18030",
    54936: "gb18030",
    51949: "euc-kr",
    51932: "euc-jp",
    20866: "koi8-r",
    21866: "koi8-u",
    10000: "mac-roman",
    65000: "utf-7",
}


def encoding_of(page: int, place: str) -> str:
    """Return Python's name of a code page; ``place`` is the XML path for the error, a ``WorkflowError``."""
    name = f"iso8859-{page - 28590}" if 28592 <= page <= 28606 else NAMES.get(page, f"cp{page}")
    try:
        return NAMES.get(page) or codecs.lookup(name).name
    except LookupError:
        raise WorkflowError(f"{place}: there is no code page {page}; 65001 is UTF-8") from None
