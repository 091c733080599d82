"""The ``kedge`` command and its groups."""

from __future__ import annotations

import gc
import io
import sys

import typer

import kedge
from kedge.cli import bench, build, conformance, dev, doctor, flow, install, migrate, new, new_ui, old_verbs, tool
from kedge.cli.exits import output_read_to_its_end

__all__ = ["main"]

app = typer.Typer(
    name="kedge",
    help="Write, run and test the tools of data workflows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
tool.app.command("test")(conformance.check_tool)
app.add_typer(tool.app, name="tool")
new.app.command("ui")(new_ui.new_ui)
app.add_typer(new.app, name="new")
app.add_typer(bench.app, name="bench")
app.command("run")(flow.run)
app.command("check")(flow.check)
app.command("build")(build.build)
app.command("install")(install.install)
app.command("uninstall")(install.uninstall)
app.command("dev", context_settings={"ignore_unknown_options": True})(dev.dev)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
old_verbs.add_to(app)


@app.command()
def version() -> None:
    """Print Kedge's version."""
    print(kedge.__version__)


_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""What is imported and planned stays; to look for garbage in it after every 700 objects takes a tenth of the time."""


def main() -> None:
    """Run the command line; exits with the codes of :mod:`kedge.cli.exits`."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    _take_any_text()
    with output_read_to_its_end():
        app()


def _take_any_text() -> None:
    """What a stream cannot show becomes ``?``, so that no run ends by what its tool says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
