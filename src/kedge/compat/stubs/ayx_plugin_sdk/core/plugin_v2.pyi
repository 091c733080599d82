# Written by python -m kedge.compat.stub_files.
from kedge.sdk.plugin import PluginV2 as PluginV2
from kedge.sdk.constants import Anchor as Anchor

__all__ = ['PluginV2', 'Anchor']
