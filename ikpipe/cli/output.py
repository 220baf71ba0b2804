"""OUT: looked at before anything is sent, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from ikpipe._errors import Error
from ikpipe.cli.signals import held
from ikpipe.cli.wording import say
from ikpipe.tables.files import ending, needed

if TYPE_CHECKING:
    import pandas as pd

STANDARD = "-"
ENDINGS = ("csv", "jsonl", "parquet")


def ready(out: str, source: str | None = None, journal: str | None = None) -> None:
    """See that OUT can be written, as far as that can be seen beforehand.

    Parameters
    ----------
    out
        A path, or ``-`` for standard output.
    source, journal
        Files that OUT may not be.

    Raises
    ------
    Error
        Its ending is unknown, it is a folder or in none, it may not be written, or it is one of those files.
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
    for other, what in ((source, "input"), (journal, "journal")):
        if other is not None and _same(path, Path(other)):
            raise Error(f"{out} is the {what} itself, which is never overwritten; name another file.")


def _same(one: Path, other: Path) -> bool:
    """Tell whether two paths are one file, or will be."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def write(frame: pd.DataFrame, out: str) -> bool:
    """Write a frame to OUT, and tell whether it is there as a whole: a reader of standard output may leave early."""
    from ikpipe.tables.results import write_csv, write_results

    if out != STANDARD:
        with held():
            write_results(frame, out)
        return True
    try:
        write_csv(frame, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes it once more at the very end, which would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def rescue(frame: pd.DataFrame, out: str) -> None:
    """Keep in a temporary file what OUT would not take: the files are up, and nobody else knows where."""
    from ikpipe.tables.results import write_results

    path = Path(mkdtemp(prefix="ikpipe-")) / "results.csv"
    write_results(frame, path)
    name = "standard output" if out == STANDARD else out
    say(f"{name} did not take all results; they are in {path}")
