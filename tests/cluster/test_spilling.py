"""Uploads in too little memory: a cluster writes parts of the table, and results, to its disks meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pytest
from distributed import Client, LocalCluster, wait
from rows import sha

import ikpipe.dask

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

ROWS, SIZE = 600, 20_000  # of which each file has this many bytes
SPILL = {"distributed.worker.memory.target": 0.005, "distributed.worker.memory.spill": 0.006}
"""Of the memory limit: Dask keeps 5 MB of the parts' 24 MB in memory."""


def some_rows(first: int) -> pd.DataFrame:
    """Return 30 rows with files."""
    files = [b"GIF89a%d" % row + os.urandom(SIZE) for row in range(first, first + 30)]
    column = pd.array(files, dtype=pd.ArrowDtype(pa.binary()))
    return pd.DataFrame({"sku": [f"s{row}" for row in range(first, first + 30)], "file": column})


def spilled(dask_worker: Any) -> float:
    """Return how many bytes a worker has written to its disk."""
    count: float = dask_worker.data.cumulative_metrics["disk-write", "bytes"]
    return count


def test_partitions_that_dask_spills_are_stored_once(
    emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the rows and their results: none is lost, and each has the details of its own file."""
    emulator = emulate()
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", emulator.private_key)
    local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "memory_limit": "1GiB"}
    with (
        dask.config.set(SPILL),
        LocalCluster(n_workers=2, threads_per_worker=1, **local) as cluster,
        Client(cluster) as client,
    ):
        frame = dd.from_map(some_rows, range(0, ROWS, 30)).persist()
        results = ikpipe.dask.upload(frame, emulator.account, file_name="{sku}.gif").persist()
        wait(results)
        assert sum(client.run(spilled).values()) > ROWS * SIZE
        found = results.compute()
    assert found["ik_status"].tolist() == ["uploaded"] * ROWS
    stored = {entry["file"]["sha256"]: entry["fileId"] for entry in emulator.log() if entry.get("stored")}
    assert len(stored) == sum(bool(entry.get("stored")) for entry in emulator.log()) == ROWS
    assert [stored[sha(content)] for content in found["file"]] == found["ik_file_id"].tolist()


@pytest.fixture(scope="module")
def spark_figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Let Spark upload the rows in a process of its own, since its memory is set at its start."""
    script = [sys.executable, Path(__file__).with_name("spilling.py"), tmp_path_factory.mktemp("spilling")]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=360)  # noqa: S603 - ours
    assert done.stdout, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def test_rows_that_spark_spills_are_stored_once(spark_figures: dict[str, Any]) -> None:
    """It writes to the disk before and after the upload; no row is lost, and each has a file of its own."""
    assert spark_figures["spilled"][0] > 0 < spark_figures["spilled"][1]
    assert spark_figures["statuses"] == {"uploaded": ROWS}
    assert spark_figures["files"] == ROWS
    assert spark_figures["stored"] == {"1": ROWS}


def test_the_user_interface_of_spark_has_no_secrets(spark_figures: dict[str, Any]) -> None:
    """Nor have plans and the event log: neither the private key nor a token is there."""
    assert spark_figures["with_uploads"] >= 3
    assert spark_figures["with_secrets"] == []
