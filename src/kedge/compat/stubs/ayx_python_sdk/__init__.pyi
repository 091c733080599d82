# Written by python -m kedge.compat.stub_files.
from ayx_python_sdk import core as core
from ayx_python_sdk import providers as providers

__all__ = []
