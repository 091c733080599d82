# Written by python -m kedge.compat.stub_files.
from kedge.compat.v1.packets import RecordPacket as RecordPacket
from kedge.compat.bases import RecordPacketBase as RecordPacketBase

__all__ = ['RecordPacket', 'RecordPacketBase']
