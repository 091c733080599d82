# Written by python -m kedge.compat.stub_files.
from kedge.service.__main__ import main as main

__all__ = ['main']
