# Written by python -m kedge.compat.stub_files.
from kedge.sdk.fields import Metadata as Metadata
from kedge.sdk.fields import Field as Field
from kedge.sdk.fields import FieldType as FieldType

__all__ = ['Metadata', 'Field', 'FieldType']
