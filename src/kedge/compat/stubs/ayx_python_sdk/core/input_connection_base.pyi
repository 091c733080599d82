# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import InputConnectionBase as InputConnectionBase
from kedge.compat.bases import InputConnectionStatus as InputConnectionStatus

__all__ = ['InputConnectionBase', 'InputConnectionStatus']
