"""Frames of files, and short ways to send them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

import ikpipe
from ikpipe.errors import InvalidValue, Problem
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.results import ResultCollector

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from ikpipe import Account, Result
    from ikpipe.request.planner import RequestBuilder, UploadRequest
    from ikpipe.request.rows import MappedRows


RETRIES = 5
"""As many as `upload` makes where nobody says; so often one token goes out again, where nobody can look."""


def result_frame(frame: pd.DataFrame, results: list[Result], summary: dict[str, Any]) -> pd.DataFrame:
    """Set results beside their rows."""
    feed = InMemoryTable(frame)
    sink = ResultCollector(feed)
    for chunk in feed.chunks():
        sink.take(sink.prepare(chunk, results[chunk.start : chunk.start + len(chunk.frame)]))
    return sink.close(summary)


class Row(NamedTuple):
    """One row of `Rows`: each parameter's value, the column that gave it, and what could not be had."""

    label: Any
    position: int
    values: dict[str, Any]
    columns: dict[str, Hashable]
    trouble: list[tuple[str, InvalidValue]]
    rows: MappedRows

    @classmethod
    def all(cls, rows: MappedRows) -> list[Row]:
        """Part rows."""
        found = [cls(label, rows.start + at, {}, rows.columns(at), [], rows) for at, label in enumerate(rows.labels)]
        for parameter, values in rows.values().items():
            for row, value in zip(found, values, strict=True):
                if isinstance(value, InvalidValue):
                    row.trouble.append((parameter, value))
                elif value is not None:
                    row.values[parameter] = value
        return found

    def problem(self, parameter: str, bad: InvalidValue) -> Problem:
        """Name this row in a problem."""
        return self.rows.problem(self.position - self.rows.start, parameter, bad)


def chunks(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> list[MappedRows]:
    """Read a frame, chunk by chunk."""
    plan = ColumnMapping(frame.columns, columns, keywords)
    return [plan.rows(chunk) for chunk in InMemoryTable(frame).chunks()]


def planned(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> list[Row]:
    """Read the parameters of all rows of a frame."""
    return [row for rows in chunks(frame, columns, **keywords) for row in Row.all(rows)]


def jobs_of(
    planner: RequestBuilder, rows: Iterable[MappedRows], *names: dict[int, str]
) -> list[UploadRequest | list[Problem]]:
    """Plan all rows of some chunks."""
    return [job for some in rows for job in planner.build(some, *names)]


def sha(content: bytes) -> str:
    """Give the hash under which the emulator's log has a file."""
    return hashlib.sha256(content).hexdigest()


def blobs(*contents: bytes, **columns: list[Any]) -> pd.DataFrame:
    """Make a frame of files given as bytes."""
    return pd.DataFrame({"file": pd.Series(contents, dtype=object), **columns})


def quiet(frame: pd.DataFrame, account: Account, **options: Any) -> pd.DataFrame:
    """Upload without drawing."""
    return ikpipe.upload(frame, account, progress=False, **options)


def at(account: Account, url: str) -> Account:
    """Give the account with another server behind it."""
    return ikpipe.Account(account.public_key, account.private_key, upload_url=url, api_url=url)
