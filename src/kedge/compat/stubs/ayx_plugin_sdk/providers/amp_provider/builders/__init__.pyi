# Written by python -m kedge.compat.stub_files.
from ayx_plugin_sdk.providers.amp_provider.builders import metadata_builder as metadata_builder
from kedge.compat.metadata_builder import MetadataBuilder as MetadataBuilder

__all__ = ['MetadataBuilder']
