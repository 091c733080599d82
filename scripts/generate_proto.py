"""Generate ``kedge.wire.sdk_v2_pb2`` and its type stub from ``sdk_v2.proto``, or check that they are current.

    python scripts/generate_proto.py            write both files
    python scripts/generate_proto.py --check    write nothing; exit 1 with a diff where a file is not current

The generator is pinned, because protobuf's runtime refuses code that a newer generator wrote: grpcio-tools
1.73.1 writes code of protobuf 6.31.0, the oldest runtime that Kedge supports, and every later 6.x and 7.x
runtime accepts it. ``uv`` runs it in an environment of its own, so the version that the project's environment
holds does not matter.

A few lines of the output are changed: the file goes to a descriptor pool of its own (see
``kedge/wire/_pool.py``).
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

GENERATOR = "grpcio-tools==1.73.1"
SOURCE_ROOT = Path(__file__).resolve().parent.parent / "src"
PROTO = "kedge/wire/sdk_v2.proto"
OUTPUTS = ("kedge/wire/sdk_v2_pb2.py", "kedge/wire/sdk_v2_pb2.pyi")

REPLACEMENTS = {
    "from google.protobuf import struct_pb2 as google_dot_protobuf_dot_struct__pb2\n": (
        "from kedge.wire._pool import private_pool as _private_pool\n"
    ),
    "DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(": ("DESCRIPTOR = _private_pool().AddSerializedFile("),
    "from google.protobuf import descriptor_pool as _descriptor_pool\n": "",
}


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate the protocol's message classes.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is not current")
    check = parser.parse_args().check
    generated = generate()
    return report_differences(generated) if check else write(generated)


def generate() -> dict[str, str]:
    """The text of every output, by its path below ``src``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [find_uv(), "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
        command += ["--with", GENERATOR, "python", "-m", "grpc_tools.protoc", f"-I{SOURCE_ROOT}"]
        command += [f"--python_out={folder}", f"--pyi_out={folder}", PROTO]
        subprocess.run(command, check=True)  # noqa: S603 - every word of it is ours
        texts = {name: Path(folder, name).read_text(encoding="utf-8") for name in OUTPUTS}
    return {name: use_private_pool(text) if name.endswith(".py") else text for name, text in texts.items()}


def find_uv() -> str:
    """The path of uv, from PATH or from beside the running interpreter."""
    found = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
    if found is None:
        sys.exit("uv is not installed; it runs the pinned protobuf generator: pip install uv")
    return found


def use_private_pool(text: str) -> str:
    """The generated module with its own descriptor pool in place of the process-wide one."""
    for old, new in REPLACEMENTS.items():
        if text.count(old) != 1:
            sys.exit(f"the generator's output does not hold this once, REPLACEMENTS must be adapted: {old!r}")
        text = text.replace(old, new)
    return text


def write(generated: dict[str, str]) -> int:
    """Write the outputs below ``src``."""
    for name, text in generated.items():
        (SOURCE_ROOT / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


def report_differences(generated: dict[str, str]) -> int:
    """Print a diff for every output that is not current; 1 when there is one."""
    code = 0
    for name, text in generated.items():
        path = SOURCE_ROOT / name
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        diff = list(difflib.unified_diff(current.splitlines(), text.splitlines(), name, "generated", lineterm=""))
        if diff:
            code = 1
            print("\n".join(diff), f"\n{name} is not current: run scripts/generate_proto.py", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
