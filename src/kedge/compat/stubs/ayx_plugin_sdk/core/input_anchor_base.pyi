# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import InputAnchorBase as InputAnchorBase

__all__ = ['InputAnchorBase']
