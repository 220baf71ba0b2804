"""How many rows per second a cluster of n workers uploads, compared with the formula of `docs/cluster.md`.

``python tests/benchmarks/workers.py [--flight N] [--latency SECONDS] [--capacity N] [--rows N] [WORKERS …]`` uploads
with Dask to a server that takes the latency for each upload, and processes a number of uploads at once. Each worker has
`flight` uploads in flight, and uploads four partitions of `rows` rows.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import dask.dataframe as frames
import pandas as pd
import pyarrow as pa
from bench_upload import PATH, PRIVATE, PUBLIC
from distributed import LocalCluster, wait
from fake_service import fake_service

import ikpipe.dask

PARTITIONS = 4  # of each worker


def calculated_rate(workers: int, options: argparse.Namespace) -> float:
    """Return the calculated rows per second: by uploads in flight, or by the capacity of the service."""
    rate: float = min(workers * options.flight, options.capacity) / options.latency
    return rate


def measured_rate(workers: int, options: argparse.Namespace) -> float:
    """Return the measured rows per second of an upload, after a few rows per worker."""
    with (
        fake_service(options.latency, options.capacity) as url,
        LocalCluster(workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        cluster.get_client(),
    ):
        account = ikpipe.Account(PUBLIC, PRIVATE, upload_url=url + PATH, api_url=url)

        def upload(rows: int) -> float:
            files = pd.array([b"GIF89a%d" % row for row in range(rows)], dtype=pd.ArrowDtype(pa.binary()))
            table = frames.from_pandas(pd.DataFrame({"file": files}), npartitions=PARTITIONS * workers)
            sending: dict[str, Any] = {"file_name": "a.gif", "concurrency": workers * options.flight}
            started = time.perf_counter()
            results = ikpipe.dask.upload(table, account, **sending).persist()
            wait(results)
            seconds = time.perf_counter() - started
            assert results["ik_status"].eq("uploaded").all().compute()
            return rows / seconds

        upload(10 * PARTITIONS * workers)
        return upload(options.rows * PARTITIONS * workers)


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workers", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--capacity", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=3_000)
    options = parser.parse_args()
    os.environ["IMAGEKIT_PRIVATE_KEY"] = PRIVATE
    print(f"{'workers':>7} {'rows/s':>8} {'calculated':>10}")  # noqa: T201 - its purpose
    for number in options.workers:
        print(f"{number:7} {measured_rate(number, options):8.1f} {calculated_rate(number, options):10.1f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
