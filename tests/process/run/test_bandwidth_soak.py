"""Many large uploads at a limited bandwidth, which takes two minutes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account

FILES, SIZE, RATE = 64, 20_000_000, 10_000_000


@pytest.mark.soak
def test_a_run_has_its_bandwidth_within_five_percent(account: Account, tmp_path: Path) -> None:
    """And no row times out or is sent twice. More time is no fault of ikpipe's on a loaded machine."""
    content = os.urandom(SIZE - 8)
    for number in range(FILES):
        (tmp_path / f"{number}.bin").write_bytes(content + number.to_bytes(8, "big"))
    frame = pd.DataFrame({"file": [f"{number}.bin" for number in range(FILES)]})
    began = time.monotonic()
    results = ikpipe.upload(frame, account, root=tmp_path, file_name="a.bin", bandwidth=RATE, progress=False)
    seconds, due = time.monotonic() - began, FILES * SIZE / RATE
    assert set(results["ik_status"]) == {"uploaded"}
    assert set(results["ik_attempts"]) == {1}
    assert 0.95 * due < seconds < 1.25 * due
