"""Frames of files, and short ways to send them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd

import ikpipe
from ikpipe._frame import Collected, Plan, Row, Whole
from ikpipe.cli.report import Tally

if TYPE_CHECKING:
    from ikpipe import Account, Result


RETRIES = 5
"""As many as `upload` makes where nobody says; so often one token goes out again, where nobody can look."""


def result_frame(frame: pd.DataFrame, results: list[Result], summary: dict[str, Any]) -> pd.DataFrame:
    """Set results beside their rows."""
    feed = Whole(frame)
    sink = Collected(feed)
    for chunk in feed.chunks():
        sink.take(sink.prepare(chunk, results[chunk.start : chunk.start + len(chunk.frame)]))
    return sink.close(summary)


def summed_up(frame: pd.DataFrame, results: list[Result], about: dict[str, Any]) -> Tally:
    """Count results as the command line does."""
    feed = Whole(frame)
    tally = Tally(Collected(feed))
    for chunk in feed.chunks():
        tally.take(tally.prepare(chunk, results[chunk.start : chunk.start + len(chunk.frame)]))
    tally.close(about)
    return tally


def planned(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> list[Row]:
    """Read the parameters of all rows of a frame."""
    plan = Plan(frame.columns, columns, keywords)
    return [row for chunk in Whole(frame).chunks() for row in plan.rows(chunk)]


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
