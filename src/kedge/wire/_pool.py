"""The descriptor pool that holds the protocol's messages, apart from protobuf's process-wide one.

The messages live in the package ``sdk``, a name that other implementations of the protocol and raw clients
register too. protobuf refuses a second definition of a name in one pool, so in the process-wide pool
whichever module is imported second would fail. A pool of our own lets all of them live in one process.
"""

from __future__ import annotations

__all__ = ["private_pool"]

from google.protobuf import descriptor_pool, struct_pb2


def private_pool() -> descriptor_pool.DescriptorPool:
    """A new pool that knows ``google/protobuf/struct.proto``, the only file that the protocol imports."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    return pool
