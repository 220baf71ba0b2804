"""Parts of the uploader's Python interface: traits that are tables, its attributes, and its `repr`."""

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import traitlets

from ikpipe.errors import did_you_mean
from ikpipe.widget.rows import WidgetRow


class TableTrait(traitlets.TraitType[pd.DataFrame, pd.DataFrame]):
    """A read-only trait whose table is made by a method, each time it is read.

    It can be observed, and be the source of `traitlets.dlink`.
    """

    info_text = "a table"

    def __init__(self, method: Callable[[Any], pd.DataFrame]) -> None:
        super().__init__(read_only=True, help=method.__doc__)
        self._method = method

    def get(self, obj: traitlets.HasTraits, cls: type[Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 - traitlets
        """Return the table as it is now."""
        return self._method(obj)


def check_attribute(kind: type, name: str, keywords: Collection[str]) -> None:
    """Check that an attribute that is set exists; private ones belong to the frameworks.

    Raise `AttributeError` if it does not. For one of the keywords, it says where they belong, else it suggests a
    similar name.
    """
    if name.startswith("_") or hasattr(kind, name):
        return
    words = f"An {kind.__name__} has no attribute {name!r}"
    if name in keywords:
        fix = f"Pass it when you create the uploader: {kind.__name__}(account, {name}=…)."
        raise AttributeError(f"{words}. {fix}")
    public = [one for one in dir(kind) if not one.startswith("_")]
    raise AttributeError(f"{words}{did_you_mean(name, [*public, *keywords], cutoff=0.6)}.")


def describe(kind: str, name: str, counts: Mapping[str, int]) -> str:
    """Return the `repr` of an uploader of a name, with its files in each state: ``Uploader(3 files: 3 ready)``."""
    files = sum(counts.values())
    states = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    text = f"{files:,} {'file' if files == 1 else 'files'}: {states}" if files else "no files"
    return f"{kind}({f'{name!r}, ' if name else ''}{text})"


def saved_html(title: str, counts: Mapping[str, int], rows: Sequence[WidgetRow]) -> str:
    """Return what a saved notebook shows where there are no widgets: the number of rows in each state, and some rows.

    It has no links and no scripts.
    """
    total = sum(counts.values())
    states = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    head = f"{total:,} {'file' if total == 1 else 'files'}: {states}" if total else "No files"
    cells = [(row.view.name, row.view.folder or "/", ", ".join(row.view.tags), row.state) for row in rows]
    lines = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in cells]
    heads = "".join(f"<th>{name}</th>" for name in ("Name", "Folder", "Tags", "Status"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>" if lines else ""
    more = f"<p>and {total - len(lines):,} more</p>" if total > len(lines) > 0 else ""
    note = "<p><em>Run this cell to use the uploader.</em></p>"
    return f"<p><strong>{escape(title or 'ikpipe uploader')}</strong><br>{escape(head)}</p>{table}{more}{note}"


def csv_text(results: pd.DataFrame) -> str:
    """Return results as CSV, as `write_results` writes them."""
    from ikpipe.frames.io.results import write_csv

    stream = io.BytesIO()
    write_csv(results, stream)
    return stream.getvalue().decode()
