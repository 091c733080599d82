# Written by python -m kedge.compat.stub_files.
from kedge.compat.metadata_builder import MetadataBuilder as MetadataBuilder

__all__ = ['MetadataBuilder']
