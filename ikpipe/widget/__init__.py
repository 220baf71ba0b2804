"""`ikpipe.Uploader`: pick, edit, upload and view files in a notebook.

::

    uploader.py         the widget: its traits, its messages from and to pages
    python_interface.py what Python reads of it and does with it
    interface.py        traits that are tables, unknown attributes, the `repr`, and what a saved notebook shows
    settings.py         the settings that all rows share, as a page gets them
    controller.py       carries out what a page or Python asks for
    adding.py           adds the rows that a page asks for
    duplicates.py       finds rows with the same content or target, and files that the library has
    table_rows.py       rows of a table that was dropped in a page
    table_columns.py    what its columns may be
    table_messages.py   messages about it
    extensions.py       the extension that a new name keeps
    folder_files.py     files of the uploader's folder that a page adds by a pattern
    folder_messages.py  messages about them
    naming.py           whether a page may let a file replace one of the library
    duplicate_messages.py  messages about them
    content_hashes.py   hashes of files that Python can read, as pages make them
    library_check.py    searches the library for files at the targets of rows, in the background
    messages.py         messages from a page, read and validated
    message_fields.py   the fields of these messages
    message_order.py    accepts each message of a page once and in sequence
    rows.py             a row: its file, edits and state
    row_store.py        all rows: by id, counted by state, and which of them changed
    row_editor.py       edits and removals of rows by the user
    renaming.py         new names from a template
    history.py          undo and redo
    library_changes.py  changes of files in the library that pages ask for
    library_requests.py  reading and deleting files by their ids
    stored_files.py     makes these changes, in a thread
    picked_files.py     files that were picked in a browser
    picture_edits.py    what a page does to a picture before its upload
    edited_table.py     the rows as one frame, with its mapping
    links.py            URLs that a page adds
    labeled_rows.py     the rows and their results as tables for Python, and the rows that Python names
    row_changes.py      rows that Python adds, edits and removes
    adoption.py         rows of a kernel that has ended, whose files a page still has
    own_columns.py      the table's own columns, for pages
    validation.py       validates rows while they are edited
    reasons.py          names why a row has a problem, which a page says in its own language
    runs.py             uploads rows in a separate thread, by the same engine as `ikpipe.upload`
    browser_client.py   the client of a run: lets browsers upload their files, and verifies the results
    confirmations.py    confirms uploads that pages report, in batches
    browser_uploads.py  what pages were asked to upload, their progress and results
    run_totals.py       the totals of the runs
    sliding_rate.py     the rate of the last seconds
    previews.py         thumbnails and large previews of files that Python can read
    notifier.py         reports changes at a limited rate
    assets.py           joins the script and the style sheet
    static/             ES modules and style sheets that run in the browser; `static/languages/` has the texts

The private key never leaves the kernel, and the bytes of a picked file never reach it: the browser sends exactly the
texts that were signed here, and its rows are rows of the engine like any other.
"""

from typing import TYPE_CHECKING, Any

from ikpipe.errors import MissingExtra

if TYPE_CHECKING:
    from ikpipe.widget.uploader import Uploader

__all__ = ["Uploader"]


def __getattr__(name: str) -> Any:
    """Load the widget, or raise an error that names the extra it needs."""
    if name != "Uploader":
        raise AttributeError(f"module 'ikpipe.widget' has no attribute {name!r}")
    try:
        from ikpipe.widget.uploader import Uploader
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        raise MissingExtra.for_extra("widget", "The uploader") from None
    return Uploader
