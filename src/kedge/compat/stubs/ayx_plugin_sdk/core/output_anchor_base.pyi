# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import OutputAnchorBase as OutputAnchorBase

__all__ = ['OutputAnchorBase']
