"""What a row costs where an engine does the parts of an upload, beside the same upload without one.

The contestants send to one server, which answers at once. An engine runs in a process of its own, where it has started
and its workers have done a part each before the clock does: what is timed is the upload. The processors' time is that
of all processes but the server's. ``python bench_cluster.py ENGINE URL ROWS`` is that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import psutil
import pyarrow as pa
from bench import Contest
from bench_upload import GIF, PATH, PRIVATE, PUBLIC
from fake_service import fake_service

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLIGHT = 64
TASKS = 2
SENDING: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "folder": "/products/acme/",
    "tags": "shoe,summer",
    "concurrency": FLIGHT,
}


def account(url: str) -> ikpipe.Account:
    """Give an account with a server."""
    return ikpipe.Account(PUBLIC, PRIVATE, upload_url=url + PATH, api_url=url)


@contextmanager
def without_engine(rows: int) -> Iterator[Callable[[], object]]:
    """Upload a frame, as everybody does."""
    frame = _table(rows, object)
    with fake_service() as url:
        yield lambda: ikpipe.upload(frame, account(url), progress=False, **SENDING)


def _table(rows: int, dtype: Any) -> pd.DataFrame:
    return pd.DataFrame({"sku": [str(row) for row in range(rows)], "file": pd.Series([GIF] * rows, dtype=dtype)})


@contextmanager
def engine(rows: int, *, name: str) -> Iterator[Callable[[], object]]:
    """Upload a frame of an engine's, in a process of its own."""
    with fake_service() as url, engine_process(name, url, rows) as (ask, answers):

        def run() -> None:
            ask.write("go\n")
            ask.flush()
            assert answers.readline() == "done\n"

        assert answers.readline() == "ready\n"
        yield run


@contextmanager
def engine_process(*words: Any) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run this file, and give the ways to it and back; it ends when nothing more is said."""
    environment = {**os.environ, "IMAGEKIT_PRIVATE_KEY": PRIVATE}
    command = [sys.executable, __file__, *map(str, words)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:  # noqa: S603 - ours
        assert process.stdin
        assert process.stdout
        with process.stdin as ask:
            yield ask, process.stdout


def processors() -> float:
    """Give the seconds of this process and of all under it, but for the server."""
    times = os.times()
    total = time.process_time() + times.children_user + times.children_system
    for process in psutil.Process().children(recursive=True):
        try:
            if not any("fake_service.py" in word for word in process.cmdline()):
                total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:  # whoever waited for it has its time
            continue
    return total


def spark(url: str, rows: int) -> Callable[[], object]:
    """Upload in Spark's tasks; the results stay there."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = import_module("pyspark.sql").SparkSession.builder.master(f"local[{TASKS}]")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.ui.enabled", "false").getOrCreate()

    def upload(rows: int) -> None:
        frame = session.range(0, rows, 1, TASKS).selectExpr(
            "CAST(id AS STRING) AS sku", f"unhex('{GIF.hex()}') AS file"
        )
        ikpipe.spark.upload(frame, account(url), **SENDING).write.format("noop").mode("append").save()

    upload(100 * TASKS)
    return lambda: upload(rows)


def dask(url: str, rows: int) -> Callable[[], object]:
    """Upload on a cluster of processes; the results stay there."""
    frames, distributed = import_module("dask.dataframe"), import_module("distributed")
    cluster = distributed.LocalCluster(TASKS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")
    client = cluster.get_client()

    def upload(rows: int) -> None:
        frame = client.persist(frames.from_pandas(_table(rows, pd.ArrowDtype(pa.binary())), npartitions=TASKS))
        distributed.wait(ikpipe.dask.upload(frame, account(url), **SENDING).persist())

    upload(100 * TASKS)
    return lambda: upload(rows)


ENGINES = {"dask": dask, "spark": spark}
CONTESTS = [
    Contest(
        f"an upload by {TASKS} workers, {FLIGHT} in flight",
        20_000,
        {"no engine": without_engine, "Dask": partial(engine, name="dask"), "Spark": partial(engine, name="spark")},
        processors=processors,
    )
]

if __name__ == "__main__":
    go = ENGINES[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    go()
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.readline()
