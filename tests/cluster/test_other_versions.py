"""Running clusters whose workers have another version of ikpipe than the driver."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
import pytest
from distributed import Client, LocalCluster
from doubles import uploads_of
from parts import installed

import ikpipe
import ikpipe.dask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ikpipe.emulator import Emulator

OTHER = "0.1.9"
NOTHING = {"upload": "rows of this part were not sent", "update": "files of this part were not changed"}


@contextmanager
def dask_worker(scheduler: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a worker of a cluster as its command does, with other variables."""
    command = [sys.executable, "-m", "dask", "worker", scheduler, "--host", "127.0.0.1", "--no-dashboard"]
    process = subprocess.Popen(  # noqa: S603 - Dask
        [*command, "--nthreads", "1", "--no-nanny", "--local-directory", folder],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("function", NOTHING)
def test_a_dask_worker_with_another_version_says_so(
    function: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """The driver raises its error, with both versions and what to do; nothing is sent."""
    emulator = emulate()
    files = pd.array([b"GIF89a%d" % row for row in range(6)], dtype=pd.ArrowDtype(pa.binary()))
    frame = dd.from_pandas(pd.DataFrame({"file": files, "file_id": [*"abcdef"]}), npartitions=2)
    options = {"upload": {"file_name": "a.gif", "ignore": ["file_id"], "rate": 50.0}, "update": {"description": "x"}}
    environment = {**installed(tmp_path, OTHER), "IMAGEKIT_PRIVATE_KEY": emulator.private_key}
    local = {"n_workers": 0, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(**local) as cluster,
        Client(cluster) as client,
        dask_worker(cluster.scheduler_address, tmp_path, environment),
    ):
        client.wait_for_workers(1, timeout=120)
        work = getattr(ikpipe.dask, function)
        with pytest.raises(ikpipe.Error) as caught:
            work(frame, emulator.account, **options[function]).compute()
    message = str(caught.value)
    assert f"This {function} was prepared by ikpipe {ikpipe.__version__}, but the machine " in message
    assert f"has ikpipe {OTHER}. The {NOTHING[function]}. Install the same version" in message
    assert uploads_of(emulator) == []


SPARK = """
import os, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
import ikpipe, ikpipe.spark
from pyspark.errors import PySparkException
from sessions import session

_, _, upload_url, api_url, public_key = sys.argv
account = ikpipe.Account(public_key, os.environ["IMAGEKIT_PRIVATE_KEY"], upload_url=upload_url, api_url=api_url)
spark = session("local[2]")
rows = spark.range(0, 6, 1, 2).selectExpr("encode(concat('GIF89a', id), 'UTF-8') AS file")
try:
    ikpipe.spark.upload(rows, account, file_name="a.gif").collect()
except PySparkException as error:
    print(error)
spark.stop()
"""


def test_a_spark_worker_with_another_version_says_so(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The action raises an error that has the worker's; nothing is sent."""
    emulator, python = emulate(), tmp_path / "python"
    account, path = emulator.account, installed(tmp_path, OTHER)["PYTHONPATH"]
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{path}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    python.chmod(0o700)
    given = [os.pathsep.join(sys.path), account.upload_url, account.api_url, account.public_key]
    environment = {**os.environ, "IMAGEKIT_PRIVATE_KEY": emulator.private_key, "PYSPARK_PYTHON": str(python)}
    command = [sys.executable, "-c", SPARK, *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert f"ikpipe.errors.Error: This upload was prepared by ikpipe {ikpipe.__version__}, but" in done.stdout, (
        done.stderr
    )
    assert f"has ikpipe {OTHER}. The {NOTHING['upload']}. Install the same version" in done.stdout
    assert uploads_of(emulator) == []
