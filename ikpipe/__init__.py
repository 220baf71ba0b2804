"""A table of files becomes an ImageKit.io media library.

The stations of a row, in order; each file imports only what stands before it::

    _errors      the error tree and the closed list of error codes
    _account     keys and addresses
    _policy      what to believe of the service where nobody knows: every guess, by name
    _options     what a caller may say about the sending itself
    _result      what became of one row: the columns of a results frame
    _address     http(s) URLs as a browser would send them
    _parameters  the table of upload parameters: name, kind, limits → checked text fields
    _metadata    custom metadata against the account's fields
    _template    text with {column} in it
    _cells       a column's cells as plain Python values
    _frame       a table's chunks → rows, results → frame, a frame as text; the only one that knows pandas
    _source      what `file` can be: URL, path below a root, bytes, data URI
    _targets     which row of a run is stored where
    _suffix      what makes a name unique: of the run, and of what tells its rows apart
    _job         rows → fields and source, or their problems
    _token       fields → JWT
    _form        fields and file → a multipart body, framed once
    _reply       status, headers, body → result or refusal
    _body        a form on its way, in pieces; files read without holding up others
    _message     a request as bytes; time limits and states of an exchange
    _exchange    one request on one connection, and its answer; the only one that knows httptools
    _line        the network under uploads, as an httpx transport: connections opened and kept
    _send        one attempt; only it and what is under it know httpx
    _download    what this machine opens because a table says so: downloads and probes
    _spool       the files of downloads, until they are sent
    _public_hosts  which hosts may be opened for a table
    _library     the media API: search, metadata fields
    _proof       MACs that show who wrote a journal
    _format      the tables of a journal's file, and the way from an earlier format
    _inspection  whether a file is a journal, and this account's, before anything opens it to write
    _journal     what may have left and what came back, durable; the only one that knows sqlite3
    _shelf       a folder that several machines share
    _shared      a part of a run's table, and its journal there
    _row         one row to its end: retries, fence, look-up, as a state machine without a clock
    _past        what is known of rows from before: earlier results, the journal of a process that ended
    _limit       how many uploads may be in flight: a fixed number, or the one that does best
    _pace        when requests begin, and when retries may go
    _contact     what the first rows find out for all: whether the service answers, and accepts the keys
    _run         many rows: gates, groups, cancelling; besides _looks and the wire, the only one that knows asyncio
    _looks       look-ups of many rows, which share requests
    _trip        a row on its way: its job, what is known of it, where its file would be
    _travel      a row's steps, carried out: journalled, sent, looked for
    _progress    a run's progress, drawn
    _batches     results gathered chunk by chunk, and given on in the table's order
    _work        what a run is to do: its table and mapping, and what is known of its rows from before
    _keeper      a run's table on its way into the journal
    _session     a run: each row planned, sent on its way, its end counted and kept
    _prepare     before any row: the mapping read, the account asked for its metadata fields
    _archive     where journals are: begun, gone on with, found again, cleared away
    _engine      a run from its table to its results: what all that follows share
    _check       check: every problem of every row
    _files       files: the media library as a frame
    _changes     delete, add_tags, remove_tags, purge: what is in the library, mended and taken down
    _fields      metadata_fields, and those created that a frame's columns ask for
    _later       what is learnt of a row after its upload, folded into its result
    _refresh     refresh: pending extensions and pre-transformations, asked for
    _upload      upload, retry, upload_file

Leaves, which nothing above imports: `_gallery` (results as pictures; `_markup`, its HTML), `tables` (files of
tables), `widget` (the uploader of notebooks), `delivery` (URLs), `webhooks`, `auth` (the `authenticationEndpoint`; with
`webhooks` on `_asgi`), `cluster` (parts of an upload, wherever they are done; under `dask` and `spark`), `_java` (which
Spark runs on), `demo`, `cli`, and the package `emulator`, which shares no code with the client. Everything is loaded
when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ikpipe import auth, cli, cluster, dask, demo, emulator, spark, webhooks
    from ikpipe._account import Account
    from ikpipe._changes import add_tags, delete, purge, remove_tags
    from ikpipe._check import check
    from ikpipe._errors import (
        CODES,
        WARNINGS,
        AccountError,
        Error,
        JournalError,
        MappingError,
        MissingExtra,
        UploadError,
        WebhookError,
    )
    from ikpipe._fields import create_metadata_fields, metadata_fields
    from ikpipe._files import files
    from ikpipe._gallery import gallery
    from ikpipe._policy import Policy
    from ikpipe._refresh import refresh
    from ikpipe._result import Result
    from ikpipe._token import sign
    from ikpipe._upload import aupload, aupload_file, retry, upload, upload_file
    from ikpipe.delivery import url
    from ikpipe.tables.results import read_results, write_results
    from ikpipe.tables.resuming import resume
    from ikpipe.widget import Uploader

__version__ = "0.1.0"

_HOMES = {
    "_account": ("Account",),
    "_errors": (
        "CODES",
        "WARNINGS",
        "AccountError",
        "Error",
        "JournalError",
        "MappingError",
        "MissingExtra",
        "UploadError",
        "WebhookError",
    ),
    "_policy": ("Policy",),
    "_result": ("Result",),
    "_changes": ("add_tags", "delete", "purge", "remove_tags"),
    "_check": ("check",),
    "_token": ("sign",),
    "_fields": ("create_metadata_fields", "metadata_fields"),
    "_files": ("files",),
    "_gallery": ("gallery",),
    "_refresh": ("refresh",),
    "_upload": ("aupload", "aupload_file", "retry", "upload", "upload_file"),
    "delivery": ("url",),
    "tables.resuming": ("resume",),
    "tables.results": ("read_results", "write_results"),
    "widget": ("Uploader",),
}
_PLACES = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("auth", "cli", "cluster", "dask", "demo", "emulator", "spark", "webhooks")

__all__ = [
    "CODES",
    "WARNINGS",
    "Account",
    "AccountError",
    "Error",
    "JournalError",
    "MappingError",
    "MissingExtra",
    "Policy",
    "Result",
    "UploadError",
    "Uploader",
    "WebhookError",
    "add_tags",
    "aupload",
    "aupload_file",
    "auth",
    "check",
    "cli",
    "cluster",
    "create_metadata_fields",
    "dask",
    "delete",
    "demo",
    "emulator",
    "files",
    "gallery",
    "metadata_fields",
    "purge",
    "read_results",
    "refresh",
    "remove_tags",
    "resume",
    "retry",
    "sign",
    "spark",
    "upload",
    "upload_file",
    "url",
    "webhooks",
    "write_results",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: `import ikpipe` itself loads nothing heavy."""
    if name in _MODULES:
        return import_module(f"ikpipe.{name}")
    if name in _PLACES:
        return getattr(import_module(f"ikpipe.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'ikpipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
