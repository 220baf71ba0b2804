"""How many rows per second a cluster of n workers uploads, until the service is the limit.

``python tests/benchmarks/workers.py [WORKERS …]`` uploads with Dask to an emulator that takes LATENCY per upload and
processes CAPACITY uploads at once. Each worker has FLIGHT uploads in flight. Each figure is printed with the rate
calculated by the formula of `docs/cluster.md`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import dask.dataframe as frames
import pandas as pd
import pyarrow as pa
from distributed import LocalCluster, wait

import ikpipe.dask
from ikpipe.emulator import Emulator

LATENCY = 0.2  # s
CAPACITY = 32
KEYS = {"public_key": "public_bench", "private_key": "private_bench_long_enough_for_its_hash"}
FLIGHT = 8
SECONDS = 15  # duration of each measurement


def calculated_rate(workers: int) -> float:
    """Return the calculated rows per second: by uploads in flight, or by the capacity of the service."""
    return min(workers * FLIGHT, CAPACITY) / LATENCY


def measured_rate(workers: int) -> float:
    """Return the measured rows per second of an upload, after a few rows per worker."""
    with (
        Emulator(latency=LATENCY, capacity=CAPACITY, **KEYS) as emulator,
        LocalCluster(workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        cluster.get_client(),
    ):

        def upload(run: str, rows: int) -> float:
            files = pd.array([f"GIF89a{run}{row}".encode() for row in range(rows)], dtype=pd.ArrowDtype(pa.binary()))
            table = frames.from_pandas(pd.DataFrame({"file": files}), npartitions=2 * workers)
            options: dict[str, Any] = {"file_name": "a.gif", "concurrency": workers * FLIGHT}
            started = time.perf_counter()
            wait(ikpipe.dask.upload(table, emulator.account, **options).persist())
            return rows / (time.perf_counter() - started)

        upload("warm", 10 * workers)
        return upload("timed", round(calculated_rate(workers) * SECONDS))


if __name__ == "__main__":
    os.environ["IMAGEKIT_PRIVATE_KEY"] = KEYS["private_key"]
    print(f"{'workers':>7} {'rows/s':>8} {'calculated':>10}")  # noqa: T201 - its purpose
    for number in [int(word) for word in sys.argv[1:]] or (1, 2, 3, 4, 6, 8):
        print(f"{number:7} {measured_rate(number):8.1f} {calculated_rate(number):10.1f}", flush=True)  # noqa: T201
