"""The order of a tool process that was started before anybody knew which tool it would serve.

A JSON object on its standard input, up to the end of it: ``arguments``, a list of strings, the command line of a tool
process (protocol version 2) without the interpreter; and ``environment``, an object of strings, every variable that the
process is to have. The pipe is private to host and process.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from kedge.exceptions import ProtocolError

__all__ = ["Order", "decode_order", "encode_order"]


class Order(NamedTuple):
    """What the process is to become."""

    arguments: list[str]
    environment: dict[str, str]


def encode_order(order: Order) -> bytes:
    """The bytes of an order, in ASCII; what is no Unicode in a variable survives."""
    return json.dumps(order._asdict()).encode("ascii")


def decode_order(data: bytes) -> Order:
    """Read an order. Raises ProtocolError for anything else, such as one that was cut off."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ProtocolError(f"{len(data)} bytes came as the order of a tool process, which are no JSON") from error
    if not isinstance(found, dict) or set(found) != set(Order._fields):
        raise ProtocolError(f"the order of a tool process has {' and '.join(Order._fields)}, and nothing else")
    arguments, environment = found["arguments"], found["environment"]
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        raise ProtocolError("the arguments in the order of a tool process are no list of strings")
    if not isinstance(environment, dict) or not all(isinstance(value, str) for value in environment.values()):
        raise ProtocolError("the environment in the order of a tool process is no object of strings")
    return Order(arguments, environment)
