"""What a part of one row costs, compared with two large parts: called in a process, and with Dask and Spark.

The server replies at once. Rows are parts but in the first contestant, so ms per row are ms per part. Each contestant
with a journal prints how many files it has for each part. "no upload" is the engine alone: its partitions are returned
as they are. An engine runs in its own process, as in ``bench_cluster.py``, and has uploaded before.
``python bench_parts.py ENGINE URL ROWS PARTS WORK`` runs the process of an engine.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench_cluster
import pandas as pd
import pyarrow as pa
from bench import Contest
from bench_cluster import account, dask_client, engine_process, processors, spark_session
from bench_upload import GIF
from fake_service import fake_service

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Upload = Callable[[int, int, str], object]

TASKS = bench_cluster.TASKS
NAMES: dict[str, Any] = {"file_name": "{sku}.gif", "folder": "/products/acme/", "tags": "shoe,summer"}
WORKS: dict[str, dict[str, Any]] = {
    "upload": {},
    "journal": {"key": "sku"},
    "journal, fixed names": {"key": "sku", "use_unique_file_name": False},
}


def table(rows: int) -> pd.DataFrame:
    """Return rows with a small file each."""
    files = pd.array([GIF] * rows, dtype=pd.ArrowDtype(pa.binary()))
    return pd.DataFrame({"sku": [str(row) for row in range(rows)], "file": files})


@contextmanager
def options(work: str, parts: int) -> Iterator[dict[str, Any]]:
    """Yield the keywords of an upload; afterwards, print how many files its journal has for each part."""
    with tempfile.TemporaryDirectory() as folder:
        yield {**NAMES, **WORKS[work], "journal": folder if work.startswith("journal") else None}
        if files := sum(path.suffix == ".jsonl" for path in Path(folder).rglob("*")):
            sys.stderr.write(f"{work}: {files / parts:.2f} files of the journal for each of {parts:,} parts\n")


@contextmanager
def in_process(rows: int, *, parts: int | None = None, work: str = "upload") -> Iterator[Callable[[], object]]:
    """Upload parts one after another; `parts` is their number, one for each row if it is None."""
    count = parts or rows
    frame = table(rows)
    pieces = [frame[rows * at // count : rows * (at + 1) // count] for at in range(count)]
    with fake_service() as url, options(work, count) as keywords:
        upload = cluster.prepare(account(url), slots=1, **keywords)
        yield lambda: [upload(piece) for piece in pieces]


def spark(url: str) -> Upload:
    """Return an upload by Spark's tasks, which keep the results."""
    session = spark_session()

    def upload(rows: int, parts: int, work: str) -> None:
        frame = session.range(0, rows, 1, parts).selectExpr(
            "CAST(id AS STRING) AS sku", f"unhex('{GIF.hex()}') AS file"
        )
        with options("upload" if work == "no upload" else work, parts) as keywords:
            if work == "no upload":
                results = frame.mapInArrow(lambda batches: batches, frame.schema)
            else:
                results = ikpipe.spark.upload(frame, account(url), **keywords)
            results.write.format("noop").mode("append").save()

    return upload


def dask(url: str) -> Upload:
    """Return an upload by a cluster of processes, which keep the results."""
    client = dask_client()
    frames, distributed = import_module("dask.dataframe"), import_module("distributed")

    def upload(rows: int, parts: int, work: str) -> None:
        frame = client.persist(frames.from_pandas(table(rows), npartitions=parts))
        with options("upload" if work == "no upload" else work, parts) as keywords:
            if work == "no upload":
                results = frame.map_partitions(pd.DataFrame.copy, meta=frame._meta)  # noqa: SLF001 - as ikpipe does
            else:
                results = ikpipe.dask.upload(frame, account(url), **keywords)
            distributed.wait(results.persist())

    return upload


@contextmanager
def engine(rows: int, *, name: str, parts: int | None = None, work: str = "upload") -> Iterator[Callable[[], object]]:
    """Upload partitions with an engine, in its own process; `parts` is their number, that of the rows if it is None."""
    with ExitStack() as stack:
        url = stack.enter_context(fake_service())
        stdin, stdout = stack.enter_context(engine_process(name, url, rows, parts or rows, work, program=__file__))

        def run() -> None:
            stdin.write("go\n")
            stdin.flush()
            assert stdout.readline() == "done\n"

        assert stdout.readline() == "ready\n"
        yield run


ENGINES = {"dask": dask, "spark": spark}


def _contest(name: str, rows: int, run: Any, *, idle: bool = True) -> Contest:
    """Return the contest of parts that are run in one way; `idle`: also of the engine alone."""
    contestants = {f"{TASKS} parts": partial(run, parts=TASKS), "one row each": run}
    contestants |= {f"one row each, {work}": partial(run, work=work) for work in WORKS if work != "upload"}
    if idle:
        contestants["one row each, no upload"] = partial(run, work="no upload")
    return Contest(name, rows, contestants, processors=processors)


CONTESTS = [
    _contest("parts of one row in a process", 500, in_process, idle=False),
    *(_contest(f"partitions of one row, {name.title()}", 1000, partial(engine, name=name)) for name in ENGINES),
]

if __name__ == "__main__":
    rows, parts, work = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    upload = ENGINES[sys.argv[1]](sys.argv[2])
    upload(100, TASKS, work)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    upload(rows, parts, work)
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.readline()
