"""Names in the journal of a run that was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crashing import SWIFT, killed
from doubles import uploads_of
from naming import AS_GIVEN, stored
from rows import blobs

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


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
