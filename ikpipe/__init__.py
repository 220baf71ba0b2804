"""Upload tables of files to ImageKit.io.

Each package imports only from those below it in this list, and `lint-imports` checks that::

    cli          the command line; `cli.demo` is `ikpipe demo`
    dask, spark  uploads of Dask and Spark DataFrames
    cluster      uploads in parts, on any number of machines
    widget       `Uploader`, the uploader for notebooks
    delivery     `url`, and `gallery`, `summary` and `report`: results and problems for people
    webhooks     verify, parse, receive and apply webhooks
    auth         an `authenticationEndpoint` that signs upload tokens
    run          many rows: `upload`, `check`, `plan`, `sync`, `retry`, `resume`, `update`, `undo`
    journal      the record of a run on disk; the only package that uses sqlite3
    service      every call to ImageKit; the only package that uses httpx
    frames       read and write tables; the only package of the upload path that uses pandas
    request      one row's request and its reply, without a network or a clock
    concurrency  how many requests are in flight, how fast they start, and how a run stops
    asgi         shared code of the ASGI applications in `auth` and `webhooks`
    errors       the error tree, the texts of errors, and every code that a row can end with

`emulator` emulates ImageKit on this machine. It shares no code with the packages above.

`frames.chunks` reads a row, `frames.mapping` and `request.planner` build its request, `run.executor` sends it by
`service.client`, `request.reply` reads the reply, `request.recovery` decides on the next step, and `frames.results`
adds the result to the table. `run.engine` starts this, and `journal` records it.

Importing `ikpipe` imports none of these: each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ikpipe import auth, cluster, dask, emulator, spark, webhooks
    from ikpipe.delivery import url
    from ikpipe.delivery.gallery import gallery
    from ikpipe.delivery.reports import report, summary
    from ikpipe.errors import (
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
    from ikpipe.frames.io.results import read_results, write_results
    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.request.result import Result
    from ikpipe.request.token import sign
    from ikpipe.run.check import check
    from ikpipe.run.plan import plan
    from ikpipe.run.resume import resume
    from ikpipe.run.retry import retry
    from ikpipe.run.syncing.sync import sync
    from ikpipe.run.undo import undo
    from ikpipe.run.update import update
    from ikpipe.run.upload import aupload, aupload_file, upload, upload_file
    from ikpipe.service.edits import add_tags, delete, purge, remove_tags
    from ikpipe.service.listing import files
    from ikpipe.service.metadata_fields import create_metadata_fields, metadata_fields
    from ikpipe.service.refresh import refresh
    from ikpipe.widget import Uploader

    __version__: str

_HOMES = {
    "request.account": ("Account",),
    "errors": (
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
    "request.policy": ("Policy",),
    "request.result": ("Result",),
    "service.edits": ("add_tags", "delete", "purge", "remove_tags"),
    "run.check": ("check",),
    "request.token": ("sign",),
    "service.metadata_fields": ("create_metadata_fields", "metadata_fields"),
    "service.listing": ("files",),
    "delivery.gallery": ("gallery",),
    "delivery.reports": ("report", "summary"),
    "service.refresh": ("refresh",),
    "run.plan": ("plan",),
    "run.retry": ("retry",),
    "run.undo": ("undo",),
    "run.update": ("update",),
    "run.upload": ("aupload", "aupload_file", "upload", "upload_file"),
    "delivery": ("url",),
    "run.resume": ("resume",),
    "run.syncing.sync": ("sync",),
    "frames.io.results": ("read_results", "write_results"),
    "widget": ("Uploader",),
}
_PLACES = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("auth", "cluster", "dask", "emulator", "spark", "webhooks")

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
    "cluster",
    "create_metadata_fields",
    "dask",
    "delete",
    "emulator",
    "files",
    "gallery",
    "metadata_fields",
    "plan",
    "purge",
    "read_results",
    "refresh",
    "remove_tags",
    "report",
    "resume",
    "retry",
    "sign",
    "spark",
    "summary",
    "sync",
    "undo",
    "update",
    "upload",
    "upload_file",
    "url",
    "webhooks",
    "write_results",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import ikpipe` is fast."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ikpipe")
    if name in _MODULES:
        return import_module(f"ikpipe.{name}")
    if name in _PLACES:
        return getattr(import_module(f"ikpipe.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'ikpipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
