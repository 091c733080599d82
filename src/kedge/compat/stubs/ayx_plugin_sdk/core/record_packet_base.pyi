# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import RecordPacketBase as RecordPacketBase

__all__ = ['RecordPacketBase']
