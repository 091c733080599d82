# Written by python -m kedge.compat.stub_files.
from kedge.sdk.schemas import create_schema as create_schema
from kedge.sdk.schemas import set_metadata as set_metadata
from kedge.sdk.schemas import get_metadata as get_metadata
from kedge.sdk.schemas import decode_metadata as decode_metadata
from kedge.sdk.schemas import get_ayx_meta as get_ayx_meta
from kedge.sdk.schemas import is_spatial as is_spatial
from kedge.sdk.dates import to_date as to_date
from kedge.sdk.dates import to_datetime as to_datetime
from kedge.sdk.dates import to_time as to_time
from kedge.sdk.fields import Field as Field
from kedge.sdk.fields import FieldType as FieldType
import pyarrow as pa
from typing import Dict as Dict
from datetime import datetime as datetime

__all__ = ['create_schema', 'set_metadata', 'get_metadata', 'decode_metadata', 'get_ayx_meta', 'is_spatial', 'to_date', 'to_datetime', 'to_time', 'Field', 'FieldType', 'pa', 'Dict', 'datetime']
