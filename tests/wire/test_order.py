"""What a process that waits is told: read as it was written, and anything else refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge import ProtocolError
from kedge.wire.order import Order, decode_order, encode_order

# Surrogates too: a variable may hold bytes that are no Unicode.
TEXT = st.text(st.characters(codec=None))


@given(st.lists(TEXT), st.dictionaries(TEXT, TEXT))
def test_an_order_is_read_as_it_was_written(arguments: list[str], environment: dict[str, str]) -> None:
    order = Order(arguments, environment)
    assert decode_order(encode_order(order)) == order


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], "has arguments and environment, and nothing else"),
        ({"arguments": []}, "has arguments and environment, and nothing else"),
        ({"arguments": [], "environment": {}, "pickle": ""}, "has arguments and environment, and nothing else"),
        ({"arguments": "abc", "environment": {}}, "no list of strings"),
        ({"arguments": [1], "environment": {}}, "no list of strings"),
        ({"arguments": [], "environment": []}, "no object of strings"),
        ({"arguments": [], "environment": {"a": None}}, "no object of strings"),
    ],
)
def test_what_is_no_order_is_refused(found: object, text: str) -> None:
    with pytest.raises(ProtocolError, match=text):
        decode_order(json.dumps(found).encode())


def test_an_order_that_was_cut_off_is_refused_wherever() -> None:
    data = encode_order(Order(["a"], {"b": "c"}))
    for end in range(len(data)):
        with pytest.raises(ProtocolError, match=f"^{end} bytes came"):
            decode_order(data[:end])


@given(st.binary(max_size=64))
def test_no_bytes_end_in_another_error(data: bytes) -> None:
    try:
        decode_order(data)
    except ProtocolError:
        """As it should be."""
