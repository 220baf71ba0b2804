"""What a row of a distributed upload costs with Dask and Spark, compared with the same upload without an engine.

The contestants send to a server that replies at once. An engine runs in its own process; it has started, and each
worker has uploaded a part, before the timing starts. Processor time is that of all processes except the server.
``python bench_cluster.py ENGINE URL ROWS`` runs the process of an engine.
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
    """Return an account of a server."""
    return ikpipe.Account(PUBLIC, PRIVATE, upload_url=url + PATH, api_url=url)


@contextmanager
def without_engine(rows: int) -> Iterator[Callable[[], object]]:
    """Upload a frame with `ikpipe.upload`."""
    frame = _table(rows, object)
    with fake_service() as url:
        yield lambda: ikpipe.upload(frame, account(url), progress=False, **SENDING)


def _table(rows: int, dtype: Any) -> pd.DataFrame:
    return pd.DataFrame({"sku": [str(row) for row in range(rows)], "file": pd.Series([GIF] * rows, dtype=dtype)})


@contextmanager
def engine(rows: int, *, name: str) -> Iterator[Callable[[], object]]:
    """Upload a frame with an engine, in its own process."""
    with fake_service() as url, engine_process(name, url, rows) as (stdin, stdout):

        def run() -> None:
            stdin.write("go\n")
            stdin.flush()
            assert stdout.readline() == "done\n"

        assert stdout.readline() == "ready\n"
        yield run


@contextmanager
def engine_process(*words: Any, program: str = __file__) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run a benchmark in a process, and yield its standard input and output; it ends when its input is closed."""
    environment = {**os.environ, "IMAGEKIT_PRIVATE_KEY": PRIVATE}
    command = [sys.executable, program, *map(str, words)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:  # noqa: S603 - ours
        assert process.stdin
        assert process.stdout
        with process.stdin as stdin:
            yield stdin, process.stdout


def processors() -> float:
    """Return the processor seconds of this process and its descendants, except the server."""
    times = os.times()
    total = time.process_time() + times.children_user + times.children_system
    for process in psutil.Process().children(recursive=True):
        try:
            if not any("fake_service.py" in word for word in process.cmdline()):
                total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:  # its time counts for the process that waited for it
            continue
    return total


def spark_session() -> Any:
    """Return a session whose tasks run in this process."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = import_module("pyspark.sql").SparkSession.builder.master(f"local[{TASKS}]")
    return builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.ui.enabled", "false").getOrCreate()


def spark(url: str, rows: int) -> Callable[[], object]:
    """Return an upload by Spark's tasks, which keep the results."""
    session = spark_session()

    def upload(rows: int) -> None:
        frame = session.range(0, rows, 1, TASKS).selectExpr(
            "CAST(id AS STRING) AS sku", f"unhex('{GIF.hex()}') AS file"
        )
        ikpipe.spark.upload(frame, account(url), **SENDING).write.format("noop").mode("append").save()

    upload(100 * TASKS)
    return lambda: upload(rows)


def dask_client() -> Any:
    """Return a client of a cluster of processes."""
    distributed = import_module("distributed")
    cluster = distributed.LocalCluster(TASKS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")
    return cluster.get_client()


def dask(url: str, rows: int) -> Callable[[], object]:
    """Return an upload by a cluster of processes, which keep the results."""
    frames, distributed, client = import_module("dask.dataframe"), import_module("distributed"), dask_client()

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
