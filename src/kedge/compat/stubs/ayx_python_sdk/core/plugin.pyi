# Written by python -m kedge.compat.stub_files.
from kedge.compat.v1.plugin import Plugin as Plugin

__all__ = ['Plugin']
