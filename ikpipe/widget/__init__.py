"""`ikpipe.Uploader`: pick, look, mend, send and see, in a notebook.

::

    messages.py  what a browser says, checked
    rows.py      a row: where its file is, what was edited, how it is
    lines.py     what pages say, in its order and once
    shelf.py     all rows: by id, counted, which have changed
    sheet.py     the table as it was edited, as a frame and a mapping
    checks.py    rows as they are shown, and what is wrong with them
    page.py      what browsers were asked to post, and what they say of it
    wire.py      the browser as transport: posts as it is told, and is not believed without proof
    runs.py      runs in threads of their own, by the same engine as any upload
    looks.py     previews of files on the kernel's side
    adopting.py  rows of a kernel that is gone, whose files a page still has
    beat.py      what is told of many changes, some at a time
    desk.py      what a browser asks for, done
    uploader.py  the widget: its traits, and what Python sees of it
    static/      what runs in the browser; `order.txt` says how the pieces are joined

The private key never leaves the kernel, and the bytes of a picked file never reach it: the browser posts the very texts
that were signed here, and its rows are rows of the engine like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe._errors import MissingExtra

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
