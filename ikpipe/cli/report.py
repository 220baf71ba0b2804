"""Problems and summaries for people: lines of text, fitted to a width."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe._errors import CODES
from ikpipe._progress import size
from ikpipe._result import SETTLED
from ikpipe.cli.wording import cut, in_options, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

FEW = 3  # examples of each code
_COLUMN = 20  # characters of a column's name


def problems(found: pd.DataFrame, rows: int, width: int) -> Iterator[str]:
    """Sum up what `ikpipe.check` found: the most frequent code first, each with a few of its rows.

    Parameters
    ----------
    found
        A row a problem.
    rows
        Rows of the table that was checked.
    width
        Characters of a line.
    """
    if found.empty:
        yield f"no problems in {_count(rows, 'row')}"
        return
    bad = found["position"].nunique()
    yield f"{_count(len(found), 'problem')} in {bad} of {_count(rows, 'row')} (the first row is row 0)"
    for code, group in _groups(found, "code"):
        columns = group["column"].astype(str).where(group["column"].notna(), "")
        yield ""
        yield from _explained(f"{len(group)} {code}", code, width)
        yield from _examples(group["row"], columns, group["message"] + "; " + group["fix"], width)


def summary(results: pd.DataFrame, width: int) -> Iterator[str]:
    """Sum up a run: how many rows are up, and for the others by code what to do about them."""
    about = results.attrs["ikpipe"]
    up = results["ik_status"].isin(SETTLED)
    sent = f", {size(about['bytes'])} sent from here" if about["bytes"] else ""
    stored = size(int(results.loc[up, "ik_size"].sum()))
    yield f"{up.sum()} of {_count(about['rows'], 'row')} up, {stored} stored{sent}, in {about['seconds']:.1f} s"
    yield "  " + ", ".join(f"{count} {status}" for status, count in results["ik_status"].value_counts().items())
    for code, group in _groups(results[~up], "ik_error"):
        yield ""
        statuses = "/".join(group["ik_status"].unique())
        yield from _explained(f"{len(group)} {statuses}, {code}", code, width)
        yield from _examples(group.index, [""] * len(group), group["ik_message"], width)


def _groups(frame: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Part a frame by a column's values, the most frequent first."""
    for value in frame[column].value_counts().index:
        yield value, frame[frame[column] == value]


def _examples(labels: Iterable[Any], columns: Iterable[Any], messages: Iterable[Any], width: int) -> Iterator[str]:
    """Show the first few rows, aligned, each on one line."""
    every = list(zip(labels, columns, messages, strict=True))
    shown = [
        (f"row {one_line(label)}", cut(one_line(column), _COLUMN), in_options(one_line(text)))
        for label, column, text in every[:FEW]
    ]
    widths = [max(len(cells[at]) for cells in shown) for at in (0, 1)]
    for row, column, text in shown:
        cells = [row.ljust(widths[0]), column.ljust(widths[1]), text]
        yield cut("    " + "  ".join(cell for cell in cells if cell), width)
    if len(every) > FEW:
        yield f"    and {_count(len(every) - FEW, 'more row')}"


def _explained(head: str, code: str, width: int) -> Iterator[str]:
    known = CODES.get(code)  # a results file can come from a later version
    text = f"{head}: {in_options(f'{known.meaning} {known.mend}')}" if known else head
    yield from wrap(text, width, initial_indent="  ", subsequent_indent="    ")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
