# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import DcmBase as DcmBase

__all__ = ['DcmBase']
