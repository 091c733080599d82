# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import IoBase as IoBase

__all__ = ['IoBase']
