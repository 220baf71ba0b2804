"""Rows whose names are tested: planned, and as the library has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from rows import chunks, jobs_of

import ikpipe
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver

if TYPE_CHECKING:
    from ikpipe.emulator import Emulator

URL = "https://a.example/x.png"


AS_GIVEN = ikpipe.Policy(names="as_given", first_wait=0.02, index_lag=0.5, look_ups=0)


def plan(cells: dict[str, Any], names: Any = "stored", **keywords: Any) -> list[Any]:
    """Plan rows that have a sound file each."""
    frame = pd.DataFrame({"file": [URL] * len(next(iter(cells.values()))), **cells})
    return jobs_of(RequestBuilder(FileResolver(), names=names), chunks(frame, **keywords))


def fields(cells: dict[str, Any], names: Any = "stored", **keywords: Any) -> dict[str, str]:
    """Give the fields of one row."""
    (job,) = plan(cells, names, **keywords)
    assert isinstance(job, UploadRequest)
    return job.fields


def stored(emulator: Emulator) -> list[str]:
    """Give the paths of all stored files."""
    return sorted(ikpipe.files(emulator.account)["filePath"])
