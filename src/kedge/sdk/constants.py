"""Small values that tools and engines agree on."""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag
from typing import NamedTuple

__all__ = [
    "AWAIT_TIMEOUT",
    "AYX_PROXY_CRED_REQ_KEY",
    "AYX_PROXY_PASSWORD_KEY",
    "AYX_PROXY_USERNAME_KEY",
    "NULL_VALUE_PLACEHOLDER",
    "Anchor",
    "MessageType",
    "Priority",
    "UpdateMode",
]

NULL_VALUE_PLACEHOLDER = "AYX_SDK_NULL_VALUE_PLACEHOLDER"
AWAIT_TIMEOUT = 5.0
"""Seconds; part of the SDK's interface, nothing in Kedge waits by it."""

AYX_PROXY_CRED_REQ_KEY = "ProxyRequiresCredentials"
AYX_PROXY_USERNAME_KEY = "ProxyCommonUserName"
AYX_PROXY_PASSWORD_KEY = "ProxyCommonPassword"  # noqa: S105 - the name of a key, not a password


class Anchor(NamedTuple):
    """Where a batch comes from: the incoming anchor's name and the name of one connection on it (``#1``, ``#2``, …)."""

    name: str
    connection: str


class UpdateMode(str, Enum):
    """Why the engine started the tool: a run, or only to learn what it would announce."""

    NO_UPDATE_MODE = ""
    QUICK = "Quick"
    FULL = "Full"


class MessageType(IntEnum):
    """What a message to the engine is; the numbers of protocol version 2."""

    NONE = 0
    INFO = 1
    WARN = 2
    ERROR = 3
    FILEINPUT = 8
    FILEOUTPUT = 9
    UPDATE_CONFIG = 11


class Priority(IntFlag):
    """How prominently the engine shows a message; the flags of protocol version 2."""

    NONE = 0
    MEDIUM = 1
    HIGH = 2
    TRANSIENT = 4
    SKIP_TOOL_NAME = 8
    NO_DUPLICATES = 16
