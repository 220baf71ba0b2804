"""`ikpipe.Uploader`: pick, edit, upload and see files, in a notebook.

::

    uploader.py        the widget: its traits, and its Python interface
    controller.py      carries out what a browser asks for
    messages.py        messages of a browser, checked
    ordering.py        messages of a page in order, each once
    rows.py            a row: its file, its edits, its state
    row_store.py       all rows: by id, counted, which have changed
    sheet.py           the edited table as a frame and a mapping
    validation.py      rows as they are shown, and their problems
    runs.py            runs in threads of their own, by the same engine as any upload
    browser_posts.py   what browsers were asked to upload, and what they report
    browser_client.py  the browser as a client: uploads what it is told to, and is not believed without proof
    previews.py        previews of files that the kernel has
    notifier.py        many changes in few messages
    assets.py          script, style, settings and totals for the browser
    static/            ES modules and style sheets of the browser; `assets.py` joins them

The private key never leaves the kernel, and the bytes of a picked file never reach it: the browser posts the very texts
that were signed here, and its rows are rows of the engine like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe.errors import MissingExtra

if TYPE_CHECKING:
    from ikpipe.widget.uploader import Uploader

__all__ = ["Uploader"]


def __getattr__(name: str) -> Any:
    """Load the widget, or say which extra it needs."""
    if name != "Uploader":
        raise AttributeError(f"module 'ikpipe.widget' has no attribute {name!r}")
    try:
        from ikpipe.widget.uploader import Uploader
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        raise MissingExtra.for_extra("widget", "The uploader") from None
    return Uploader
