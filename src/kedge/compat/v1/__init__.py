"""SDK V1: its plugin class, what a V1 tool is given, and the adapter that lets it run as a V2 tool does."""

from __future__ import annotations

from kedge.compat.v1.adapter import adapt
from kedge.compat.v1.packets import RecordPacket
from kedge.compat.v1.plugin import Plugin, register_plugin

__all__ = ["Plugin", "RecordPacket", "adapt", "register_plugin"]
