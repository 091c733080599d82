# Written by python -m kedge.compat.stub_files.
from kedge.compat.v1.plugin import register_plugin as register_plugin

__all__ = ['register_plugin']
