"""OUT: looked at before anything is sent, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe._errors import Error
from ikpipe._files import ending, needed
from ikpipe.cli.signals import held
from ikpipe.cli.wording import say

if TYPE_CHECKING:
    import pandas as pd

STANDARD = "-"
ENDINGS = ("csv", "jsonl", "parquet")
_CHUNK = 10_000  # rows turned into text at once


def ready(out: str, source: str = STANDARD) -> None:
    """See that OUT can be written, as far as that can be seen beforehand.

    Parameters
    ----------
    out
        A path, or ``-`` for standard output.
    source
        A file that OUT may not be.

    Raises
    ------
    Error
        Its ending is unknown, it is a folder or in none, it may not be written, or it is the source.
    """
    if out == STANDARD:
        return
    if ending(out, ENDINGS) == "parquet":
        needed("pyarrow", "parquet", f"Writing {out}")
    path = Path(out)
    if path.is_dir():
        raise Error(f"{out} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise Error(f"{out}: the folder {path.parent} does not exist; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise Error(f"{out}: the folder {path.parent} may not be written to; choose another.")
    if source != STANDARD and path.exists() and Path(source).exists() and path.samefile(source):
        raise Error(f"{out} is the input itself, which is never overwritten; name another file.")


def write(frame: pd.DataFrame, out: str) -> None:
    """Write a frame to OUT."""
    from ikpipe.results import write_results

    if out != STANDARD:
        with held():
            write_results(frame, out)
        return
    try:
        _print(frame)
    except BrokenPipeError:
        say("standard output was closed before all rows were written")
        # Python flushes it once more at the very end, which would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print(frame: pd.DataFrame) -> None:
    from ikpipe.results.text import Layout

    layout, stream = Layout.of(frame), sys.stdout.buffer
    stream.write(layout.csv_header().encode())
    for start in range(0, len(frame), _CHUNK):
        stream.write(layout.csv_text(frame.iloc[start : start + _CHUNK]).encode())
    stream.flush()
