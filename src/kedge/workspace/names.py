"""Names and versions that a workspace may have; each check returns the text, or says what to write instead."""

from __future__ import annotations

__all__ = [
    "check_class_name",
    "check_module_name",
    "check_tool_name",
    "check_version",
    "check_workspace_name",
    "class_name_of",
    "module_name_of",
]

import builtins
import keyword
import re
import unicodedata

from kedge.exceptions import UsageError

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,3}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE | re.ASCII)
_LONGEST = 40
"""Letters of a tool's name: its files have longer names, and some systems have short paths."""


def check_version(text: str) -> str:
    """A version of one to four numbers. Raises UsageError for anything else."""
    if not _VERSION.fullmatch(text):
        raise UsageError(f"{text!r} is no version: write one to four numbers with dots between them, for example 1.0")
    return text


def check_class_name(text: str) -> str:
    """The name of a Python class. Raises UsageError for what cannot be one."""
    if not text.isidentifier() or keyword.iskeyword(text):
        raise UsageError(f"{text!r} is no name of a Python class{_write_instead(text)}")
    return text


def check_module_name(text: str) -> str:
    """A name that can be imported. Raises UsageError for what cannot."""
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split(".")):
        raise UsageError(f"{text!r} is no name of a Python module: write one that can be imported, as ayx_plugins")
    return text


def check_tool_name(text: str) -> str:
    """The name of a new tool: a class, a module, a folder and a part of workflow files at once.

    So it takes letters of English, digits and underscores. Raises UsageError that proposes a name.
    """
    if len(text) > _LONGEST:
        raise UsageError(
            f"{text!r} cannot be the name of a tool, it has {len(text)} letters: write one of {_LONGEST} at most"
        )
    if not _PLAIN.fullmatch(text) or keyword.iskeyword(text) or keyword.iskeyword(text.lower()):
        raise UsageError(f"{text!r} cannot be the name of a tool{_write_instead(text)}")
    if hasattr(builtins, text) or _DEVICE.fullmatch(text):
        raise UsageError(
            f"{text!r} cannot be the name of a tool, it means something already: write {class_name_of(text)}Tool"
        )
    return text


def check_workspace_name(text: str) -> str:
    """The name of a new workspace's folder. Raises UsageError that proposes a name."""
    if not _FOLDER.fullmatch(text) or _DEVICE.fullmatch(text):
        proposed = re.sub(r"[^a-z0-9]+", "-", _plain(text).lower()).strip("-")
        instead = f", for example {proposed}" if _FOLDER.fullmatch(proposed) and not _DEVICE.fullmatch(proposed) else ""
        raise UsageError(
            f"{text!r} cannot be the name of a workspace's folder: write letters, digits and hyphens{instead}; "
            "--title takes any text"
        )
    return text


def class_name_of(title: str) -> str:
    """A title in one word: ``A test tool`` is ``ATestTool``; empty where nothing is left of it."""
    words = re.findall(r"[A-Za-z0-9_]+", _plain(title))
    return "".join(word[0].upper() + word[1:] for word in words).lstrip("0123456789_")


def module_name_of(class_name: str) -> str:
    """The module of a class: ``LLMConnect`` is in ``llm_connect``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


def _plain(text: str) -> str:
    """The text in letters of English, as far as it goes: without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _write_instead(text: str) -> str:
    proposed = class_name_of(text)
    if keyword.iskeyword(proposed) or keyword.iskeyword(proposed.lower()):
        proposed += "Tool"
    if not _PLAIN.fullmatch(proposed):
        return ": write a letter of English, then letters, digits and underscores, for example CleanNames"
    return f": write {proposed}"
