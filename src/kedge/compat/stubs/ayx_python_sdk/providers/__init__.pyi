# Written by python -m kedge.compat.stub_files.
from ayx_python_sdk.providers import amp_provider as amp_provider

__all__ = []
