# Written by python -m kedge.compat.stub_files.
from kedge.sdk.fields import Field as Field
from kedge.sdk.fields import FieldType as FieldType
from kedge.sdk.fields import Locale as Locale

__all__ = ['Field', 'FieldType', 'Locale']
