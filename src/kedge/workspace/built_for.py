"""For which Python and system the archive of a tool is built."""

from __future__ import annotations

__all__ = ["BuiltFor", "built_for"]

import re
import sys
from typing import NamedTuple

from kedge.exceptions import UsageError

_PLATFORMS = {
    "linux": ("linux", "Linux", "posix", "x86_64-unknown-linux-gnu"),
    "macos": ("darwin", "Darwin", "posix", "aarch64-apple-darwin"),
    "windows": ("win32", "Windows", "nt", "x86_64-pc-windows-msvc"),
}


class BuiltFor(NamedTuple):
    """``python`` is a version such as 3.10, ``platform`` what ``sys.platform`` is there.

    ``triple`` is the resolver's name of the system, empty for this one.
    """

    python: str
    platform: str
    triple: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is this interpreter's version, on this system."""
        return not self.triple

    def markers(self) -> dict[str, str]:
        """The environment in which markers of requirements are evaluated, as far as it differs from this one's."""
        if self.is_here:
            return {}
        _, system, name, _ = next(entry for entry in _PLATFORMS.values() if entry[0] == self.platform)
        machine = "arm64" if self.platform == "darwin" else "AMD64" if self.platform == "win32" else "x86_64"
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "sys_platform": self.platform,
            "platform_system": system,
            "os_name": name,
            "platform_machine": machine,
        }


def built_for(python: str = "", platform: str = "") -> BuiltFor:
    """The target of those names, this interpreter and this system where they are empty.

    ``platform`` is linux, macos or windows: the usual machine of each. Raises UsageError for another name or version.
    """
    here = BuiltFor("{}.{}".format(*sys.version_info), sys.platform)
    if platform and platform not in _PLATFORMS:
        raise UsageError(f"--platform {platform}: write one of {', '.join(_PLATFORMS)}")
    if python and not re.fullmatch(r"3\.[1-9]\d", python):
        raise UsageError(f"--python {python}: write a version such as 3.10, which is the oldest that Kedge runs on")
    names = {entry[0]: name for name, entry in _PLATFORMS.items()}
    if not platform and python in ("", here.python):
        return here
    named = platform or names.get(sys.platform, "linux")
    return BuiltFor(python or here.python, _PLATFORMS[named][0], _PLATFORMS[named][3])
