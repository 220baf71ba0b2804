"""Names in the journal of a run that was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from crashing import SWIFT, killed
from doubles import uploads_of
from rows import blobs, chunks, jobs_of

import ikpipe
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


@pytest.mark.parametrize("names", ["keep", "replace"])
@pytest.mark.parametrize("unique", [True, False])
def test_an_older_journal_s_token_is_sent_again_with_its_strings(
    emulate: Callable[..., Emulator],
    tmp_path: Path,
    names: str,
    unique: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A run that sent names as given died in the middle; one that replaces them finishes it."""
    emulator, path = emulate(names=names), tmp_path / "run"
    options = {"file_name": "a b.bin", "use_unique_file_name": unique, "journal": path, "policy": AS_GIVEN}
    assert killed(ikpipe.upload, "before a request", 1, blobs(b"1"), emulator.account, **options)
    results = ikpipe.resume(path, emulator.account, policy=SWIFT, progress=False)
    (entry,) = uploads_of(emulator)
    assert entry["fields"]["fileName"].startswith("a b")
    assert (results["ik_status"].tolist(), len(stored(emulator))) == (["uploaded"], 1)
