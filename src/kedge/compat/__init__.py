"""Tools that were written for the other SDK: its names, its version 1, its test service.

Importing this package imports nothing else. :mod:`kedge.compat.alias` makes the other SDK's names resolve to Kedge's
objects, :mod:`kedge.compat.v1` runs tools of SDK V1, :mod:`kedge.compat.testing` has ``SdkToolTestService``.
"""

from __future__ import annotations

__all__: list[str] = []
