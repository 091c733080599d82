# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import ProviderBase as ProviderBase

__all__ = ['ProviderBase']
