"""The protocol's messages, made from the .proto file alone: nothing of Kedge's own wire code is used here."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

_PROTO = Path(__file__).parents[2] / "src" / "kedge" / "wire" / "sdk_v2.proto"

CONTROL = "/sdk.SdkToolV2/Control"
RECORD_TRANSFER = "/sdk.SdkToolV2/RecordTransfer"


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    includes = Path(grpc_tools.__file__).parent / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "descriptors"
        arguments = ["protoc", f"-I{_PROTO.parent}", f"-I{includes}", "--include_imports"]
        assert protoc.main([*arguments, f"--descriptor_set_out={output}", str(_PROTO)]) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


@functools.cache
def message_class(name: str) -> Any:
    """The class of a message of package ``sdk``."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"sdk.{name}"))
