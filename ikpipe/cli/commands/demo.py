"""The command demo."""

from __future__ import annotations

from argparse import Namespace

from ikpipe.cli.options import Commands, add_command

HELP = """\
Uploads a small catalog of pictures to a local emulator, including rows with
mistakes. The folder then has results.csv, and results.html for a browser.

examples:
  ikpipe demo
  ikpipe demo -o /tmp/demo"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "upload a small catalog of pictures to a local emulator"
    command = add_command(every, "demo", demo, "[-o DIR]", purpose, HELP)
    command.add_argument(
        "-o", "--out", metavar="DIR", default="ikpipe-demo", help="folder for its files (default: ikpipe-demo)"
    )


def demo(options: Namespace) -> int:
    """`ikpipe demo`."""
    from pathlib import Path

    from ikpipe.cli.demo import run

    return run(Path(options.out))
