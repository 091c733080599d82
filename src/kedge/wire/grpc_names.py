"""How the service is called and how its channels are set, on both ends."""

from __future__ import annotations

__all__ = ["CHANNEL_OPTIONS", "CONTROL_METHOD", "RECORDS_METHOD", "SERVICE_NAME"]

SERVICE_NAME = "sdk.SdkToolV2"
CONTROL_METHOD = "Control"
RECORDS_METHOD = "RecordTransfer"

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.enable_http_proxy", 0),
)
