"""What the modules that every tool imports bring along."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("grpc", "google.protobuf", "pandas", "kedge.lifecycle", "kedge.tool_run", "asyncio")


@pytest.mark.parametrize("module", ["kedge.sdk.provider", "kedge.sdk.plugin"])
def test_importing_them_costs_no_transport_and_no_pandas(module: str) -> None:
    program = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == ""
